# SPDX-License-Identifier: BSD-2-Clause
"""Transport between images: all types to the same certified gap, rough pairs, large images, two ranks, a volume."""
import json
import math
import os
import statistics
import sys
from array import array

from benchlib import load, number, table, verdict

GAP = 1e-6
LIMIT = 60  # seconds of a solve
LONG = 30  # what takes longer runs once
EPS = 0.25  # pixel^2


def progress(text):
    """parts take minutes: what runs, and at what load"""
    print(f"multigrid: {text} ({load()})", file=sys.stderr, flush=True)


# ---- images; the same on every machine ----

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


def noise(n, seed, length):
    """smooth noise in [0, 1] with a correlation length of `length` times the image"""
    import numpy as np
    k = np.fft.fftfreq(n) * n
    square = k[:, None]**2 + k[None, :]**2
    f = np.fft.fft2(np.random.default_rng(seed).standard_normal((n, n))) * np.exp(-2 * square * length**2)
    f = np.real(np.fft.ifft2(f))
    return (f - f.min()) / (f.max() - f.min())


def lognormal(n, seed):
    """correlation lengths from 1/5 to 1/20 of the image, dynamic ranges from 1e2 to 1e4"""
    import numpy as np
    length, decades = 1 / (5 + 15 * seed / 9), 2 + 2 * (7 * seed % 10) / 9
    return tuple(np.exp(noise(n, 100 * (side + 1) + seed, length) * math.log(10**decades)) for side in (0, 1))


def blob(n, x, y):
    import numpy as np
    g = (np.arange(n) + .5) / n
    return np.exp(-((g[:, None] - x)**2 + (g[None, :] - y)**2) / (2 * .02**2))


