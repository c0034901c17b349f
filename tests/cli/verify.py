#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel verify accepts what was written and refuses what was changed, anywhere, with and without fingerprints."""
import clitest
import h5py
import numpy as np

check = clitest.Checks()


def refuse(place, original, sentence, change, *words, ranks=0):
    check.refused(clitest.run("verify", clitest.changed(place, original, change), ranks=ranks), sentence,
                  "changed.h5|/potential|/source|"
                  "/target|/bounds", *words)


def fix_fingerprint(file, name, donor):
    """gives an array the fingerprint that the program itself writes for this content"""
    file[name].attrs["fingerprint"] = donor


def potentials(place, original):
    with h5py.File(original, "r") as file:
        sizes = {name: file["potential/" + name].size for name in "fg"}
    for name, size in sizes.items():
        for at in sorted({0, 1, size // 3, size // 2, size - 1}):
            def bend(file, name=name, at=at):
                data = file["potential/" + name]
                flat = data[...].reshape(-1)
                flat[at] += 1e-3
                data[...] = flat.reshape(data.shape)
            refuse(place, original, f"potential {name} changed by 1e-3 at {at}", bend)


def claims(place, original):
    def tighten(name, by):
        def change(file):
            with_gap = file["bounds/upper"][0] - file["bounds/lower"][0]
            file["bounds/" + name][0] += by * max(with_gap, 1e-6)
        return change
    refuse(place, original, "a lower bound that is too good", tighten("lower", 0.9), "lower|claims", ranks=2)
    refuse(place, original, "an upper bound that is too good", tighten("upper", -0.9), "claims|upper")
    def bracket(file):
        file["bounds/ot_upper"][0] = file["bounds/ot_lower"][0]
    refuse(place, original, "a better bracket of OT", bracket, "claims")
    refuse(place, original, "lower above upper", lambda f: f["bounds/lower"].__setitem__(0, f["bounds/upper"][0] + 1.0),
           "claims")
    refuse(place, original, "a bound that is NaN", lambda f: f["bounds/upper"].__setitem__(0, np.nan), "nan")
    refuse(place, original, "another eps", lambda f: f.attrs.__setitem__("eps", 1.01 * f.attrs["eps"]))

    def mass(file):
        file["source/weights"][...] = 1.001 * file["source/weights"][...]
    refuse(place, original, "another mass", mass)

    def swap(file):
        w = file["target/weights"][...]
        flat = w.reshape(-1)
        flat[[0, 1]] = flat[[1, 0]]
        flat[0] += 1e-15
        file["target/weights"][...] = w
    refuse(place, original, "weights that were exchanged", swap)


with clitest.folder() as place:
    data = clitest.measures(place + "/m.h5", n=40, m=31, dim=3)
    cloud = place + "/cloud.h5"
    result = clitest.run("ot", "-source", data, "-target", data, "-ot_eps", "0.05", "-ot_gap_rel", "1e-5", "-o", cloud,
                         ranks=2)
    check.that(result.status == 0, "a cloud is solved", result)
    pictures = [clitest.png(f"{place}/{k}.png", clitest.photo(16, k)) for k in (1, 2)]
    grid = place + "/grid.h5"
    result = clitest.run("ot", "-source", pictures[0], "-target", pictures[1], "-ot_eps", "1", "-ot_gap_rel", "1e-5",
                         "-o", grid,
                         ranks=2)
    check.that(result.status == 0, "a grid is solved", result)
    for original in (cloud, grid):
        for ranks in (1, 2, 3):
            result = clitest.run("verify", original, ranks=ranks)
            check.that(result.status == 0 and "verified" in result.out, f"verify on {ranks} ranks", result)
        potentials(place, original)
        claims(place, original)

    # every cost that points can have
    for cost in ("euclidean", "l1"):
        path = f"{place}/{cost}.h5"
        result = clitest.run("ot", "-source", data, "-target", data, "-ot_eps", "0.05", "-ot_cost", cost, "-o", path)
        check.that(result.status == 0, f"{cost} is solved", result)
        check.that(clitest.run("verify", path).status == 0, f"{cost} is verified")

    # a forger who also writes the right fingerprint is found by the arithmetic: potentials of another run
    other = place + "/other.h5"
    result = clitest.run("ot", "-source", data, "-target", data, "-ot_eps", "0.05", "-ot_max_it", "1", "-ot_type",
                         "sinkhorn",
                         "-o", other)
    check.that(result.status == 3, "a run of one iteration", result)
    with h5py.File(other, "r") as file:
        donated = {name: (file["potential/" + name][...],
                          file["potential/" + name].attrs["fingerprint"]) for name in "fg"}

    def forge(names):
        def change(file):
            for name in names:
                file["potential/" + name][...] = donated[name][0]
                fix_fingerprint(file, "potential/" + name, donated[name][1])
        return change
    refuse(place, cloud, "f of another run", forge("f"), "soft transform")
    refuse(place, cloud, "g of another run", forge("g"), "soft transform")
    refuse(place, cloud, "both potentials of another run", forge("fg"), "claims")
check.finish()
