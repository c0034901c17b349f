# SPDX-License-Identifier: BSD-2-Clause
"""Domain decomposition: pixels a second and certified gap from 64 x 64 to 512 x 512, one and two ranks; cells alone."""
import json
import math

from benchlib import table, verdict
from multigrid import LIMIT, files_of, once, smooth, smooth_pair, solve, one_and_two, write


def plan_value(bench, shape, eps, *more):
    """objective of the cells' plan after 64 half sweeps"""
    done = bench.run([bench.fenchel, "ot", "-source", bench.path("frozen0.f64"), "-target", bench.path("frozen1.f64"),
                      "-source_shape", shape, "-target_shape", shape, "-ot_eps", eps, "-ot_normalize", "-ot_type",
                      "domdec", "-ot_domdec_newton", 0, "-ot_domdec_sweeps", 1, "-ot_gap_rel", 1e-13, "-ot_max_it", 64,
                      "-ot_view", "-summary", bench.path("summary.json"), "-overwrite", *more], status=(0, 3))
    return float(next(line for line in done.splitlines() if "cells' plan" in line).split()[-1])


def freezing(bench):
    """errors of 64 half sweeps of cells alone, on the finest grid, with circulations, with coarser grids"""
    rows = []
    cases = [("image, 2 x 2", n, f"{n},{n}", n // 2, 1, ("-ot_domdec_cell", 2))
             for n in bench.size((16, 32, 64), (8,))]
    cases += [("line, 16", n, f"{n}", n // 16, 4, ()) for n in bench.size((256, 512, 1024, 2048), (64,))]
    for what, n, shape, cells, eps, cell in cases:
        for s in (0, 1):
            line = [1.4 + math.sin(5 * x + 2 * s) * math.cos(4 * x - s) for x in ((i + .5) / n for i in range(n))]
            write(bench.path(f"frozen{s}.f64"), smooth(n, s) if "," in shape else line)
        bench.run([bench.fenchel, "ot", "-source", bench.path("frozen0.f64"), "-target", bench.path("frozen1.f64"),
                   "-source_shape", shape, "-target_shape", shape, "-ot_eps", eps, "-ot_normalize",
                   "-ot_gap_rel", 1e-10, "-ot_time_limit", LIMIT, "-summary", bench.path("summary.json"), "-overwrite"],
                  status=(0, 3))
        with open(bench.path("summary.json"), encoding="utf-8") as f:
            known = json.load(f)["value"]
        rows.append((what, cells, *(max(0, plan_value(bench, shape, eps, *cell, *more) / known - 1) for more in
                                    (("-ot_levels", 0, "-ot_domdec_flow", 0), ("-ot_levels", 0), ()))))
    return table(("pixels of a cell", "cells in a row", "finest grid only", "with flow updates", "coarser grids"), rows)


def run(bench):
    rows = []
    for n in bench.size((64, 128, 256, 512, 1024), (24,)):
        case = ((n, n), files_of(bench, "cells", smooth_pair(n)), "domdec")
        runs = [("1e-5", r) for r in one_and_two(bench, *case, gap=1e-5)]
        if n <= 512:
            runs.append(("1e-9", solve(bench, *case, gap=1e-9)))
        if n <= 64:
            runs.append(("1e-4, cells alone", solve(bench, *case, gap=1e-4, more=("-ot_domdec_newton", 0))))
        for what, r in runs:
            ranks = r["ranks"]
            rate = n * n / r["time_solve"] / ranks
            efficiency = runs[0][1]["time_solve"] / r["time_solve"] / ranks if ranks > 1 else ""
            goal = ""
            if n == 256 and r is runs[0][1]:
                goal = verdict(rate, 25000)
            elif n >= 512 and ranks > 1:
                goal = verdict(efficiency, 0.85)
            rows.append((f"{n} x {n}", what, ranks, r["time_solve"], round(rate), efficiency, r["iterations"],
                         r["gap_rel"], r["memory_rank_max"] / 1e6, goal, f"{r['value']:.10g}"))
    return table(("grid", "asked for", "ranks", "seconds", "pixels/s/rank", "efficiency", "iterations", "gap",
                  "MB a rank", "goal", "value"), rows) + \
        ("\nThe pair of the part `multigrid`, epsilon = 0.25 pixel^2, both bounds included; medians, one rank and "
         "two in turns. Cells\nalone take no Newton step on the whole problem, and the bounds of their glued potential "
         "close slowly.\n\n"
         + freezing(bench) +
         "\nRelative error of the cells' plan after 64 half sweeps without Newton steps on the whole problem. Lines "
         "have no closed paths\nalong which mass could circulate.\n")
