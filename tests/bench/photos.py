# SPDX-License-Identifier: BSD-2-Clause
"""The command on two photographs of 128 x 128 pixels, as a user runs it, and the check of its result."""
import json
import os

from benchlib import table, verdict


def photo(name):
    import skimage
    return os.path.join(os.path.dirname(skimage.__file__), "data", name)


def run(bench):
    size, gap = bench.size(128, 24), 1e-5
    files, rows = (photo("astronaut.png"), photo("coffee.png")), []
    resize = f"{size},{size}"
    kinds = ["default", "sinkhorn", "newton"]
    for kind in kinds:
        result, summary = bench.path("photos.h5"), bench.path("photos.json")
        times = []
        for _ in range(bench.runs):
            bench.run([bench.fenchel, "ot", "-source", files[0], "-target", files[1], "-source_kind", "grid",
                       "-target_kind", "grid", "-source_resize", resize, "-target_resize", resize, "-ot_eps", 1,
                       "-ot_gap_rel", gap, "-o", result, "-overwrite", "-summary", summary,
                       *(() if kind == "default" else ("-ot_type", kind))], ranks=2, status=(0, 3))
            with open(summary, encoding="utf-8") as f:
                s = json.load(f)
            times.append(s["time_solve"])
        if kind == "default":
            kinds.remove(s["type"])
        said = bench.run([bench.fenchel, "verify", result], ranks=2, status=(0, 2))
        rows.append((kind if kind != "default" else f"default ({s['type']})", sorted(times)[len(times) // 2],
                     s["iterations"], s["status"], f"{s['lower']:.10g}", f"{s['upper']:.10g}", s["gap_rel"],
                     verdict(s["gap_rel"], gap, False), "confirmed" if "verified" in said else "refused"))
    return table((f"{size} x {size}, epsilon 1 pixel^2", "seconds", "iterations", "status", "lower", "upper",
                  "certified gap", "<= 1e-5", "fenchel verify"), rows) + \
        "\nThe astronaut to the cup of coffee, 2 ranks. Status 0 is convergence, see errors.md.\n"
