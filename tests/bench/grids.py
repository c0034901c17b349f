# SPDX-License-Identifier: BSD-2-Clause
"""A separable half step on a grid: exponentials a second, and what windows save when epsilon is small."""
from benchlib import table, verdict


def run(bench):
    n = bench.size(512, 32)
    eps = "262144,16384,4096,1024,256,64,16,4,1,0.25" if not bench.quick else "1024,4,0.25"
    found = bench.json([bench.program("halfstep"), "-n", n, "-runs", 2 * bench.runs + 1, "-eps", eps])
    rows = [(r["eps"], 1e3 * r["median"], 1e3 * r["best"], r["all"] / r["best"], r["matter"] / (2 * n * n),
             r["matter"] / r["best"], found[0]["best"] / r["best"], r["all"] / r["matter"]) for r in found]
    rate = found[0]["all"] / found[0]["best"]
    text = table(("epsilon, pixel^2", "ms median", "best", "all pairs/s", "terms that matter", "of them/s", "speed-up",
                  "possible"), rows)
    text += "\n" + table(("exponentials/s/core, no windows", "measured", "target", "verdict"),
                         [(f"{n} x {n}, {found[0]['kernels']}", rate, 1e9, verdict(rate, 1e9))])
    text += (f"\nOne soft transform is two sweeps, {n} lines of {n} x {n} pairs each: {found[0]['all']:.3g} pairs. "
             "`Terms that matter` is w, the mean\nnumber of terms a sum and axis within 2^-64 of the largest, counted "
             "by plain loops; `speed-up` is against the largest\nepsilon, `possible` what it would be if a term that "
             "does not matter cost nothing and nothing else cost anything.\n")
    return text
