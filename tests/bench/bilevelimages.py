# SPDX-License-Identifier: BSD-2-Clause
"""Total variation and fields of experts on photographs: loss against iterations, PSNR of other photographs."""
import csv
import os
import sys

from benchlib import table, verdict
from bilevellib import NEVER, at, cost, data, learn, missing

TV = ("-problem", "tv", "-tv_factor", 0.5, "-tv_isotropic", 0, "-tv_lambda", 6.737947e-3, "-tv_nu", 6.737947e-3)
FOE = ("-problem", "foe")
MARKS = (100, 1000, 10000, 20000)  # iterations of one image
PUBLISHED = {100: 14.1, 1000: 11.6, 10000: 8.6, 100000: 7.8}
TARGET, BUDGET, PSNR = 7.8, 20000, 29.7


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


def write(bench, one, count, name):
    """the curve as a table of iterations of one image, seconds, f"""
    path = os.path.join(bench.build, "bench", f"bilevelimages-{name}.csv")
    with open(path, "w", newline="", encoding="utf-8") as f:
        rows = csv.writer(f)
        rows.writerow(("iterations", "seconds", "f"))
        rows.writerows((work / count, seconds, value) for work, seconds, value in one["trace"])
    return path


def measure(bench, model, problem, kind, side, count, images):
    """a row of the table, the curve's file, the PSNR of the photographs that were not learned from"""
    of, name = f"-{problem[1]}_", f"{problem[1]}-{side}-{kind}"
    options = (of + "size", side, of + "resize", "linear", of + "noise", 0.1)
    options += ("-train", images[0], "-valid", images[1]) if images else (of + "count", count)
    if not bench.quick:
        print(f"{name}: at most {BUDGET} iterations of each of {count} photographs", file=sys.stderr, flush=True)
    one = learn(bench, *problem, *options, "-bilevel_type", kind, "-truth", 0, "-max_it", 1000000, "-bilevel_budget",
                bench.size(BUDGET, 60) * count, "-bilevel_time_limit", bench.size(3600, 2), targets=(TARGET,),
                stop=False, show=bench.size(20, 0))
    hit = one["hits"][0] if one["hits"] else NEVER
    marks = [at(one, mark * count) if one["work"] >= mark * count else None for mark in MARKS]
    goal = (problem[1], side) == ("foe", 96)
    row = (model, kind, f"{side}x{side}", count, *marks, one["best"], int(one["work"] / count), one["seconds"],
           int(hit[0] / count) if hit[0] >= 0 else "not reached", one["psnr"], one.get("valid_psnr"),
           verdict(cost(one) / count, BUDGET, False) if goal else "",
           verdict(one["valid_psnr"], PSNR) if goal and "valid_psnr" in one else "")
    return row, write(bench, one, count, name)


def run(bench, side=96, foe=("certified",), tv=("certified", "maid-bb")):
    kodak = data("kodak")
    if not kodak and not bench.quick:
        return missing("kodak")
    images = folders(bench, kodak) if not bench.quick else None
    found = []
    for model, problem, kinds in (("fields of experts", FOE, foe), ("total variation", TV, tv)):
        few = ("-foe_filters", 4, "-foe_width", 3) if bench.quick and problem is FOE else ()
        found += [measure(bench, model, (*problem, *few), kind, bench.size(side, 16), bench.size(20, 1), images)
                  for kind in bench.size(kinds, ("certified",))]
    text = table(("model", "type", "pixels", "images", *(f"f at {mark:,}" for mark in MARKS), "best f", "iterations",
                  "s", f"iterations to {TARGET}", "PSNR, learned from", "PSNR, five others", f"<= {BUDGET:,}",
                  f">= {PSNR} dB"), [row for row, _ in found])
    return text + (
        "\nf is half the squared error of an image, the mean over images: the published loss, whose 1/m before h and g "
        "cancels in the\nminimiser. f is the certified upper bound at the present theta, so the true one is below. "
        "Iterations are those of one image\n(lower + adjoint, the sum over images divided by their number): published "
        "counts take one for the batch of all images.\nPublished, 48 filters 7x7, 96x96: "
        + ", ".join(f"{f} after {n:,}" for n, f in PUBLISHED.items()) + "; 29.7 dB on one photograph, other programs "
        "28.8. Photographs\nare shrunk as in the published experiments (-foe_resize linear). Curves: "
        + ", ".join(os.path.relpath(path, bench.build) for _, path in found) + ".\n")
