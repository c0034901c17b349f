#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hard images, every type on 1 and 4 ranks: certified within a time limit, or refused with a sentence; the types' and
the ranks' bounds meet."""
import clitest
import numpy as np

check = clitest.Checks()
TYPES = ("sinkhorn", "newton", "multigrid")
GAP = 1e-6


def disc(n, x, y, r, floor=0.):
    i, j = np.mgrid[0:n, 0:n]
    return floor + ((i - x)**2 + (j - y)**2 <= r * r)


def pixel(shape, at):
    image = np.zeros(shape)
    image[at] = 1
    return image


def cases():
    """name, source, target"""
    rng = np.random.default_rng(4)
    i, j = np.mgrid[0:20, 0:20]
    yield "one bright pixel to uniform", pixel((16, 16), (3, 12)), np.ones((16, 16))
    yield "uniform to one bright pixel", np.ones((13, 11)), pixel((16, 9), (15, 0))
    yield "a pixel to another one", pixel((16, 16), (0, 0)), pixel((16, 16), (15, 15))
    yield "checkerboards", (i + j) % 2, (i + j + 1) % 2
    yield "coarse checkerboards", (i // 4 + j // 4) % 2, (i // 5 + j // 5 + 1) % 2
    yield "disjoint and far apart", disc(40, 5, 5, 4), disc(40, 34, 33, 4)
    yield "two to one, disjoint", disc(32, 5, 5, 3) + disc(32, 5, 26, 3), disc(32, 26, 15, 5)
    yield "narrow on a faint background", disc(24, 4, 4, 2, 1e-6), disc(24, 19, 18, 2, 1e-6)
    yield "one row", rng.uniform(size=(1, 37)), rng.uniform(size=(1, 29))
    yield "one column to one row", rng.uniform(size=(23, 1)), rng.uniform(size=(1, 19))
    yield "one pixel in all", np.ones((1, 1)), np.ones((1, 1))
    yield "one pixel in all to many", np.ones((1, 1)), rng.uniform(size=(7, 5))
    yield "prime sizes", rng.uniform(size=(31, 29)), rng.uniform(size=(23, 37))
    yield "two rows", rng.uniform(size=(2, 17)), rng.uniform(size=(2, 13))
    yield "the same image", disc(17, 8, 8, 6), disc(17, 8, 8, 6)
    tiny = [10.**rng.uniform(-290, 0, size=(12, 12)) for _ in range(2)]
    yield "weights from 1e-290 to 1", tiny[0], tiny[1]
    half = [rng.uniform(size=(18, 18)) * (rng.uniform(size=(18, 18)) > 0.5) for _ in range(2)]
    yield "half of the pixels empty", half[0], half[1]
    edge = np.pad(rng.uniform(size=(6, 1, 1)), ((0, 0), (0, 5), (3, 2)))
    yield "a cube of zeros but one edge", edge, rng.uniform(size=(5, 7, 4))


def agree(bounds, what):
    """all brackets of one number have a point in common, up to rounding"""
    low, high = max(b[0] for b in bounds), min(b[1] for b in bounds)
    size = max(abs(low), abs(high), 1e-300)
    check.that(low <= high + 1e-12 * size, f"{what}: brackets {bounds} do not meet")


def save(place, name, image):
    np.save(f"{place}/{name}.npy", np.asarray(image, dtype=float) / max(np.sum(image), 1e-300))
    return f"{place}/{name}.npy"


def look(answer, what):
    """one answer of one type"""
    check.that(answer["status"] == 0, f"{what}: {answer['reason']} {answer.get('error', '')}")
    keys = ("lower", "upper", "ot_lower", "ot_upper", "value", "marginal_error")
    check.that(all(answer.get(key) is not None for key in keys), f"{what}: numbers are missing, {answer}")
    check.that(answer.get("gap_rel", 1) <= GAP, f"{what}: gap {answer.get('gap_rel')}")


with clitest.folder() as folder:
    known = [(name, save(folder, f"s{k}", a), save(folder, f"t{k}", b)) for k, (name, a, b) in enumerate(cases())]
    for side, column in (("s", 1), ("t", 2)):
        with open(f"{folder}/{side}.txt", "w", encoding="utf-8") as file:
            file.writelines(pair[column] + "\n" for pair in known)
    runs = []
    for method in TYPES:
        for ranks in (0, 4):
            run = clitest.run("ot", "-source", f"@{folder}/s.txt", "-target", f"@{folder}/t.txt", "-ot_type", method,
                              "-ot_eps", 0.3, "-ot_gap_rel", GAP, "-summary", folder + "/s.json", "-o",
                              folder + "/{pair}.h5", "-overwrite", "-pairs_team_size", ranks or 1, ranks=ranks,
                              timeout=300)
            check.that(run.status == 0, f"all with {method} on {ranks or 1} ranks", run)
            runs.append(clitest.read_json(folder + "/s.json")["results"])
            for answer, (name, _, _) in zip(runs[-1], known):
                look(answer, f"{name}, {method}, {ranks or 1} ranks")
    for k, (name, _, _) in enumerate(known):
        for lower, upper in (("lower", "upper"), ("ot_lower", "ot_upper")):
            agree([(r[k][lower], r[k][upper]) for r in runs if r[k]["status"] == 0], name)
        run = clitest.run("verify", f"{folder}/{k:04}.h5")
        check.that(run.status == 0, f"{name}: the result is certified", run)

    ones, zeros = save(folder, "ones", np.ones((8, 8))), save(folder, "zeros", np.zeros((8, 8)))
    for method in TYPES:
        for ranks in (0, 4):
            words = ("ot", "-target", ones, "-ot_type", method)
            check.refused(clitest.run(*words, "-source", zeros, "-ot_eps", 0.5, ranks=ranks), f"zeros, {method}",
                          "zeros.npy", "weights are 0")
            check.refused(clitest.run(*words, "-source", ones, "-ot_eps", 1e-14, ranks=ranks),
                          f"an epsilon below rounding, {method}", "-ot_eps 1e-14", "too small", "98")
        run = clitest.run(*words, "-source", ones, "-ot_eps", 1e-3)
        check.that(run.status == 0, f"an epsilon far below a pixel, {method}", run)
check.finish()
