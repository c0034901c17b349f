# SPDX-License-Identifier: BSD-2-Clause
"""Kernel ridge regression: one hypergradient against one Cholesky factorisation, ScaLAPACK against DGEMM."""
from benchlib import table, verdict

PARTS = ("matrix", "factor", "solve", "gradient", "bounds", "rest")
SOLVES = 2  # of a hypergradient: lower solution, adjoint


def run(bench):
    rows, splits = [], []
    for ranks in (1, 2):
        one = bench.json([bench.program("bilevelwork"), "-problem", "kernel-ridge", "-kernel_ridge_rows",
                          bench.size(8000, 60), "-kernel_ridge_valid_rows", bench.size(1000, 20), "-factor", "-runs",
                          bench.runs], ranks)[0]
        n, whole = one["rows"], one["hypergradient"]
        solved = one["cholesky"] + SOLVES * one["solve"]
        share = n**3 / 3 / one["cholesky"] / one["dgemm"]
        rows.append((ranks, int(n), whole, one["cholesky"], whole / one["cholesky"], solved, whole / solved,
                     verdict(whole / solved, 1.5, False),
                     n**3 / 3 / one["cholesky"] / 1e9, one["dgemm"] / 1e9, share,
                     verdict(share, 0.7) if ranks == 2 else ""))
        splits.append((ranks, int(n), *(one[part] for part in PARTS)))
    return table(("ranks", "rows", "s, hypergradient", "s, Cholesky", "ratio", "s, Cholesky and solves", "ratio",
                  "<= 1.5", "Gflop/s, Cholesky", "Gflop/s, DGEMM of the cores", "share", ">= 0.7"),
                 rows) + "\n" + table(
        ("ranks", "rows", "s, kernel matrix", "s, factor", "s, one solve", "s, one gradient of h", "s, bounds",
         "s, J, upper loss, J^T"), splits) + (
        "\nA hypergradient: the kernel matrix of 8,000 points, its factor, the lower solution, the adjoint, bounds of "
        "the spectrum, the\nproduct with J^T, the validation loss. Cholesky: MatScaLAPACK; with the two solves that a "
        "hypergradient needs. DGEMM: products of\n1,500 rows on every core at once. Parts were measured one by one; a "
        "hypergradient has two solves and three gradients.\n")
