# SPDX-License-Identifier: BSD-2-Clause
"""Transport between images: time of all types to the same certified gap, pixels a second, against POT."""
import json
import math
import subprocess
import sys
from array import array

from benchlib import table, verdict

GAP = 1e-6
LIMIT = 60  # seconds of a solve


def smooth(n, side):
    """a sum of waves, positive; the same for any n"""
    rows = []
    for i in range(n):
        for j in range(n):
            x, y = (i + .5) / n, (j + .5) / n
            v = 1.4 + math.sin(5 * x + 2 * side) * math.cos(4 * y - side) + \
                0.3 * math.sin(17 * x * y + side) * math.sin(23 * (1 + side) * y)
            rows.append(v)
    return rows


def write(path, values):
    total = math.fsum(values)
    with open(path, "wb") as f:
        array("d", [v / total for v in values]).tofile(f)


def solve(bench, n, files, kind):
    command = [bench.fenchel, "ot", "-source", files[0], "-target", files[1], "-source_shape", f"{n},{n}",
               "-target_shape", f"{n},{n}", "-ot_eps", 0.25, "-ot_gap_rel", GAP, "-ot_normalize", "-ot_type", kind,
               "-ot_time_limit", LIMIT, "-summary", bench.path("summary.json"), "-overwrite"]
    best = None
    for _ in range(bench.runs):
        bench.run(command, status=(0, 3, 75))
        with open(bench.path("summary.json"), encoding="utf-8") as f:
            one = json.load(f)
        if best is None or one["time_solve"] < best["time_solve"]:
            best = one
        if one["time_solve"] > LIMIT / 2:
            break
    return best


PEER = """
import sys, time, numpy as np, ot
n = int(sys.argv[1]); a, b = (np.fromfile(f).reshape(n, n) for f in sys.argv[2:4])
x = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1).reshape(-1, 2).astype(float)
M = ot.dist(x, x); t = time.time()
v = ot.emd2(a.ravel(), b.ravel(), M, numItermax=10**8); print(time.time() - t, v)
"""


def peer(bench, n, files):
    """POT's network simplex on the unregularised problem: seconds, or None where it is not there"""
    try:
        out = subprocess.run(bench.command([sys.executable, "-c", PEER, n, *files], 1), env=bench.env, text=True,
                             capture_output=True, timeout=10 * LIMIT, check=True)
        return float(out.stdout.split()[0])
    except (subprocess.SubprocessError, ValueError, IndexError):
        return None


def run(bench):
    rows = []
    for n in bench.size((64, 128, 256, 512), (24,)):
        files = [bench.path(f"image{s}-{n}.f64") for s in (0, 1)]
        for s in (0, 1):
            write(files[s], smooth(n, s))
        found = {kind: solve(bench, n, files, kind) for kind in ("multigrid", "newton", "sinkhorn")
                 if kind != "sinkhorn" or n <= 128}
        least = found["multigrid"]["time_solve"]
        for kind, r in found.items():
            goal = {256: 180000, 512: 100000}.get(n) if kind == "multigrid" else None
            rate = n * n / r["time_solve"]
            rows.append((f"{n} x {n}", kind, r["time_solve"], round(rate), r["gap_rel"], r["time_solve"] / least,
                         r["memory_rank_max"] / 1e6, verdict(rate, goal) if goal else "", f"{r['value']:.10g}"))
        seconds = peer(bench, n, files) if n <= 64 else None
        if seconds:
            rows.append((f"{n} x {n}", "POT emd", seconds, round(n * n / seconds), 0, seconds / least, "", "", ""))
    return table(("grid", "type", "seconds", "pixels/s", "gap", "time/multigrid's", "MB", "goal", "value"), rows) + \
        (f"\nTwo smooth positive images, epsilon = 0.25 pixel^2, to a certified relative gap of {GAP:g}; the best "
         f"run, both bounds\nincluded. A type that has not ended after {LIMIT} seconds stands with the gap it had. "
         "POT solves the unregularised problem\nwith a stored cost matrix.\n")
