# SPDX-License-Identifier: BSD-2-Clause
"""Makes files of measures and cost matrices, and says what reading them must give.

good.txt:   SPEC OPTIONS KIND SHAPE MASS TOLERANCE IMAGE FILE
            OPTIONS is kind;height,width;shape;any with - for nothing; FILE holds weights, then coordinates, as doubles;
            SHAPE is n,d of points or that of the grid; MASS is the one before normalisation
bad.txt:    SPEC OPTIONS CODE TEXT   reading, or balancing afterwards, ends with CODE and a message that has TEXT in it
matrix.txt: SPEC N M FILE            FILE holds the matrix, or - if it must be refused, then CODE and TEXT
"""
import os
import sys

import h5py
import numpy as np
import skimage
from PIL import Image

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(7)
good, bad, matrix = [], [], []
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
RULE = "rule: weights are finite and >= 0"


def path(name):
    return os.path.join(out, name)


def options(kind=0, resize=None, shape=None, any_mass=0):
    text = lambda t: ",".join(map(str, t)) if t else "-"
    return "%d;%s;%s;%d" % (kind, text(resize), text(shape), any_mass)


def expect(spec, found, sizes, weights, points, tol=0.0, image=(0, 0), mass=None, **given):
    name = "expect%03d.bin" % len(good)
    weights = np.asarray(weights, float)
    np.concatenate([weights.ravel(), np.asarray(points, float).ravel()]).tofile(path(name))
    good.append("\t".join([spec, options(**given), found, ",".join(map(str, sizes)),
                           "%.17g" % (weights.sum() if mass is None else mass), "%g" % tol,
                           "%d,%d" % tuple(image), name]))


def expect_points(spec, points, weights=None, **given):
    points = np.asarray(points, float)
    if points.ndim == 1:
        points = points[:, None]
    n = len(points)
    expect(spec, "points", points.shape, np.full(n, 1 / n) if weights is None else weights, points, **given)


def expect_grid(spec, weights, spacing=None, origin=None, **given):
    d = weights.ndim
    spacing = np.ones(d) if spacing is None else np.asarray(spacing, float)
    origin = np.zeros(d) if origin is None else np.asarray(origin, float)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in weights.shape], indexing="ij"), -1).reshape(-1, d)
    expect(spec, "grid", weights.shape, weights, origin + index * spacing, **given)


def refuse(spec, code, text, **given):
    bad.append("\t".join([spec, options(**given), code, text]))


def average(image, size):
    """means over the areas of new pixels: one dense matrix for each axis"""
    for axis, new in enumerate(size):
        old = image.shape[axis]
        edges = np.arange(new + 1) * (old / new)
        cover = np.clip(np.minimum(edges[1:, None], np.arange(1, old + 1))
                        - np.maximum(edges[:-1, None], np.arange(old)), 0, None) * (new / old)
        image = np.moveaxis(np.tensordot(cover, image, (1, axis)), 0, axis)
    return image


# ---- arrays ----
a = rng.random((13, 7))
np.save(path("a.npy"), a)
expect_grid("a.npy", a)
expect_grid("a.npy", a, kind=2)
expect_points("a.npy", a, kind=1)
expect_grid("a.npy", a / a.sum(), any_mass=1, mass=a.sum(), tol=1e-15)
line = rng.random(101)
np.save(path("line.npy"), line)
expect_grid("line.npy", line)
expect_points("line.npy", line, kind=1)
cube = rng.random((5, 4, 3)).astype("f4")
np.save(path("cube.npy"), cube)
expect_grid("cube.npy", cube.astype(float))
np.asarray(a, "<f8").tofile(path("a.raw"))
expect_grid("a.raw", a, shape=(13, 7))
expect_grid("a.raw", a.ravel(), shape=(91,))
expect_points("a.raw", a, kind=1, shape=(13, 7))
np.savetxt(path("a.csv"), a, delimiter=",", fmt="%.17g", header="a table")
expect_grid("a.csv", a)
expect_points("a.csv", a, kind=1)
np.savetxt(path("column.csv"), line, fmt="%.17g")
expect_grid("column.csv", line)
expect_points("column.csv", line, kind=1)
np.savetxt(path("row.csv"), line[None], delimiter=";", fmt="%.17g")
expect_grid("row.csv", line)
np.save(path("few.npy"), [[0.25, 4.0]])  # fewer points than ranks
expect_points("few.npy", [[0.25, 4.0]], kind=1)

