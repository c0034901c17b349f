#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fenchel mdp: summary and result, known values, every type, the same on other rank counts, info and plot."""
import os
import shutil
import subprocess

import clitest
import h5py
import numpy as np

check = clitest.Checks()
KEYS = {"verb": str, "type": str, "status": int, "reason": str, "ranks": int, "iterations": int, "value": float,
        "lower": float, "upper": float, "gap": float, "gap_rel": float, "time_setup": float, "time_solve": float,
        "time_io": float, "memory_rank_max": int, "restarts": int, "version": str, "states": int, "actions": int,
        "rows": int, "nnz": int, "discount": float, "policy_gap": float, "value_error": float, "sweeps": int,
        "matvecs": int, "ambiguity": str, "radius": float, "penalty": float, "method": str}
# Puterman, Delage and Mannor, Ho et al.: values printed there or computed with rational arithmetic
FOREST = [74.6496, 78.1056, 82.1056]
MACHINE = [-5.338297, -6.079727, -6.924133, -7.885818, -8.981071, -10.601071, -16.601071, -16.601071, -12.491482,
           -5.175090]
MACHINE_POLICY = [0, 0, 0, 0, 1, 1, 1, 1, 1, 0]
RIVERSWIM = [6137.931464, 7214.761546, 8839.452546, 10931.797361, 13547.104819, 16795.559027]


def solve(place, name, *arguments, ranks=1, status=0):
    words = ("mdp", *arguments, "-o", f"{place}/{name}.h5", "-overwrite", "-summary", f"{place}/{name}.json")
    result = clitest.run(*words, ranks=ranks)
    check.that(result.status == status, f"{name} ends with status {status}", result)
    summary = clitest.read_json(f"{place}/{name}.json")
    check_summary(summary, name, status)
    return summary, result


def check_summary(summary, what, status):
    check.that(list(summary) == list(KEYS), f"{what}: keys in their order, got {list(summary)}")
    for key, kind in KEYS.items():
        value = summary.get(key)
        kinds = (int, float) if kind is float else kind
        check.that(isinstance(value, kinds) and not isinstance(value, bool), f"{what}: {key} is {value!r}")
    check.that(summary["status"] == status, f"{what}: status {summary['status']}")
    check.that(summary["lower"] <= summary["value"] <= summary["upper"], f"{what}: the value is between its bounds")
    check.that(0 <= summary["policy_gap"] <= 2.0000001 * summary["value_error"], f"{what}: the gap of the policy")


def arrays(place, name):
    with h5py.File(f"{place}/{name}.h5", "r") as file:
        return file["value"][...], file["policy"][...]


def known(place, name, expected, policy, *arguments):
    """The stored value is as near as it says, and the interval of the mean holds the truth."""
    for ranks in (1, 2, 3):
        summary, _ = solve(place, name, *arguments, "-mdp_gap_rel", "1e-8", ranks=ranks)
        value, actions = arrays(place, name)
        error = np.abs(value - expected).max()
        check.that(error <= summary["value_error"] + 1e-6, f"{name} on {ranks} ranks: error {error}")
        mean = np.mean(expected)
        check.that(summary["lower"] - 1e-6 <= mean <= summary["upper"] + 1e-6, f"{name}: the mean is in the interval")
        check.that(policy is None or list(actions) == policy, f"{name}: policy {actions}")
        result = clitest.run("verify", f"{place}/{name}.h5", ranks=ranks)
        check.that(result.status == 0 and "verified" in result.out, f"verify {name} on {ranks} ranks", result)


