#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Map, displacement, plan and interpolated frames against the dense plan of the stored potentials, on 1 and 3 ranks, in
one, two and three dimensions; side files; pictures."""
import itertools
import os
import subprocess
import xml.etree.ElementTree as ET

import clitest
import h5py
import numpy as np

check = clitest.Checks()
FRAMES = 4


def coordinates(group):
    if "points" in group:
        return group["points"][...]
    axes = [o + s * np.arange(n) for n, s, o in zip(group["shape"], group["spacing"], group["origin"])]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


def dense(file):
    """sources, targets, plan"""
    x, y = coordinates(file["source"]), coordinates(file["target"])
    a, b = file["source/weights"][...].ravel(), file["target/weights"][...].ravel()
    f, g = file["potential/f"][...].ravel(), file["potential/g"][...].ravel()
    difference = x[:, None] - y[None]
    squares = file.attrs["cost"] in ("sqeuclidean", b"sqeuclidean")
    cost = (difference**2 if squares else np.abs(difference)).sum(axis=2)
    return x, y, a[:, None] * b[None] * np.exp((f[:, None] + g[None] - cost) / file.attrs["eps"])


def splat(points, weights, shape, spacing, origin):
    out = np.zeros(shape)
    at = (points - origin) / spacing
    low = np.minimum(np.floor(at + 1e-12).astype(int), np.maximum(np.array(shape) - 2, 0))
    for up in itertools.product((0, 1), repeat=len(shape)):
        share = np.prod(np.where(up, at - low, 1 - at + low), axis=1)
        cell = np.minimum(low + up, np.array(shape) - 1)
        np.add.at(out, tuple(cell.T), share * weights)
    return out


def same_on_ranks(names, what):
    with h5py.File(names[0], "r") as one, h5py.File(names[1], "r") as two:
        for group in ("map", "displacement", "frames"):
            parts = [group] if group != "frames" else [f"frames/{k:04}" for k in range(FRAMES) if "frames" in one]
            for part in parts:
                a, b = one[part][...], two[part][...]
                scale = np.abs(a).max()
                check.that(np.abs(a - b).max() <= 1e-11 * scale, f"{what}: {part} on 1 and 3 ranks")


def against_dense(name, what):
    """fields of a result"""
    with h5py.File(name, "r") as file:
        x, y, plan = dense(file)
        rows = plan.sum(axis=1, keepdims=True)
        image = np.where(rows > 0, plan @ y / np.where(rows > 0, rows, 1), 0)
        heavy = rows[:, 0] > 0
        for field, truth in (("map", image), ("displacement", image - x)):
            value = file[field][...].reshape(x.shape)
            check.that(np.abs(value - truth)[heavy].max() < 1e-9, f"{what}: /{field}")
            xyz = file["xyz/" + field][...].reshape(len(x), 3)[:, :x.shape[1]]
            check.that(np.array_equal(xyz if "points" in file["source"] else xyz[:, ::-1], value),
                       f"{what}: /xyz/{field} has x along the fastest axis first")
        kept = file["plan/data"][...].sum()
        check.that(abs(file["plan"].attrs["neglected_mass"] - (1 - kept)) < 1e-12, f"{what}: the plan's neglected mass")
        check.that(0 < 1 - kept < 1e-2, f"{what}: {1 - kept:.1e} neglected")
        if "frames" not in file:
            return
        shape, spacing, origin, times = (file["frames/" + k][...] for k in ("shape", "spacing", "origin", "t"))
        check.that(np.allclose(times, np.linspace(0, 1, FRAMES)), f"{what}: times {times}")
        lumps = file["frames"].attrs["lumped_mass"]
        check.that(0 <= lumps < 1e-6, f"{what}: {lumps:.1e} moved in lumps")
        for k, t in enumerate(times):
            points = ((1 - t) * x[:, None] + t * y[None]).reshape(-1, x.shape[1])
            truth = splat(points, plan.ravel(), tuple(shape), spacing, origin)
            frame = file[f"frames/{k:04}"][...]
            check.that(np.abs(frame - truth).max() <= 1e-12 + 2 * lumps, f"{what}: frame {k}")
            check.that(abs(frame.sum() - 1) < 1e-12, f"{what}: mass of frame {k} is {frame.sum()!r}")


def side_file(name, what, nfields):
    """every array that is named is there with the shape that is said"""
    root, count = ET.parse(name).getroot(), 0
    for attribute in root.iter("Attribute"):
        item = [i for i in attribute.iter("DataItem") if i.get("Format") == "HDF"][0]
        file, path = item.text.split(":")
        with h5py.File(os.path.join(os.path.dirname(name), file), "r") as h5:
            check.that(h5[path].shape == tuple(map(int, item.get("Dimensions").split())), f"{what}: {path} in {name}")
        count += 1
    check.that(count == nfields, f"{what}: {count} fields in {name}")
    return root


def pictures(place, result):
    fenchel = [clitest.FENCHEL, "plot", result]
    row = subprocess.run(fenchel + ["-frames", "row", "-o", place + "/row.png"], capture_output=True, text=True,
                         check=False)
    check.that(row.returncode == 0 and os.path.getsize(place + "/row.png") > 2000, f"a row of frames: {row.stderr}")
    files = subprocess.run(fenchel + ["-frames", "files", "-o", place + "/f.png"], capture_output=True, text=True,
                           check=False)
    names = [f"{place}/f-{k:04}.png" for k in range(FRAMES)]
    check.that(files.returncode == 0 and all(map(os.path.exists, names)), f"a file for each frame: {files.stderr}")
    import matplotlib.image  # what the script itself needs
    with h5py.File(result, "r") as file:
        most = max(file[f"frames/{k:04}"][...].max() for k in range(FRAMES))
        for k, name in enumerate(names):
            grey, density = matplotlib.image.imread(name)[..., 0], file[f"frames/{k:04}"][...]
            check.that(np.abs(grey - density / most).max() < 1 / 500, f"pixels of {name}")


with clitest.folder() as folder:
    rng = np.random.default_rng(5)
    cases = {"grid of two axes": ((13, 9), (11, 14)), "grid of one axis": ((23, ), (17, )),
             "grid of three axes": ((5, 6, 4), (6, 4, 5)), "one pixel wide": ((1, 12), (1, 9))}
    for number, (case, shapes) in enumerate(cases.items()):
        for side, shape_ in zip("st", shapes):
            weights = rng.uniform(size=shape_) * (rng.uniform(size=shape_) > 0.3)
            np.save(f"{folder}/{side}{number}.npy", weights / weights.sum())
        outputs = []
        for ranks in (0, 3):
            outputs.append(f"{folder}/r{number}-{ranks}.h5")
            run = clitest.run("ot", "-source", f"{folder}/s{number}.npy", "-target", f"{folder}/t{number}.npy",
                              "-ot_eps", "0.7", "-ot_gap_rel", "1e-8", "-map", "-displacement", "-frames", FRAMES,
                              "-plan_threshold", "1e-3", "-o", outputs[-1],
                              *(("-ot_cost", "l1") if case.endswith("three axes") else ()), ranks=ranks)
            check.that(run.status == 0, case, run)
        same_on_ranks(outputs, case)
        against_dense(outputs[0], case)
        side_file(outputs[0][:-3] + ".xmf", case, 6)
        steps = side_file(outputs[0][:-3] + "-frames.xmf", case, FRAMES)
        check.that([float(t.get("Value")) for t in steps.iter("Time")] == list(np.linspace(0, 1, FRAMES)),
                   f"{case}: times of the side file")
    pictures(folder, f"{folder}/r0-0.h5")

    cloud = clitest.measures(folder + "/cloud.h5", n=20, m=15)
    outputs = []
    for ranks in (0, 3):
        outputs.append(f"{folder}/c{ranks}.h5")
        run = clitest.run("ot", "-source", cloud, "-target", cloud, "-ot_eps", "0.05", "-map", "-displacement",
                          "-plan_threshold", "1e-3", "-o", outputs[-1], ranks=ranks)
        check.that(run.status == 0, "clouds", run)
    same_on_ranks(outputs, "clouds")
    against_dense(outputs[0], "clouds")
    mesh = side_file(outputs[0][:-3] + ".xmf", "clouds", 6)
    check.that({t.get("TopologyType") for t in mesh.iter("Topology")} == {"Polyvertex"}, "clouds are points")
    words = ("-source", cloud, "-target", cloud, "-ot_eps", "0.05", "-o", folder + "/no.h5")
    check.refused(clitest.run("ot", *words, "-frames", "5"), "frames of clouds", "frames", "grids")
    check.refused(clitest.run("ot", *words, "-frames", "1"), "one frame", "-frames 1")
    check.refused(clitest.run("ot", *words[:-2], "-displacement"), "no result to write to", "-displacement", "-o")
check.finish()