# ---- groups ----
x, w = rng.normal(size=(37, 3)), rng.random(37)
with h5py.File(path("m.h5"), "w") as f:
    g = f.create_group("source")
    g["points"], g["weights"] = x, w
    g = f.create_group("deep/target")
    g["points"], g["weights"], g["image_shape"] = x[:24, 0], np.arange(24), [4, 6]
    g = f.create_group("grid")
    g["weights"], g["shape"], g["spacing"], g["origin"] = a, a.shape, [0.5, 2.0], [-1.0, 3.0]
    g = f.create_group("flat")
    g["weights"], g["shape"], g["spacing"] = a.ravel(), a.shape, [0.5, 2.0]
    g = f.create_group("plain")
    g["weights"] = cube
    g = f.create_group("line")
    g["weights"], g["shape"] = line.astype("f4"), [101]
    f["bare"] = a
    f["counts"] = np.arange(12, dtype="u1").reshape(3, 4)
expect_points("m.h5", x, w)
expect_points("m.h5:/source", x, w, kind=1)
expect_points("m.h5:/source", x, w / w.sum(), any_mass=1, mass=w.sum(), tol=1e-15)
expect_points("m.h5:/deep/target", x[:24, 0], np.arange(24), image=(4, 6))
expect_grid("m.h5:/grid", a, [0.5, 2], [-1, 3])
expect_grid("m.h5:/flat", a, [0.5, 2])
expect_grid("m.h5:/plain", cube.astype(float), kind=2)
expect_grid("m.h5:/line", line.astype("f4").astype(float))
expect_grid("m.h5:/bare", a)
expect_points("m.h5:/source/points", x, kind=1)
expect_grid("m.h5:/counts", np.arange(12.0).reshape(3, 4))

# ---- images ----
grey = rng.integers(0, 256, (20, 31)).astype("u1")
rgb = rng.integers(0, 256, (11, 9, 3)).astype("u1")
Image.fromarray(grey).save(path("grey.png"))
Image.fromarray(rgb).save(path("rgb.png"))
Image.fromarray(grey).save(path("grey.pgm"))
photos = [("grey.png", grey), ("grey.pgm", grey), ("rgb.png", rgb)]
data = os.path.join(os.path.dirname(skimage.__file__), "data")
names = [n for n in ("astronaut.png", "camera.png", "chelsea.png", "coffee.png")
         if os.path.exists(os.path.join(data, n))]
assert len(names) >= 2, "python3-skimage has no photographs in " + data
photos += [(os.path.join(data, n), np.asarray(Image.open(os.path.join(data, n)))) for n in names]
for name, pixels in photos:
    pixels = pixels / 255.0
    density = pixels @ LUMINANCE if pixels.ndim == 3 else pixels
    colours = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, 2)
    sizes = [None, (7, 5), (64, 48), (50, 33)] if pixels.size < 1e5 else [(128, 128), (100, 37)]
    for size in sizes:
        d, c = (average(density, size), average(colours, size)) if size else (density, colours)
        expect_grid(name, d / d.sum(), resize=size, mass=d.sum(), tol=1e-11)
        expect_points(name, c.reshape(-1, 3), kind=3, resize=size, image=c.shape[:2], tol=1e-11)

# ---- bad input ----
def spoil(name, value, at, shape=(9, 8)):
    b = np.ones(shape)
    b[at] = value
    np.save(path(name), b)


