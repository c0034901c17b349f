# SPDX-License-Identifier: BSD-2-Clause
"""Domain decomposition: pixels a second and certified gap from 64 x 64 to 512 x 512, one and two ranks; cells alone."""
import json
import math

from benchlib import table, verdict
from multigrid import smooth, write

LIMIT = 60  # seconds of a solve


def solve(bench, n, files, ranks, gap, *more):
    best = None
    for _ in range(bench.runs):
        bench.run([bench.fenchel, "ot", "-source", files[0], "-target", files[1], "-source_shape", f"{n},{n}",
                   "-target_shape", f"{n},{n}", "-ot_eps", 0.25, "-ot_gap_rel", gap, "-ot_normalize", "-ot_type",
                   "domdec", "-ot_time_limit", LIMIT, "-summary", bench.path("summary.json"), "-overwrite", *more],
                  ranks, status=(0, 3, 75))
        with open(bench.path("summary.json"), encoding="utf-8") as f:
            one = json.load(f)
        if best is None or one["time_solve"] < best["time_solve"]:
            best = one
    return best


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
    for n in bench.size((64, 128, 256, 512), (24,)):
        files = [bench.path(f"cells{s}-{n}.f64") for s in (0, 1)]
        for s in (0, 1):
            write(files[s], smooth(n, s))
        runs = [("1e-5", 1, 1e-5, ()), ("1e-5", 2, 1e-5, ()), ("1e-9", 1, 1e-9, ())]
        if n <= 64:
            runs.append(("1e-4, cells alone", 1, 1e-4, ("-ot_domdec_newton", 0)))
        alone = None
        for what, ranks, gap, more in runs:
            r = solve(bench, n, files, ranks, gap, *more)
            rate = n * n / r["time_solve"] / ranks
            alone = alone or rate
            goal = 25000 if n == 256 and ranks == 1 and gap == 1e-5 else 0
            rows.append((f"{n} x {n}", what, ranks, r["time_solve"], round(rate), rate / alone, r["iterations"],
                         r["gap_rel"], r["memory_rank_max"] / 1e6, verdict(rate, goal) if goal else "",
                         f"{r['value']:.10g}"))
    return table(("grid", "asked for", "ranks", "seconds", "pixels/s/rank", "efficiency", "iterations", "gap",
                  "MB a rank", "goal", "value"), rows) + \
        ("\nThe pair of the part `multigrid`, epsilon = 0.25 pixel^2, both bounds included; the best run. Cells alone "
         "take no Newton\nstep on the whole problem, and the bounds of their glued potential close slowly.\n\n"
         + freezing(bench) +
         "\nRelative error of the cells' plan after 64 half sweeps without Newton steps on the whole problem. Lines "
         "have no closed paths\nalong which mass could circulate.\n")
