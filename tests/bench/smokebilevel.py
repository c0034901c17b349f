#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The bilevel parts of the bench still work, on tiny sizes: numbers are there and make sense. No time is tested."""
import importlib
import os
import sys

from benchlib import Bench
from bilevellib import learn


def check(condition, what):
    if not condition:
        sys.exit(f"smokebilevel.py: {what}")


def main():
    bench = Bench(os.environ["BUILD_DIR"], runs=1, quick=True)
    bench.nice = []
    try:
        one = learn(bench, "-problem", "tv1d-reference", targets=(1.5, 1.371488834 * (1 + 1e-6)))
        check(0 < one["hits"][0][0] <= one["hits"][1][0] <= 1500, "the 1-D reference is learned within its goal")
        check(one["reason"] == "stopped" and one["best"] <= one["first"], "and the solve ends there")
        two = learn(bench, "-problem", "quadratic", "-quadratic_samples", 3, "-bilevel_tol", 1e-8, ranks=2)
        check(two["best"] <= two["first"] and two["trace"][-1][0] <= two["work"], "two ranks learn")
        text = importlib.import_module("bilevelscale").run(bench)
        check(text.count("| fits") == 4 and "nan" not in text, "messages fit the halo model")
        check(text.count("| the same |") == 2, "images that go together have the numbers that they have alone")
        for part in ("bilevelkernel", "bilevellearn", "bilevelquad", "bilevelbounds"):
            text = importlib.import_module(part).run(bench)
            check(sum("met" in line for line in text.splitlines()) >= 2 and "nan" not in text, f"the part {part}")
        text = importlib.import_module("bilevelsparse").run(bench)
        row = next(line for line in text.splitlines() if line.startswith("| certified"))
        check(" - " not in row and "| grid" in text and "| random" in text, "certified reaches every level")
        check(importlib.import_module("bilevelimages").run(bench).count("| certified |") == 2, "photographs")
    finally:
        bench.close()
    print("the bilevel parts of the bench work")


main()
