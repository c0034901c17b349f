# SPDX-License-Identifier: BSD-2-Clause
"""One log-sum-exp pass over two clouds: pairs a second and core, and accuracy."""
import os

from benchlib import table, verdict

TARGET = {"avx512": 1.4e9, "avx2": 0.75e9}


def run(bench):
    low = bench.json([bench.program("kernels"), "-n", bench.size(16384, 1024), "-runs", 2 * bench.runs + 1])
    high = bench.json([bench.program("kernels"), "-dim", 64, "-n", bench.size(8192, 512), "-runs", 2 * bench.runs + 1])
    gemm = [high.pop(), high.pop()]  # in a cache, in memory
    rows = []
    for k in low:
        target = TARGET.get(k["kernels"])
        rows.append((k["kernels"], k["median"], k["best"], target, k["best"] / target if target else None,
                     verdict(k["best"], target) if target else "-", k["error"], verdict(k["error"], 1e-14, False)))
    text = table(("d = 3", "pairs/s median", "best", "target", "best/target", "speed", "relative error", "<= 1e-14"),
                 rows)
    # time of the pass over the time that DGEMM takes for the inner products
    rows = []
    for k in high:
        memory, cache = (g["best"] / k["best"] for g in reversed(gemm))
        last = k is high[-1]
        rows.append((k["kernels"], k["median"], k["best"], memory, verdict(memory, 2, False) if last else "-", cache,
                     verdict(cache, 2, False) if last else "-", k["error"]))
    text += "\n" + table(("d = 64", "pairs/s median", "best", "time/DGEMM, large", "<= 2", "time/DGEMM, in cache",
                          "<= 2", "relative error"), rows)
    rows = [(f"{g['n']:,} x {g['n']:,} x 64", g["median"], g["best"], 128e-9 * g["best"]) for g in reversed(gemm)]
    text += "\n" + table((f"DGEMM, {library(gemm[0]['library'])}", "pairs/s median", "best", "GF/s"), rows)
    text += (f"\nAll pairs of {low[0]['n']:,} points (d = 3) and of {high[0]['n']:,} points (d = 64), one core, "
             "nothing passed over\n(epsilon = 0.05 of the largest cost). The error is the largest over a sample of "
             "rows against long double.\n`time/DGEMM` divides the time of the whole pass by that of the inner "
             "products alone, for products as large as\nmemory takes and for such as stay in a cache.\n")
    return text


def library(path):
    """what hides behind a name like libblas.so.3"""
    real = os.path.realpath(path)
    return "/".join(real.split("/")[-2:])
