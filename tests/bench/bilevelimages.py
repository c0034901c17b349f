# SPDX-License-Identifier: BSD-2-Clause
"""Total variation and fields of experts on photographs: loss against iterations, PSNR of other photographs."""
import os
import re

from benchlib import table, verdict
from bilevellib import NEVER, at, cost, data, learn, missing

TV = ("-problem", "tv", "-tv_factor", 0.5, "-tv_isotropic", 0, "-tv_lambda", 6.737947e-3, "-tv_nu", 6.737947e-3)
FOE = ("-problem", "foe")
MARKS = (100, 1000, 10000, 20000, 100000)  # iterations of one image
PUBLISHED = {100: 14.1, 1000: 11.6, 10000: 8.6, 100000: 7.8}


def folders(bench, kodak):
    """the first 20 photographs are learned from, the other five tell how well"""
    names = sorted(os.listdir(kodak))
    for folder, chosen in (("train", names[:20]), ("valid", names[20:])):
        os.makedirs(bench.path(folder), exist_ok=True)
        for name in chosen:
            link = os.path.join(bench.path(folder), name)
            if not os.path.exists(link):
                os.symlink(os.path.join(kodak, name), link)
    return bench.path("train"), bench.path("valid")


def validate(bench, problem, options, budget, limit):
    """mean PSNR of the photographs of -valid, as the command says it"""
    said = bench.run([bench.fenchel, "bilevel", *problem, *options, "-bilevel_budget", budget, "-bilevel_time_limit",
                      limit, "-o", bench.path(f"{problem[1]}.h5"), "-overwrite"], status=(0, 3))
    return float(re.search(r"valid_psnr\s+(\S+)", said).group(1))


def measure(bench, name, problem, kind, side, count, images, target, limit):
    of = f"-{problem[1]}_"
    options = ("-train", images, of + "size", side, of + "count", count, of + "noise", 0.1)
    one = learn(bench, *problem, *options, "-bilevel_type", kind, "-truth", 0, "-max_it", 1000000, "-bilevel_budget",
                bench.size(20000, 60) * count, "-bilevel_time_limit", limit, targets=(target,), stop=False)
    hit = one["hits"][0] if one["hits"] else NEVER
    marks = [at(one, mark * count) if one["work"] >= mark * count else None for mark in MARKS[:4]]
    reached = cost(one) / count
    return (name, kind, f"{side}x{side}", count, *marks, one["best"], int(one["work"] / count), one["seconds"],
            int(hit[0] / count) if hit[0] >= 0 else "not reached", one["psnr"],
            verdict(reached, 20000, False) if (name, side) == ("fields of experts", 96) else "")


def run(bench):
    kodak = data("kodak")
    if not kodak and not bench.quick:
        return missing("kodak")
    images = folders(bench, kodak)[0] if kodak and not bench.quick else ""
    size, limit = bench.size, bench.size(3600, 2)
    count, rows = size(20, 1), []
    for name, problem in (("total variation", TV), ("fields of experts", FOE)):
        few = ("-foe_filters", 4, "-foe_width", 3) if bench.quick and problem is FOE else ()
        for side in size((96, 256), (16,)):
            for kind in size(("certified", "maid-bb"), ("certified",)):
                rows.append(measure(bench, name, (*problem, *few), kind, side, count, images, 7.8, limit))
    text = table(("model", "type", "pixels", "images", "f at 100", "1,000", "10,000", "20,000", "best f", "iterations",
                  "s", "iterations to 7.8", "PSNR, training", "<= 20,000"), rows)
    if not bench.quick:
        train, valid = folders(bench, kodak)
        options = ("-train", train, "-valid", valid, "-foe_size", 96, "-foe_noise", 0.1)
        psnr = validate(bench, FOE, options, 20000 * 20, limit)
        text += "\n" + table(("model", "PSNR of five other photographs, dB", "published", ">= 29.7"),
                             [("fields of experts, 96x96", psnr, "29.7, other programs 28.8", verdict(psnr, 29.7))])
    return text + (
        "\nf is half the squared error of an image, the mean over images: the published loss, whose 1/m before h and g "
        "cancels in the\nminimiser. f is the certified upper bound at the present theta, so the true one is below. "
        "Iterations are those of one image\n(lower + adjoint, the sum over images divided by their number): published "
        "counts take one for the batch of all images.\nPublished, 48 filters 7x7, 96x96: "
        + ", ".join(f"{f} after {n:,}" for n, f in PUBLISHED.items()) + ".\n")
