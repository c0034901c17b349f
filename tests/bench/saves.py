# SPDX-License-Identifier: BSD-2-Clause
"""What checkpoints cost: the share of a run at default settings, and the bandwidth of a save against dd."""
import json
import shutil
import statistics
import time

from benchlib import number, table, verdict
from photos import photo

INTERVAL = 600  # -ckpt_interval


def dd(bench, size):
    """seconds to write a file of this size and have it on the disk"""
    seconds = []
    for _ in range(2 * bench.runs + 1):
        start = time.perf_counter()
        bench.run(["dd", "if=/dev/zero", f"of={bench.path('dd')}", "bs=1M", f"count={max(1, size >> 20)}",
                   "conv=fsync"])
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * size / (max(1, size >> 20) << 20)


def bandwidth(bench):
    rows = []
    for n in (10000, 100000, 1048576, 16777216) if not bench.quick else (10000,):
        folder = bench.path("ckpt")
        r = bench.json([bench.program("save"), "-n", n, "-dir", folder, "-runs", 2 * bench.runs + 1])[0]
        shutil.rmtree(folder)
        plain = dd(bench, int(r["bytes"]))
        share = r["median"] / (INTERVAL + r["median"])
        rows.append((n, r["bytes"] * 1e-6, r["median"], r["worst"], r["bytes"] * 1e-6 / r["median"], plain,
                     r["median"] / plain, f"{100 * share:.3f} %", verdict(share, 0.03, False)))
    return table(("points n = m", "MB", "seconds a save", "worst", "MB/s", "dd with fsync, s", "save/dd",
                  f"share, every {INTERVAL} s", "<= 3 %"), rows)


def whole_run(bench):
    """default settings but for the folder: in a run shorter than the interval there is the save at the end only"""
    size = bench.size(256, 32)
    files, rows = (photo("camera.png"), photo("coins.png")), []
    summary, folder, without = bench.path("run.json"), bench.path("run"), None
    for name, options in (("none", ()), ("default", ("-ckpt_dir", folder)),
                          ("every second", ("-ckpt_dir", folder, "-ckpt_interval", 1))):
        found = []
        for _ in range(bench.runs):
            bench.run([bench.fenchel, "ot", "-source", files[0], "-target", files[1], "-source_kind", "grid",
                       "-target_kind", "grid", "-source_resize", f"{size},{size}", "-target_resize", f"{size},{size}",
                       "-ot_type", "sinkhorn", "-ot_eps", bench.size(1, 50), "-ot_gap_rel", 1e-4, "-summary",
                       summary, *options])
            with open(summary, encoding="utf-8") as f:
                s = json.load(f)
            found.append((s["time_io"], s["time_solve"]))
            shutil.rmtree(folder, ignore_errors=True)
        io, solve = (statistics.median(column) for column in zip(*found))
        if without is None:
            without = io
            rows.append((name, solve, io, "", "", ""))
            continue
        share = max(0, io - without) / solve
        rows.append((name, solve, io, max(0, io - without), f"{100 * share:.2f} %",
                     verdict(share, 0.03, False) if name == "default" else ""))
    return f"Sinkhorn between two photographs of {size} x {size} pixels:\n\n" + \
        table(("checkpoints", "seconds solve", "seconds io", "of them saves", "share of the solve", "<= 3 %"), rows)


def run(bench):
    return bandwidth(bench) + \
        ("\nA save is written, synced, renamed and read back. The share is that of a run longer than the default "
         f"interval of {number(INTERVAL)} s;\nthe save at the end adds one more.\n\n") + whole_run(bench)
