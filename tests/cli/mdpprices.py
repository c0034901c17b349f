#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Low prices of nature on a grid world, where agent and nature answer each other for long: few products, a certified
gap that fenchel verify confirms, and the values of sweeps, which need no solves."""
import os

import clitest

check = clitest.Checks()
MODEL = ("-problem", "gridworld", "-n", "30", "-mdp_discount", "0.99", "-overwrite")
PRICES = ("tv", "kl", "burg", "jeffreys", "js", "pearson", "neyman", "hellinger", "linf", "wasserstein", "alpha -2",
          "alpha 0.3", "alpha 1.5", "alpha 3")
WORK = 1400  # sweeps and products; sweeps over a policy's rows take some 2,800
RADII = ("alpha 1.5", "alpha 3", "alpha 5", "alpha 8")
WEAK = ("-mdp_penalty", "0.05", "-mdp_precondition", "none", "-mdp_inner_it", "1", "-mdp_view")  # solves that fail


def solve(folder, set_, *options):
    name, *order = set_.split()
    result, summary = os.path.join(folder, "v.h5"), os.path.join(folder, "v.json")
    run = clitest.run("mdp", *MODEL, "-mdp_ambiguity", name, *(("-mdp_alpha", order[0]) if order else ()), *options,
                      "-o", result, "-summary", summary)
    check.that(run.status == 0, f"{set_} {options} converges", run)
    return result, dict(clitest.read_json(summary), text=run.out)


with clitest.folder() as folder:
    for name in PRICES:
        result, found = solve(folder, name, "-mdp_penalty", "0.05")
        work = found["sweeps"] + found["matvecs"]
        check.that(work <= WORK, f"{name}: {work} sweeps and products, at most {WORK}")
        check.that(found["gap_rel"] <= 1e-6, f"{name}: gap {found['gap_rel']}")
        check.that(clitest.run("verify", result).status == 0, f"{name}: verify")
        if name in ("kl", "hellinger", "js", "alpha 3"):
            _, swept = solve(folder, name, "-mdp_penalty", "0.05", "-mdp_type", "mpi")
            check.that(swept["lower"] <= found["upper"] and found["lower"] <= swept["upper"],
                       f"{name}: [{found['lower']}, {found['upper']}] meets that of sweeps, [{swept['lower']}, "
                       f"{swept['upper']}]")
    for name in RADII:
        result, found = solve(folder, name, "-mdp_radius", "0.05")
        check.that(found["gap_rel"] <= 1e-6, f"{name}, ball: gap {found['gap_rel']}")
        check.that(clitest.run("verify", result).status == 0, f"{name}, ball: verify")
    for name, support, method in (("kl", "nominal", "mpi"), ("linf", "nominal", "mpi"), ("kl", "list", "ppi")):
        words = ("-mdp_support", support)  # answers are made eight at once, and one by one
        _, found = solve(folder, name, "-mdp_penalty", "0.05", *words)
        result, weak = solve(folder, name, *WEAK, *words)
        check.that(weak["method"] == method and f"chose {method}:" in weak["text"], f"{name}: chose {weak['method']}")
        check.that((method == "mpi") == ("but linear solves fail" in weak["text"]), f"{name}: {weak['text']}")
        check.that(weak["lower"] <= found["upper"] and found["lower"] <= weak["upper"],
                   f"{name}: [{weak['lower']}, {weak['upper']}] meets [{found['lower']}, {found['upper']}]")
        check.that(clitest.run("verify", result).status == 0, f"{name}, weak solves: verify")
check.finish()
