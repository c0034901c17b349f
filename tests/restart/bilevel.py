#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel bilevel: stopped after every decision, in the middle of a line search too, and continued on other numbers of
ranks; killed at random instants: the objective stays the same. Checkpoints of other problems are refused."""
from killing import campaign, check
from restarttest import clitest

TYPES = ("certified", "maid", "maid-bb", "hoag", "fixed")
QUADRATIC = ["bilevel", "-problem", "quadratic", "-quadratic_samples", "6", "-quadratic_condition", "4",
             "-quadratic_shared", "false"]
TV = ["bilevel", "-problem", "tv", "-tv_count", "3", "-tv_size", "20"]
WHOLE = ["-bilevel_team_size", "1"]  # samples that are not cut have the same preconditioner on any ranks
LOGISTIC = ["bilevel", "-problem", "logistic"]


def solved(what, *words, ranks, status=0):
    result = clitest.run(*words, ranks=ranks, timeout=120)
    check.that(result.status == status, f"{what}: status {status} is expected", result)
    return result


def pieces(place, base, method, stops, tol="1e-3"):
    """a run of so many decisions, and the rest of it on other ranks"""
    words = base + ["-bilevel_type", method, "-bilevel_tol", tol, "-bilevel_budget", "1e5"]
    solved(f"{method} in one piece", *words, "-summary", place + "/whole.json", ranks=1)
    whole = clitest.read_json(place + "/whole.json")
    middle = 0
    for k, stop in enumerate(n for n in stops if n < whole["iterations"]):
        saved = ["-ckpt_dir", f"{place}/{method}-{base[2]}-{stop}"]
        solved(f"{method} stops after {stop}", *words, *saved, "-bilevel_max_it", stop, "-summary", place + "/a.json",
               ranks=1 + k % 3, status=3)
        solved(f"{method} goes on after {stop}", *words, *saved, "-restart", "-summary", place + "/b.json",
               ranks=1 + (k + 1) % 3)
        first, rest = clitest.read_json(place + "/a.json"), clitest.read_json(place + "/b.json")
        middle += first["iterations"] > first["steps"] + first["gradients"]  # some trial was refused before the stop
        difference = abs(rest["objective"] - whole["objective"]) / abs(whole["objective"])
        check.that(difference <= 1e-12, f"{method}, {base[2]}, stop {stop}: relative difference {difference:.1e}")
        check.that(rest["restarts"] == 1, f"{method}, {base[2]}, stop {stop}: it went on")
        if tol != "1e-3":
            continue
        for name in ("iterations", "lower_iterations"):
            check.that(rest[name] == whole[name],
                       f"{method}, {base[2]}, stop {stop}: {name} {rest[name]}, {whole[name]} in one piece")
    return middle


def refused(place):
    base = QUADRATIC + ["-bilevel_max_it", "3", "-ckpt_dir", place + "/keys"]
    solved("three decisions", *base, ranks=1, status=3)
    for what, words, name in (("another seed", ("-quadratic_seed", "9"), "data content"),
                              ("another type", ("-bilevel_type", "maid"), "-bilevel_type"),
                              ("another lower method", ("-bilevel_lower", "gd"), "-bilevel_lower"),
                              ("another upper level", ("-bilevel_upper", "sum"), "-bilevel_upper"),
                              ("other steps", ("-bilevel_memory", "2"), "options of the method"),
                              ("another box", ("-bilevel_box_lower", "-3"), "-bilevel_box_lower"),
                              ("another start", ("-theta", "2"), "-theta")):
        check.refused(clitest.run(*base, "-restart", *words, ranks=2), what, name)
    solved("another tolerance may be", *base, "-restart", "-bilevel_tol", "1e-7", "-bilevel_max_it", "1000", ranks=2)


with clitest.folder() as folder:
    searches = sum(pieces(folder, QUADRATIC, method, range(1, 12, 2)) for method in TYPES)
    check.that(searches > 3, f"{searches} stops were in the middle of a line search")
    for method in ("certified", "maid-bb"):
        pieces(folder, TV + WHOLE, method, (2, 5, 9))
    pieces(folder, ["bilevel", "-problem", "tv", "-tv_count", "1", "-tv_size", "12"], "certified", (7,), "1e-9")
    pieces(folder, LOGISTIC, "certified", (1, 4))
    refused(folder)
with clitest.folder() as folder:
    campaign(folder, "certified", ["bilevel", "-problem", "tv", "-tv_count", "6", "-tv_size", "64", "-bilevel_tol",
                                   "1e-4"] + WHOLE)
check.finish()
