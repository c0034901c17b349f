#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Penalised marginals: measures of different masses against POT and a dense iteration, every type, 1 and 3
ranks, results that verify certifies and changed ones that it refuses, stops and restarts, what is refused."""
import clitest
import h5py
import numpy as np
import ot
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

check = clitest.Checks()
TYPES = ("sinkhorn", "newton", "multigrid", "domdec")


def write(path, rng, grid, masses):
    with h5py.File(path, "w") as file:
        for name, mass, n in zip(("source", "target"), masses, ((7, 6), (6, 8)) if grid else (35, 28)):
            weights = rng.uniform(0.1, 1, size=n) * (rng.uniform(size=n) > 0.2)
            weights.flat[0] = 0.5
            file[name + "/weights"] = mass * weights / weights.sum()
            if grid:
                file[name + "/shape"] = np.array(n, dtype=np.int64)
                file[name + "/spacing"], file[name + "/origin"] = np.array((0.5, 0.7)), rng.uniform(-1, 1, size=2)
            else:
                file[name + "/points"] = rng.normal(size=(n, 2))
    return path


def read(path):
    """weights and squared distances of the points that have a weight"""
    points, weights = [], []
    with h5py.File(path, "r") as file:
        for group in (file["source"], file["target"]):
            w = group["weights"][...]
            if "points" in group:
                x = group["points"][...]
            else:
                axes = [o + s * np.arange(n) for n, s, o in zip(w.shape, group["spacing"][...], group["origin"][...])]
                x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, w.ndim)
            points.append(x[w.ravel() > 0])
            weights.append(w[w > 0])
    return weights[0], weights[1], cdist(points[0], points[1], "sqeuclidean")


def text(attribute):
    return attribute.decode() if isinstance(attribute, bytes) else str(attribute)


def move(file, name, other, distance):
    """one bound beyond the other"""
    file["bounds/" + name][...] = file["bounds/" + other][...] + distance


def kl(p, q):
    return (np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0) - p + q).sum()


def primal(plan, a, b, cost, eps, rho):
    return ((plan * cost).sum() + (eps * kl(plan, np.outer(a, b)) if eps else 0) + rho[0] * kl(plan.sum(1), a) +
            rho[1] * kl(plan.sum(0), b))


def dense(a, b, cost, eps, rho):
    """the plan, by plain alternation"""
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(100000):
        before = g
        f = -eps * rho[0] / (rho[0] + eps) * logsumexp(np.log(b)[None] + (g[None] - cost) / eps, axis=1)
        g = -eps * rho[1] / (rho[1] + eps) * logsumexp(np.log(a)[:, None] + (f[:, None] - cost) / eps, axis=0)
        if np.abs(g - before).max() < 1e-13 * cost.max():
            break
    return np.outer(a, b) * np.exp((f[:, None] + g[None] - cost) / eps)


def with_pot(a, b, cost, eps, rho):
    """the plan; POT measures entropy against the counting measure: part of the cost here"""
    return ot.unbalanced.sinkhorn_unbalanced(a, b, cost - eps * np.log(np.outer(a, b)), eps, rho[0], numItermax=100000,
                                             stopThr=1e-15)


with clitest.folder() as folder:
    data = np.random.default_rng(5)
    cases = [(True, (1, 1.6), (0.8, 0.8)), (True, (3, 0.4), (2., 0.5)), (False, (0.7, 1.1), (1.5, 1.5)),
             (False, (1, 1), (30., 30.))]
    for number, (grid_, masses_, rho_) in enumerate(cases):
        name = write(f"{folder}/{number}.h5", data, grid_, masses_)
        a_, b_, c_ = read(name)
        eps_ = 0.03 * c_.max()
        plan = (with_pot if rho_[0] == rho_[1] else dense)(a_, b_, c_, eps_, rho_)
        value, mass = primal(plan, a_, b_, c_, eps_, rho_), plan.sum()
        sharp = dense(a_, b_, c_, eps_ / 10, rho_)
        words = ["ot", "-source", name, "-target", name, "-ot_eps", repr(eps_), "-ot_marginal", "kl",
                 "-ot_marginal_rho_source", rho_[0], "-ot_marginal_rho_target", rho_[1], "-summary", folder + "/s.json"]
        for k, kind in enumerate((TYPES if grid_ else TYPES[:3]) if number % 2 == 0 else ("newton", )):
            what, result = f"{number}, {kind}", f"{folder}/{number}-{kind}.h5"
            ranks = 3 if (number, k) in ((0, 1), (2, 0)) else 0
            run = clitest.run(*words, "-ot_type", kind, "-ot_gap_rel", "1e-9", "-o", result, "-map", "-plan_threshold",
                              "1e-12", ranks=ranks)
            check.that(run.status == 0 and f"source kl rho {rho_[0]:g}" in run.out.replace(". ", " "), what, run)
            s = clitest.read_json(folder + "/s.json")
            check.that(s["lower"] <= value + 1e-10 and abs(value - s["upper"]) <= 1e-8 * value,
                       f"{what}: {value!r} in [{s['lower']!r}, {s['upper']!r}]")
            check.that(abs(s["mass"] - mass) < 1e-4 * mass, f"{what}: mass {s['mass']}, not {mass}")
            check.that(s["ot_lower"] <= primal(sharp, a_, b_, c_, 0, rho_) + 1e-10, f"{what}: unregularised bound")
            check.that(s["ot_lower"] <= s["ot_upper"] and s["gap_rel"] <= 1e-9, what)
            run = clitest.run("verify", result, ranks=ranks)
            check.that(run.status == 0, f"{what}: certified", run)
            with h5py.File(result) as file:
                indptr, val = file["plan/indptr"][...], file["plan/data"][...]
                rows = np.array([val[p:q].sum() for p, q in zip(indptr[:-1], indptr[1:])])
                f, w = file["potential/f"][...].ravel(), file["source/weights"][...].ravel()
                asked = w * np.exp(-f / rho_[0])
                check.that(np.abs(rows - asked).max() < 1e-9 and abs(rows.sum() - mass) < 1e-4 * mass,
                           f"{what}: rows of the plan are what the potentials ask for")
                check.that(file.attrs["rho_source"] == rho_[0] and text(file.attrs["marginal_target"]) == "kl",
                           f"{what}: attributes")
        run = clitest.run("info", result)
        check.that(run.status == 0 and "rho_target" in run.out and "/bounds/mass" in run.out, "info names penalties",
                   run)
        # far from convergence all bounds hold too
        run = clitest.run(*words, "-ot_type", "sinkhorn", "-ot_max_it", "2", "-o", folder + "/early.h5", "-overwrite")
        s = clitest.read_json(folder + "/s.json")
        check.that(run.status == 3 and s["lower"] <= value <= s["upper"] and s["gap_rel"] > 1e-6,
                   f"{number}: bounds after two iterations", run)
        run = clitest.run("verify", folder + "/early.h5")
        check.that(run.status == 0, f"{number}: the early result is certified", run)

    # one exact marginal
    for side, other in (("source", "target"), ("target", "source")):
        result = f"{folder}/{side}.h5"
        run = clitest.run("ot", "-source", name, "-target", name, "-ot_eps", eps_, f"-ot_marginal_{other}", "kl",
                          f"-ot_marginal_rho_{other}", 2, "-ot_gap_rel", "1e-9", "-o", result, "-plan_threshold",
                          "1e-12")
        check.that(run.status == 0, f"the {side}'s marginal is exact", run)
        check.that(clitest.run("verify", result).status == 0, f"the {side}'s marginal is exact: certified")
        with h5py.File(result) as file:
            check.that(f"marginal_{side}" not in file.attrs and file.attrs[f"rho_{other}"] == 2, side)

    # what was changed is refused
    result = f"{folder}/0-newton.h5"
    for sentence, change, words_ in (
            ("another rho", lambda file: file.attrs.modify("rho_source", 0.9), "T\\(g\\)"),
            ("no penalty", lambda file: file.attrs.__delitem__("marginal_source"), "changed.h5|mass"),
            ("a lower bound too high", lambda file: move(file, "lower", "upper", 1e-6), "lower"),
            ("an upper bound too low", lambda file: move(file, "upper", "lower", -1e-6), "upper"),
            ("another mass", lambda file: file["bounds/mass"].__setitem__(..., 0.3), "mass"),
            ("a negative rho", lambda file: file.attrs.modify("rho_source", -1.), "positive")):
        check.refused(clitest.run("verify", clitest.changed(folder, result, change)), sentence, words_)

    # stopped and gone on with on another number of ranks, the same answer; not with another penalty
    name = f"{folder}/0.h5"
    words = ["ot", "-source", name, "-target", name, "-ot_eps", "0.1", "-ot_marginal", "kl", "-ot_gap_rel", "1e-9",
             "-overwrite", "-summary", folder + "/s.json"]
    for kind in TYPES:
        these = words + ["-ot_type", kind, "-ot_marginal_rho", "0.8"]
        clitest.run(*these)
        whole = clitest.read_json(folder + "/s.json")
        ckpt = ["-ckpt_dir", f"{folder}/ckpt-{kind}"]
        run = clitest.run(*these, *ckpt, "-ot_max_it", "3")
        check.that(run.status == 3, f"{kind} stops", run)
        run = clitest.run(*words, "-ot_type", kind, "-ot_marginal_rho", "0.9", *ckpt, "-restart")
        check.refused(run, f"{kind}: a restart with another penalty", "-ot_marginal_rho_source")
        run = clitest.run(*words[:7], "-ot_normalize", "-ot_type", kind, *ckpt, "-restart")
        check.refused(run, f"{kind}: a restart without penalty", "marginal|source")
        run = clitest.run(*these, *ckpt, "-restart", ranks=3 if kind == "newton" else 0)
        s = clitest.read_json(folder + "/s.json")
        same = abs(s["value"] - whole["value"]) <= 1e-12 * whole["value"]
        check.that(run.status == 0 and s["restarts"] == 1 and same,
                   f"{kind} goes on: {s['value']!r}, {whole['value']!r}", run)

    # -ot_normalize scales both to mass one here too; many pairs
    run = clitest.run(*words, "-ot_marginal_rho", "1", "-ot_normalize")
    check.that(run.status == 0 and run.out.count("(mass 1") == 2, "normalised", run)
    run = clitest.run("ot", "-source", f"{folder}/0.h5,{folder}/1.h5", "-target", f"{folder}/1.h5,{folder}/0.h5",
                      "-ot_eps", "0.1", "-ot_marginal", "kl", "-ot_marginal_rho", "1", "-summary",
                      folder + "/pairs.json")
    check.that(run.status == 0 and all(p["mass"] > 0 for p in clitest.read_json(folder + "/pairs.json")["results"]),
               "pairs of any mass", run)

    # refused
    problem = ["ot", "-source", name, "-target", name, "-ot_eps", "0.1"]
    for value in ("0", "-1", "nan", "inf"):
        check.refused(clitest.run(*problem, "-ot_marginal", "kl", "-ot_marginal_rho", value), f"rho = {value}",
                      "penalty", "positive")
    check.refused(clitest.run(*problem, "-ot_marginal", "kl"), "no rho", "-ot_marginal_rho")
    check.refused(clitest.run(*problem, "-ot_marginal_rho", "1"), "rho with equality", "-ot_marginal_rho 1", "exact")
    check.refused(clitest.run(*problem, "-ot_marginal_rho_target", "1"), "rho with equality", "_target 1", "exact")
    check.refused(clitest.run(*problem, "-ot_marginal", "kl", "-ot_marginal_source", "equality", "-ot_marginal_rho",
                              "1", "-ot_marginal_rho_source", "1"), "rho of an exact side", "rho_source 1", "exact")
    check.refused(clitest.run(*problem), "different masses without penalty", "mass", "-ot_normalize")
    check.refused(clitest.run(*problem, "-ot_marginal", "kl", "-ot_marginal_rho", "1", "-frames", "3", "-o",
                              folder + "/f.h5"), "frames", "frames", "penalised")
    empty = clitest.changed(folder, name, lambda file: file["source/weights"].__setitem__(..., 0.))
    check.refused(clitest.run("ot", "-source", empty, "-target", name, "-ot_eps", "0.1", "-ot_marginal", "kl",
                              "-ot_marginal_rho", "1"), "an empty measure", "weights are 0")
check.finish()
