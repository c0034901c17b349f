#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Bad input of fenchel mdp ends with status 2 and a sentence that names the thing; no rank hangs."""
import os

import clitest

check = clitest.Checks()


def mdp(*words, ranks=0, memory=0):
    """what all ranks see alike is checked on one; `ranks=2` where they might not agree or not end"""
    return clitest.run("mdp", *words, ranks=ranks, memory=memory)


with clitest.folder() as place:
    forest = ("-problem", "forest")
    check.refused(mdp(), "neither model nor problem", "-model", "-problem")
    check.refused(mdp(*forest, "-model", "x.h5"), "both of them", "-model", "-problem", "x.h5")
    check.refused(mdp("-problem", "labyrinth", ranks=2), "an unknown problem", "labyrinth", "maze", "garnet")
    check.refused(mdp("-model", "x.h5", "-matrix_free"), "a file without rows", "-matrix_free")
    for discount in ("1", "1.5", "-0.1", "nan"):
        check.refused(mdp(*forest, "-mdp_discount", discount), f"discount {discount}", "discount", discount)
    check.refused(mdp(*forest, "-mdp_ambiguity", "kl", "-mdp_radius", "-0.1", ranks=2), "a negative radius",
                  "-mdp_radius", "-0.1")
    for penalty in ("0", "-2"):
        check.refused(mdp(*forest, "-mdp_ambiguity", "kl", "-mdp_penalty", penalty), f"penalty {penalty}",
                      "-mdp_penalty", penalty)
    check.refused(mdp(*forest, "-mdp_ambiguity", "kl", "-mdp_penalty", "1", "-mdp_radius", "1"), "ball and price",
                  "-mdp_penalty", "-mdp_radius")
    check.refused(mdp(*forest, "-mdp_radius", "1"), "a ball of nothing", "-mdp_ambiguity")
    check.refused(mdp(*forest, "-mdp_ambiguity", "kulback", "-mdp_radius", "0.1"), "an unknown set", "kulback")
    check.refused(mdp(*forest, "-mdp_type", "howard"), "an unknown type", "howard")
    check.refused(mdp(*forest, "-mdp_type", "fh"), "steps without a horizon", "fh", "finite")
    check.refused(mdp(*forest, "-mdp_horizon", "0"), "a horizon of no steps", "-mdp_horizon", "0")
    check.refused(mdp(*forest, "-mdp_horizon", "3", "-mdp_criterion", "average"), "steps without an end",
                  "-mdp_horizon", "average")
    check.refused(mdp(*forest, "-mdp_horizon", "3", "-mdp_type", "ipi"), "a type that cannot", "ipi", "finite")
    check.refused(mdp(*forest, "-mdp_criterion", "total", ranks=2), "a total without an end", "total")
    check.refused(mdp(*forest, "-mdp_criterion", "sum"), "an unknown criterion", "sum")
    check.refused(mdp("-problem", "maze", "-n", "9", "-mdp_criterion", "average"), "average with terminal states",
                  "terminal")
    check.refused(mdp(*forest, "-n", "-4", ranks=2), "a negative size", "-n", "-4")
    check.refused(mdp(*forest, "-n", "many"), "a word where a number belongs", "many")
    check.refused(mdp("-problem", "gridworld", "-gridworld_slip", "0.7"), "a probability that is too large", "slip",
                  "0.7")
    check.refused(mdp("-problem", "gridworld", "-n", "4000000000"), "a size beyond 32 bits", "-n|4000000000")
    check.refused(mdp("-problem", "garnet", "-garnet_n", "4294967396"), "a size whose low 32 bits are 100",
                  "-garnet_n 4294967396")
    check.refused(mdp("-problem", "garnet", "-garnet_n", "2000000000", ranks=2), "a model larger than the memory",
                  "1000000000 states", "3[0-9]{12} bytes", "a rank may take [0-9]+ bytes")
    check.refused(mdp("-problem", "garnet", "-garnet_n", "2000000000", "-matrix_free", memory=2**32),
                  "values larger than the limit of a process", "about 64000000000 bytes", "may take")
    check.refused(mdp(*forest, "-mdp_discount", "0.9", "0.95"), "a word too many", "0.95", "-mdp_discount 0.9")
    check.refused(mdp("-model", place + "/nothing.h5", ranks=2), "a file that is not there", "nothing.h5")
    with open(place + "/text.h5", "w", encoding="ascii") as file:
        file.write("this is not HDF5\n")
    check.refused(mdp("-model", place + "/text.h5", ranks=2), "text in a file named .h5", "text.h5")
    check.refused(mdp("-model", clitest.measures(place + "/measures.h5"), ranks=2), "a file of another kind",
                  "measures.h5")
    check.refused(mdp(*forest, "-o", place + "/no/such/r.h5", ranks=2), "an output folder that is not there", "no/such")
    check.refused(mdp(*forest, "-store_model", "true"), "a model without a result", "-o")
    check.refused(mdp(*forest, "-restart"), "restart without a folder", "-ckpt_dir")
    old = place + "/old.h5"
    with open(old, "w", encoding="ascii") as file:
        file.write("precious")
    check.refused(mdp(*forest, "-o", old, ranks=2), "an existing result", "old.h5", "-overwrite")
    with open(old, encoding="ascii") as file:
        check.that(file.read() == "precious", "the existing file is intact")

    # a checkpoint of another problem is refused with what differs
    words = (*forest, "-ckpt_dir", place + "/ckpt")
    check.that(mdp(*words, ranks=2).status == 0, "a run that leaves a checkpoint")
    check.refused(mdp(*words, "-restart", "-mdp_discount", "0.5"), "a checkpoint of another discount", "-mdp_discount",
                  "0.5")
    check.refused(mdp(*words, "-restart", "-forest_fire", "0.2", ranks=2), "a checkpoint of another model",
                  "model content")
    left = [name for name in os.listdir(place) if "tmp" in name]
    check.that(not left, f"no temporary files are left: {left}")
check.finish()
