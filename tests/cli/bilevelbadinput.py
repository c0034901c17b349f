#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What fenchel bilevel refuses, and that the sentence names the culprit."""
import os

import clitest
import h5py
import numpy as np

check = clitest.Checks()
QUADRATIC = ("bilevel", "-problem", "quadratic")


def usage(place):
    check.refused(clitest.run("bilevel"), "no problem", "-problem NAME", "-apply")
    check.refused(clitest.run("bilevel", "-problem", "quadratik"), "unknown problem", "quadratik", "quadratic", "tv")
    check.refused(clitest.run("bilevel", "-problem", "tv", "-bilevel_tole", "1"), "unknown option", "-bilevel_tol")
    check.refused(clitest.run(*QUADRATIC, "-train", "x"), "no data", "quadratic", "-train")
    check.refused(clitest.run("bilevel", "-apply", "r.h5"), "half of a pair", "-apply", "-input")
    check.refused(clitest.run("bilevel", "-apply", "r.h5", "-input", "x", "-problem", "tv", "-o", "y.h5"), "both",
                  "-problem")
    check.refused(clitest.run("bilevel", "-apply", "r.h5", "-input", "x"), "no output", "-o OUT")
    check.refused(clitest.run("bilevel", "-apply", place + "/none.h5", "-input", "x", "-o", place + "/y.h5"),
                  "no result", "none.h5")
    other = place + "/other.h5"
    with h5py.File(other, "w") as file:
        file["theta"] = np.zeros(4)
    check.refused(clitest.run("bilevel", "-apply", other, "-input", "x", "-o", place + "/y.h5"), "another file",
                  "other")
    check.refused(clitest.run(*QUADRATIC, "-o", place + "/none/r.h5"), "no such folder", "none")


def numbers(place):
    for option, value in (("-bilevel_tol", "-1"), ("-bilevel_budget", "-3"), ("-bilevel_eps", "-1"),
                          ("-bilevel_lower", "newtonn"), ("-bilevel_type", "adam"), ("-bilevel_upper", "median"),
                          ("-bilevel_upper_temperature", "0"), ("-bilevel_pull", "-1"), ("-accuracy", "0"),
                          ("-bilevel_team_size", "-1"), ("-bilevel_lower_max_it", "0"), ("-quadratic_d", "0"),
                          ("-quadratic_condition", "0.5"), ("-ckpt_keep", "1")):
        if option == "-bilevel_tol":
            continue  # zero and less: not used
        check.refused(clitest.run(*QUADRATIC, option, value), f"{option} {value}", option)
    check.refused(clitest.run(*QUADRATIC, "-bilevel_box_lower", "1", "-bilevel_box_upper", "0"), "an empty box",
                  "-bilevel_box_lower")
    check.refused(clitest.run(*QUADRATIC, "-bilevel_team_size", "2", ranks=3), "teams of 2 among 3", "multiple")
    check.refused(clitest.run(*QUADRATIC, "-bilevel_team_size", "2", ranks=2), "more ranks than parts", "parts")
    for theta in ("1,2", "1,2,x,4", "nan", "1,,2", place + "/none.h5"):
        check.refused(clitest.run(*QUADRATIC, "-theta", theta, ranks=2), f"-theta {theta}", "theta|none.h5")
    with h5py.File(place + "/theta.h5", "w") as file:
        file["theta"] = [1.0, np.nan, 0, 0]
        file["short"] = [1.0, 2.0]
    check.refused(clitest.run(*QUADRATIC, "-theta", place + "/theta.h5"), "NaN", "hyperparameter 1", "nan")
    check.refused(clitest.run(*QUADRATIC, "-theta", place + "/theta.h5:/short"), "too short", "/short", "4 hyper")
    check.refused(clitest.run(*QUADRATIC, "-theta", place + "/theta.h5:/long"), "missing", "/long")


