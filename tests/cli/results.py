#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Summary and result file: keys, types, content; the same on another number of ranks; info and plot."""
import os
import shutil
import subprocess

import clitest
import h5py
import numpy as np

check = clitest.Checks()
KEYS = {"verb": str, "type": str, "status": int, "reason": str, "ranks": int, "iterations": int, "value": float,
        "lower": float, "upper": float, "gap": float, "gap_rel": float, "time_setup": float, "time_solve": float,
        "time_io": float, "memory_rank_max": int, "restarts": int, "version": str, "n": int, "m": int, "dim": int,
        "eps": float, "cost": float, "ot_lower": float, "ot_upper": float, "marginal_error": float, "mass": float,
        "pairs_per_second": float}


def check_summary(summary, what, status=0):
    check.that(list(summary) == list(KEYS), f"{what}: keys in their order, got {list(summary)}")
    for key, kind in KEYS.items():
        value = summary.get(key)
        kinds = (int, float) if kind is float else kind
        fine = isinstance(value, kinds) and not isinstance(value, bool)
        check.that(fine, f"{what}: {key} is {value!r}, a {kind.__name__} is expected")
    check.that(summary["status"] == status, f"{what}: status {summary['status']}")
    check.that(summary["lower"] <= summary["upper"] and summary["ot_lower"] <= summary["ot_upper"], f"{what}: bounds")
    check.that(abs(summary["gap"] - (summary["upper"] - summary["lower"])) <= 1e-12, f"{what}: gap")


def solve(place, name, *arguments, ranks=1, status=0):
    result = clitest.run("ot", *arguments, "-o", f"{place}/{name}.h5", "-summary", f"{place}/{name}.json", ranks=ranks)
    check.that(result.status == status, f"{name} ends with status {status}", result)
    summary = clitest.read_json(f"{place}/{name}.json")
    check_summary(summary, name, status)
    return summary, result


def same_numbers(one, two, what):
    with h5py.File(one, "r") as a, h5py.File(two, "r") as b:
        names = []
        a.visit(names.append)
        for name in names:
            if not isinstance(a[name], h5py.Dataset) or name.startswith("provenance"):
                continue
            if name in ("history/work", "history/lower", "history/upper", "history/gap_rel", "history/residual"):
                continue
            x, y = a[name][...], b[name][...]
            scale = max(1.0, float(np.abs(x[np.isfinite(x)]).max(initial=0)))
            check.that(x.shape == y.shape and np.allclose(x, y, rtol=0, atol=1e-9 * scale, equal_nan=True),
                       f"{what}: {name}")


