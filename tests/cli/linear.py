#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel mdp -mdp_rectangular d from outside: runs, files, summaries, verify that accepts and refuses, plots, bad
input."""
import os

import clitest
import h5py
import numpy as np

check = clitest.Checks()
BASE = ("mdp", "-mdp_rectangular", "d")
LINEAR = BASE + ("-problem", "linear")
PUT = BASE + ("-problem", "put", "-put_trajectories", "60", "-put_anchors", "8", "-put_horizon", "6")
METHODS = {"tv": ("r2pvi", "-mdp_penalty", "0.3"),
           "kl": ("r2pvi", "-mdp_ambiguity", "kl", "-mdp_penalty", "1"),
           "pearson": ("r2pvi", "-mdp_ambiguity", "pearson", "-mdp_penalty", "1"),
           "pevi": ("pevi",), "drpvi": ("drpvi", "-mdp_radius", "0.1"),
           "drvil": ("drvil", "-mdp_radius", "0.1", "-mdp_gap", "0"),
           "vadrpvi": ("vadrpvi", "-mdp_radius", "0.1"), "var2pvi": ("var2pvi", "-mdp_penalty", "0.3")}


def solve(name, *words, ranks=0):
    result = clitest.run(*words, ranks=ranks)
    check.that(result.status == 0, f"{name} is solved", result)
    return result


def methods(place):
    """methods on both problems; verified; the same to 1e-12 on two ranks from a file of the same data"""
    for problem, base, names in (("linear", LINEAR, ("pearson", "drvil")), ("put", PUT, METHODS)):
        data = f"{place}/{problem}.h5"
        for name in names:
            method, runs = METHODS[name], []
            save = () if os.path.exists(data) else ("-save_trajectories", data)
            for k, words in enumerate((base + save, BASE + ("-model", data + ":/trajectories"))):
                out, summary = f"{place}/r{k}.h5", f"{place}/s{k}.json"
                solve(f"{problem} {name} {k}", *words, "-mdp_type", *method, "-o", out, "-summary", summary,
                      "-overwrite", "-mdp_evaluate", "none", ranks=2 * k)
                runs.append(clitest.read_json(summary))
            for k in (0, 1):
                if k == 0 or problem == "linear":
                    verified = clitest.run("verify", f"{place}/r{k}.h5", ranks=2 - 2 * k)
                    check.that(verified.status == 0, f"{problem} {name} {k} is verified", verified)
            check.that(all(r["lower"] <= r["value"] <= r["upper"] and r["step_error"] < 1e-3 for r in runs),
                       f"{problem} {name}: bounds")
            check.that(abs(runs[0]["value"] - runs[1]["value"]) <= 1e-12 * max(1, abs(runs[0]["value"])),
                       f"{problem} {name}: the same value everywhere: {[r['value'] for r in runs]}")


def evaluation(place):
    summary = place + "/e.json"
    words = LINEAR + ("-mdp_type", "pevi", "-mdp_ridge", "0.1", "-mdp_pessimism", "0", "-summary", summary,
                      "-overwrite", "-linear_trajectories", "3000")
    solve("exact", *words, "-mdp_evaluate", "exact", "-mdp_episodes", "1")
    exact = clitest.read_json(summary)
    check.that(abs(exact["reward_0"] - 1.624875) < 1e-9 and abs(exact["reward_1"] - 0.624875) < 1e-9,
               f"the non-robust policy in closed form: {exact['reward_0']}, {exact['reward_1']}")
    check.that(exact["replications"] == 1 and exact["reward_0_error"] is None, "one data set has no standard error")
    solve("replications", *words, "-mdp_replications", "4", "-mdp_teams", "2", "-o", place + "/e.h5", ranks=3)
    with h5py.File(place + "/e.h5", "r") as file:
        table = file["evaluation"]
        returns = table["returns"][...]
        check.that(returns.shape == (4, 11), "replications by targets")
        check.that(np.allclose(table["mean"][...], returns.mean(axis=0), atol=1e-14), "means")
        check.that(np.allclose(table["standard_error"][...], returns.std(axis=0, ddof=1) / 2, atol=1e-14), "errors")
    solve("alone", *words, "-mdp_replications", "4", "-o", place + "/f.h5")
    with h5py.File(place + "/f.h5", "r") as file:
        check.that(np.allclose(file["evaluation/returns"][...], returns, atol=1e-12), "teams do not matter")


def refused(place):
    """what was changed in a result is found"""
    good = place + "/good.h5"
    for name in ("drpvi", "exact"):
        method = METHODS.get(name, ("exact", "-mdp_ambiguity", "tv", "-mdp_penalty", "0.5"))
        solve(name, *LINEAR, "-mdp_type", *method, "-mdp_replications", "2", "-o", good, "-overwrite")

        def add(path, by, at=0):
            def change(file):
                data = file[path][...].reshape(-1)
                data[at] += by
                file[path][...] = data.reshape(file[path].shape)
            return change

        changes = {"a weight": add("weights/w", 1e-4, 3), "a lower bound": add("bounds/lower", 1e-3),
                   "an upper bound": add("bounds/upper", -1e-3), "a mean": add("evaluation/mean", 1e-3, 2),
                   "a standard error": add("evaluation/standard_error", 1e-3, 2)}
        if name != "exact":
            changes.update({"a value": add("value", 1e-3, 5), "the diagonal": add("weights/diagonal", 1e-3, 1),
                            "the ridge": lambda f: f.attrs.__setitem__("ridge", 2.0),
                            "other data": lambda f: f.attrs.__setitem__("options", np.bytes_("-linear_seed 7"))})
        for what, change in changes.items():
            check.refused(clitest.run("verify", clitest.changed(place, good, change)), f"{name}: {what} was changed")


def views(place):
    for name, method in (("a", METHODS["tv"]), ("b", METHODS["pevi"])):
        solve(name, *LINEAR, "-mdp_type", *method, "-mdp_replications", "2", "-o", f"{place}/{name}.h5")
    info = clitest.run("info", place + "/a.h5")
    check.that(info.status == 0 and "ridge" in info.out and "rectangular" in info.out, "info says what it is", info)
    for name, files in (("one", ["a"]), ("two", ["a", "b"])):
        plot = clitest.run("plot", *[f"{place}/{f}.h5" for f in files], "-o", f"{place}/{name}.png")
        check.that(plot.status == 0 and os.path.getsize(f"{place}/{name}.png") > 5000, f"{name} drawn", plot)


def bad_numbers(place):
    words = LINEAR + ("-mdp_type", "r2pvi")
    for option, value in (("-mdp_ridge", "0"), ("-mdp_ridge", "-1"), ("-mdp_penalty", "0"), ("-mdp_penalty", "-2"),
                          ("-mdp_radius", "-0.1"), ("-mdp_pessimism", "-1"), ("-mdp_clip", "-1"),
                          ("-mdp_episodes", "0"), ("-mdp_replications", "0"), ("-mdp_teams", "7"),
                          ("-linear_death", "1.5"), ("-linear_trajectories", "0"), ("-linear_xi", "0.4")):
        check.refused(clitest.run(*words, option, value), f"{option} {value}", option, value)
    check.refused(clitest.run(*words), "a price is needed", "-mdp_penalty")
    check.refused(clitest.run(*words, "-mdp_penalty", "1", "-linear_trajectories", "3", "-mdp_ridge", "1e-17",
                              "-mdp_replications", "8", "-linear_seed", "2", "-mdp_gap", "0", ranks=3),
                  "one team's error is everybody's", "replication", "singular", "-mdp_ridge")
    check.refused(clitest.run(*words, "-mdp_radius", "0.1"), "a ball with a price method", "-mdp_penalty")
    check.refused(clitest.run(*LINEAR, "-mdp_type", "drpvi", "-mdp_penalty", "1"), "a price with balls", "-mdp_radius")
    check.refused(clitest.run(*LINEAR, "-mdp_type", "drvil", "-mdp_ambiguity", "tv"), "not its divergence", "drvil",
                  "tv", "kl")
    check.refused(clitest.run(*LINEAR, "-mdp_type", "vi"), "a type of another family", "vi", "r2pvi")
    check.refused(clitest.run("mdp", "-problem", "forest", "-mdp_rectangular", "e"), "another shape", "sa, s, d")
    check.refused(clitest.run(*BASE), "nothing to learn from", "-model", "-problem")
    check.refused(clitest.run(*BASE, "-problem", "forest", "-mdp_penalty", "1"), "not a linear problem", "forest",
                  "linear")
    check.refused(clitest.run(*PUT, "-mdp_type", "exact"), "no list of states", "exact")
    check.refused(clitest.run(*words, "-mdp_penalty", "1", "-mdp_pesimism", "1"), "a misspelt option",
                  "-mdp_pessimism")
    check.refused(clitest.run(*words, "-mdp_penalty", "1", "-put_low", "2", "-putlow", "2"), "no option", "putlow")


def bad_files(place):
    data = place + "/d.h5"
    solve("data", *PUT, "-mdp_penalty", "1", "-save_trajectories", data)

    def put(path, at, value):
        return lambda f: f["trajectories/" + path].__setitem__(at, value)

    def drop(path):
        return lambda f: f.__delitem__("trajectories/" + path)

    def reshape(path, shape):
        def change(file):
            del file["trajectories/" + path]
            file["trajectories/" + path] = np.zeros(shape)
        return change

    changes = (("NaN", put("features", (7, 2, 3), np.nan), "features", "trajectory 7", "step 2", "feature 3", "nan"),
               ("a sum", put("features", (7, 2, 3), 1.5), "features", "trajectory 7", "step 2", "sum", "one"),
               ("an action", put("action", (3, 1), 5), "action", "trajectory 3", "step 1", "5"),
               ("a reward", put("reward", (3, 1), np.inf), "reward", "trajectory 3", "inf"),
               ("theta", put("theta", (2, 1), np.nan), "theta", "step 2", "feature 1", "nan"),
               ("no features", drop("features"), "features"), ("no rewards", drop("reward"), "reward"),
               ("fewer rewards", reshape("reward", (59, 6)), "reward", "59|60"),
               ("another theta", reshape("theta", (6, 9)), "theta", "6|9"),
               ("flat features", reshape("features", (60, 48)), "features", "axes"),
               ("actions that do not divide", lambda f: f["trajectories"].attrs.__setitem__("actions", 3), "actions",
                "multiple"))
    for what, change, *names in changes:
        path = clitest.changed(place, data, change)
        ranks = 2 if what in ("NaN", "an action", "no rewards", "flat features") else 0  # one of them sees it
        check.refused(clitest.run(*BASE, "-model", path, "-mdp_penalty", "1", ranks=ranks), what, "changed.h5", *names)
    with open(data, "rb") as source, open(place + "/cut.h5", "wb") as target:
        target.write(source.read()[:4000])
    check.refused(clitest.run(*BASE, "-model", place + "/cut.h5", "-mdp_penalty", "1", ranks=2), "truncated", "cut.h5")
    with open(place + "/text.h5", "w", encoding="ascii") as file:
        file.write("no data\n")
    check.refused(clitest.run(*BASE, "-model", place + "/text.h5", "-mdp_penalty", "1"), "text", "text.h5")
    check.refused(clitest.run(*BASE, "-model", clitest.measures(place + "/m.h5"), "-mdp_penalty", "1"), "foreign",
                  "m.h5", "trajectories")
    check.refused(clitest.run(*BASE, "-model", data, "-mdp_penalty", "1", "-mdp_evaluate", "exact"), "no environment",
                  "-mdp_evaluate")
    check.refused(clitest.run(*PUT, "-mdp_penalty", "1", "-save_trajectories", data), "an existing file", "d.h5",
                  "-overwrite")


def stopped(place):
    """a run that reaches its limit goes on from its checkpoint to the same result"""
    words = PUT + ("-mdp_type", "vadrpvi", "-mdp_radius", "0.1")
    solve("whole", *words, "-o", place + "/whole.h5")
    part = clitest.run(*words, "-mdp_max_it", "7", "-ckpt_dir", place + "/ckpt", ranks=2)
    check.that(part.status == 3, "a limit is status 3", part)
    rest = solve("rest", *words, "-ckpt_dir", place + "/ckpt", "-restart", "-o", place + "/rest.h5", ranks=3)
    check.that("restart" in rest.out, "it says that it goes on", rest)
    with h5py.File(place + "/whole.h5", "r") as one, h5py.File(place + "/rest.h5", "r") as two:
        check.that(np.allclose(one["weights/w"][...], two["weights/w"][...], rtol=1e-12, atol=1e-12), "same weights")
    other = clitest.run(*words, "-mdp_ridge", "2", "-ckpt_dir", place + "/ckpt", "-restart")
    check.refused(other, "a checkpoint of another ridge", "-mdp_ridge")


for part_ in (methods, evaluation, refused, views, bad_numbers, bad_files, stopped):
    with clitest.folder() as folder:
        part_(folder)
check.finish()
