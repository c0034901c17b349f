# SPDX-License-Identifier: BSD-2-Clause
"""Two clouds of 100,000 points to a certified gap: time and memory."""
from benchlib import number, table, verdict


def run(bench):
    n = bench.size(100000, 2000)
    rows = []
    for ranks, kind in ((1, ()), (2, ()), (2, ("-ot_type", "sinkhorn"))):
        r = bench.solve("-bench_n", n, "-bench_m", n, "-bench_eps_mean", 0.05, "-ot_gap_rel", 1e-3, *kind,
                        ranks=ranks, runs=1)
        rows.append((r["type"] if kind else f"default ({r['type']})", ranks, r["time_solve"], r["iterations"],
                     int(r["passes_all"]), float(n) ** 2 * r["passes_all"] / r["time_solve"] / ranks, r["gap_rel"],
                     verdict(r["gap_rel"], 1e-3, False), r["memory"] * 1e-6, verdict(r["memory"], 200e6, False)))
        eps = r["eps"]
    return table(("type", "ranks", "seconds", "iterations", "passes", "pairs/s/core", "certified gap", "<= 1e-3",
                  "MB a rank", "< 200"), rows) + \
        (f"\nn = m = {n:,}, d = 3: uniform in the cube against a Gaussian; epsilon = 0.05 of the mean cost = "
         f"{number(eps)}.\nSeconds and passes include epsilon-scaling and the final bounds, regularised and "
         "unregularised. One run each. Pairs\na second count pairs that the chunk boxes pass over.\n")
