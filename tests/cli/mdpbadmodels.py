#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Models in files that are wrong or cut, and models without an answer of the kind that is asked for, end with status 2
and a sentence that names file, state, action, value and rule; no rank hangs."""
import os
import struct

import clitest
import h5py
import numpy as np

check = clitest.Checks()
TWO = ("a row that sums to .95", "a probability that is infinite", "a reward that is NaN", "a negative successor",
       "an action that comes twice", "row pointers that go back", "state pointers beyond the rows")


def solve(path, *words, ranks=0):
    """on one rank, or on two where only one of them sees what is wrong"""
    return clitest.run("mdp", "-model", path, *words, ranks=ranks)


def model(path, **changes):
    """Five states in a line, 4 without rows; a step to the right with .9, or back to the first state; rewards -1."""
    ptr, row, action, col, val = [0], [0], [], [], []
    for s in range(4):
        for a, law in enumerate(({s: 0.1, s + 1: 0.9}, {0: 1.0})):
            action.append(a)
            col += list(law)
            val += list(law.values())
            row.append(len(col))
        ptr.append(len(action))
    ptr.append(len(action))
    data = {"sa_ptr": np.array(ptr), "row_ptr": np.array(row), "action_id": np.array(action, np.int32),
            "col": np.array(col), "val": np.array(val), "reward": -np.ones(len(action))}
    for name, (at, value) in changes.items():
        data[name][at] = value
    with h5py.File(path, "w") as file:
        for name, array in data.items():
            file["mdp/" + name] = array
        file["mdp"].attrs["discount"] = 0.9
    return path


def matrix(path, rows, columns, entries, cut=0, lie=0):
    """PETSc's binary format, 32-bit: sorted entries (row, column, value)"""
    lengths = [sum(r == i for r, _, _ in entries) for i in range(rows)]
    data = struct.pack(f">{4 + rows}i", 1211216, rows, columns, len(entries) + lie, *lengths)
    data += struct.pack(f">{len(entries)}i", *(c for _, c, _ in entries))
    data += struct.pack(f">{len(entries)}d", *(v for _, _, v in entries))
    with open(path, "wb") as file:
        file.write(data[:len(data) - cut])
    return path


def text(path, *lines):
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    return path


def contents(place):
    path = place + "/m.h5"
    good = solve(model(path))
    check.that(good.status == 0, "the model as it should be is solved", good)
    nan, inf = float("nan"), float("inf")
    for sentence, changes, words in (
            ("a row that sums to .95", {"val": (1, 0.85)}, ("m.h5", "state 0", "action 0", "0.95", "sum")),
            ("a row that sums to 1.1", {"val": (4, 1.0)}, ("m.h5", "state 1", "action 0", "1.1|1.9", "sum")),
            ("a negative probability", {"val": (3, -0.1)}, ("state 1", "action 0", "-0.1", "not negative")),
            ("a probability that is NaN", {"val": (3, nan)}, ("state 1", "action 0", "nan", "finite")),
            ("a probability that is infinite", {"val": (6, inf)}, ("state 2", "action 0", "inf", "finite")),
            ("a reward that is NaN", {"reward": (5, nan)}, ("state 2", "action 1", "nan", "rewards are finite")),
            ("a reward that is infinite", {"reward": (7, -inf)}, ("state 3", "action 1", "inf", "rewards are finite")),
            ("a successor beyond the states", {"col": (1, 5)}, ("state 0", "action 0", "5", "0 to 4")),
            ("a negative successor", {"col": (2, -1)}, ("state 0", "action 1", "-1", "0 to 4")),
            ("a successor that comes twice", {"col": (1, 0)}, ("state 0", "action 0", "successor 0", "twice")),
            ("an action that comes twice", {"action_id": (3, 0)}, ("state 1", "action 0", "once")),
            ("an empty row", {"row_ptr": (2, 2)}, ("state 0", "action 1", "empty")),
            ("row pointers that go back", {"row_ptr": (3, 2)}, ("row_ptr", "ascending")),
            ("state pointers beyond the rows", {"sa_ptr": (5, 9)}, ("sa_ptr", "9")),
            ("state pointers that go back", {"sa_ptr": (2, 1)}, ("sa_ptr|state", "ascending|sum|once"))):
        check.refused(solve(model(path, **changes), ranks=2 if sentence in TWO else 0), sentence, *words)


