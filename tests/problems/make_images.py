# SPDX-License-Identifier: BSD-2-Clause
"""Makes folders and stacks of images, good and bad, and says what reading them must give.

good.txt: PROBLEM OPTIONS TRAIN SAMPLES FILE   FILE holds the clean samples, one after the other, as doubles
bad.txt:  PROBLEM OPTIONS TRAIN CODE TEXT      reading ends with CODE and a message that has TEXT in it; TRAIN may be
                                               TRAIN;VALID
metrics.txt: AXES TRAIN FILE PSNR SSIM         FILE holds a guess at the first sample, its metrics by scikit-image
random.txt: numbers of NumPy's RandomState(0): 700 uniform ones, then 701 normal ones
"""
import os
import sys

import h5py
import numpy as np
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
rng = np.random.default_rng(11)
good, bad, metrics = [], [], []


def path(name):
    return os.path.join(out, name)


def folder(name, images):
    os.makedirs(path(name), exist_ok=True)
    for file, pixels in images:
        Image.fromarray(pixels).save(os.path.join(path(name), file))
    return path(name)


def expect(problem, options, train, samples):
    name = path("clean%02d.bin" % len(good))
    np.ascontiguousarray(samples, float).tofile(name)
    good.append("\t".join([problem, options, train, str(len(samples)), name]))


def refuse(problem, options, train, code, text):
    bad.append("\t".join([problem, options, train, code, text]))


def average(a, n, axis):
    """mean over the pixels that each of n new ones covers"""
    a = np.moveaxis(np.asarray(a, float), axis, 0)
    edges = np.arange(n + 1) * len(a) / n
    table = np.concatenate([np.zeros((1,) + a.shape[1:]), np.cumsum(a, 0)])
    low = np.minimum(np.floor(edges).astype(int), len(a) - 1)
    rest = (edges - low).reshape((-1,) + (1,) * (a.ndim - 1))
    table = table[low] + rest * a[low]
    return np.moveaxis(np.diff(table, axis=0) * n / len(a), 0, axis)


def square(a, n):
    for axis in range(a.ndim):
        a = average(a, n, axis)
    return a


def linear(a, n):
    """along every axis: old pixels weighted by a triangle around the middle of the new one; Pillow says so, too"""
    for axis in range(a.ndim):
        old = a.shape[axis]
        step = max(old / n, 1)
        middle = (np.arange(n) + 0.5) * old / n - 0.5
        weights = np.maximum(0, 1 - abs(np.arange(old) - middle[:, None]) / step)
        a = np.moveaxis(np.tensordot(weights / weights.sum(1, keepdims=True), a, (1, axis)), 0, axis)
    return a


def pillow(a, n):
    own = linear(a, n)
    theirs = Image.fromarray(a.astype("f4")).resize((n, n), Image.BILINEAR)
    assert abs(own - np.asarray(theirs)).max() < 1e-6, "Pillow has other weights"
    return own


grey = [rng.integers(0, 256, (20, 24)).astype("u1") for _ in range(5)]
rgb = [rng.integers(0, 256, (30, 22, 3)).astype("u1") for _ in range(2)]
greys = folder("greys", [("b%d.png" % k, p) for k, p in enumerate(grey[:3])] + [("a%d.pgm" % k, p) for k, p in
                                                                              enumerate(grey[3:])])