spoil("negative.npy", -0.5, (6, 3))
refuse("negative.npy", "VALUE", "negative.npy: weight 51 (6,3) is -0.5; " + RULE)
spoil("nan.npy", np.nan, (5,), (70,))
refuse("nan.npy", "VALUE", "nan.npy: weight 5 is nan; " + RULE)
spoil("inf.npy", np.inf, (4, 1, 2), (5, 2, 3))
refuse("inf.npy", "VALUE", "inf.npy: weight 29 (4,1,2) is inf; " + RULE)
refuse("inf.npy", "VALUE", "inf.npy: weight 29 (4,1,2) is inf; " + RULE, any_mass=1)
spoil("huge.npy", 1.7e308, slice(0, 4))
refuse("huge.npy", "VALUE", "huge.npy: the sum of all weights is larger than a double")
np.save(path("zeros.npy"), np.zeros(50))
refuse("zeros.npy", "VALUE", "zeros.npy: all 50 weights are 0")
np.save(path("empty.npy"), np.zeros((0, 3)))
refuse("empty.npy", "VALUE", "empty.npy: no entries", kind=1)
np.save(path("four.npy"), np.ones((2, 2, 2, 2)))
refuse("four.npy", "SHAPE", "four.npy has 4 axes; rule: a density has 1 to 3")
refuse("cube.npy", "SHAPE", "cube.npy has 3 axes; rule: points are an array of n x d", kind=1)
b = np.ones((30, 3))
b[21, 2] = np.nan
np.save(path("nanpoint.npy"), b)
refuse("nanpoint.npy", "VALUE", "nanpoint.npy: point 21, coordinate 2 is nan", kind=1)
Image.fromarray(np.zeros((8, 8), "u1")).save(path("black.png"))
refuse("black.png", "VALUE", "black.png: all 64 weights are 0")
refuse("grey.png", "OPTION", "grey.png is an image; rule: points are read from n x d arrays", kind=1)
refuse("a.npy", "OPTION", "a.npy is not an image; rule: colours are read from images", kind=3)
refuse("a.npy", "OPTION", "a.npy is not an image; rule: only images are resized", resize=(4, 4))
refuse("m.h5:/source", "OPTION", "m.h5:/source is not an image; rule: only images are resized", resize=(4, 4))
refuse("grey.png", "OPTION", "new size 4 x 0", resize=(4, 0))
refuse("a.npy", "USAGE", "kind 7", kind=7)
refuse("a.npy", "SHAPE", "a.npy", shape=(7, 13))
refuse("nothing.npy", "FILE_OPEN", "nothing.npy")
refuse("m.h5:/sorce", "FILE_MISSING", "the nearest names are 'source'")
refuse("m.h5:/grid", "FILE_MISSING", "m.h5:/grid has no 'points'", kind=1)
refuse("m.h5:/source", "OPTION", "m.h5:/source has 'points', it is not the grid", kind=2)
refuse("m.h5:/source", "OPTION", "colours are read from images", kind=3)
with open(path("grey.png"), "rb") as f, open(path("cut.png"), "wb") as g:
    g.write(f.read()[:300])
refuse("cut.png", "FILE_FORMAT", "cut.png")
with open(path("text.h5"), "w") as f:
    f.write("these are no measures\n")