def hdf5(place):
    path = model(place + "/m.h5")
    for word, discount in (("1", 1.0), ("-0.5", -0.5), ("1.5", 1.5)):
        with h5py.File(path, "r+") as file:
            file["mdp"].attrs["discount"] = discount
        check.refused(solve(path), f"a discount of {word} in the file", "discount|gamma", word)
    model(path)
    for missing in ("sa_ptr", "row_ptr", "col", "val", "reward"):
        def drop(file, name=missing):
            del file["mdp/" + name]
        check.refused(solve(clitest.changed(place, path, drop)), f"a file without {missing}", missing)
    with h5py.File(place + "/other.h5", "w") as file:
        file["data/x"] = np.arange(3)
    check.refused(solve(place + "/other.h5", ranks=2), "HDF5 without a model", "other.h5", "mdp")
    text(place + "/text.h5", "once upon a time")
    check.refused(solve(place + "/text.h5"), "text in a file named .h5", "text.h5")
    with open(path, "rb") as file:
        whole = file.read()
    for size in (0, 20, len(whole) // 2, len(whole) - 8):
        with open(place + "/cut.h5", "wb") as file:
            file.write(whole[:size])
        check.refused(solve(place + "/cut.h5", ranks=2 if size else 0), f"HDF5 cut after {size} bytes", "cut.h5")


def others(place):
    law = [(0, 0, 0.5), (0, 1, 0.5), (1, 1, 1.0), (2, 0, 1.0), (3, 1, 1.0)]
    cost = [(0, 0, 1.0), (0, 1, 2.0), (1, 0, 3.0), (1, 1, 4.0)]
    words = ("-mdp_discount", "0.9")
    g = matrix(place + "/g.bin", 2, 2, cost)
    good = solve(matrix(place + "/p.bin", 4, 2, law) + "," + g, *words)
    check.that(good.status == 0, "a PETSc matrix is solved", good)
    for cut in (4, 12, 60, 100):
        check.refused(solve(matrix(place + "/cut.bin", 4, 2, law, cut) + "," + g, *words, ranks=2 if cut == 60 else 0),
                      f"a PETSc matrix without its last {cut} bytes", "cut.bin")
    check.refused(solve(matrix(place + "/lie.bin", 4, 2, law, lie=1) + "," + g, *words), "a head that lies", "lie.bin")
    check.refused(solve(text(place + "/text.bin", "no matrix at all, only words") + "," + g, *words),
                  "text in a file named .bin", "text.bin")
    check.refused(solve(matrix(place + "/sum.bin", 4, 2, law[1:]) + "," + g, *words, ranks=2), "a row that sums to .5",
                  "sum.bin", "state 0", "action 0", "0.5")
    drn = ("@type: MDP", "@parameters", "", "@reward_models", "steps", "@nr_states", "2", "@nr_choices", "2", "@model",
           "state 0 [1] init", "action 0 [0]", "0 : 0.5", "1 : 0.5", "state 1 [0] done", "action 0 [0]", "1 : 1")
    good = solve(text(place + "/m.drn", *drn), *words, ranks=2)
    check.that(good.status == 0, "a DRN file is solved", good)
    for lines in (5, 9, 11, 14):
        check.refused(solve(text(place + "/cut.drn", *drn[:lines]), *words), f"a DRN file cut after {lines} lines",
                      "cut.drn")
    bad = list(drn)
    bad[13] = "7 : 0.5"
    check.refused(solve(text(place + "/bad.drn", *bad), *words, ranks=2), "a DRN file with a state too many",
                  "bad.drn", "7")
    tra = ("2 2 3", "0 0 0 0.5", "0 0 1 0.5", "1 0 1 1")
    good = solve(text(place + "/m.tra", *tra), *words)
    check.that(good.status == 0, "a .tra file is solved", good)
    check.refused(solve(text(place + "/cut.tra", *tra[:3]), *words, ranks=2), "a .tra file without its last line",
                  "cut.tra", "truncated|transitions")
    check.refused(solve(text(place + "/word.tra", *tra[:3], "1 0 1 one"), *words), "a word in a .tra file", "word.tra")


def totals(place):
    """ends of value 0 by rows, states that cannot end, rest for nothing, bounds that are wrong"""
    path = model(place + "/t.h5")
    total = ("-mdp_criterion", "total")
    result = place + "/r.h5"
    good = solve(path, *total, "-o", result, ranks=2)
    check.that(good.status == 0, "a total is found", good)
    for ranks in (1, 3):
        good = clitest.run("verify", result, ranks=ranks)
        check.that(good.status == 0 and "verified: " in good.out, f"its bounds are verified on {ranks} ranks", good)
    with h5py.File(result) as file:
        value = file["value"][:]
    check.that(np.abs(value + np.array([4, 3, 2, 1, 0]) / 0.9).max() < 1e-5, f"values are known: {value}")

    def put(name, at, by):
        def change(file):
            file[name][at] += by
            del file[name].attrs["fingerprint"]
            file[name].attrs["fingerprint"] = "0"
        return change
    for name, at, by in (("value", 2, 1e-3), ("margin", 1, -1.0), ("margin", 1, 0.5), ("value", 4, 1e-3)):
        check.refused(clitest.run("verify", clitest.changed(place, result, put(name, at, by)), ranks=2 * (at == 2)),
                      f"{name} of state {at} changed by {by}", name)
    check.refused(solve(path, *total, "-mdp_discount", "0.9"), "a total with a discount", "-mdp_discount 0.9", "total")
    # 3 goes back to 2 for ever
    lost = model(place + "/lost.h5", col=(10, 2))
    check.refused(solve(lost, *total, ranks=2), "no way to an end", "lost.h5", "state 0", "no way to a terminal state")
    idle = model(place + "/idle.h5", reward=(1, 0.0))
    check.refused(solve(idle, *total, ranks=2), "rest for nothing", "idle.h5", "state 0", "without cost")
    check.refused(clitest.run("mdp", "-problem", "forest", *total, ranks=2), "a problem that never ends", "forest",
                  "state 0", "no way to a terminal state")
    check.refused(clitest.run("mdp", "-problem", "gridworld", "-n", "6", *total, "-mdp_ambiguity", "tv", "-mdp_radius",
                              "0.9", ranks=2), "nature keeps it from ending", "state", "nature", "-mdp_radius")
    check.refused(clitest.run("mdp", "-problem", "ring", "-mdp_criterion", "average", "-mdp_average_tau", "1.5",
                              ranks=2), "damping above one", "-mdp_average_tau", "1.5")


with clitest.folder() as place:
    for part in (contents, hdf5, others, totals):
        os.makedirs(f"{place}/{part.__name__}")
        part(f"{place}/{part.__name__}")
check.finish()