def rough(n):
    """pairs that are hard: what they are, the two images, seconds that are allowed"""
    import numpy as np
    from skimage import color, data, transform

    def photo(image):
        grey = color.rgb2gray(image) if image.ndim == 3 else image / 255.
        return transform.resize(grey, (n, n), anti_aliasing=True)

    def half(seed):
        f = noise(n, seed, 1 / 8)
        return np.where(f > np.median(f), np.exp(4 * f), 0)

    first, second = smooth_pair(n)
    pixel, random = np.zeros((n, n)), np.random.default_rng(5)
    pixel[n // 3, n // 5] = 1
    board = (np.add.outer(np.arange(n) // 8, np.arange(n) // 8) % 2).astype(float)
    halves = np.where(np.arange(n)[:, None] < n // 2, 1., 0.) * np.ones((n, n))
    yield "smooth, swapped", second, first, 5
    yield "smooth, second rotated", first, np.rot90(second), 5
    yield "photographs, astronaut and coffee", photo(data.astronaut()), photo(data.coffee()), 1
    yield "photographs, camera and cat", photo(data.camera()), photo(data.chelsea()), 1
    yield "shapes, half of the pixels zero", half(1), half(2), 5
    yield "one blob each, on 1e-6", blob(n, .25, .3) + 1e-6, blob(n, .7, .75) + 1e-6, 5
    yield "two blobs each, on 1e-6", blob(n, .25, .3) + blob(n, .75, .3) + 1e-6, \
        blob(n, .7, .75) + blob(n, .2, .8) + 1e-6, 5
    yield "one pixel to uniform", pixel, np.ones((n, n)), 5
    yield "uniform to one pixel", np.ones((n, n)), pixel, 5
    yield "white noise", random.random((n, n)) + 1e-3, random.random((n, n)) + 1e-3, 5
    yield "checkerboard to half of the image", board, halves, 5


def write(path, values):
    values = [float(v) for v in getattr(values, "flat", values)]
    total = math.fsum(values)
    with open(path, "wb") as f:
        array("d", [v / total for v in values]).tofile(f)


def files_of(bench, name, images):
    files = [bench.path(f"{name}-{s}.f64") for s in (0, 1)]
    for path, image in zip(files, images):
        write(path, image)
    return files


# ---- solves ----

def once(bench, shape, files, kind="multigrid", gap=GAP, eps=EPS, limit=LIMIT, ranks=1, more=()):
    """the summary of one run"""
    shape = ",".join(map(str, shape))
    bench.run([bench.fenchel, "ot", "-source", files[0], "-target", files[1], "-source_shape", shape, "-target_shape",
               shape, "-ot_eps", eps, "-ot_gap_rel", gap, "-ot_normalize", "-ot_type", kind, "-ot_time_limit", limit,
               "-summary", bench.path("summary.json"), "-overwrite", *more], ranks=ranks, status=(0, 3, 75))
    with open(bench.path("summary.json"), encoding="utf-8") as f:
        return json.load(f)


def solve(bench, *case, runs=None, **options):
    """medians of the summaries of several runs; one run where it takes long"""
    return bench.turns(lambda: once(bench, *case, **options), runs=runs, long=LONG)[0]


def one_and_two(bench, *case, **options):
    """medians on one rank and on two, in turns"""
    return bench.turns(*(lambda ranks=ranks: once(bench, *case, ranks=ranks, **options) for ranks in (1, 2)),
                       long=LONG)


PEER = """
import sys, time, numpy as np, ot
n = int(sys.argv[1]); a, b = (np.fromfile(f).reshape(n, n) for f in sys.argv[2:4])
x = np.stack(np.meshgrid(np.arange(n), np.arange(n), indexing="ij"), -1).reshape(-1, 2).astype(float)
M = ot.dist(x, x); t = time.time()
v = ot.emd2(a.ravel(), b.ravel(), M, numItermax=10**8); print(time.time() - t, v)
"""


def peer(bench, n, files):
    """POT's network simplex on the unregularised problem: seconds, or None where it is not there"""
    done = bench.within(10 * LIMIT, [sys.executable, "-c", PEER, n, *files])
    return float(done.stdout.split()[0]) if done and done.returncode == 0 else None


# The log-sum-exp along one axis and then the other that POT's convolutional barycentres are made of (POT itself has no
# convolutional transport between two images), with the schedule of epsilon that their documentation recommends
CONVOLUTION = """
import sys, time, numpy as np
n, eps, value, gap, limit = int(sys.argv[1]), *map(float, sys.argv[2:6])
a, b = (np.log(np.fromfile(f).reshape(n, n)) for f in sys.argv[6:8])
x = np.arange(n) - np.arange(n)[:, None]
def blur(h, e):
    for _ in (0, 1):
        t = -x[:, :, None]**2. / e + h[None]
        m = t.max(1, keepdims=True)
        h = (np.log(np.exp(t - m).sum(1)) + m[:, 0]).T
    return h
start, f, g, e, off = time.time(), 0 * a, 0 * b, float(n * n), 1.
while off > gap and time.time() - start < limit:
    e = max(eps, e / 2)
    for k in range(10):
        f = -e * blur(b + g / e, e)
        new = -e * blur(a + f / e, e)
        dual = (np.exp(a) * f).sum() + (np.exp(b) * g).sum() - e * (np.exp(b + (g - new) / e).sum() - 1)
        g = new
        if e == eps:
            off = abs(dual / value - 1)
        if off <= gap or time.time() - start > limit:
            break
print(time.time() - start, off)
"""


# The same without logarithms: a kernel matrix for each axis, four products of matrices an iteration, as long as epsilon
# is so large that no number is too large or too small for it
KERNELS = """
import sys, time, numpy as np
np.seterr(all="ignore")
n, eps, value, gap, limit = int(sys.argv[1]), *map(float, sys.argv[2:6])
a, b = (np.fromfile(f).reshape(n, n) for f in sys.argv[6:8])
a, b = a / a.sum(), b / b.sum()
x = np.arange(n) - np.arange(n)[:, None]
K, v, off, start = np.exp(-x**2. / eps), np.ones((n, n)), 1., time.time()
while off > gap and time.time() - start < limit:
    for k in range(10):
        u = 1 / (K @ (b * v) @ K)
        before, v = v, 1 / (K @ (a * u) @ K)
    dual = eps * ((a * np.log(u)).sum() + (b * np.log(before)).sum() - (b * before / v).sum() + 1)
    off = abs(dual / value - 1)
    if not np.isfinite(off):
        break
print(time.time() - start, off)
"""


def convolution(bench, n, files, value, program=CONVOLUTION, eps=EPS):
    """seconds and distance from the value, or None where NumPy is not there"""
    done = bench.within(4 * LIMIT, [sys.executable, "-c", program, n, eps, value, GAP, bench.size(LIMIT, 2), *files])
    return tuple(map(float, done.stdout.split())) if done and done.returncode == 0 else None


def row(pair, kind, r, points, goal=None, least=None):
    """a line of the tables; `least`: the time of multigrid"""
    rate = points / r["time_solve"]
    return (pair, kind, r["time_solve"], round(rate), r["gap_rel"], r["time_solve"] / least if least else "",
            r["memory_rank_max"] / 1e6, verdict(rate, goal) if goal else "", f"{r['value']:.12g}")


HEAD = ("pair", "type", "seconds", "pixels/s", "gap", "time/multigrid's", "MB", "goal", "value")


def types(bench):
    rows = []
    for n in bench.size((64, 128, 256, 512), (24,)):
        files = files_of(bench, f"image{n}", (smooth(n, 0), smooth(n, 1)))
        found = {}
        for kind in ("multigrid", "newton", "domdec", "sinkhorn"):
            progress(f"smooth {n} x {n}, {kind}")
            found[kind] = solve(bench, (n, n), files, kind)
        least = found["multigrid"]["time_solve"]
        for kind, r in found.items():
            goal = {256: 180000, 512: 100000}.get(n) if kind == "multigrid" else None
            rows.append(row(f"smooth {n} x {n}", kind, r, n * n, goal, least))
        progress(f"smooth {n} x {n}, convolutions")
        other = convolution(bench, n, files, found["multigrid"]["value"]) if n <= 256 else None
        if other:
            rows.append((f"smooth {n} x {n}", "POT's convolution", other[0], round(n * n / other[0]), other[1],
                         other[0] / least, "", "", ""))
        seconds = peer(bench, n, files) if n <= 64 else None
        if seconds:
            rows.append((f"smooth {n} x {n}", "POT emd", seconds, round(n * n / seconds), 0, seconds / least,
                         "", "", ""))
    return table(HEAD, rows)


def wide(bench):
    """from small epsilons to those that see the image as a whole"""
    rows = []
    for n in bench.size((256, 512), (24,)):
        files = files_of(bench, f"image{n}", (smooth(n, 0), smooth(n, 1)))
        for eps in bench.size((1, 4, 16, 64, 256, 1024, 4096, 16384), (1, 64)):
            progress(f"smooth {n} x {n}, epsilon {eps}")
            r = solve(bench, (n, n), files, eps=eps)
            other = convolution(bench, n, files, r["value"], KERNELS, eps)
            ended = other and other[1] <= GAP
            rows.append((f"{n} x {n}", eps, r["time_solve"], r["gap_rel"], r["iterations"],
                         other[0] if ended else "", other[0] / r["time_solve"] if ended else "", f"{r['value']:.12g}"))
    return table(("smooth pair", "eps", "seconds", "gap", "iterations", "kernels, s", "times multigrid's",
                  "value"), rows)


# a pair from the literature on domain decomposition, 256 x 256 doubles each, if it is there: FOLDER/NAME-000-256.f64
DENSITIES = "FENCHEL_BENCH_DENSITIES"


def smooth_pair(n):
    import numpy as np
    return [np.reshape(smooth(n, s), (n, n)) for s in (0, 1)]


def densities(bench):
    """name and images of the published pair, or smooth ones in its place"""
    import numpy as np
    n, folder = bench.size(256, 24), os.environ.get(DENSITIES)
    if not folder or bench.quick:
        return "smooth", smooth_pair(n)
    return "densities", [np.fromfile(os.path.join(folder, f"density-{s:03}-256.f64")).reshape(n, n) for s in (0, 1)]


def mirrored(a):
    import numpy as np
    return np.block([[a, a[:, ::-1]], [a[::-1], a[::-1, ::-1]]])


def bilinear(a, k):
    import numpy as np
    at = (np.arange(a.shape[0] * k) + .5) / k - .5
    i = np.clip(np.floor(at).astype(int), 0, a.shape[0] - 2)
    t = np.clip(at - i, 0, 1)
    b = a[i] * (1 - t)[:, None] + a[i + 1] * t[:, None]
    return b[:, i] * (1 - t) + b[:, i + 1] * t


def large(bench):
    """sizes above, pixels a second and how time grows"""
    n, (name, pair) = bench.size(256, 24), densities(bench)
    rows, seconds = [], {}
    cases = [(f"{name} {n} x {n}", pair, 180000, GAP), (f"{name} {n} x {n}, gap 1e-9", pair, None, 1e-9)]
    for k, goal in bench.size(((2, 100000), (4, 60000)), ()):
        cases.append((f"{name} {k * n} x {k * n}, bilinear", [bilinear(a, k) for a in pair], goal, GAP))
        tiled = pair
        for _ in range(k // 2):
            tiled = [mirrored(a) for a in tiled]
        cases.append((f"{name} {k * n} x {k * n}, mirrored", tiled, goal, GAP))
    for what, images, goal, gap in cases:
        m = images[0].shape[0]
        progress(what)
        r = solve(bench, (m, m), files_of(bench, "large", images), gap=gap, limit=300)
        seconds[what] = r["time_solve"]
        rows.append(row(what, "multigrid", r, m * m, goal))
    text = table(HEAD, rows)
    first = seconds[cases[0][0]]
    text += f"\nGap 1e-9 takes {number(seconds[cases[1][0]] / first)} times the time of 1e-6 (goal 1.3)."
    for what, images, _, _ in cases[2:]:
        grown = math.log(seconds[what] / first) / math.log(images[0].size / pair[0].size)
        text += f" {what}: time grows like N^{grown:.2f} (goal 1.15)."
    return text + "\n"


def ranks(bench):
    """two ranks against one, in turns, and the largest image"""
    n, rows, pair = bench.size(256, 24), [], smooth_pair(bench.size(256, 24))
    name, published = densities(bench)
    cases = [(f"smooth {k * n} x {k * n}", [bilinear(a, k) for a in pair]) for k in bench.size((2, 4), (2,))]
    if name != "smooth":
        cases += [(f"{name} {k * n} x {k * n}, bilinear", [bilinear(a, k) for a in published]) for k in (2, 4)]
    cases += [(f"log-normal noise, seed {seed}, {2 * n} x {2 * n}", lognormal(2 * n, seed))
              for seed in bench.size((0,), ())]
    for what, images in cases:
        progress(f"{what}, one rank and two")
        one, two = one_and_two(bench, images[0].shape, files_of(bench, "ranks", images), limit=300)
        efficiency = one["time_solve"] / (2 * two["time_solve"])
        rows.append((what, one["time_solve"], two["time_solve"], efficiency, two["memory_rank_max"] / 1e6,
                     abs(one["value"] - two["value"]) / abs(one["value"]), verdict(efficiency, 0.85)))
    if not bench.quick:
        m = 8 * n
        progress(f"{m} x {m}, two ranks")
        r = solve(bench, (m, m), files_of(bench, "ranks", [bilinear(a, 8) for a in pair]), limit=300, ranks=2, runs=1)
        good = r["time_solve"] < 90 and r["memory_rank_max"] < 2e9 and r["status"] == 0
        rows.append((f"smooth {m} x {m}", "-", r["time_solve"], "-", r["memory_rank_max"] / 1e6, "-",
                     "met" if good else "not met"))
    return table(("pair", "1 rank, s", "2 ranks, s", "efficiency", "MB a rank", "values differ by", "goal"), rows) + \
        "\nMedians of one rank and of two, which run in turns.\n"


def hard(bench):
    n, rows, times = bench.size(256, 24), [], []
    seconds = {}
    for what, first, second, allowed in rough(n):
        progress(what)
        r = solve(bench, (n, n), files_of(bench, "hard", (first, second)))
        seconds[what] = r["time_solve"]
        good = r["status"] == 0 and r["time_solve"] <= allowed
        rows.append((what, r["time_solve"], r["gap_rel"], r["iterations"], allowed, "met" if good else "not met",
                     f"{r['value']:.12g}"))
    for seed in range(bench.size(10, 1)):
        what = f"log-normal noise, seed {seed}"
        progress(what)
        r = solve(bench, (n, n), files_of(bench, "hard", lognormal(n, seed)))
        seconds[what] = r["time_solve"]
        times.append(r["time_solve"] if r["status"] == 0 else math.inf)
        rows.append((what, r["time_solve"], r["gap_rel"], r["iterations"], 4, verdict(times[-1], 4, False),
                     f"{r['value']:.12g}"))
    middle = statistics.median(times)
    rows.append(("log-normal noise, median", middle, "", "", 2, verdict(middle, 2, False), ""))
    text = table((f"{n} x {n}", "seconds", "gap", "iterations", "allowed", "goal", "value"), rows)
    return text + "\nThe same on larger images, and by domain decomposition:\n\n" + larger(bench, 2 * n, seconds)


def larger(bench, n, seconds):
    """some of the rough pairs on 2n x 2n pixels"""
    pairs = [(what, images) for what, *images, _ in rough(n) if what in LARGER]
    pairs += [(f"log-normal noise, seed {seed}", lognormal(n, seed)) for seed in bench.size((1, 4), ())]
    rows = []
    for what, images in pairs:
        progress(f"{what}, {n} x {n}")
        files = files_of(bench, "hard", images)
        r, cells = (solve(bench, (n, n), files, kind, limit=300) for kind in ("multigrid", "domdec"))
        rows.append((what, r["time_solve"], r["gap_rel"], r["iterations"],
                     math.log(r["time_solve"] / seconds[what]) / math.log(4), cells["time_solve"], cells["gap_rel"],
                     f"{r['value']:.12g}"))
    return table((f"{n} x {n}", "seconds", "gap", "iterations", "grows like N^", "domdec, s", "gap", "value"), rows)


LARGER = ("photographs, astronaut and coffee", "shapes, half of the pixels zero", "one blob each, on 1e-6",
          "two blobs each, on 1e-6", "checkerboard to half of the image")


def rough_lines(n):
    """densities on a line: what they are, the two of them, epsilon"""
    import numpy as np
    random = np.random.default_rng(8)
    x = (np.arange(n) + .5) / n

    def decades(k):
        return 10.**(-k * random.random(n))

    def ring(width):
        return np.exp(-(abs(x - .5) - .3)**2 / (2 * width**2))

    gaussian = np.exp(-(x - .4)**2 / (2 * .03**2))
    yield "waves", 1.4 + np.sin(5 * x), 1.4 + np.cos(9 * x), .25
    yield "white noise, third power, to the sixth", random.random(n)**3, random.random(n)**6, .125
    yield "8 decades to white noise, sixth power", decades(8), random.random(n)**6, .25
    yield "14 decades to a ramp", decades(14), x, .25
    yield "Gaussian to 8 decades", gaussian, decades(8), .125
    yield "power law to 8 decades", random.pareto(.7, n), decades(8), .125
    yield "two bumps to 14 decades", ring(.02), decades(14), .25
    yield "two bumps to white noise", ring(.1), random.random(n)**3, 1


def lines(bench):
    """both types on lines"""
    n, rows = bench.size(4000, 100), []
    for what, first, second, eps in rough_lines(n):
        progress(f"line of {n} points, {what}")
        files = files_of(bench, "line", (first, second))
        r, cells = (solve(bench, (n,), files, kind, eps=eps) for kind in ("multigrid", "domdec"))
        rows.append((what, eps, r["time_solve"], r["gap_rel"], r["iterations"], cells["time_solve"], cells["gap_rel"],
                     f"{r['value']:.12g}"))
    return table((f"{n} points", "eps", "seconds", "gap", "iterations", "domdec, s", "gap", "value"), rows)


def volume(bench):
    """three axes, eps 0.5 voxel^2, gap 1e-4"""
    import numpy as np
    n, images = bench.size(96, 12), []
    k = np.fft.fftfreq(n) * n
    square = k[:, None, None]**2 + k[None, :, None]**2 + k[None, None, :]**2
    for seed in (1, 2):
        f = np.fft.fftn(np.random.default_rng(seed).standard_normal((n, n, n))) * np.exp(-.5 * square * (2 / 7)**2)
        f = np.real(np.fft.ifftn(f))
        images.append(np.exp(3 * (f - f.min()) / (f.max() - f.min())))
    progress(f"volume of {n} voxels an axis")
    r = solve(bench, (n, n, n), files_of(bench, "volume", images), gap=1e-4, eps=0.5, limit=600, runs=1)
    return table(("volume", "seconds", "voxels/s", "gap", "MB", "<= 1e-4"),
                 [(f"{n} x {n} x {n}", r["time_solve"], round(n**3 / r["time_solve"]), r["gap_rel"],
                   r["memory_rank_max"] / 1e6, verdict(r["gap_rel"], 1e-4, False))])


def run(bench):
    text = types(bench)
    text += (f"\nTwo smooth positive images, epsilon = {EPS} pixel^2, to a certified relative gap of {GAP:g}, one "
             "rank; medians, both\nbounds included. "
             f"A type that has not ended after {LIMIT} seconds stands with the gap it had. "
             "POT's network\nsimplex solves the unregularised problem with a stored cost matrix. POT's convolution: "
             "Sinkhorn's iteration with the sums\nof POT's convolutional barycentres, epsilon halved every ten "
             "iterations; its gap is the distance from the known value, it\nhas no bound of its own.\n")
    text += ("\nThe same pair with larger epsilons, pixel^2, one rank. Kernels: Sinkhorn's iteration with one kernel "
             "matrix an axis\n(NumPy, the same BLAS), until its dual is within the gap of the known value; empty where "
             "numbers leave the range\nof double precision:\n\n" + wide(bench))
    text += ("\nLarger images, one rank. With `" + DENSITIES + "=FOLDER` the two densities of the literature on\n"
             "domain decomposition (256 x 256 raw doubles, `density-000-256.f64` and `density-001-256.f64`), bilinear "
             "interpolation and\nmirrored tilings of them:\n\n" + large(bench))
    text += "\nPairs that are rough, empty in parts or concentrated, one rank:\n\n" + hard(bench)
    text += "\nLog-normal noise: correlation lengths from 1/5 to 1/20 of the image, dynamic ranges from 1e2 to 1e4.\n"
    text += "\nLines, one rank, epsilon in squared spacings:\n\n" + lines(bench)
    text += "\nTwo ranks against one:\n\n" + ranks(bench)
    text += "\nThree axes, epsilon = 0.5 voxel^2, one rank:\n\n" + volume(bench)
    return text