with clitest.folder() as place:
    data = clitest.measures(place + "/m.h5", n=30, m=20)
    base = ("-source", data, "-target", data, "-ot_eps", "0.05", "-ot_gap_rel", "1e-6")
    one, result = solve(place, "one", *base, "-map", "-plan_threshold", "1e-3")
    check.that(one["n"] == 30 and one["m"] == 20 and one["dim"] == 2 and one["eps"] == 0.05, "sizes in the summary")
    check.that(one["gap_rel"] <= 1e-6 and one["reason"].startswith("converged"), "the tolerance is met")
    check.that("options    command line" in result.out, "the header says where options came from", result)
    two, _ = solve(place, "two", *base, "-map", "-plan_threshold", "1e-3", ranks=3)
    check.that(abs(one["value"] - two["value"]) <= 1e-12 * abs(one["value"]), "the value on 1 and 3 ranks")
    same_numbers(place + "/one.h5", place + "/two.h5", "1 and 3 ranks")

    with h5py.File(place + "/one.h5", "r") as file:
        attrs = {k: v.decode() if isinstance(v, bytes) else v for k, v in file.attrs.items()}
        check.that(attrs["format"] == "fenchel-result" and int(attrs["format_version"]) == 1 and attrs["verb"] == "ot",
                   "root")
        check.that("-ot_eps 0.05" in attrs["options"] and "-summary" not in attrs["options"],
                   f"options: {attrs['options']}")
        f, g = file["potential/f"][...], file["potential/g"][...]
        x, y = file["source/points"][...], file["target/points"][...]
        a, b = file["source/weights"][...], file["target/weights"][...]
        cost = ((x[:, None] - y[None])**2).sum(axis=2)
        plan = a[:, None] * b[None] * np.exp((f[:, None] + g[None] - cost) / 0.05)
        check.that(np.abs(plan.sum(axis=1) - a).max() < 1e-14, "the plan's rows are exact")
        image = file["map"][...]
        check.that(np.allclose(image, plan @ y / a[:, None], atol=1e-12), "/map is the barycentric map")
        ptr, idx, val = (file["plan/" + k][...] for k in ("indptr", "indices", "data"))
        stored = np.zeros_like(plan)
        for i in range(len(a)):
            stored[i, idx[ptr[i]:ptr[i + 1]]] = val[ptr[i]:ptr[i + 1]]
        keep = plan >= 1e-3 * plan.max(axis=1, keepdims=True)
        check.that(np.allclose(stored, np.where(keep, plan, 0), atol=1e-13),
                   "/plan holds the entries above the threshold")
        check.that(file["history/iteration"].shape == file["history/upper"].shape, "history columns")
        check.that("seconds" in file["provenance"] and "date" in file["provenance"].attrs, "provenance")

    # limits: status 3, and everything is still written
    short, _ = solve(place, "short", *base, "-ot_max_it", "1", "-ot_type", "sinkhorn", status=3)
    check.that(short["reason"] == "max_it" and short["iterations"] == 1, "the iteration limit is named")
    check.that(clitest.run("verify", place + "/short.h5", ranks=2).status == 0,
               "a result of one iteration is certified too")
    result = clitest.run("ot", *base, ranks=2)
    check.that(result.status == 0, "without -o and -summary", result)
    with open(place + "/o.yaml", "w", encoding="ascii") as file:
        file.write("ot_eps: 0.2\n")
    result = clitest.run("ot", *base[:4], "-options_file_yaml", place + "/o.yaml",
                         env={"PETSC_OPTIONS": "-ot_max_it 77"})
    check.that(result.status == 0 and "eps 0.2" in result.out and "at most 77 iterations" in result.out,
               "option files", result)
    check.that("PETSC_OPTIONS" in result.out and "o.yaml" in result.out, "the header names the sources of options",
               result)

    # two equal runs differ under /provenance only
    solve(place, "again", *base, "-map", "-plan_threshold", "1e-3")
    if shutil.which("h5diff"):
        difference = subprocess.run(["h5diff", "--exclude-path", "/provenance", place + "/one.h5", place + "/again.h5"],
                                    capture_output=True, text=True, check=False)
        check.that(difference.returncode == 0, f"h5diff of two equal runs: {difference.stdout}{difference.stderr}")

    # pictures
    one_png, two_png = (clitest.png(f"{place}/{k}.png", clitest.photo(24, k)) for k in (1, 2))
    solve(place, "grid", "-source", one_png, "-target", two_png, "-ot_eps", "2", ranks=2)
    check.that(os.path.exists(place + "/grid.xmf"), "grids have a side file for ParaView")
    for label, there in (("fenot", True), ("fenmdp", False)):
        result = clitest.run("ot", "-source", one_png, "-target", two_png, "-ot_eps", "2", "-info", ":" + label)
        check.that(("<fenot>" in result.out) == there and "null" not in result.out and "<ksp>" not in result.out,
                   f"-info :{label} shows messages of its class alone", result)
    rng = np.random.default_rng(5)
    colours = [clitest.png(f"{place}/c{k}.png", rng.uniform(size=(12, 10, 3))**(k + 1)) for k in (0, 1)]
    solve(place, "colour", "-source", colours[0], "-target", colours[1], "-source_kind", "rgb", "-target_kind", "rgb",
          "-ot_eps", "0.02", ranks=2)
    for name in ("one", "grid", "colour"):
        result = clitest.run("verify", f"{place}/{name}.h5", ranks=2)
        check.that(result.status == 0 and "verified" in result.out, f"verify {name}", result)
        result = clitest.run("plot", f"{place}/{name}.h5", "-o", f"{place}/{name}-plot.png", timeout=120)
        check.that(result.status == 0, f"plot {name}", result)
        with open(f"{place}/{name}-plot.png", "rb") as file:
            head = file.read()
        check.that(head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) > 10000, f"plot {name} makes a picture")
        result = clitest.run("info", f"{place}/{name}.h5")
        check.that(result.status == 0 and "/potential/f" in result.out and "result of Fenchel" in result.out, "info",
                   result)
    result = clitest.run("plot", place + "/one.h5", "-o", place + "/one-plot.png")
    check.that(result.status == 2 and "exists" in result.err, "plot does not replace a picture", result)
    result = clitest.run("info", one_png)
    check.that(result.status == 0 and "24 x 24" in result.out, "info of a picture", result)
    result = clitest.run("info", data)
    check.that(result.status == 0 and "/source/points" in result.out, "info of an input", result)

    # replacing
    result = clitest.run("ot", *base, "-o", place + "/one.h5")
    check.refused(result, "an existing result", "one.h5")
    result = clitest.run("ot", *base, "-o", place + "/one.h5", "-overwrite", ranks=2)
    check.that(result.status == 0, "-overwrite replaces it", result)

    # an explicit cost is stored, or found again by name and fingerprint
    with h5py.File(place + "/cost.h5", "w") as file:
        file["c"] = np.sqrt(cost)
    for name, store in (("stored", "true"), ("named", "false")):
        solve(place, name, "-source", data, "-target", data, "-ot_eps", "0.05", "-ot_cost", "matrix", "-ot_cost_matrix",
              place + "/cost.h5:/c", "-store_cost", store, "-ot_gap_rel", "1e-5", ranks=2)
        with h5py.File(f"{place}/{name}.h5", "r") as file:
            check.that(("cost" in file) == (store == "true"), f"-store_cost {store}")
        result = clitest.run("verify", f"{place}/{name}.h5", ranks=2)
        check.that(result.status == 0, f"verify with a matrix, {name}", result)
    with h5py.File(place + "/cost.h5", "r+") as file:
        file["c"][3, 4] += 1e-3
    check.refused(clitest.run("verify", place + "/named.h5", ranks=2), "the named cost was changed", "cost")
check.finish()
