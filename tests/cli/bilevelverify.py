#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel verify accepts every type's result on other numbers of ranks, and finds what was changed in one, also if the
fingerprints were changed with it."""
import clitest
import h5py
import numpy as np

check = clitest.Checks()
PROBLEMS = {"quadratic": ("-quadratic_samples", "4"), "tv": ("-tv_count", "2", "-tv_size", "16"),
            "ridge": ("-ridge_features", "5"), "logistic": ("-logistic_features", "4",)}


def words(name):
    return ("bilevel", "-problem", name) + PROBLEMS[name] + ("-bilevel_tol", "1e-4", "-overwrite")


def accepted(place):
    path = place + "/r.h5"
    for name in PROBLEMS:
        for k, method in enumerate(("certified", "maid", "maid-bb", "hoag", "fixed")):
            budget = ("-bilevel_budget", "3000", "-bilevel_type", method)
            result = clitest.run(*words(name), *budget, "-o", path, ranks=1 + k % 3)
            check.that(result.status in (0, 3), f"{name}, {method}: solved, or the budget is spent", result)
            result = clitest.run("verify", path, ranks=1 + (k + 1) % 3)
            check.that(result.status == 0 and "verified" in result.out, f"{name}, {method}: accepted", result)
        result = clitest.run(*words(name), "-o", path, "-store_lower", "false")
        check.that(result.status == 0, f"{name}: without lower solutions", result)
        result = clitest.run("verify", path)
        check.that(result.status == 0 and "cannot be checked" in result.out, f"{name}: solved again", result)
    for extra in (("-bilevel_upper", "kl", "-bilevel_upper_temperature", "10"), ("-bilevel_upper", "sum"),
                  ("-bilevel_pull", "0.5", "-bilevel_box_lower", "-0.1", "-bilevel_box_upper", "0.2")):
        result = clitest.run(*words("quadratic"), *extra, "-o", path, ranks=2)
        check.that(result.status == 0, f"{extra}: solved", result)
        result = clitest.run("verify", path)
        check.that(result.status == 0, f"{extra}: accepted", result)


def add(path, by, at=0):
    """changes one number, and takes the fingerprint away that would give it away at once"""
    def change(file):
        data = file[path][...].reshape(-1)
        data[at] += by
        file[path][...] = data.reshape(file[path].shape)
    return change


def forged(place, original, path, by, at):
    """a changed array with the fingerprint that belongs to it: another run's, or the verifier's own complaint"""
    name = clitest.changed(place, original, add(path, by, at))
    result = clitest.run("verify", name)
    check.refused(result, f"{path} was changed", path, "changed")
    now = result.err.partition("content ")[2].split(",")[0].strip()

    def sign(file):
        add(path, by, at)(file)
        file[path].attrs["fingerprint"] = np.bytes_(now)
    return clitest.changed(place, original, sign)


def refused(place):
    for name in ("quadratic", "tv"):
        good = f"{place}/{name}.h5"
        result = clitest.run(*words(name), "-o", good)
        check.that(result.status == 0, f"{name}: solved", result)
        with h5py.File(good, "r") as file:
            gap = file["bounds/upper"][0] - file["bounds/lower"][0]
            error, value = file["bounds/hypergradient_error"][0], file["bounds/objective"][0]
            accuracy = file["bounds/lower_accuracy"][0]
        step = 1e-3 * abs(value)
        changes = {"a lower bound": add("bounds/lower", gap + step), "an upper bound": add("bounds/upper", -gap - step),
                   "the objective": add("bounds/objective", step), "the value": add("bounds/value", 2 * step),
                   "the error": add("bounds/hypergradient_error", -0.9 * error - 1e-6),
                   "the norm": add("bounds/hypergradient_norm", -1e-6),
                   "the accuracy": add("bounds/lower_accuracy", -0.9 * accuracy - 1e-9),
                   "a sample's accuracy": add("samples/lower_accuracy", -1, 1),
                   "a sample's bound": add("samples/upper", -step - gap, 1),
                   "an adjoint's residual": add("samples/adjoint_residual", -1, 1),
                   **({"a metric": add("samples/psnr", 0.01, 1)} if name == "tv" else {}),
                   "another upper level": lambda f: f.attrs.__setitem__("upper_level", np.bytes_("sum")),
                   "other data": lambda f: f.attrs.__setitem__(
                       "options", np.bytes_(f.attrs["options"].decode() + f" -{name}_seed 77")),
                   "fewer samples": lambda f: f.attrs.__setitem__("samples", 1)}
        for what, change in changes.items():
            check.refused(clitest.run("verify", clitest.changed(place, good, change)), f"{name}: {what}")
        for path, by, at in (("/theta", 0.01, 0), ("/x", 0.05, 5), ("/q", 0.05, 5), ("/hypergradient", 0.01, 1)):
            result = clitest.run("verify", forged(place, good, path, by, at), ranks=2)
            check.refused(result, f"{name}: {path} was changed with its fingerprint")
            check.that("REFUSED" in result.out, f"{name}: {path} is refused for what it proves", result)
    nothing = clitest.changed(place, place + "/quadratic.h5", add("x", np.nan, 2))
    check.refused(clitest.run("verify", nothing, ranks=2), "NaN in a lower solution", "/x")


with clitest.folder() as folder:
    accepted(folder)
    refused(folder)
check.finish()
