#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Many pairs, killed at random instants and started again on other numbers of ranks: what was finished is not solved
again, the pair in work goes on, and every value is that of an uninterrupted run."""
import os
import random
import time

from killing import check, killed
from restarttest import clitest


def finished(place):
    folders = [f"{place}/{name}" for name in os.listdir(place)] if os.path.isdir(place) else []
    return sum(os.path.exists(folder + "/finished") for folder in folders)


def after_pair(place):
    """a random while after one more pair is finished"""
    before, end = finished(place), time.time() + 30
    while finished(place) == before and time.time() < end:
        time.sleep(0.002)
    time.sleep(0.1 * random.random())


with clitest.folder() as folder:
    os.mkdir(folder + "/set")
    for k in range(4):
        clitest.png(f"{folder}/set/{k}.png", clitest.photo(48, k))
    words = ["ot", "-source", folder + "/set", "-target", folder + "/set", "-pairs", "upper", "-ot_type", "sinkhorn",
             "-ot_eps", "0.5", "-ot_gap_rel", "0", "-ot_marginal_tol", "1e-8", "-ot_max_it", "100000"]
    result = clitest.run(*words, "-summary", folder + "/whole.json", ranks=2)
    check.that(result.status == 0, "the uninterrupted run converges", result)
    whole = clitest.read_json(folder + "/whole.json")
    again = words + ["-ckpt_dir", folder + "/ckpt", "-ckpt_interval", "0.02", "-restart", "-o", folder + "/r-{pair}.h5",
                     "-summary", folder + "/pieces.json"]
    kills = sum(killed(again, ranks, lambda: after_pair(folder + "/ckpt")) for ranks in (2, 1, 3))
    check.that(kills >= 2, f"{kills} of 3 starts were killed")
    before = finished(folder + "/ckpt")
    check.that(0 < before < 6, f"{before} of 6 pairs were finished by then")
    result = clitest.run(*again, ranks=4)
    check.that(result.status == 0, "the last start finishes", result)
    pieces = clitest.read_json(folder + "/pieces.json")
    check.that(pieces["finished_before"] == before, f"finished before: {pieces['finished_before']}, {before} expected")
    check.that(any(r["restarts"] for r in pieces["results"]), "some pair went on from a checkpoint")
    for one, two in zip(whole["results"], pieces["results"]):
        difference = abs(one["value"] - two["value"]) / abs(one["value"])
        check.that(difference <= 1e-12, f"pair {one['pair']}: relative difference {difference:.1e}")
        result = clitest.run("verify", two["result"])
        check.that(result.status == 0, f"the result of pair {one['pair']} is certified", result)
    check.refused(clitest.run(*again, "-ot_eps", "0.4", ranks=2), "another epsilon", "pair 0", "-ot_eps", "0.5", "0.4")
    result = clitest.run(*again, "-ot_marginal_tol", "1e-9", ranks=2)
    closer = clitest.read_json(folder + "/pieces.json")
    check.that(result.status == 0 and closer["finished_before"] == 0 and all(
        r["marginal_error"] <= 1e-9 and r["restarts"] for r in closer["results"]), "closer tolerances go on", result)
    print(f"{kills} kills, {before} pairs finished before the last start")
check.finish()
