#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel verify accepts results of fenchel mdp as they were written and refuses what was changed, with and without
the fingerprints."""
import clitest
import h5py
import numpy as np

check = clitest.Checks()


def refuse(place, original, sentence, change, *words, ranks=0):
    check.refused(clitest.run("verify", clitest.changed(place, original, change), ranks=ranks), sentence, *words)


def set_entry(name, at, by):
    def change(file):
        data = file[name][...].reshape(-1)
        data[at] += by
        file[name][...] = data.reshape(file[name].shape)
    return change


def contents(place, original, range_of_values):
    with h5py.File(original, "r") as file:
        size, policy = file["value"].size, file["policy"][...].reshape(-1)
    for at in sorted({0, size // 2, size - 1}):
        refuse(place, original, f"value changed at {at}", set_entry("value", at, 1e-3 * range_of_values), "/value")
        refuse(place, original, f"policy changed at {at}", set_entry("policy", at, 1 if policy[at] == 0 else -1),
               "/policy", ranks=2)


def claims(place, original):
    def put(name, value):
        return lambda file: file["bounds/" + name].__setitem__(0, value(file))

    def of(name, factor):
        return lambda file: factor * file["bounds/" + name][0]
    refuse(place, original, "a gap that is too small", put("policy_gap", of("policy_gap", 0.01)), "policy_gap", ranks=2)
    refuse(place, original, "an error that is too small", put("value_error", of("value_error", 0.01)), "claims")
    # the middle of the claimed interval is not known to be either bound
    middle = lambda file: (file["bounds/lower"][0] + file["bounds/upper"][0]) / 2  # noqa: E731
    width = lambda file: file["bounds/upper"][0] - file["bounds/lower"][0]  # noqa: E731
    refuse(place, original, "a lower bound that is too good", put("lower", lambda f: middle(f) + 0.6 * width(f)),
           "claims|lower")
    refuse(place, original, "an upper bound that is too good", put("upper", lambda f: middle(f) - 0.6 * width(f)),
           "claims|upper")
    refuse(place, original, "a bound that is NaN", put("upper", lambda f: np.nan), "nan")
    refuse(place, original, "a gap that is infinite", put("policy_gap", lambda f: np.inf), "inf")


def operator(place, original):
    def attribute(name, value):
        return lambda file: file.attrs.__setitem__(name, value)
    refuse(place, original, "another discount", lambda f: f.attrs.__setitem__("discount", 0.5 * f.attrs["discount"]))
    refuse(place, original, "discount one", attribute("discount", 1.0), "discount")
    refuse(place, original, "another sense",
           lambda f: f.attrs.__setitem__("sense", np.bytes_("min" if f.attrs["sense"] in (b"max", "max") else "max")))
    refuse(place, original, "another problem", attribute("problem", np.bytes_("forest")), "forest")
    refuse(place, original, "other options of the problem", attribute("options", np.bytes_("-n 7")),
           "problem|shape|axes")


def forged(place):
    """Who changes an array and its fingerprint too is found by the arithmetic: arrays of another run of this model."""
    base = ("mdp", "-problem", "garnet", "-garnet_n", "200", "-garnet_actions", "5", "-garnet_branching", "4",
            "-mdp_discount", "0.9", "-mdp_gap", "1e-6")
    for name, more in (("good", ()), ("other", ("-mdp_sense", "min"))):
        result = clitest.run(*base, *more, "-o", f"{place}/{name}.h5", ranks=2)
        check.that(result.status == 0, f"{name} is solved", result)
    with h5py.File(place + "/other.h5", "r") as file:
        donated = {name: (file[name][...], file[name].attrs["fingerprint"]) for name in ("value", "policy")}

    def forge(names):
        def change(file):
            for name in names:
                file[name][...] = donated[name][0]
                file[name].attrs["fingerprint"] = donated[name][1]
        return change
    refuse(place, place + "/good.h5", "the value of another run", forge(["value"]), "claims")
    refuse(place, place + "/good.h5", "the policy of another run", forge(["policy"]), "policy_gap")
    refuse(place, place + "/good.h5", "value and policy of another run", forge(["value", "policy"]), "claims")


with clitest.folder() as place:
    cases = {"grid": ("-problem", "gridworld", "-n", "14", "-mdp_discount", "0.95"),
             "inventory": ("-problem", "inventory"),
             "terminal": ("-problem", "maze", "-n", "15", "-mdp_type", "mpi")}
    for name, arguments in cases.items():
        path = f"{place}/{name}.h5"
        result = clitest.run("mdp", *arguments, "-o", path, ranks=2)
        check.that(result.status == 0, f"{name} is solved", result)
        for ranks in (1, 2, 3, 4):
            result = clitest.run("verify", path, ranks=ranks)
            check.that(result.status == 0 and "verified: " in result.out and "loses at most" in result.out,
                       f"verify {name} on {ranks} ranks", result)
    grid = place + "/grid.h5"
    contents(place, grid, 20)
    claims(place, grid)
    operator(place, grid)
    claims(place, place + "/inventory.h5")
    forged(place)

    # the verb that wrote the file decides
    refuse(place, grid, "a verb that is not known", lambda f: f.attrs.__setitem__("verb", np.bytes_("learn")),
           "learn")
    with open(grid, "rb") as file:
        whole = file.read()
    for size in (100, len(whole) // 2, len(whole) - 1):
        with open(place + "/cut.h5", "wb") as file:
            file.write(whole[:size])
        check.refused(clitest.run("verify", place + "/cut.h5", ranks=2), f"a file cut after {size} bytes", "cut.h5")
check.finish()