ordered = np.array(grey[3:] + grey[:3]) / 255.0
mixed = folder("mixed", [("0.png", grey[0]), ("1.png", rgb[0]), ("2.ppm", rgb[1])])
lum = [g / 255.0 if g.ndim == 2 else g @ [.299, .587, .114] / 255.0 for g in (grey[0], rgb[0], rgb[1])]
expect("tv", "", greys, ordered)
expect("foe", "-foe_filters 2 -foe_width 3 -foe_count 4", greys, ordered[:4])
expect("tv", "-tv_size 16", mixed, [square(a, 16) for a in lum])
expect("tv", "-tv_size 17 -tv_resize linear", mixed, [pillow(a, 17) for a in lum])
expect("tv", "-tv_size 40 -tv_resize linear", mixed, [pillow(a, 40) for a in lum])
expect("tv", "-tv_crop 16", mixed, [a[(len(a) - 16) // 2:][:16, (a.shape[1] - 16) // 2:][:, :16] for a in lum])
expect("tv", "-tv_crop 18 -tv_size 17", mixed,
       [square(a[(len(a) - 18) // 2:][:18, (a.shape[1] - 18) // 2:][:, :18], 17) for a in lum])
expect("tv", "", os.path.join(greys, "b1.png"), [grey[1] / 255.0])
stack = rng.random((7, 18, 19))
np.save(path("stack.npy"), stack)
with h5py.File(path("stack.h5"), "w") as f:
    f["set"] = stack
expect("tv", "-tv_count 5", path("stack.npy"), stack[:5])
expect("tv", "", path("stack.h5") + ":/set", stack)
expect("tv", "-tv_size 16", path("stack.h5") + ":/set", [square(a, 16) for a in stack])
lines, blocks = rng.random((3, 40)), rng.random((2, 16, 17, 18))
np.save(path("lines.npy"), lines)
np.save(path("blocks.npy"), blocks)
expect("tv", "-tv_dim 1", path("lines.npy"), lines)
expect("tv", "-tv_dim 3", path("blocks.npy"), blocks)
expect("tv", "-tv_dim 3 -tv_size 16", path("blocks.npy"), [square(a, 16) for a in blocks])
expect("tv", "-tv_dim 3 -tv_size 16 -tv_resize linear", path("blocks.npy"), [linear(a, 16) for a in blocks])

refuse("tv", "", mixed, "SHAPE", "1.png' has 30 x 22 pixels")
refuse("foe", "", mixed, "SHAPE", "0.png' 20 x 24")
refuse("tv", "-tv_crop 23", greys, "SHAPE", "a0.pgm' has 20 pixels along axis 0")
refuse("tv", "-tv_count 6", greys, "SHAPE", "has 5 images, 6 are wanted")
refuse("tv", "-tv_count 8", path("stack.npy"), "SHAPE", "has 7 images, 8 are wanted")
refuse("tv", "", path("nowhere"), "FILE_OPEN", "nowhere")
refuse("tv", "", folder("empty", []), "FILE_MISSING", "is empty")
odd = folder("odd", [("a.png", grey[0])])
with open(os.path.join(odd, "notes.txt"), "w", encoding="ascii") as f:
    f.write("not an image\n")
refuse("tv", "", odd, "FILE_FORMAT", "notes.txt' is of an unknown type")
liar = folder("liar", [("a.png", grey[0])])
np.save(path("plain.npy"), grey[1])
os.replace(path("plain.npy"), os.path.join(liar, "b.png"))
refuse("tv", "", liar, "FILE_FORMAT", "b.png' is not an image")
cut = folder("cut", [("a.png", grey[0]), ("b.png", grey[1]), ("c.png", grey[2])])
with open(os.path.join(cut, "c.png"), "rb") as f:
    data = f.read()
with open(os.path.join(cut, "c.png"), "wb") as f:
    f.write(data[:len(data) // 2])
refuse("tv", "", cut, "FILE_FORMAT", "c.png")
wrong = stack.copy()
wrong[6, 3, 5] = np.nan
np.save(path("nan.npy"), wrong)
refuse("tv", "", path("nan.npy"), "VALUE", "nan.npy' sample 6 pixel [3,5] is")
wrong[6, 3, 5] = np.inf
with h5py.File(path("inf.h5"), "w") as f:
    f["set"] = wrong
refuse("tv", "-tv_size 16", path("inf.h5") + ":/set", "VALUE", "sample 6 pixel [3,5] is inf")
refuse("tv", "", path("inf.h5") + ":/gone", "FILE_MISSING", "gone")
refuse("tv", "-tv_dim 3", path("stack.npy"), "SHAPE", "has 3 axes")
refuse("tv", "-tv_dim 3", greys, "SHAPE", "samples of 3 axes are wanted")
refuse("tv", "-tv_noisy " + path("stack.npy"), greys, "SHAPE", "a noisy one for every clean one")
refuse("tv", "-tv_noisy " + path("stack5.npy"), greys, "SHAPE", "noisy and clean ones are alike")
np.save(path("stack5.npy"), stack[:5])
refuse("tv", "", greys + ";" + path("nowhere"), "FILE_OPEN", "nowhere")
refuse("tv", "-tv_count 2", path("stack.npy") + ";" + path("few.npy"), "SHAPE", "few.npy' has 1 images, 2 are wanted")
np.save(path("few.npy"), stack[:1])
refuse("tv", "", path("stack.npy") + ";" + path("nan.npy"), "VALUE", "nan.npy' sample 6 pixel [3,5] is")
refuse("tv", "", greys + ";" + mixed, "SHAPE", "1.png' has 30 x 22 pixels")
refuse("tv", "", greys + ";" + odd, "FILE_FORMAT", "notes.txt' is of an unknown type")
refuse("tv", "", greys + ";" + cut, "FILE_FORMAT", "c.png")
refuse("foe", "-foe_width 6", greys, "OPTION", "rule: odd")
refuse("foe", "-foe_padding 4", greys, "OPTION", "at most half a filter")
refuse("foe", "-foe_width 31", greys, "SHAPE", "larger than the filters")
refuse("tv", "-tv_learn_nu 0 -tv_learn_lambda 0", greys, "OPTION", "nothing is learned")

for name, samples in (("greys", ordered), ("lines.npy", lines), ("blocks.npy", blocks)):
    guess = np.clip(samples[0] + 0.1 * rng.standard_normal(samples[0].shape), -1, 2)
    guess.tofile(path("guess%d.bin" % len(metrics)))
    metrics.append("\t".join([str(guess.ndim), path(name), path("guess%d.bin" % len(metrics)), "%.17g %.17g" % (
        peak_signal_noise_ratio(samples[0], guess, data_range=1),
        structural_similarity(samples[0], guess, data_range=1))]))
state = np.random.RandomState(0)
with open(path("random.txt"), "w", encoding="ascii") as f:
    f.writelines("%.17g\n" % v for v in np.concatenate([state.uniform(-0.5, -1, 700), state.randn(701)]))
for name, rows in (("good", good), ("bad", bad), ("metrics", metrics)):
    with open(path(name + ".txt"), "w", encoding="ascii") as f:
        f.writelines(line + "\n" for line in rows)