def data(place):
    os.makedirs(place + "/mixed")
    os.makedirs(place + "/empty")
    os.makedirs(place + "/good")
    os.makedirs(place + "/text")
    clitest.png(place + "/mixed/a.png", clitest.photo(16, 1))
    clitest.png(place + "/mixed/b.png", clitest.photo(20, 2))
    clitest.png(place + "/good/a.png", clitest.photo(16, 1))
    with open(place + "/text/a.png", "w", encoding="ascii") as file:
        file.write("no picture")
    tv = ("bilevel", "-problem", "tv", "-train")
    for ranks in (0, 2):
        check.refused(clitest.run(*tv, place + "/mixed", ranks=ranks), "images of two sizes", "b.png", "20 x 20",
                      "16 x 16")
        check.refused(clitest.run(*tv, place + "/empty", ranks=ranks), "no images", "empty")
        check.refused(clitest.run(*tv, place + "/none", ranks=ranks), "no folder", "none")
        check.refused(clitest.run(*tv, place + "/text", ranks=ranks), "no picture", "a.png")
        check.refused(clitest.run(*tv, place + "/good", "-valid", place + "/mixed", ranks=ranks), "validation", "mixed")
        check.refused(clitest.run(*tv, place + "/good", "-tv_count", "3", ranks=ranks), "fewer than wanted", "1 images",
                      "3 are wanted")
    stack = clitest.photo(16, 1)[None, :, :].repeat(2, axis=0)
    stack[1, 3, 4] = np.nan
    with h5py.File(place + "/stack.h5", "w") as file:
        file["images"] = stack
    check.refused(clitest.run(*tv, place + "/stack.h5:/images", ranks=2), "NaN pixels", "stack.h5", "sample 1", "nan")
    check.refused(clitest.run(*tv, place + "/good", "-valid", place + "/stack.h5:/images", ranks=2), "NaN to try out",
                  "stack.h5", "sample 1", "nan")
    with h5py.File(place + "/stack.h5", "a") as file:
        file["fine"] = stack[:1].repeat(3, axis=0)
    check.refused(clitest.run(*tv, place + "/stack.h5:/fine", "-valid", place + "/good", "-tv_count", "3"),
                  "fewer to try out than wanted", "good", "1 images", "3 are wanted")
    os.makedirs(place + "/kinds")
    clitest.png(place + "/kinds/a.png", clitest.photo(16, 1))
    with open(place + "/kinds/b.tiff", "w", encoding="ascii") as file:
        file.write("II*")
    for ranks in (0, 2):
        check.refused(clitest.run(*tv, place + "/kinds", ranks=ranks), "an unknown type", "b.tiff", "PNG")
    with open(place + "/bad.svm", "w", encoding="ascii") as file:
        file.write("1 1:0.5 2:1\n-1 1:0.1 2:x\n1 1:2\n")
    check.refused(clitest.run("bilevel", "-problem", "logistic", "-train", place + "/bad.svm", ranks=2), "LIBSVM",
                  "bad.svm", "line 2")


def models(place):
    """labels, sets that are too small, starts without strong convexity, files of no known kind; also among ranks"""
    os.makedirs(place + "/unknown")
    with open(place + "/unknown/a.xyz", "w", encoding="ascii") as file:
        file.write("what is this")
    with open(place + "/three.svm", "w", encoding="ascii") as file:
        file.write("".join(f"{k % 3} 1:{k} 2:{k * k}\n" for k in range(1, 12)))
    with open(place + "/one.svm", "w", encoding="ascii") as file:
        file.write("1 1:1 2:2\n")
    logistic = ("bilevel", "-problem", "logistic", "-train")
    for ranks in (0, 2):
        check.refused(clitest.run("bilevel", "-problem", "tv", "-train", place + "/unknown", ranks=ranks),
                      "an unknown type of images", "a.xyz", "unknown type")
        check.refused(clitest.run(*logistic, place + "/three.svm", "-logistic_classes", "2", ranks=ranks),
                      "a label outside the classes", "three.svm", "row 1", "label 2")
        check.refused(clitest.run(*logistic, place + "/one.svm", ranks=ranks), "no row left to validate", "one.svm",
                      "none is left")
        check.refused(clitest.run("bilevel", "-problem", "ridge", "-ridge_start", "-800", ranks=ranks),
                      "a start that makes mu zero", "-800", "mu > 0")
    for name in ("tv", "ridge"):  # what floating point cannot reach is no error
        result = clitest.run("bilevel", "-problem", name, "-bilevel_eps", "1e-30", "-bilevel_tol", "1e-30",
                             "-bilevel_max_it", "60", "-summary", place + "/s.json")
        summary = clitest.read_json(place + "/s.json")
        check.that(result.status in (0, 3) and summary["lower"] <= summary["value"] <= summary["upper"],
                   f"{name}: the certificate that was reached", result)
        check.that(summary["upper"] > summary["lower"], f"{name}: it is no point", result)


with clitest.folder() as folder:
    usage(folder)
    numbers(folder)
    data(folder)
    models(folder)
check.finish()
