#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bad input ends with status 2 and a sentence that names the thing; no rank hangs."""
import os

import clitest
import numpy as np

check = clitest.Checks()


def ot(source, target, *more, ranks=2, eps="0.1"):
    return clitest.run("ot", "-source", source, "-target", target, "-ot_eps", eps, *more, ranks=ranks)


with clitest.folder() as place:
    def case(name, sentence, *words, **changes):
        data = clitest.measures(f"{place}/{name}.h5", **changes)
        check.refused(ot(data, data), sentence, name + r"\.h5", *words)

    uniform = np.full(12, 1 / 12)
    for value, word in ((-0.25, "-0.25"), (np.nan, "nan"), (np.inf, "inf")):
        weights = uniform.copy()
        weights[7] = value
        case("w" + word.replace("-", "m").replace(".", "_"), f"weight {value}", r"source", r"\b7\b", word,
             source_weights=weights)
    case("zero", "all weights zero", "source", "0|zero", source_weights=np.zeros(12))
    points = np.random.default_rng(2).uniform(size=(12, 2))
    points[5, 1] = np.nan
    case("pointnan", "a coordinate that is NaN", "source", r"\b5\b|\b11\b", "nan", source_points=points)
    case("shape", "weights and points of different number", "source", "11", "12", source_weights=np.full(11, 1 / 11))
    data = clitest.measures(place + "/mass.h5", target_weights=np.full(9, 2 / 9))
    result = ot(data, data)
    check.refused(result, "masses that differ", "mass")
    check.that("-ot_normalize" in result.err, "the option that renormalises is named", result)
    result = ot(data, data, "-ot_normalize")
    check.that(result.status == 0, "-ot_normalize makes it a problem", result)
    data = clitest.measures(place + "/dims.h5", target_points=np.random.default_rng(3).uniform(size=(9, 3)))
    check.refused(ot(data, data), "dimensions that differ", "2", "3")
    data = clitest.measures(place + "/good.h5")
    check.refused(ot(data + ":/sorce", data), "a misspelt group", "good.h5", "/sorce", "source")
    check.refused(ot(place + "/nothing.h5", data), "a file that is not there", "nothing.h5")
    data2 = clitest.measures(place + "/noweights.h5", source_weights=None)
    check.refused(ot(data2, data), "a group without weights", "noweights.h5", "/source/weights", "points")

    with open(place + "/text.h5", "w", encoding="ascii") as file:
        file.write("this is not HDF5\n")
    check.refused(ot(place + "/text.h5", data), "text in a file named .h5", "text.h5")
    picture = clitest.png(place + "/a.png", clitest.photo(32, 1))
    with open(picture, "rb") as file:
        whole = file.read()
    for size in (4, 40, len(whole) // 2, len(whole) - 6):
        with open(place + "/cut.png", "wb") as file:
            file.write(whole[:size])
        check.refused(ot(place + "/cut.png", picture, eps="4"), f"a PNG cut after {size} bytes", "cut.png")
    black = clitest.png(place + "/black.png", np.zeros((16, 16)))
    check.refused(ot(black, picture, eps="4"), "a black picture", "black.png", "weights are (0|zero)")
    check.refused(ot(picture, picture, "-source_resize", "8", eps="4"), "half a size", "-source_resize")
    check.refused(ot(picture, picture, "-source_kind", "nonsense", eps="4"), "an unknown kind", "nonsense")
    check.refused(ot(data, data, "-source_kind", "rgb"), "colours of a file that is no picture", "good.h5")
    with open(place + "/raw.bin", "wb") as file:
        file.write(np.full(100, 0.01).tobytes())
    check.refused(ot(place + "/raw.bin", picture, "-source_shape", "11,10", eps="4"), "a raw file of another size",
                  "raw.bin")
    check.refused(ot(place + "/raw.bin", picture, "-source_shape", "0,10", eps="4"), "a length that is zero",
                  "-source_shape")
    with open(place + "/words.csv", "w", encoding="ascii") as file:
        file.write("0.5,0.5\n0.25,what\n")
    check.refused(ot(place + "/words.csv", data, "-source_kind", "points"), "a word in a CSV file", "words.csv",
                  "what|line 2|row 1")

    for eps, word in (("0", "0"), ("-1", "-1"), ("nan", "nan"), ("1e-300", "1e-300")):
        check.refused(ot(data, data, eps=eps), f"eps {eps}", "-ot_eps", word)
    check.refused(clitest.run("ot", "-source", data, "-target", data, ranks=2), "no eps", "-ot_eps")
    check.refused(ot(picture, picture, "-ot_cost", "euclidean", "-frames", "3", "-o", place + "/f.h5", eps="4"),
                  "frames of |x-y| on grids", "euclidean", "frames")
    check.refused(ot(data, data, "-ot_cost", "matrix"), "a matrix cost without its file", "-ot_cost_matrix")
    check.refused(ot(data, data, "-ot_cost", "matrix", "-ot_cost_matrix", data + ":/cost"), "a cost that is not there",
                  "good.h5", "/cost")
    check.refused(ot(data, data, "-ot_cost", "matrix", "-ot_cost_matrix", data + ":/source/points"),
                  "a cost of another size", "good.h5")

    check.refused(ot(data, data, "-o", place + "/no/such/folder/r.h5"), "an output folder that is not there",
                  "no/such/folder")
    check.refused(ot(data, data, "-o", data + "/r.h5"), "an output folder that is a file", "good.h5")
    check.refused(ot(data, data, "-o", "/proc/r.h5"), "an output folder that takes no files", "/proc")
    check.refused(ot(data, data, "-summary", place + "/none/s.json"), "a summary in a folder that is not there", "none")
    old = place + "/old.h5"
    with open(old, "w", encoding="ascii") as file:
        file.write("precious")
    check.refused(ot(data, data, "-o", old), "an existing result", "old.h5", "-overwrite")
    with open(old, encoding="ascii") as file:
        check.that(file.read() == "precious", "the existing file is intact")
    for verb in ("verify", "info"):
        check.refused(clitest.run(verb, place + "/nothing.h5", ranks=2), f"{verb} of a file that is not there",
                      "nothing.h5")
    check.refused(clitest.run("verify", data, ranks=2), "verify of a file that is no result", "good.h5")
    left = [name for name in os.listdir(place) if "tmp" in name]
    check.that(not left, f"no temporary files are left: {left}")
check.finish()
