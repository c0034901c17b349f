# SPDX-License-Identifier: BSD-2-Clause
"""Sweeps of robust and penalised models against the nominal sweep of the same model in the same run, on one core: a
Garnet model that is larger than the caches, and one that lies in them. Warm: a sweep of value iteration after others.
"""
from benchlib import number, table, verdict

RADIUS, PENALTY = 0.1, 0.05
# kind, divergence, largest ratio that is wanted
WANTED = (("penalty", "tv", 2), ("penalty", "kl", 2), ("penalty", "pearson", None), ("ball", "tv", 2.5),
          ("ball", "l1", 2.5), ("ball", "pearson", 2.5), ("ball", "kl", 2.5))
OTHERS = tuple((kind, name, None) for name in ("burg", "jeffreys", "js", "neyman", "hellinger", "alpha")
               for kind in ("penalty", "ball"))
ALPHA = 0.5


def sweep(bench, states, *ambiguity, runs, times=1):
    """the best of several processes: where pages lie differs from one to the next"""
    return min((bench.json([bench.program("bellman"), "-problem", "garnet", "-garnet_n", states, "-cold", 6, "-runs",
                            runs, *ambiguity])[0] for _ in range(times)), key=lambda one: one["sweep"])


def size(bench, states, kinds):
    rows, runs = [], bench.size(9, 2)
    nominal = [sweep(bench, states, runs=runs)]
    for kind, name, target in kinds:
        option = ("-radius", RADIUS) if kind == "ball" else ("-penalty", PENALTY)
        one = sweep(bench, states, "-ambiguity", name, "-alpha", ALPHA, *option,
                    runs=runs if target else bench.size(3, 2), times=bench.runs if target else 1)
        if target:  # a quiet moment for one must not be missing for the other
            nominal.append(sweep(bench, states, runs=runs))
        rows.append((kind, name, one, target))
    best = min(n["sweep"] for n in nominal)
    cold = min(n["cold"] for n in nominal)
    out = [("", "none", best * 1e3, 1.0, "", "", 1.0)]
    for kind, name, one, target in rows:
        ratio = one["sweep"] / best
        out.append((kind, f"{name}, order {ALPHA:g}" if name == "alpha" else name, one["sweep"] * 1e3, ratio,
                    f"<= {target:g}" if target else "", verdict(ratio, target, least=False) if target else "",
                    one["cold"] / cold))
    megabytes = nominal[0]["bytes"] * 1e-6
    return table((f"n = {number(states)}, {number(megabytes)} MB", "divergence", "sweep, ms", "ratio", "target",
                  "verdict", "ratio of first sweeps"), out)


def run(bench):
    large, small = bench.size((100000, 3000), (2000, 300))
    text = size(bench, large, WANTED) + "\n" + size(bench, small, WANTED + OTHERS)
    return text + (f"\nGarnet models of 10 actions and 20 successors, discount 0.99, radius {RADIUS:g}, penalty "
                   f"{PENALTY:g}; best sweep of value iteration after six others\nagainst the best nominal one. First "
                   "sweeps: the mean of those six, from V = 0.\n")
