#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Grids in blocks: the same answers on any grid of ranks, to 1e-12, for images and volumes, smooth, rough and with
empty pixels, of every type; fields too; stopped on one grid of ranks and continued on another; what cannot be is
refused."""
import clitest
import h5py
import numpy as np

check = clitest.Checks()


def density(rng, shape, rough, empty):
    x = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij")
    a = 1.3 + sum(np.sin((5 + 2 * k) * t + rng.uniform(0, 6)) for k, t in enumerate(x)) / len(x)
    a *= np.exp(rough * rng.normal(size=shape))
    a[rng.uniform(size=shape) < empty] = 0
    return a


def solve(folder, *options, ranks=1, status=0):
    run = clitest.run("ot", "-source", folder + "/a.npy", "-target", folder + "/b.npy", "-ot_normalize", "-summary",
                      folder + "/s.json", "-overwrite", "-ot_time_limit", 100, *options, ranks=ranks, timeout=200)
    check.that(run.status == status, f"{options}, {ranks} ranks: status {status}", run)
    return clitest.read_json(folder + "/s.json")


def same(found, first, what):
    # the upper bound pays for what CG leaves of marginals, which is of rounding errors
    for name, accuracy in (("value", 1e-12), ("lower", 1e-12), ("upper", 1e-8)):
        check.that(abs(found[name] - first[name]) <= accuracy * abs(first["value"]),
                   f"{what}: {name} {found[name]!r}, {first[name]!r} on one rank")


CASES = (((96, 120), (96, 120), 0.0, 0.0, "multigrid", ("4,2", "2,3", "1,5")),
         ((90, 101), (77, 64), 0.3, 0.1, "multigrid", ("2,2", "3,4")),
         ((70, 61), (70, 61), 1.0, 0.0, "newton", ("2,4",)),
         ((64, 48), (48, 64), 0.2, 0.3, "domdec", ("2,3",)),
         ((40, 33), (40, 33), 0.2, 0.1, "sinkhorn", ("3,2",)),
         ((20, 24, 28), (22, 20, 24), 0.1, 0.05, "multigrid", ("2,2,2", "1,2,3")),
         ((18, 17, 20), (18, 17, 20), 0.1, 0.0, "newton", ("2,2,2",)))

with clitest.folder() as folder:
    for n, m, rough, empty, name, grids in CASES:
        rng = np.random.default_rng(len(n) * 1000 + n[0])
        np.save(folder + "/a.npy", density(rng, n, rough, empty))
        np.save(folder + "/b.npy", density(rng, m, rough, empty))
        options = ("-ot_type", name, "-ot_eps", 0.5, "-ot_gap_rel", "1e-6" if name != "sinkhorn" else "1e-3")
        first = solve(folder, *options)
        for grid in grids:
            ranks = int(np.prod([int(k) for k in grid.split(",")]))
            found = solve(folder, *options, "-ot_ranks", grid, ranks=ranks)
            same(found, first, f"{n} to {m}, {name}, {grid}")

    # fields, and a file that is what it says
    rng = np.random.default_rng(5)
    np.save(folder + "/a.npy", density(rng, (60, 72), 0.1, 0.05))
    np.save(folder + "/b.npy", density(rng, (60, 72), 0.1, 0.05))
    options = ("-ot_eps", 0.5, "-ot_gap_rel", "1e-6", "-displacement", "-map")
    one = solve(folder, *options, "-o", folder + "/one.h5")
    many = solve(folder, *options, "-o", folder + "/many.h5", "-ot_ranks", "2,3", ranks=6)
    same(many, one, "fields")
    with h5py.File(folder + "/one.h5", "r") as a, h5py.File(folder + "/many.h5", "r") as b:
        for field in ("potential/f", "potential/g", "displacement", "map"):
            x, y = a[field][...], b[field][...]
            check.that(np.abs(x - y).max() <= 1e-9 * np.abs(x).max(), f"{field}: {np.abs(x - y).max()}")
        # targets without mass: the soft transform of f
        at, weight = np.load(folder + "/b.npy") == 0, np.load(folder + "/a.npy")
        away = (np.indices(weight.shape).reshape(2, -1).T[None] - np.argwhere(at)[:, None]) ** 2
        with np.errstate(divide="ignore"):
            terms = (a["potential/f"][...].ravel() - away.sum(-1)) / 0.5 + np.log(weight.ravel() / weight.sum())
        extension = -0.5 * np.logaddexp.reduce(terms, axis=1)
        wrong = np.abs(a["potential/g"][...][at] - extension).max()
        check.that(at.sum() > 100 and wrong <= 1e-9 * np.abs(extension).max(), f"without mass: {wrong}")
    run = clitest.run("verify", folder + "/many.h5", ranks=4)
    check.that(run.status == 0, "verify", run)

    # from one grid of ranks to another, and to slabs
    for grid, ranks in (("3,2", 6), ("1,3", 3), ("2,1", 2)):
        saved = ("-ckpt_dir", f"{folder}/c-{ranks}", "-restart")
        solve(folder, *options[:4], *saved, "-ot_max_it", 9, "-ot_ranks", "2,2", ranks=4, status=3)
        found = solve(folder, *options[:4], *saved, "-ot_ranks", grid, ranks=ranks)
        check.that(found["restarts"] == 1, f"{grid}: it went on")
        same(found, one, f"continued on {grid}")

    for grid, ranks, words in (("2,2,1", 4, "along 3 axes of a grid that has 2"), ("0,2", 2, "must be positive"),
                               ("2,2", 3, "no more than the 3 that there are")):
        run = clitest.run("ot", "-source", folder + "/a.npy", "-target", folder + "/b.npy", "-ot_ranks", grid,
                          ranks=ranks)
        check.refused(run, f"-ot_ranks {grid} on {ranks} ranks", words)
    np.save(folder + "/p.npy", rng.normal(size=(30, 2)))
    run = clitest.run("ot", "-source", folder + "/p.npy", "-source_kind", "points", "-target", folder + "/p.npy",
                      "-target_kind", "points", "-ot_ranks", "2,1", ranks=2)
    check.refused(run, "points", "points", "grids")
check.finish()
