#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sets of laws of fenchel mdp against linear programs (HiGHS): one sweep of them at the value that was written changes
nothing, the worst-case kernel is allowed and attains it, fenchel verify agrees, files with intervals are read."""
import clitest
import h5py
import numpy as np
from scipy.optimize import linprog

check = clitest.Checks()
STATES, ACTIONS, LENGTH, GAMMA = 12, 3, 5, 0.9
GRID = (3, 4)


class Model:
    """Rows with one listed successor of probability zero."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.col = np.array([np.sort(rng.choice(STATES, LENGTH, replace=False)) for _ in range(STATES * ACTIONS)])
        self.val = rng.uniform(0.1, 1, size=self.col.shape)
        self.val[:, 2] = 0
        self.val /= self.val.sum(axis=1, keepdims=True)
        self.reward = rng.uniform(-1, 1, size=STATES * ACTIONS)
        self.low = np.maximum(0, self.val - rng.uniform(0, 0.2, size=self.val.shape))
        self.up = np.minimum(1, self.val + rng.uniform(0, 0.2, size=self.val.shape))
        self.weight = rng.uniform(0.5, 2, size=STATES)

    def write(self, path, bounds=False, weights=False):
        with h5py.File(path, "w") as file:
            group = file.create_group("mdp")
            group["sa_ptr"] = np.arange(STATES + 1) * ACTIONS
            group["action_id"] = np.tile(np.arange(ACTIONS), STATES)
            group["row_ptr"] = np.arange(STATES * ACTIONS + 1) * LENGTH
            group["col"], group["val"], group["reward"] = self.col.ravel(), self.val.ravel(), self.reward
            if bounds:
                group["prob_low"], group["prob_up"] = self.low.ravel(), self.up.ravel()
            if weights:
                group["weight"] = self.weight
            group.attrs["height"], group.attrs["width"] = GRID

    def prism(self, path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{STATES} {STATES * ACTIONS} {STATES * ACTIONS * LENGTH}\n")
            for row in range(STATES * ACTIONS):
                for j in range(LENGTH):
                    file.write(f"{row // ACTIONS} {row % ACTIONS} {self.col[row, j]} "
                               f"[{self.low[row, j]:.17g},{self.up[row, j]:.17g}]\n")
        with open(path.replace(".tra", ".trew"), "w", encoding="utf-8") as file:
            file.write(f"{STATES} {STATES * ACTIONS} {STATES * ACTIONS * LENGTH}\n")
            for row in range(STATES * ACTIONS):
                for j in range(LENGTH):
                    file.write(f"{row // ACTIONS} {row % ACTIONS} {self.col[row, j]} {self.reward[row]:.17g}\n")

    def row(self, k, support):
        """successors, law"""
        if support == "all":
            q = np.zeros(STATES)
            q[self.col[k]] = self.val[k]
            return np.arange(STATES), q
        keep = self.val[k] > 0 if support == "nominal" else np.ones(LENGTH, bool)
        return self.col[k][keep], self.val[k][keep]


def distances(col, kind):
    y, x = col // GRID[1], col % GRID[1]
    dy, dx = np.abs(y[:, None] - y), np.abs(x[:, None] - x)
    return {"index": np.abs(col[:, None] - col), "l1": dx + dy, "l2": np.hypot(dx, dy)}[kind].astype(float)


def constraints(name, q, weight, radius, cost, bounds):
    """A x <= b, E x = e over x = (p, more), and bounds of p: the set"""
    n = len(q)
    eye, one = np.eye(n), np.ones((1, n))
    if name in ("tv", "l1"):
        w = weight if name == "l1" else np.full(n, 0.5)
        upper = np.block([[eye, -eye], [-eye, -eye], [np.zeros((1, n)), w[None, :]]])
        return upper, np.r_[q, -q, radius], np.hstack([one, 0 * one]), [1.0], [(0, None)] * (2 * n)
    if name == "wasserstein":  # p, plan from i to j
        plan = n * n
        out = np.kron(eye, one)
        into = np.kron(one, eye)
        upper = np.hstack([np.zeros((1, n)), cost.ravel()[None, :]])
        equal = np.block([[np.zeros((n, n)), out], [-eye, into]])
        return upper, [radius], equal, np.r_[q, np.zeros(n)], [(0, None)] * (n + plan)
    if name == "linf":
        bounds = list(zip(np.maximum(0, q - radius * weight), np.minimum(1, q + radius * weight)))
    return np.zeros((1, n)), [0.0], one, [1.0], bounds


def worst(model, k, v, s):
    col, q = model.row(k, s["support"])
    z = model.reward[k] + GAMMA * v[col]
    cost = distances(col, s.get("distance", "index")) ** s.get("power", 1)
    bounds = list(zip(model.low[k], model.up[k]))
    upper, b, equal, e, limits = constraints(s["name"], q, model.weight[col] if s.get("weights") else np.ones(len(q)),
                                             s["radius"] ** s.get("power", 1), cost, bounds)
    c = np.r_[z, np.zeros(upper.shape[1] - len(z))]
    return linprog(c, A_ub=upper, b_ub=b, A_eq=equal, b_eq=e, bounds=limits).fun


def worst_state(model, state, v, radius):
    """l1, one budget for all actions: the smallest u that all actions yield at most"""
    rows = [model.row(state * ACTIONS + a, "nominal") for a in range(ACTIONS)]
    sizes = [len(q) for _, q in rows]
    n = sum(sizes)
    q = np.concatenate([r[1] for r in rows])
    z = np.concatenate([model.reward[state * ACTIONS + a] + GAMMA * v[rows[a][0]] for a in range(ACTIONS)])
    pick = np.zeros((ACTIONS, n))
    for a in range(ACTIONS):
        pick[a, sum(sizes[:a]):sum(sizes[:a + 1])] = 1
    eye, column = np.eye(n), np.zeros((n, 1))
    upper = np.block([[eye, -eye, column], [-eye, -eye, column], [np.zeros((1, n)), np.ones((1, n)), np.zeros((1, 1))],
                      [pick * z, 0 * pick, -np.ones((ACTIONS, 1))]])
    solution = linprog(np.r_[np.zeros(2 * n), 1], A_ub=upper, b_ub=np.r_[q, -q, radius, np.zeros(ACTIONS)],
                       A_eq=np.hstack([pick, 0 * pick, np.zeros((ACTIONS, 1))]), b_eq=np.ones(ACTIONS),
                       bounds=[(0, None)] * (2 * n) + [(None, None)])
    return solution.fun


def solve(place, file, words, ranks=0, name="r.h5"):
    path = place + "/" + name
    result = clitest.run("mdp", "-model", file, "-mdp_discount", GAMMA, "-mdp_gap", 1e-9, "-mdp_gap_rel", 0,
                         "-mdp_kernel", "-o", path, "-overwrite", *words, ranks=ranks)
    check.that(result.status == 0, f"{words}: solved", result)
    verified = clitest.run("verify", path, ranks=3 - ranks if ranks else 0)
    check.that(verified.status == 0, f"{words}: verified", verified)
    return path


def read(path):
    with h5py.File(path, "r") as file:
        law = file["policy_prob/prob"][...] if "policy_prob" in file else None
        kernel = {name: file["kernel/" + name][...] for name in ("row_ptr", "col", "val")}
        return file["value"][...].ravel(), file["policy"][...].ravel(), law, kernel


def attains(model, words, v, law, kernel):
    rows = np.zeros((STATES, STATES))
    for s in range(STATES):
        part = slice(kernel["row_ptr"][s], kernel["row_ptr"][s + 1])
        rows[s, kernel["col"][part]] = kernel["val"][part]
        check.that(np.all(np.diff(kernel["col"][part]) > 0), f"{words}: successors of the kernel ascend")
    reward = (law * model.reward).reshape(STATES, ACTIONS).sum(axis=1)
    check.that(np.all(rows >= 0) and np.allclose(rows.sum(axis=1), 1, atol=1e-12), f"{words}: the kernel has laws")
    check.that(np.allclose(reward + GAMMA * rows @ v, v, atol=1e-7), f"{words}: the kernel attains the value")
    return rows


def one_set(place, model, s, ranks):
    words = ["-mdp_ambiguity", s["name"], "-mdp_support", s["support"]]
    words += ["-mdp_radius", s["radius"]] if s["name"] != "interval" else []
    words += ["-mdp_distance", s["distance"], "-mdp_distance_power", s["power"]] if "distance" in s else []
    file = place + "/model.h5"
    model.write(file, bounds=s["name"] == "interval", weights=s.get("weights", False))
    v, policy, _, kernel = read(solve(place, file, words, ranks))
    q = np.array([worst(model, k, v, s) for k in range(STATES * ACTIONS)]).reshape(STATES, ACTIONS)
    check.that(np.allclose(q.max(axis=1), v, atol=1e-7), f"{words}: a sweep of linear programs changes nothing")
    law = (np.arange(ACTIONS)[None, :] == policy[:, None]).astype(float).ravel()
    rows = attains(model, words, v, law, kernel)
    for state in range(STATES):  # the smallest radius that the kernel's row needs
        k = state * ACTIONS + policy[state]
        full = np.zeros(STATES)
        full[model.col[k]] = model.val[k]
        outside = np.setdiff1d(np.arange(STATES), model.row(k, s["support"])[0])
        check.that(np.all(rows[state, outside] == 0), f"{words}: the kernel keeps to the support")
        if s["name"] in ("tv", "l1", "linf"):
            w = model.weight if s.get("weights") else np.ones(STATES)
            d = np.abs(rows[state] - full)
            size = {"tv": d.sum() / 2, "l1": (w * d).sum(), "linf": (d / w).max()}[s["name"]]
            check.that(size <= s["radius"] + 1e-9, f"{words}: the kernel's row of state {state} is in the set")


def budget(place, model):
    file = place + "/model.h5"
    model.write(file)
    words = ["-mdp_ambiguity", "l1", "-mdp_rectangular", "s", "-mdp_radius", 0.3]
    v, _, law, kernel = read(solve(place, file, words, 2, "s.h5"))
    best = np.array([worst_state(model, s, v, 0.3) for s in range(STATES)])
    check.that(np.allclose(best, v, atol=1e-7), "one budget for a state: linear programs agree")
    attains(model, words, v, law, kernel)
    mixed = np.flatnonzero((law > 0.05) & (law < 0.95))
    check.that(len(mixed) > 0, "some state is randomised")

    def move(file):
        k = mixed[0]
        other = k + 1 if k % ACTIONS < ACTIONS - 1 else k - 1
        file["policy_prob/prob"][other] += file["policy_prob/prob"][k]
        file["policy_prob/prob"][k] = 0
    check.refused(clitest.run("verify", clitest.changed(place, place + "/s.h5", move)), "another randomised policy")
    check.refused(clitest.run("verify", clitest.changed(
        place, place + "/s.h5", lambda f: f["policy_prob/prob"].__setitem__(0, 2.0))), "no law", "policy_prob")
    for name in ("kl", "burg", "pearson", "hellinger"):
        worse = read(solve(place, file, ["-mdp_ambiguity", name, "-mdp_rectangular", "s", "-mdp_radius", 0.1], 0))[0]
        alone = read(solve(place, file, ["-mdp_ambiguity", name, "-mdp_radius", 0.1], 0))[0]
        check.that(np.all(worse >= alone - 1e-8), f"{name}: a shared budget harms less than one for each action")


def intervals(place, model):
    model.write(place + "/i.h5", bounds=True)
    model.prism(place + "/i.tra")
    a = read(solve(place, place + "/i.h5", ["-mdp_ambiguity", "interval"], 0))[0]
    b = read(solve(place, place + "/i.tra", ["-mdp_ambiguity", "interval", "-mdp_sense", "max"], 2))[0]
    check.that(np.allclose(a, b, atol=1e-8), "intervals of PRISM are those of HDF5")


def refusals(place, model):
    file = place + "/model.h5"
    model.write(file)

    def refuse(sentence, *words):
        check.refused(clitest.run("mdp", "-model", file, "-mdp_discount", GAMMA, "-mdp_ambiguity", *words), sentence)
    refuse("intervals of no size", "interval")
    refuse("intervals at a price", "interval", "-mdp_penalty", 1)
    refuse("linf for whole states", "linf", "-mdp_radius", 0.1, "-mdp_rectangular", "s")
    refuse("linf everywhere", "linf", "-mdp_radius", 0.1, "-mdp_support", "all")
    refuse("a linear model", "kl", "-mdp_radius", 0.1, "-mdp_rectangular", "d")
    refuse("a distance of kl", "kl", "-mdp_radius", 0.1, "-mdp_distance", "l1")
    refuse("an order of kl", "kl", "-mdp_radius", 0.1, "-mdp_alpha", 2)


with clitest.folder() as folder:
    problem = Model(3)
    sets = [dict(name="tv", radius=0.2, support=support) for support in ("nominal", "list", "all")]
    sets += [dict(name="l1", radius=0.3, support="list", weights=True),
             dict(name="linf", radius=0.1, support="nominal", weights=True),
             dict(name="linf", radius=0.1, support="list"),
             dict(name="interval", radius=0, support="list"), dict(name="wasserstein", radius=0.7, support="list"),
             dict(name="wasserstein", radius=0.9, support="nominal", distance="l2", power=2),
             dict(name="wasserstein", radius=0.5, support="list", distance="l1", power=1)]
    for number, what in enumerate(sets):
        one_set(folder, problem, what, number % 3)
    budget(folder, problem)
    intervals(folder, problem)
    refusals(folder, problem)
check.finish()
