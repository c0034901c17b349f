#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The programs of the bench still work, on tiny sizes: their numbers are there and make sense. No time is tested."""
import importlib
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
                  for kind, ranks in (("sinkhorn", 1), ("sinkhorn", 2), ("newton", 1), ("multigrid", 1))]
        check(all(v["reason"] == "converged_gap" and v["lower"] <= v["upper"] for v in values), "all converge")
        check(max(v["lower"] for v in values) <= min(v["upper"] for v in values), "the bounds overlap")
        cloud = bench.solve("-bench_n", 200, "-bench_m", 150, "-bench_eps_mean", 0.2, "-ot_gap_rel", 1e-3)
        check(cloud["gap_rel"] <= 1e-3 and cloud["time_solve"] >= cloud["time_iterations"] > 0, "clouds converge")
        save = bench.json([bench.program("save"), "-n", 1000, "-runs", 3, "-dir", bench.path("ckpt")], ranks=2)[0]
        check(save["bytes"] >= 16000, "a save holds the state")
        states = bench.json([bench.program("srect"), "-states", 20, "-actions", 7, "-runs", 1])
        check(len(states) == 5 and all(0 < r["value"] < 10 for r in states), "all divergences have a value")
        sweeps = [bench.json([bench.program("bellman"), "-problem", "garnet", "-garnet_n", 200, "-runs", 2, "-cold", 2,
                              "-ambiguity", name, "-penalty", 0.05])[0] for name in ("none", "kl")]
        check(all(s["sweep"] > 0 and s["cold"] > 0 and s["states"] == 200 for s in sweeps), "sweeps are measured")
        check(sweeps[0]["slack"] <= sweeps[1]["slack"], "a worst case is not more exact than a sum")
        for kind, options in (("stored", ()), ("matrix-free", ("-matrix_free",))):
            sweep = bench.json([bench.program("bellman"), "-n", 40, "-runs", 1, *options], ranks=2)[0]
            check(sweep["states"] == 1600 and sweep["sweep"] > 0, f"a sweep over {kind} rows takes time")
            check(sweep["words"] == 80 and sweep["messages"] == 2, f"{kind} rows: both ranks send a row of the grid")
        sweep = bench.json([bench.program("bellman"), "-n", 30, "-runs", 1])[0]
        check(sweep["states"] == 900 and sweep["sweep"] > 0 and sweep["of_triad"] > 0, "sweeps are measured")
        for ranks in (1, 2):
            types = bench.json([bench.program("mdptypes"), "-n", 12, "-types", "auto,vi,mpi,ipi,pi", "-runs", 1], ranks)
            check(len(types) == 5 and all(t["reason"] == "converged_gap" for t in types), "all types converge")
            check(max(t["lower"] for t in types) <= min(t["upper"] for t in types), "their bounds overlap")
        for part in ("bellman", "mdptypes"):
            lines = importlib.import_module(part).run(bench).splitlines()
            check(sum("met" in line for line in lines) >= 2, f"the part {part} has verdicts")
        text = importlib.import_module("messages").run(bench)
        check(text.count("| fits") == 6 and "not fit" not in text, "messages on grids are those of the model")
        text = linear.run(bench)
        check(text.count("| drpvi") == 2 and "nan" not in text, "offline learning is measured")
        check(table(("a", "b"), [(1, 2.5)]).splitlines()[2] == "| 1 | 2.5 |", "tables are tables")
    finally:
        bench.close()
    print("the bench programs work")


main()
