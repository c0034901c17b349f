#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The programs of the bench still work, on tiny sizes: their numbers are there and make sense. No time is tested."""
import os
import sys

import linear
from benchlib import Bench, table


def check(condition, what):
    if not condition:
        sys.exit(f"smoke.py: {what}")


def main():
    bench = Bench(os.environ["BUILD_DIR"], runs=1, quick=True)
    bench.nice = []
    try:
        for dim, error in ((3, 1e-14), (64, 1e-13)):
            found = bench.json([bench.program("kernels"), "-dim", dim, "-n", 300, "-runs", 1])
            check(found[0]["kernels"] == "portable", "the portable kernels are always there")
            check(found[-1]["kernels"] == "dgemm" or dim == 3, "DGEMM is measured in high dimension")
            check(all(k["error"] <= error for k in found if "error" in k), f"relative errors in dimension {dim}")
        steps = bench.json([bench.program("halfstep"), "-n", 24, "-runs", 1, "-eps", "1000,1,0.25"])
        check(steps[0]["matter"] == steps[0]["all"] == 2 * 24**3, "at a large epsilon all terms matter")
        check(steps[2]["matter"] < steps[1]["matter"] < steps[0]["all"], "fewer terms matter when epsilon falls")
        grid = ("-bench_instance", "grid", "-bench_shape", "12,10", "-bench_eps_diameter", 1e-2, "-ot_gap_rel", 1e-8)
        values = [bench.solve(*grid, "-ot_type", kind, ranks=ranks)
                  for kind, ranks in (("sinkhorn", 1), ("sinkhorn", 2), ("newton", 1))]
        check(all(v["reason"] == "converged_gap" and v["lower"] <= v["upper"] for v in values), "all converge")
        check(max(v["lower"] for v in values) <= min(v["upper"] for v in values), "the bounds overlap")
        cloud = bench.solve("-bench_n", 200, "-bench_m", 150, "-bench_eps_mean", 0.2, "-ot_gap_rel", 1e-3)
        check(cloud["gap_rel"] <= 1e-3 and cloud["time_solve"] >= cloud["time_iterations"] > 0, "clouds converge")
        save = bench.json([bench.program("save"), "-n", 1000, "-runs", 3, "-dir", bench.path("ckpt")], ranks=2)[0]
        check(save["bytes"] >= 16000, "a save holds the state")
        states = bench.json([bench.program("srect"), "-states", 20, "-actions", 7, "-runs", 1])
        check(len(states) == 5 and all(0 < r["value"] < 10 for r in states), "all divergences have a value")
        text = linear.run(bench)
        check(text.count("| drpvi") == 2 and "nan" not in text, "offline learning is measured")
        check(table(("a", "b"), [(1, 2.5)]).splitlines()[2] == "| 1 | 2.5 |", "tables are tables")
    finally:
        bench.close()
    print("the bench programs work")


main()
