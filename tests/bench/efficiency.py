# SPDX-License-Identifier: BSD-2-Clause
"""Two ranks against one: both schedules of all pairs, a fixed number of Sinkhorn iterations."""
from benchlib import number, spread, table, verdict


def run(bench):
    n, iterations = bench.size(40000, 2000), 4

    def time(ranks, pairs):
        return bench.solve("-bench_n", n, "-bench_m", n, "-bench_eps_mean", 0.05, "-ot_type", "sinkhorn",
                           "-ot_eps_factor", 1, "-ot_sinkhorn_relax", 0, "-ot_max_it", iterations, "-ot_gap_rel", 0,
                           "-ot_marginal_tol", 1e-300, "-ot_pairs", pairs, ranks=ranks)

    one = time(1, "auto")
    best = min(r["time_iterations"] for r in one["_all"])
    rows = [("one rank", one["time_iterations"], spread(one, "time_iterations"), "", "", "", one["value"])]
    for pairs in ("ring", "grid"):
        two = time(2, pairs)
        efficiency = best / min(r["time_iterations"] for r in two["_all"]) / 2
        rows.append((f"two ranks, {pairs}", two["time_iterations"], spread(two, "time_iterations"),
                     one["time_iterations"] / two["time_iterations"] / 2, efficiency, verdict(efficiency, 0.9),
                     two["value"]))
    return table((f"n = m = {number(n)}, d = 3", "seconds, median", "range", "efficiency of medians", "of best times",
                  ">= 0.9", "value"), [(*row[:6], f"{row[6]:.15g}") for row in rows]) + \
        f"\n{iterations} iterations ({2 * iterations} passes) without bounds, one core a rank.\n"
