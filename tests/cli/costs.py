#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Costs of grids, sum |x_k-y_k|^p and |x-y| with pixels that are not square, against a linear programme (HiGHS) and a
dense iteration; all types; 1 and 3 ranks; verify accepts the result and refuses another power; cells go on after a
stop."""
import clitest
import h5py
import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, eye, kron, vstack
from scipy.special import logsumexp

check = clitest.Checks()
TYPES = ("sinkhorn", "newton", "multigrid")


def write(path, rng, shapes, spacings):
    """two grids with zeros"""
    with h5py.File(path, "w") as file:
        for name, shape, spacing in zip(("source", "target"), shapes, spacings):
            weights = rng.uniform(0.1, 1, size=shape) * (rng.uniform(size=shape) > 0.25)
            weights.flat[0] = 0.5
            file[name + "/weights"] = weights / weights.sum()
            file[name + "/shape"] = np.array(shape, dtype=np.int64)
            file[name + "/spacing"] = spacing
            file[name + "/origin"] = rng.uniform(-1, 1, size=len(shape))
    return path


def read(path, power):
    """weights and costs of the points that have a weight; power None: |x-y|"""
    points, weights = [], []
    with h5py.File(path, "r") as file:
        for name in ("source", "target"):
            group = file[name]
            w = group["weights"][...]
            axes = [o + s * np.arange(n) for n, s, o in zip(w.shape, group["spacing"][...], group["origin"][...])]
            x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, w.ndim)
            points.append(x[w.ravel() > 0])
            weights.append(w[w > 0] / w.sum())
    difference = np.abs(points[0][:, None] - points[1][None])
    if power is None:
        return weights[0], weights[1], np.sqrt((difference**2).sum(axis=2))
    return weights[0], weights[1], (difference**power).sum(axis=2)


def linear_programme(a, b, cost):
    n, m = cost.shape
    rows = vstack([kron(eye(n), csr_matrix(np.ones((1, m)))), kron(csr_matrix(np.ones((1, n))), eye(m))]).tocsr()
    solution = linprog(cost.ravel(), A_eq=rows[:-1], b_eq=np.concatenate([a, b])[:-1], method="highs")
    assert solution.status == 0, solution.message
    return solution.fun


def dense(a, b, cost, eps):
    """the regularised optimum, product reference"""
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(200000):
        before = g
        f = -eps * logsumexp(np.log(b)[None] + (g[None] - cost) / eps, axis=1)
        g = -eps * logsumexp(np.log(a)[:, None] + (f[:, None] - cost) / eps, axis=0)
        if np.abs(g - before).max() < 1e-13 * cost.max():
            break
    return a @ f + b @ g


with clitest.folder() as folder:
    data = np.random.default_rng(11)
    cases = [(1.5, ((7, 6), (6, 8)), ((1., 0.5), (0.8, 0.7))), (3, ((6, 7), (8, 5)), ((0.3, 1.), (0.3, 1.))),
             (1.2, ((20, ), (17, )), ((0.5, ), (0.7, ))), (2.5, ((3, 4, 3), (4, 3, 3)), ((1., 0.6, 2.), (1., 1., 1.))),
             (1, ((7, 5), (6, 6)), ((0.4, 1.), (0.5, 1.))), (2, ((7, 5), (6, 6)), ((0.4, 1.), (0.5, 1.))),
             (4, ((9, 1), (1, 11)), ((0.4, 1.), (0.5, 0.3))), (None, ((9, 7), (8, 9)), ((0.4, 1.), (0.5, 0.7))),
             (None, ((4, 3, 5), (3, 4, 4)), ((1., 0.6, 2.), (1., 1., 1.)))]
    for number, (p, shapes_, spacings_) in enumerate(cases):
        name = write(f"{folder}/{number}.h5", data, shapes_, spacings_)
        a_, b_, c_ = read(name, p)
        eps_ = 0.02 * c_.max()
        unregularised, regularised = linear_programme(a_, b_, c_), dense(a_, b_, c_, eps_)
        cost_words = ["-ot_cost", "power", "-ot_cost_power", p] if p else ["-ot_cost", "euclidean"]
        for k, kind in enumerate(TYPES if p else (*TYPES, "domdec")):
            what, result = f"p = {p}, {shapes_[0]}, {kind}", f"{folder}/{number}-{kind}.h5"
            words = ["ot", "-source", name, "-target", name, *cost_words, "-ot_eps", repr(eps_), "-summary",
                     folder + "/s.json"]
            run = clitest.run(*words, "-ot_type", kind, "-ot_gap_rel", "1e-9", "-o", result,
                              ranks=3 if (number + k) % 3 == 0 else 0)
            check.that(run.status == 0, what, run)
            s = clitest.read_json(folder + "/s.json")
            check.that(s["lower"] - 1e-10 <= regularised <= s["upper"] + 1e-10,
                       f"{what}: {regularised!r} in [{s['lower']!r}, {s['upper']!r}]")
            check.that(s["ot_lower"] - 1e-10 <= unregularised <= s["ot_upper"] + 1e-10,
                       f"{what}: {unregularised!r} in [{s['ot_lower']!r}, {s['ot_upper']!r}]")
        run = clitest.run("verify", result, ranks=3 if number == 0 else 0)
        check.that(run.status == 0, f"p = {p}: the result is certified", run)
        # far from convergence all bounds hold too
        run = clitest.run(*words, "-ot_type", "sinkhorn", "-ot_max_it", "2", "-o", folder + "/early.h5", "-overwrite")
        s = clitest.read_json(folder + "/s.json")
        check.that(run.status == 3 and s["lower"] <= regularised <= s["upper"] and s["ot_lower"] <= unregularised <=
                   s["ot_upper"], f"p = {p}: bounds after two iterations", run)
        run = clitest.run("verify", folder + "/early.h5")
        check.that(run.status == 0, f"p = {p}: the early result is certified", run)

    # ranks without a plane of the volume, all pairs on a grid of ranks
    run = clitest.run(*words, "-ot_type", "sinkhorn", "-ot_pairs", "grid", "-ot_gap_rel", "1e-6", ranks=9)
    s = clitest.read_json(folder + "/s.json")
    check.that(run.status == 0 and s["lower"] - 1e-10 <= regularised <= s["upper"] + 1e-10, "ranks without points", run)

    # cells with a cost that does not separate: stopped, and gone on with on other ranks
    words += ["-ot_type", "domdec", "-ot_gap_rel", "1e-9", "-ckpt_dir", folder + "/ckpt", "-overwrite"]
    run = clitest.run(*words, "-ot_max_it", "3", ranks=2)
    check.that(run.status == 3, "stopped after three half sweeps", run)
    run = clitest.run(*words, "-restart", "-o", folder + "/rest.h5", ranks=3)
    s = clitest.read_json(folder + "/s.json")
    check.that(run.status == 0 and s["restarts"] == 1 and s["lower"] - 1e-10 <= regularised <= s["upper"] + 1e-10,
               "cells go on after a stop", run)
    run = clitest.run("verify", folder + "/rest.h5")
    check.that(run.status == 0, "and their result is certified", run)

    bad = clitest.changed(folder, f"{folder}/0-multigrid.h5", lambda file: file.attrs.modify("cost_power", 1.6))
    check.refused(clitest.run("verify", bad), "another power", "changed.h5|T\\(g\\)")
    cloud = clitest.measures(folder + "/cloud.h5")
    check.refused(clitest.run("ot", "-source", cloud, "-target", cloud, "-ot_eps", "0.1", "-ot_cost", "power"),
                  "points", "power", "grids")
    for value in ("0.5", "nan", "17"):
        check.refused(clitest.run("ot", "-source", name, "-target", name, "-ot_eps", "0.1", "-ot_cost", "power",
                                  "-ot_cost_power", value), f"p = {value}", "power", value)
    check.refused(clitest.run("ot", "-source", name, "-target", name, "-ot_eps", "0.1", "-ot_cost_power", "3"),
                  "a power that is not used", "-ot_cost_power 3", "-ot_cost power")
check.finish()
