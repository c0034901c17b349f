#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Many pairs in one run: how lists are given and combined, one answer a pair equal to a run of its own on any number of
ranks, the summary, the names of results, what is refused before anything is solved."""
import os

import clitest
import numpy as np

check = clitest.Checks()
EPS = ("-ot_eps", "0.5", "-ot_gap_rel", "1e-7")


def run(place, *words, ranks=0, status=0, what=""):
    result = clitest.run("ot", *words, *EPS, "-summary", place + "/s.json", ranks=ranks)
    check.that(result.status == status, f"{what}: status {status}", result)
    return (clitest.read_json(place + "/s.json") if result.status == status else {}), result


def named(summary):
    return [(os.path.basename(r["source"]), os.path.basename(r["target"])) for r in summary.get("results", [])]


def lists(place, pictures):
    """all ways to name several inputs, and all ways to combine them"""
    with open(place + "/list.txt", "w", encoding="utf-8") as file:
        file.write("# three pictures\n\n" + "".join(f"  {name}  \n" for name in pictures[:3]))
    three, names = ",".join(pictures[:3]), [os.path.basename(p) for p in pictures]
    for source in (three, "@" + place + "/list.txt"):
        summary, _ = run(place, "-source", source, "-target", pictures[3], what="several with one")
        check.that(named(summary) == [(name, names[3]) for name in names[:3]], f"several with one: {named(summary)}")
    summary, _ = run(place, "-source", pictures[3], "-target", three, what="one with several")
    check.that(named(summary) == [(names[3], name) for name in names[:3]], "one with several")
    summary, _ = run(place, "-source", three, "-target", ",".join(pictures[1:4]), what="pairwise")
    check.that(named(summary) == list(zip(names[:3], names[1:4])), "pairwise")
    summary, _ = run(place, "-source", ",".join(pictures[:2]), "-target", three, "-pairs", "all", what="all")
    check.that(named(summary) == [(a, b) for a in names[:2] for b in names[:3]], "all")
    summary, result = run(place, "-source", place + "/set", "-target", place + "/set", "-pairs", "upper", what="upper")
    check.that(named(summary) == [(names[i], names[j]) for i in range(4) for j in range(i + 1, 4)], "upper")
    for key, value in (("verb", "ot"), ("status", 0), ("pairs", 6), ("converged", 6), ("finished_before", 0),
                       ("ranks", 1), ("teams", 1), ("team_size", 1)):
        check.that(summary[key] == value, f"the summary's {key} is {summary[key]!r}")
    check.that(sum("  pair " in line and " to " in line for line in result.out.splitlines()) == 6, "a line a pair",
               result)
    check.that("converged: 6 of 6 pairs" in result.out, "the last line counts", result)

    summary, _ = run(place, "-source", "@" + place + "/list.txt", "-target", pictures[3], "-source_resize", "8,8",
                     "-target_resize", "8,8", what="options hold for all")
    check.that([r["n"] for r in summary["results"]] == [64] * 3, "options hold for all")
    comma = place + "/a,b.png"
    os.symlink(pictures[0], comma)
    summary, _ = run(place, "-source", comma, "-target", pictures[1], what="a name with a comma")
    check.that("results" not in summary and summary["n"] == 256, "one pair: the flat object")


def ranks_agree(place, pictures):
    """each pair alone, and all together on worlds with fewer and with more ranks than pairs"""
    pairs = [(pictures[0], pictures[1]), (pictures[1], pictures[2]), (pictures[3], pictures[0])]
    alone = [run(place, "-source", a, "-target", b, what="alone")[0] for a, b in pairs]
    words = ["-source", ",".join(a for a, _ in pairs), "-target", ",".join(b for _, b in pairs), "-map"]
    for ranks, team in ((2, 0), (2, 2), (4, 0), (5, 0)):
        name = f"{place}/r{ranks}{team}-{{pair}}.h5"
        summary, result = run(place, *words, "-o", name, *(("-pairs_team_size", team) if team else ()), ranks=ranks,
                              what=f"{ranks} ranks, teams of {team}")
        size = summary["team_size"]
        check.that(summary["teams"] * size == ranks and (not team or size == team), f"{ranks} ranks: teams of {size}")
        check.that(f"teams      {ranks // size} of {size} rank" in result.out, "how the ranks are split", result)
        for k, (one, many) in enumerate(zip(alone, summary["results"])):
            for key in ("value", "lower", "upper", "ot_lower", "ot_upper"):
                check.that(abs(one[key] - many[key]) <= 1e-9 * abs(one["value"]),
                           f"{ranks} ranks, pair {k}: {key} {many[key]!r}, alone {one[key]!r}")
            difference = abs(one["value"] - many["value"]) / abs(one["value"])
            check.that(difference <= 1e-12, f"{ranks} ranks, pair {k}: value differs by {difference:.1e}")
            check.that(many["result"] == name.replace("{pair}", f"{k:04}"), f"result {many['result']}")
        result = clitest.run("verify", *(name.replace("{pair}", f"{k:04}") for k in range(3)))
        check.that(result.status == 0 and result.out.count("verified:") == 3, f"{ranks} ranks: certified", result)


def results_named(place, pictures):
    two = ["-source", ",".join(pictures[:2]), "-target", pictures[2]]
    run(place, *two, "-o", place + "/plain.h5", what="a plain name")
    check.that(all(os.path.exists(f"{place}/plain-000{k}.h5") for k in range(2)), "the number goes before the ending")
    run(place, *two, "-o", place + "/from-{source}-to-{target}.h5", what="a name of the inputs")
    check.that(os.path.exists(place + "/from-p0-to-p2.h5") and os.path.exists(place + "/from-p1-to-p2.h5"),
               "{source} and {target}")
    check.refused(clitest.run("ot", *two, *EPS, "-o", place + "/plain.h5", ranks=2), "results that exist",
                  "plain-0000.h5", "-overwrite")
    check.refused(clitest.run("ot", *two, *EPS, "-o", place + "/to-{target}.h5", ranks=2), "two pairs, one result",
                  "to-p2.h5", "pair")
    run(place, *two, "-o", place + "/plain.h5", "-overwrite", what="-overwrite")


def refusals(place, pictures):
    black = clitest.png(place + "/black.png", np.zeros((16, 16)))
    cube = place + "/cube.npy"
    np.save(cube, np.ones((4, 4, 4)))
    for what, sources, targets, more, words in (
            ("a file that is not there", [pictures[0], place + "/none.png"], [pictures[1]], (), ("pair 1", "none.png")),
            ("a black picture", [pictures[0]], [pictures[1], black], (), ("pair 1", "black.png", "weights are 0")),
            ("three axes with two", [pictures[0]], [pictures[1], pictures[2], cube], ("-ot_normalize", ),
             ("pair 2", "cube.npy", "dimension")),
            ("2 with 3", pictures[:2], pictures[:3], (), ("2 sources", "3 targets", "-pairs all")),
            ("1 with 2, pairwise", pictures[:1], pictures[:2], ("-pairs", "pairwise"), ("1 sources", "2 targets")),
            ("upper of two lists", pictures[:2], pictures[1:3], ("-pairs", "upper"), ("one list", "p0.png", "p1.png")),
            ("an unknown way to pair", pictures[:2], pictures[:2], ("-pairs", "some"), ("some", )),
            ("teams that do not divide", pictures[:2], pictures[:2], ("-pairs_team_size", "3"), ("3", "2 ranks")),
            ("a list that is not there", ["@" + place + "/none.txt"], pictures[:1], (), ("none.txt", )),
            ("a folder without pictures", [place + "/empty"], pictures[:1], (), ("empty", r"\.png"))):
        result = clitest.run("ot", "-source", ",".join(sources), "-target", ",".join(targets), *EPS, *more,
                             ranks=2 if "pair" in words[0] or "ranks" in words[-1] else 0)
        check.refused(result, what, *words)
        check.that("converged" not in result.out, f"{what}: nothing was solved", result)
    result = clitest.run("ot", "-source", ",".join(pictures[:2]), "-target", pictures[2], "-ot_eps", "1e-18", ranks=2)
    check.refused(result, "an epsilon that is too small", "pair 0", "-ot_eps 1e-18", "too small")


def limits(place, pictures):
    """what is left over: statuses 3 and 75"""
    words = ["-source", ",".join(pictures[:2]), "-target", pictures[2], "-ot_type", "sinkhorn"]
    summary, _ = run(place, *words, "-ot_max_it", "3", "-o", place + "/l.h5", ranks=2, status=3, what="a limit")
    check.that(summary["status"] == 3 and summary["converged"] == 0, "status 3 in the summary")
    check.that(all(r["iterations"] == 3 and r["lower"] <= r["upper"] for r in summary["results"]), "bounds are there")
    summary, result = run(place, *words, "-walltime", "0.001", "-ckpt_dir", place + "/ck", ranks=2, status=75,
                          what="the end of the wall time")
    check.that(all(r["status"] == 75 for r in summary["results"]), "pairs that are left", result)
    check.that("-restart" in result.out, "how to go on", result)
    summary, _ = run(place, *words, "-ckpt_dir", place + "/ck", "-restart", ranks=1, what="and again")
    check.that(summary["converged"] == 2, "both converge in the end")
    result = clitest.run("info", place + "/ck")
    check.that(result.status == 0 and "2 of 2 that were begun are finished" in result.out, "info of the folder", result)
    check.refused(clitest.run("verify", place + "/l-0000.h5", place + "/none.h5"), "the second file is not there",
                  "none.h5")


with clitest.folder() as folder:
    os.mkdir(folder + "/set")
    os.mkdir(folder + "/empty")
    files = [clitest.png(f"{folder}/set/p{k}.png", clitest.photo(16, k)) for k in range(4)]
    lists(folder, files)
    ranks_agree(folder, files)
    results_named(folder, files)
    refusals(folder, files)
    limits(folder, files)
check.finish()
