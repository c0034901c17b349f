#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel bilevel on photographs: no grid of hyperparameters finds a better training loss than what was learned, and the
best point of a fine grid denoises other photographs as well to 0.01 dB."""
import importlib.util
import itertools
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import clitest

check = clitest.Checks()
PROBLEM = ("bilevel", "-problem", "tv", "-tv_size", "64")


def photographs(place):
    source = os.path.join(os.path.dirname(importlib.util.find_spec("skimage").origin), "data")
    for folder, names in (("train", ("camera", "coins", "moon", "page")), ("valid", ("brick", "grass", "gravel"))):
        os.mkdir(f"{place}/{folder}")
        for name in names:
            shutil.copy(f"{source}/{name}.png", f"{place}/{folder}/")
    return "-train", place + "/train", "-valid", place + "/valid"


def evaluate(place, data, theta):
    """loss and validation PSNR of given hyperparameters, nothing learned"""
    summary = f"{place}/{theta[0]:.6f}_{theta[1]:.6f}.json"
    result = clitest.run(*PROBLEM, *data, "-theta", f"{theta[0]!r},{theta[1]!r}", "-bilevel_max_it", "1", "-bilevel_eps",
                         "1e-6", "-summary", summary, ranks=0, timeout=120)
    check.that(result.status == 3, "one decision is no solve", result)
    s = clitest.read_json(summary)
    return s["objective"], s["valid_psnr"], theta


def search(place, data):
    """a coarse grid, and three finer ones around its best point"""
    known = {}
    centre, steps, half = (-2.75, -5.5), [0.25, 1.0], 3
    with ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            offsets = [range(-half, half + 1)] * 2
            grid = [tuple(round(c + k * h, 9) for c, k, h in zip(centre, place_, steps))
                    for place_ in itertools.product(*offsets)]
            new = [theta for theta in grid if theta not in known]
            for found in pool.map(lambda theta: evaluate(place, data, theta), new):
                known[found[2]] = found
            centre = min(known.values())[2]
            steps, half = [h / 2 for h in steps], 1
    return min(known.values()), len(known)


def main():
    with clitest.folder() as place:
        data = photographs(place)
        summary = place + "/learned.json"
        result = clitest.run(*PROBLEM, *data, "-bilevel_tol", "1e-5", "-summary", summary, ranks=2, timeout=300)
        check.that(result.status == 0, "learning converges", result)
        learned = clitest.read_json(summary)
        (loss, psnr, theta), tried = search(place, data)
        print(f"learned: loss {learned['objective']:.9f}, {learned['valid_psnr']:.4f} dB; best of {tried} grid points, "
              f"{theta}: loss {loss:.9f}, {psnr:.4f} dB")
        check.that(tried > 60, "the grid is searched")
        check.that(learned["objective"] <= loss * (1 + 1e-9), "no grid point has a smaller loss")
        check.that(abs(learned["valid_psnr"] - psnr) <= 0.01, "validation PSNR equals that of the grid search")
    check.finish()


main()