def sampled_chain(place):
    """The policy that is written earns what is certified: its value by a dense solve of what the file holds."""
    n, gamma = 12, 0.9
    summary, _ = solve(place, "grid", "-problem", "gridworld", "-n", n, "-mdp_discount", gamma, ranks=2)
    value, policy = arrays(place, "grid")
    check.that(value.shape == (n, n) and policy.shape == (n, n), "grids are written as pictures")
    check.that(np.issubdtype(policy.dtype, np.integer), "actions are integers")
    moves = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]])
    p, cost = np.zeros((n * n, n * n)), np.zeros(n * n)
    full = None
    for s in range(n * n):
        y, x = divmod(s, n)
        if s == n * n - 1:
            p[s, s] = 1
            continue
        for turn, share in ((0, 0.8), (1, 0.1), (3, 0.1)):
            dy, dx = moves[(policy[y, x] + turn) % 4]
            to = (y + dy) * n + x + dx if 0 <= y + dy < n and 0 <= x + dx < n else s
            p[s, to] += share
    # costs are made of a hash; with the policy fixed they follow from the values up to what is certified
    cost = (np.eye(n * n) - gamma * p) @ value.reshape(-1)
    check.that(np.all(cost[:-1] > 1 - 2 * summary["policy_gap"] - 1e-9)
               and np.all(cost[:-1] < 2 + 2 * summary["policy_gap"] + 1e-9), "value and policy belong to each other")
    full = np.linalg.solve(np.eye(n * n) - gamma * p, cost)
    check.that(np.allclose(full, value.reshape(-1), atol=1e-9), "the policy's value is the value")


