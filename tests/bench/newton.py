# SPDX-License-Identifier: BSD-2-Clause
"""Newton against Sinkhorn at a small epsilon: kernel passes and time to a marginal error."""
from benchlib import number, table, verdict

TYPES = (("sinkhorn, plain", ("sinkhorn", "-ot_sinkhorn_relax", 0)), ("sinkhorn, over-relaxed", ("sinkhorn",)),
         ("newton", ("newton",)), ("newton, assembled", ("newton", "-ot_newton_precondition", "sparse")))


def instance(bench, shape):
    results = []
    for name, options in TYPES:
        r = bench.solve("-bench_instance", "grid", "-bench_shape", shape, "-bench_eps_diameter", 1e-4,
                        "-ot_gap_rel", 0, "-ot_marginal_tol", 1e-9, "-ot_max_it", 1000000, "-ot_time_limit", 300,
                        "-ot_type", *options)
        results.append((name, r))
    newton = results[-1][1]  # the one with the fewest passes
    rows = []
    for name, r in results:
        passes, time = r["passes"] / newton["passes"], r["time_iterations"] / newton["time_iterations"]
        sinkhorn = name.startswith("sinkhorn")
        rows.append((shape.replace(",", " x "), name, r["iterations"], r["passes"], r["time_iterations"], r["residual"],
                     "yes" if r["reason"] == "converged_residual" else "no: " + r["reason"], passes, time,
                     verdict(passes, 10) if sinkhorn else "", f"{r['value']:.13g}"))
    return rows


def run(bench):
    shapes = ("1000", "64,64", "128,128") if not bench.quick else ("60", "12,12")
    rows = [row for shape in shapes for row in instance(bench, shape)]
    return table(("grid", "type", "iterations", "passes", "seconds", "marginal error", "1e-9 reached",
                  "passes/assembled's", "time/assembled's", ">= 10", "value"),
                 [(r[0], r[1], int(r[2]), int(r[3]), *r[4:]) for r in rows]) + \
        (f"\nTwo Gaussians of different means and deviations on the unit cube, epsilon = {number(1e-4)} of its squared "
         "diameter, all with\nepsilon-scaling. A pass is one evaluation of the kernel in one direction; those of the "
         "final bounds are left out.\nPlain is Sinkhorn's iteration as published; over-relaxed is what `sinkhorn` does "
         "by default. `newton` takes the least\ntime: on grids in two and three dimensions the diagonal as "
         "preconditioner until an assembled matrix pays; assembled takes the\nfewest passes.\n")
