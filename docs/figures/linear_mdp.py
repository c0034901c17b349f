#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Repeats the published experiments of the simulated linear problem and of the American put with the command, prints
them beside the published curves, and draws them.

    docs/figures/linear_mdp.py BUILD_DIR [-o FOLDER] [-mode published|corrected|both]

published: with the deviations of the published programs from their papers (-mdp_published); corrected: without them.
Random numbers differ from the published ones, so that curves agree within their standard errors at best. The penalties
and radii of the put's curves were not published; those here are ours.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

SIMULATED = {  # figure 1(a): |xi| = 0.2, penalty 0.1, 20 replications
    "PEVI": (("pevi",),
             (1.545, 1.474, 1.391, 1.302, 1.228, 1.162, 1.090, .998, .913, .828, .748)),
    "R2PVI-TV": (("r2pvi", "-mdp_ambiguity", "tv", "-mdp_penalty", "0.1"),
                 (1.390, 1.345, 1.310, 1.283, 1.246, 1.208, 1.167, 1.125, 1.079, 1.046, 1.005)),
    "R2PVI-KL": (("r2pvi", "-mdp_ambiguity", "kl", "-mdp_penalty", "0.1"),
                 (1.397, 1.355, 1.315, 1.274, 1.227, 1.188, 1.154, 1.115, 1.071, 1.037, 1.000)),
    "R2PVI-chi2": (("r2pvi", "-mdp_ambiguity", "pearson", "-mdp_penalty", "0.1"),
                   (1.350, 1.329, 1.308, 1.291, 1.265, 1.238, 1.199, 1.168, 1.134, 1.109, 1.084))}
PUT = {  # figure 1(d) and 2; penalties and radii not published
    "PEVI": (("pevi",), (6.279, 5.020, 2.199, .295, 0)),
    "R2PVI-TV 5": (("r2pvi", "-mdp_ambiguity", "tv", "-mdp_penalty", "5"), (4.769, 4.319, 2.211, .572, 0)),
    "R2PVI-TV 2": (("r2pvi", "-mdp_ambiguity", "tv", "-mdp_penalty", "2"), (3.798, 3.304, 2.121, .870, 0)),
    "R2PVI-TV 1": (("r2pvi", "-mdp_ambiguity", "tv", "-mdp_penalty", "1"), (1.407, 1.318, 1.140, .877, .553)),
    "DRPVI 0.025": (("drpvi", "-mdp_radius", "0.025"), (4.960, 4.328, 2.164, .397, 0)),
    "DRPVI 0.05": (("drpvi", "-mdp_radius", "0.05"), (3.852, 3.278, 2.105, .841, 0)),
    "DRPVI 0.2": (("drpvi", "-mdp_radius", "0.2"), (1.493, 1.419, 1.203, .883, .553)),
    "VA-DRPVI 0.2": (("vadrpvi", "-mdp_radius", "0.2"), (2.296, 1.992, 1.351, .569, 0)),
    "VA-R2PVI-TV 1": (("var2pvi", "-mdp_penalty", "1"), (2.218, 1.982, 1.388, .591, 0))}
EXPERIMENTS = {
    "linear": (SIMULATED, ("-mdp_ridge", "0.1", "-mdp_pessimism", "1", "-mdp_replications", "20"), ()),
    # one starting price for all of a data set, and one for all tests: the first number of the seed
    "put": (PUT, ("-mdp_ridge", "1", "-mdp_pessimism", "0.1", "-mdp_replications", "20", "-put_together", "true"),
            ("-put_test_low", "99.17022004702574", "-put_test_high", "99.17022004702574"))}


def run(fenchel, problem, mode, method, common, place):
    summary = os.path.join(place, "s.json")
    words = [fenchel, "mdp", "-mdp_rectangular", "d", "-problem", problem, "-mdp_type", *method, *common,
             "-mdp_gap", "0", "-overwrite", "-summary", summary, *(("-mdp_published", problem) if mode else ())]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(result.stderr)
    with open(summary, encoding="utf-8") as file:
        found = json.load(file)
    targets = [key[7:] for key in found if key.startswith("reward_") and not key.endswith("_error")]
    return targets, [found["reward_" + t] for t in targets], [found[f"reward_{t}_error"] for t in targets]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="build tree, with bin/fenchel")
    parser.add_argument("-o", default="", help="folder for linear_mdp_PROBLEM.png; none: no pictures")
    parser.add_argument("-mode", default="both", choices=("published", "corrected", "both"))
    arguments = parser.parse_args()
    fenchel = os.path.join(arguments.build, "bin", "fenchel")
    modes = {"published": (1,), "corrected": (0,), "both": (1, 0)}[arguments.mode]
    with tempfile.TemporaryDirectory() as place:
        for problem, (methods, common, tests) in EXPERIMENTS.items():
            curves = []
            for mode in modes:
                print(f"\n{problem}, {'as the published program' if mode else 'as the papers say'}: "
                      f"mean reward, standard error, published")
                for name, (method, published) in methods.items():
                    targets, mean, error = run(fenchel, problem, mode, method, common + tests, place)
                    print(f"  {name:14s} " + "  ".join(f"{t}: {m:.3f} {e:.3f} ({p:g})" for t, m, e, p in
                                                      zip(targets, mean, error, published)), flush=True)
                    curves.append((mode, name, [float(t) for t in targets], mean, error, published))
            if arguments.o:
                draw(problem, modes, curves, arguments.o)


def draw(problem, modes, curves, folder):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, grid = plt.subplots(1, 1 + len(modes), figsize=(4 * (1 + len(modes)), 3.4), sharey=True,
                                constrained_layout=True)
    for k, axis in enumerate(grid):
        axis.set_title("published" if not k else "as the published program" if modes[k - 1] else "as the papers say",
                       fontsize=9)
        for j, (mode, name, targets, mean, error, published) in enumerate(c for c in curves
                                                                           if c[0] == modes[max(0, k - 1)]):
            style = {"marker": "osDX^v<>P"[j % 9], "ms": 3, "lw": 1, "label": name}
            if not k:
                axis.plot(targets, published, **style)
            else:
                axis.errorbar(targets, mean, yerr=error, capsize=2, **style)
        axis.grid(alpha=0.3)
        axis.set_xlabel("share of goals stolen" if problem == "linear" else "probability of a rise", fontsize=8)
    grid[0].set_ylabel("mean reward", fontsize=8)
    grid[-1].legend(fontsize=6)
    figure.savefig(os.path.join(folder, f"linear_mdp_{problem}.png"), dpi=80)


if __name__ == "__main__":
    main()
