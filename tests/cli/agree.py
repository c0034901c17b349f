#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""All types on 100 random pairs of small images in one, two and three dimensions, many with empty pixels: brackets of
the same number meet, and every fourth pair's lower bounds stand against a linear programme (HiGHS)."""
import clitest
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, eye, kron, vstack

check = clitest.Checks()
TYPES = ("sinkhorn", "newton", "multigrid")
PAIRS, EPS = 100, 0.2
rng = np.random.default_rng(2024)


def image(dim):
    """uniform, log-normal, or a bump, with up to two thirds of the pixels empty"""
    shape = rng.integers(1, {1: 41, 2: 17, 3: 8}[dim], size=dim)
    kind = rng.integers(3)
    if kind == 2:
        at = [np.exp(-0.5 * ((np.arange(n) - rng.uniform(0, n)) / (0.2 * n + 0.5))**2) for n in shape]
        weights = at[0]
        for factor in at[1:]:
            weights = np.multiply.outer(weights, factor)
    else:
        weights = rng.uniform(size=shape) if kind == 0 else np.exp(3 * rng.normal(size=shape))
    weights = weights * (rng.uniform(size=shape) >= rng.choice((0, 0.3, 0.66)))
    weights.flat[rng.integers(weights.size)] += 0.01
    return weights / weights.sum()


def cost(a, b):
    x, y = (np.stack(np.meshgrid(*map(np.arange, w.shape), indexing="ij"), -1).reshape(-1, w.ndim) for w in (a, b))
    return ((x[:, None] - y[None])**2).sum(axis=2)[np.ix_(a.ravel() > 0, b.ravel() > 0)]


def linear_programme(a, b):
    c, a, b = cost(a, b), a[a > 0], b[b > 0]
    rows = vstack([kron(eye(len(a)), np.ones((1, len(b)))), kron(np.ones((1, len(a))), eye(len(b)))])
    solution = linprog(c.ravel(), A_eq=csr_matrix(rows)[:-1], b_eq=np.concatenate([a, b])[:-1], method="highs")
    assert solution.status == 0, solution.message
    return solution.fun


with clitest.folder() as folder:
    pairs = [(image(1 + k % 3), image(1 + k % 3)) for k in range(PAIRS)]
    for side in (0, 1):
        with open(f"{folder}/{side}.txt", "w", encoding="utf-8") as file:
            for k, pair in enumerate(pairs):
                np.save(f"{folder}/{side}-{k}.npy", pair[side])
                file.write(f"{folder}/{side}-{k}.npy\n")
    answers = {}
    for number, name in enumerate(TYPES):
        run = clitest.run("ot", "-source", f"@{folder}/0.txt", "-target", f"@{folder}/1.txt", "-ot_type", name,
                          "-ot_eps", EPS, "-ot_gap_rel", "1e-8", "-ot_normalize", "-ot_max_it", "1000000", "-summary",
                          folder + "/s.json", "-pairs_team_size", 1 + number, ranks=1 + number, timeout=300)
        check.that(run.status == 0, f"{name} ends with status 0", run)
        answers[name] = clitest.read_json(folder + "/s.json")["results"]
    for k, (source, target) in enumerate(pairs):
        what = f"pair {k}, {source.shape} to {target.shape}"
        results = [answers[name][k] for name in TYPES if answers[name][k].get("lower") is not None]
        check.that(len(results) == len(TYPES), f"{what}: all types have an answer")
        for low, high in (("lower", "upper"), ("ot_lower", "ot_upper")):
            below, above = max(r[low] for r in results), min(r[high] for r in results)
            brackets = [(r[low], r[high]) for r in results]
            check.that(below <= above + 1e-13 * abs(above), f"{what}: {brackets} do not meet")
        check.that(all(r["gap_rel"] <= 1e-8 for r in results), f"{what}: gaps {[r['gap_rel'] for r in results]}")
        if k % 4 == 0:
            value = linear_programme(source, target)  # to 1e-9
            below, above = max(r["ot_lower"] for r in results), min(r["ot_upper"] for r in results)
            check.that(below - 1e-9 * (1 + value) <= value <= above + 1e-9 * (1 + value),
                       f"{what}: linear programme {value!r} outside [{below!r}, {above!r}]")
check.finish()
