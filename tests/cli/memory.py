#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a header says about memory against what a run took, less what a tiny problem takes."""
import re

import clitest
import numpy as np

check = clitest.Checks()
UNIT = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}


def images(folder, shape):
    x = np.indices(shape) / np.array(shape).reshape(-1, *[1] * len(shape))
    for name, k in (("a", 1.0), ("b", 2.0)):
        np.save(f"{folder}/{name}.npy", 1.5 + np.sin(6 * k * x[0]) * np.cos(5 * x[-1]))


def run(folder, shape, kind, eps, ranks):
    """estimates, and bytes that the largest rank took"""
    images(folder, shape)
    solve = clitest.run("ot", "-source", folder + "/a.npy", "-target", folder + "/b.npy", "-ot_normalize", "-ot_type",
                        kind, "-ot_eps", eps, "-ot_gap_rel", "1e-5", "-summary", folder + "/s.json", ranks=ranks,
                        timeout=200)
    check.that(solve.status == 0, f"{kind}, {shape}: status 0", solve)
    said = re.search(r"^  memory     about ([\d.]+) (\w+) a rank(?:, ([\d.]+) (\w+) if cells have to help)?$",
                     solve.out, re.M)
    check.that(said is not None, f"{kind}, {shape}: the header says memory", solve)
    return ([float(said[k]) * UNIT[said[k + 1]] for k in (1, 3) if said[k]],
            clitest.read_json(folder + "/s.json")["memory_rank_max"])


with clitest.folder() as folder:
    tiny = {ranks: run(folder, (8, 8), "domdec", 1, ranks)[1] for ranks in (1, 2)}
    for shape, eps, ranks in (((192, 160), 1, 1), ((192, 160), 6, 2), ((20, 24, 28), 1, 1), ((20, 24, 28), 4, 2)):
        said, took = run(folder, shape, "domdec", eps, ranks)
        ratio = (took - tiny[ranks]) / said[0]
        check.that(len(said) == 1 and 0.5 <= ratio <= 2, f"domdec, {shape}, epsilon {eps}: took {ratio:.2f} of {said}")
        said = run(folder, shape, "multigrid", eps, ranks)[0]
        check.that(len(said) == 2 and 1.5 * said[0] < said[1], f"multigrid, {shape}, epsilon {eps}: {said}")
    # epsilon far below a squared pixel: cells are not asked
    said = run(folder, (64, 64), "multigrid", 0.1, 1)[0]
    check.that(len(said) == 1, f"multigrid, epsilon 0.1: {said}")

check.finish()
