#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Independent oracles: the linear programme by HiGHS (SciPy) and by the network simplex (POT) must lie in the bracket
of the unregularised optimum; POT's log-domain Sinkhorn must give the same regularised value and plan.

usage: oracle.py DRIVER"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import ot
from scipy.optimize import linprog
from scipy.sparse import kron, eye, csr_matrix
from scipy.spatial.distance import cdist

METRICS = {"sqeuclidean": "sqeuclidean", "euclidean": "euclidean", "l1": "cityblock"}


class Problem:
    def __init__(self, seed, cost, dim, n, m, eps_share, zeros=False):
        rng = np.random.default_rng(seed)
        self.cost, self.dim = cost, dim
        self.x, self.y = rng.normal(size=(n, dim)), rng.uniform(-1, 2, size=(m, dim))
        self.a, self.b = rng.uniform(0.1, 1, n), rng.exponential(1, m)
        if zeros:
            self.a[::4] = 0
            self.b[1::3] = 0
        self.a /= self.a.sum()
        self.b /= self.b.sum()
        self.C = rng.uniform(-1, 4, (n, m)) if cost == "matrix" else cdist(self.x, self.y, METRICS[cost])
        self.eps = eps_share * np.abs(self.C).max()

    def write(self, path, gap):
        dim = 0 if self.cost == "matrix" else self.dim
        with open(path, "w") as file:
            print(self.cost, dim, len(self.a), len(self.b), repr(float(self.eps)), gap, file=file)
            for points, weights in ((self.x, self.a), (self.y, self.b)):
                for p, w in zip(points, weights):
                    print(*(repr(float(v)) for v in (*p[:dim], w)), file=file)
            if self.cost == "matrix":
                np.savetxt(file, self.C, fmt="%.17g")

    def positive(self):
        """the problem without its points of weight zero"""
        i, j = self.a > 0, self.b > 0
        return self.a[i], self.b[j], np.ascontiguousarray(self.C[np.ix_(i, j)])


def linear_programme(a, b, C):
    n, m = C.shape
    rows = kron(eye(n), csr_matrix(np.ones((1, m))))
    columns = kron(csr_matrix(np.ones((1, n))), eye(m))
    solution = linprog(C.ravel(), A_eq=np.vstack([rows.toarray(), columns.toarray()])[:-1],
                       b_eq=np.concatenate([a, b])[:-1], method="highs")
    assert solution.status == 0, solution.message
    return solution.fun


def check(name, condition, text):
    if not condition:
        print(f"{name}: {text}", file=sys.stderr)
        check.failures += 1


check.failures = 0


def compare(driver, folder, problem, gap):
    path = os.path.join(folder, "problem")
    problem.write(path, gap)
    out = subprocess.run([driver, path], check=True, capture_output=True, text=True).stdout
    answers = [json.loads(line) for line in out.splitlines()]
    assert answers, "the driver knows no type"
    a, b, C = problem.positive()
    scale = np.abs(C).max()
    exact = [linear_programme(a, b, C), ot.emd2(a, b, C)]
    P = ot.sinkhorn(a, b, C, problem.eps, method="sinkhorn_log", numItermax=200000, stopThr=1e-13)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (P * C).sum() + problem.eps * np.where(P > 0, P * np.log(P / np.outer(a, b)), 0).sum()
    for answer in answers:
        name = f"{answer['type']} {problem.cost} {problem.C.shape} eps {problem.eps:.3g}"
        check(name, answer["reason"] > 0, "not converged")
        for optimum in exact: # the oracles have rounding errors of their own
            check(name, answer["ot_lower"] <= optimum + 1e-9 * scale and optimum <= answer["ot_upper"] + 1e-9 * scale,
                  f"optimum {optimum} not in [{answer['ot_lower']}, {answer['ot_upper']}]")
        check(name, abs(answer["value"] - value) <= 1e-8 * scale, f"value {answer['value']}, POT has {value}")
        check(name, answer["lower"] - 1e-9 * scale <= value <= answer["upper"] + 1e-9 * scale,
              "POT's value not in bounds")
        f, g = np.array(answer["f"])[problem.a > 0], np.array(answer["g"])[problem.b > 0]
        plan = np.outer(a, b) * np.exp((f[:, None] + g[None, :] - C) / problem.eps)
        check(name, np.abs(plan - P).sum() <= 1e-3, f"plans differ by {np.abs(plan - P).sum():.3g}")
    return len(answers)


def main():
    problems = [Problem(seed, cost, dim, n, m, eps, zeros) for seed, (cost, dim, n, m, eps, zeros) in enumerate((
        ("sqeuclidean", 1, 20, 31, 0.02, False), ("sqeuclidean", 3, 40, 25, 0.02, True),
        ("sqeuclidean", 12, 15, 30, 0.05, False), ("euclidean", 2, 30, 30, 0.03, False),
        ("euclidean", 3, 21, 34, 0.1, True), ("l1", 2, 35, 20, 0.03, False), ("l1", 4, 22, 27, 0.2, True),
        ("matrix", 1, 25, 33, 0.04, False), ("matrix", 1, 12, 9, 0.02, True), ("sqeuclidean", 2, 5, 90, 0.05, False),
        ("sqeuclidean", 2, 30, 30, 5, False)))]
    with tempfile.TemporaryDirectory() as folder:
        compared = sum(compare(sys.argv[1], folder, p, 1e-9) for p in problems)
    print(f"{compared} answers compared, {check.failures} differences")
    return 1 if check.failures else 0


sys.exit(main())
