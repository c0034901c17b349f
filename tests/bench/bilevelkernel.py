# SPDX-License-Identifier: BSD-2-Clause
"""Kernel ridge regression: one hypergradient against one Cholesky factorisation, ScaLAPACK against DGEMM."""
from benchlib import table, verdict


def run(bench):
    rows = []
    for ranks in (1, 2):
        one = bench.json([bench.program("bilevelwork"), "-problem", "kernel-ridge", "-kernel_ridge_rows",
                          bench.size(8000, 60), "-kernel_ridge_valid_rows", bench.size(1000, 20), "-factor", "-runs",
                          bench.runs], ranks)[0]
        n, ratio = one["rows"], one["hypergradient"] / one["cholesky"]
        share = n**3 / 3 / one["cholesky"] / one["dgemm"]
        rows.append((ranks, int(n), one["hypergradient"], one["cholesky"], ratio, verdict(ratio, 1.5, False),
                     n**3 / 3 / one["cholesky"] / 1e9, one["dgemm"] / 1e9, share,
                     verdict(share, 0.7) if ranks == 2 else ""))
    return table(("ranks", "rows", "s, hypergradient", "s, Cholesky", "ratio", "<= 1.5", "Gflop/s, Cholesky",
                  "Gflop/s, DGEMM of the cores", "share", ">= 0.7"), rows) + (
        "\nA hypergradient: the kernel matrix of 8,000 points, its factor, the lower solution, the adjoint, bounds of "
        "the spectrum, the\nproduct with J^T, the validation loss. Cholesky alone: MatScaLAPACK. DGEMM: products of "
        "1,500 rows on every core at once.\n")
