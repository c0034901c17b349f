#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Long lines: densities on grids of one axis against the monotone coupling, which is optimal, on 1 to 5 ranks; empty
points, lengths that differ, |x-y| as well, penalised marginals. A rough strip, which cells solve in between."""
import re

import clitest
import numpy as np

check = clitest.Checks()
rng = np.random.default_rng(7)


def densities(n, m):
    x, y = (np.arange(n) + 0.5) / n, (np.arange(m) + 0.5) / m
    a = 1.3 + np.sin(9 * x) + 0.2 * rng.uniform(size=n)
    b = (1.2 + np.cos(14 * y + 1)) * np.exp(0.5 * rng.normal(size=m))
    a[(x > 0.4) & (x < 0.45)] = 0
    b[: m // 50] = 0
    return a / a.sum(), b / b.sum()


def monotone(a, b, power):
    """sum over the pieces of mass between the steps of both distribution functions"""
    steps = np.unique(np.concatenate([np.cumsum(a), np.cumsum(b)]))
    mass = np.diff(np.concatenate([[0], steps]))
    middle = steps - 0.5 * mass
    i = np.minimum(np.searchsorted(np.cumsum(a), middle), len(a) - 1)
    j = np.minimum(np.searchsorted(np.cumsum(b), middle), len(b) - 1)
    return float((mass * np.abs(i - j).astype(float)**power).sum())


def solve(folder, n, m, *options, ranks=1):
    run = clitest.run("ot", "-source", folder + "/a.npy", "-target", folder + "/b.npy", "-ot_eps", 0.25, "-ot_gap_rel",
                      "1e-6", "-ot_normalize", "-summary", folder + "/s.json", "-o", folder + "/r.h5", "-overwrite",
                      "-ot_time_limit", 100, *options, ranks=ranks, timeout=200)
    what = f"{n} to {m} points, {options}, {ranks} ranks"
    check.that(run.status == 0, f"{what}: status 0", run)
    return what, clitest.read_json(folder + "/s.json")


def strip(folder):
    """Newton's steps are cut for the last epsilon; cells go through larger ones again; stopped there and continued"""
    for name in "ab":
        np.save(f"{folder}/{name}.npy", np.random.default_rng(ord(name)).uniform(size=(3000, 3))**4 + 1e-12)
    common = ("ot", "-source", folder + "/a.npy", "-target", folder + "/b.npy", "-ot_normalize", "-ot_eps", 0.25,
              "-ot_gap_rel", "1e-6", "-summary", folder + "/s.json")
    one = clitest.run(*common, "-ot_monitor", timeout=200)
    first = clitest.read_json(folder + "/s.json")
    eps = [float(word) for word in re.findall(r"parameter (\S+)", one.out)]
    last = eps.index(0.25) if 0.25 in eps else len(eps)
    again = [k for k in range(last, len(eps)) if eps[k] > 0.25]
    check.that(one.status == 0 and len(again) > 20, f"strip: {len(again)} iterations of cells after {last}", one)
    check.that(first["type"] == "multigrid" and first["gap_rel"] <= 1e-6, f"strip: {first}")
    if not again:
        return
    for ranks in (1, 2):
        saved = ("-ckpt_dir", f"{folder}/c{ranks}", "-restart", "-overwrite")
        run = clitest.run(*common, *saved, "-ot_max_it", again[len(again) // 2], ranks=ranks, timeout=200)
        check.that(run.status == 3, f"strip, {ranks} ranks: status {run.status}", run)
        run = clitest.run(*common, *saved, ranks=ranks, timeout=200)
        found = clitest.read_json(folder + "/s.json")
        check.that(run.status == 0 and found["restarts"] == 1, f"strip, {ranks} ranks: it went on", run)
        check.that(abs(found["value"] - first["value"]) <= 1e-12 * first["value"],
                   f"strip, {ranks} ranks: {found['value']!r}, {first['value']!r} without a stop")
    run = clitest.run(*common, "-ot_type", "domdec", timeout=200)
    cells = clitest.read_json(folder + "/s.json")
    check.that(run.status == 0, "strip, domdec", run)
    check.that(max(cells["lower"], first["lower"]) <= min(cells["upper"], first["upper"]), f"strip: {cells}, {first}")


with clitest.folder() as folder:
    for n, m, ranks in ((3001, 3001, 1), (3001, 3001, 2), (3001, 3001, 5), (20000, 14999, 1)):
        rng = np.random.default_rng(7)
        a, b = densities(n, m)
        np.save(folder + "/a.npy", a)
        np.save(folder + "/b.npy", b)
        what, found = solve(folder, n, m, ranks=ranks)
        exact = monotone(a, b, 2)
        check.that(found["type"] == "multigrid", f"{what}: {found['type']}")
        check.that(found["ot_lower"] <= exact * (1 + 1e-9) and exact * (1 - 1e-9) <= found["ot_upper"],
                   f"{what}: {exact!r} outside [{found['ot_lower']!r}, {found['ot_upper']!r}]")
        if n == 3001:
            first = found["value"] if ranks == 1 else first
            check.that(abs(found["value"] - first) <= 1e-12 * first, f"{what}: {found['value']!r}, {first!r} before")
    run = clitest.run("verify", folder + "/r.h5")
    check.that(run.status == 0, "verify", run)

    # noise, and a density whose tails fall below the smallest numbers: bands are wide and have few entries that matter
    y = (np.arange(2000) + 0.5) / 2000
    a, b = rng.uniform(size=2000)**3, np.exp(-(np.abs(y - 0.5) - 0.2)**2 / (2 * 0.02**2))
    np.save(folder + "/a.npy", a / a.sum())
    np.save(folder + "/b.npy", b / b.sum())
    for ranks in (1, 2):
        what, found = solve(folder, 2000, 2000, ranks=ranks)
        exact = monotone(a / a.sum(), b / b.sum(), 2)
        check.that(found["ot_lower"] <= exact * (1 + 1e-9) and exact * (1 - 1e-9) <= found["ot_upper"],
                   f"{what}: {exact!r} outside [{found['ot_lower']!r}, {found['ot_upper']!r}]")
        check.that(found["iterations"] <= 1000, f"{what}: {found['iterations']} iterations")

    a, b = densities(1500, 1200)
    np.save(folder + "/a.npy", a)
    np.save(folder + "/b.npy", b)
    for cost in ("l1", "euclidean"):
        what, found = solve(folder, 1500, 1200, "-ot_cost", cost, ranks=2)
        exact = monotone(a, b, 1)
        check.that(found["ot_lower"] <= exact * (1 + 1e-9) and exact * (1 - 1e-9) <= found["ot_upper"],
                   f"{what}: {exact!r} outside [{found['ot_lower']!r}, {found['ot_upper']!r}]")
    answers = [solve(folder, 1500, 1200, "-ot_marginal", "kl", "-ot_marginal_rho", 3000, "-ot_type", name)[1]
               for name in ("multigrid", "newton")]
    check.that(max(r["lower"] for r in answers) <= min(r["upper"] for r in answers), f"penalised: {answers}")
    strip(folder)
check.finish()