refuse("text.h5", "FILE_FORMAT", "text.h5")
with h5py.File(path("bad.h5"), "w") as f:
    def group(name, **data):
        g = f.create_group(name)
        for key, value in data.items():
            g[key] = value

    w = np.ones(20)
    w[17] = -3
    group("negative", points=np.ones((20, 2)), weights=w)
    refuse("bad.h5:/negative", "VALUE", "bad.h5:/negative/weights: weight 17 is -3; " + RULE)
    x = np.ones((20, 2))
    x[19, 1] = -np.inf
    group("far", points=x, weights=np.ones(20))
    refuse("bad.h5:/far", "VALUE", "bad.h5:/far/points: point 19, coordinate 1 is -inf")
    group("misspelt", points=np.ones((20, 2)), weigths=w)
    refuse("bad.h5:/misspelt", "FILE_MISSING", "weigths")
    group("short", points=np.ones((20, 2)), weights=np.ones(19))
    refuse("bad.h5:/short", "SHAPE", "'points' has 20 rows, 'weights' 1 axes and 19 entries")
    group("deep", points=np.ones((20, 2, 2)), weights=np.ones(20))
    refuse("bad.h5:/deep", "SHAPE", "'points' has 3 axes")
    group("lost", weights=np.ones(20))
    refuse("bad.h5:/lost", "FILE_MISSING", "neither 'points' nor 'shape'")
    group("shape", weights=np.ones(20), shape=[4, 6])
    refuse("bad.h5:/shape", "SHAPE", "'weights' has 1 axes and 20 entries, 'shape' has 2 axes and 24 points")
    group("turned", weights=np.ones((4, 6)), shape=[6, 4])
    refuse("bad.h5:/turned", "SHAPE", "'shape' has 2 axes")
    group("fraction", weights=np.ones(20), shape=[4.0, 5.0])
    refuse("bad.h5:/fraction", "FILE_FORMAT", "'shape' must be whole numbers")
    group("minus", weights=np.ones(20), shape=[-4, -5])
    refuse("bad.h5:/minus", "SHAPE", "'shape' entry 0 is -4")
    group("spacing", weights=np.ones((4, 5)), spacing=[1.0])
    refuse("bad.h5:/spacing", "SHAPE", "'spacing' must be a list of 2 numbers")
    group("zero", weights=np.ones((4, 5)), spacing=[1.0, 0.0])
    refuse("bad.h5:/zero", "VALUE", "grid spacing 1 is 0")
    group("words", points=np.ones((2, 2)), weights=["one", "two"])
    refuse("bad.h5:/words", "FILE_FORMAT", "'weights' is no array of numbers")
    group("none", points=np.ones((0, 2)), weights=np.ones(0))
    refuse("bad.h5:/none", "VALUE", "bad.h5:/none/weights: no entries")
    group("image", points=np.ones((20, 3)), weights=np.ones(20), image_shape=[4, 6])
    refuse("bad.h5:/image", "SHAPE", "an image of 4 x 6 does not have 20 pixels")

# ---- cost matrices ----
for n, m in [(5, 7), (40, 23), (2, 3)]:
    c = rng.normal(size=(n, m))
    c.tofile(path("cost%d.bin" % n))
    np.save(path("cost%d.npy" % n), np.asarray(c, order="F"))
    np.savetxt(path("cost%d.csv" % n), c, fmt="%.17g")
    with h5py.File(path("cost%d.h5" % n), "w") as f:
        f["cost"] = c
        f["nan"] = np.where(np.arange(n * m).reshape(n, m) == n * m - 2, np.nan, c)
        f["inf"] = np.where(np.arange(n * m).reshape(n, m) == m, np.inf, c)
    for spec in ("cost%d.h5:/cost", "cost%d.npy", "cost%d.csv"):
        matrix.append("%s\t%d\t%d\tcost%d.bin" % (spec % n, n, m, n))
    matrix.append("cost%d.h5:/nan\t%d\t%d\t-\tVALUE\tcost%d.h5:/nan: entry (%d,%d) is nan" % (n, n, m, n, n - 1, m - 2))
    matrix.append("cost%d.h5:/inf\t%d\t%d\t-\tVALUE\tcost%d.h5:/inf: entry (1,0) is inf" % (n, n, m, n))
    matrix.append("cost%d.h5:/cost\t%d\t%d\t-\tSHAPE\ta matrix of %d x %d is needed" % (n, m, n, m, n))
matrix.append("a.csv\t91\t1\t-\tSHAPE\ta matrix of 91 x 1 is needed")
matrix.append("cost5.h5:/cots\t5\t7\t-\tFILE_MISSING\tcost")

for name, lines in (("good", good), ("bad", bad), ("matrix", matrix)):
    with open(path(name + ".txt"), "w") as f:
        f.write("\n".join(lines) + "\n")