with clitest.folder() as place:
    known(place, "forest", FOREST, [0, 0, 0], "-problem", "forest", "-mdp_discount", "0.96")
    known(place, "machine", MACHINE, MACHINE_POLICY, "-problem", "machine", "-mdp_discount", "0.9")
    known(place, "riverswim", RIVERSWIM, None, "-problem", "riverswim", "-mdp_discount", "0.95")
    n = np.arange(100)
    known(place, "chain", -(1 - 0.9**n) / 0.1, None, "-problem", "chain", "-mdp_discount", "0.9")
    sampled_chain(place)

    # every type; the same on other numbers of ranks; rows stored or made when they are needed
    base = ("-problem", "garnet", "-garnet_n", "300", "-garnet_actions", "4", "-garnet_branching", "6",
            "-mdp_discount", "0.95", "-mdp_gap", "1e-7")
    first, _ = solve(place, "auto", *base)
    check.that(first["states"] == 300 and first["actions"] == 4 and first["rows"] == 1200 and first["nnz"] == 7200,
               "sizes in the summary")
    check.that(first["policy_gap"] <= 1e-7 and first["reason"] == "converged_gap" and first["discount"] == 0.95,
               "-mdp_gap is met")
    reference = arrays(place, "auto")
    for method in ("vi", "mpi", "ipi", "pi"):
        summary, result = solve(place, method, *base, "-mdp_type", method, ranks=2)
        value, policy = arrays(place, method)
        check.that(np.abs(value - reference[0]).max() <= summary["value_error"] + first["value_error"],
                   f"{method} agrees with auto")
        check.that(summary["type"] == method, f"{method} is named")
    summary, result = solve(place, "free", *base, "-matrix_free", ranks=3)
    value, policy = arrays(place, "free")
    check.that(np.abs(value - reference[0]).max() <= summary["value_error"] + first["value_error"], "-matrix_free")
    check.that("matrix-free" in result.out, "the header says so", result)
    _, result = solve(place, "again", *base)
    check.that("chosen: " in result.out, "auto says what it chose, and why", result)
    if shutil.which("h5diff"):
        difference = subprocess.run(["h5diff", "--exclude-path", "/provenance",
                                     place + "/auto.h5", place + "/again.h5"],
                                    capture_output=True, text=True, check=False)
        check.that(difference.returncode == 0, f"h5diff of two equal runs: {difference.stdout}{difference.stderr}")

    # the model goes with the result: when it is wanted, and when it came from a file
    solve(place, "kept", *base, "-store_model", "true", ranks=2)
    again, _ = solve(place, "again", "-model", place + "/kept.h5:/mdp", *base[-4:], ranks=3)
    check.that(np.abs(arrays(place, "again")[0] - arrays(place, "kept")[0]).max() <= 2 * again["value_error"],
               "the stored model is the model")
    os.remove(place + "/kept.h5")
    solve(place, "named", "-model", place + "/again.h5:/mdp", *base[-4:], "-store_model", "false")
    for name, inside in (("auto", False), ("again", True), ("named", False)):
        with h5py.File(f"{place}/{name}.h5", "r") as file:
            check.that(("mdp" in file) == inside, f"{name}: the model is {'not ' * (not inside)}in the result")
        result = clitest.run("verify", f"{place}/{name}.h5", ranks=2)
        check.that(result.status == 0, f"verify {name}", result)

    # what is optimised
    low, _ = solve(place, "low", *base, "-mdp_sense", "min")
    check.that(low["value"] < first["value"] - 1, "-mdp_sense min finds less than max")
    steps, _ = solve(place, "steps", "-problem", "forest", "-mdp_horizon", "2", "-mdp_discount", "1")
    value, policy = arrays(place, "steps")
    # one step before the end: waiting 0,0,4 and cutting 0,1,2; with two steps W: 0.1 V0 + 0.9 V1, and C: V0
    last = np.array([0.0, 1.0, 4.0])
    expected = [0.9 * last[1], 0.9 * last[2], 4 + 0.9 * last[2]]
    check.that(np.allclose(value, expected, atol=1e-12) and list(policy) == [0, 0, 0], f"two steps: {value} {policy}")
    gain, _ = solve(place, "gain", *base[:-4], "-mdp_criterion", "average", "-mdp_gap", "1e-7", ranks=2)
    check.that(gain["upper"] - gain["lower"] <= 1.1e-7, "the gain is bounded")
    # values of 1e5: rounding alone, divided by 1 - discount, is 4e-5
    near, _ = solve(place, "near", *base[:-4], "-mdp_discount", "0.99999", "-mdp_gap", "1e-3")
    check.that(abs(gain["value"] - near["value"] * 1e-5) < 1e-3, "the gain is the limit of (1 - discount) V")
    for name in ("low", "steps", "gain", "free"):
        result = clitest.run("verify", f"{place}/{name}.h5", ranks=2)
        check.that(result.status == 0 and "verified" in result.out, f"verify {name}", result)

    # rows of more than 64 MB: the solver takes them, the result still knows what they were
    rows = ("-problem", "garnet", "-garnet_n", "9000", "-garnet_actions", "8", "-garnet_branching", "60")
    large, _ = solve(place, "large", *rows, "-mdp_gap_rel", "1e-3", "-mdp_discount", "0.9")
    result = clitest.run("verify", f"{place}/large.h5")
    check.that(16 * large["nnz"] > 64e6 and result.status == 0 and "verified" in result.out, "verify large", result)

    # limits: status 3, and everything is still written and certified
    short, _ = solve(place, "short", "-problem", "gridworld", "-n", "20", "-mdp_max_it", "2", "-mdp_type", "vi",
                     status=3)
    check.that(short["reason"] == "max_it" and short["iterations"] == 2, "the iteration limit is named")
    result = clitest.run("verify", place + "/short.h5", ranks=2)
    check.that(result.status == 0, "a result of two iterations is certified too", result)
    check.that(clitest.run("mdp", *base).status == 0, "without -o and -summary")

    with h5py.File(place + "/auto.h5", "r") as file:
        attrs = {k: v.decode() if isinstance(v, bytes) else v for k, v in file.attrs.items()}
        check.that(attrs["format"] == "fenchel-result" and attrs["verb"] == "mdp" and attrs["criterion"] == "discounted"
                   and attrs["sense"] == "max" and attrs["ambiguity"] == "none" and attrs["discount"] == 0.95, "root")
        check.that("-garnet_n 300" in attrs["options"] and "-summary" not in attrs["options"], attrs["options"])
        check.that(file["history/iteration"].shape == file["history/upper"].shape, "history columns")
        check.that("seconds" in file["provenance"], "provenance")
    check.that(os.path.exists(place + "/grid.xmf"), "grids have a side file for ParaView")
    for name in ("grid", "auto", "chain"):
        result = clitest.run("plot", f"{place}/{name}.h5", "-o", f"{place}/{name}.png", timeout=120)
        check.that(result.status == 0, f"plot {name}", result)
        with open(f"{place}/{name}.png", "rb") as file:
            head = file.read()
        check.that(head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) > 10000, f"plot {name} makes a picture")
        result = clitest.run("info", f"{place}/{name}.h5")
        check.that(result.status == 0 and "/policy" in result.out and "/bounds/policy_gap" in result.out, "info",
                   result)
check.finish()
