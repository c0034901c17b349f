# SPDX-License-Identifier: BSD-2-Clause
"""Finds the helpers of the command's tests and makes the run that all restart tests interrupt."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import clitest  # noqa: E402


def problem(place, n=48, method="sinkhorn"):
    """two pictures and options of a run of some hundred iterations of sinkhorn, some ten of newton"""
    pictures = [clitest.png(f"{place}/{k}-{n}.png", clitest.photo(n, k)) for k in (1, 2)]
    return ["ot", "-source", pictures[0], "-target", pictures[1], "-ot_type", method, "-ot_eps", "0.5", "-ot_gap_rel",
            "0",
            "-ot_marginal_tol", "1e-9", "-ot_max_it", "100000"]
