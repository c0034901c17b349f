# SPDX-License-Identifier: BSD-2-Clause
"""Two ranks against one: both schedules of all pairs, a fixed number of Sinkhorn iterations."""
from benchlib import number, spread, table, verdict


def run(bench):
    n, iterations = bench.size(40000, 2000), 4

    def time(ranks, pairs):
        command = [bench.program("solve"), "-bench_n", n, "-bench_m", n, "-bench_eps_mean", 0.05, "-ot_type",
                   "sinkhorn", "-ot_eps_factor", 1, "-ot_sinkhorn_relax", 0, "-ot_max_it", iterations, "-ot_gap_rel", 0,
                   "-ot_marginal_tol", 1e-300, "-ot_pairs", pairs]
        return lambda: bench.json(command, ranks)[0]

    one, ring, grid = bench.turns(time(1, "auto"), time(2, "ring"), time(2, "grid"))
    best = min(r["time_iterations"] for r in one["_all"])
    rows = [("one rank", one["time_iterations"], spread(one, "time_iterations"), "", "", "", one["value"])]
    for pairs, two in (("ring", ring), ("grid", grid)):
        efficiency = best / min(r["time_iterations"] for r in two["_all"]) / 2
        rows.append((f"two ranks, {pairs}", two["time_iterations"], spread(two, "time_iterations"),
                     one["time_iterations"] / two["time_iterations"] / 2, efficiency, verdict(efficiency, 0.9),
                     two["value"]))
    return table((f"n = m = {number(n)}, d = 3", "seconds, median", "range", "efficiency of medians", "of best times",
                  ">= 0.9", "value"), [(*row[:6], f"{row[6]:.15g}") for row in rows]) + \
        f"\n{iterations} iterations ({2 * iterations} passes) without bounds, one core a rank; the three in turns.\n"
