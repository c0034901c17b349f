#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random Markov decision processes against linear programmes by HiGHS (SciPy), exact evaluation of policies and plain
value iteration in NumPy: values lie in the certified intervals, the loss of every policy is at most what was certified,
on any number of ranks.

usage: mdp_oracle.py DRIVER"""
import json
import os
import shlex
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

GAP = 1e-8
MPIRUN = shlex.split(os.environ.get("MPIRUN", "mpirun")) + ["--oversubscribe", "--mca", "mpi_yield_when_idle", "1"]


class Model:
    """Rows (state, action, reward, law); rewards as the user gives them, `sign` turns them into a maximisation."""

    def __init__(self, seed, criterion="discounted", radius=0., substochastic=False, idle=False):
        rng = self.rng = np.random.default_rng(seed)
        self.criterion, self.radius, self.substochastic, self.idle = criterion, radius, substochastic, idle
        self.n = int(rng.integers(2, 41))
        self.sense = "min" if seed % 3 == 0 else "max"
        self.sign = -1 if self.sense == "min" else 1
        self.discount = float(rng.choice([0.3, 0.9, 0.99])) if criterion == "discounted" else 1.
        ends = criterion == "total" or (criterion == "discounted" and seed % 2)
        self.terminal = np.where(rng.random(self.n) < 0.15, rng.normal(size=self.n), np.nan) if ends else \
            np.full(self.n, np.nan)
        if criterion == "total" and not substochastic:
            self.terminal[-1] = rng.normal()
        self.rows = [[] if not np.isnan(self.terminal[s]) else self.state(s) for s in range(self.n)]

    def law(self, s):
        rng = self.rng
        p = np.zeros(self.n)
        next_ = rng.choice(self.n, size=min(self.n, int(rng.integers(1, 7))), replace=False)
        p[next_] = rng.uniform(0.05, 1, len(next_))
        p /= p.sum()
        if self.criterion == "average":
            p = 0.98 * p
            p[0] += 0.02
        if self.substochastic:
            p *= rng.uniform(0.7, 1)
        elif self.criterion == "total" and not (self.idle and rng.random() < 0.5):
            leak = rng.uniform(0.02, 0.5)
            p *= 1 - leak
            p[-1] += leak
        return p

    def state(self, s):
        rows = []
        actions = np.sort(self.rng.choice(9, size=int(self.rng.integers(1, 5)), replace=False))
        for a in actions:
            p = self.law(s)
            reward = self.rng.normal() if not self.idle else -self.sign * self.rng.uniform(0.1, 2)
            if self.idle and len(actions) > 1 and a == actions[0] and self.rng.random() < 0.4:
                p = np.eye(self.n)[s]  # a cycle that costs something
            rows.append((int(a), float(reward), p))
        if self.idle and all(p[-1] == 0 for _, _, p in rows):
            p = self.law(s)
            p[-1] += 0.1
            rows[-1] = (*rows[-1][:2], p / p.sum())
        if self.idle and self.rng.random() < 0.3:  # another way of the same worth
            rows.append((9, *rows[-1][1:]))
        return rows

    def write(self, file):
        print(self.n, self.sense, self.criterion, repr(self.discount), int(self.substochastic),
              "l1" if self.radius else "none", self.radius, GAP, file=file)
        for s in range(self.n):
            print(0. if self.rows[s] else repr(float(self.terminal[s])), len(self.rows[s]), file=file)
            for a, reward, p in self.rows[s]:
                next_ = np.nonzero(p)[0]
                print(a, repr(reward), len(next_), *(f"{j} {float(p[j])!r}" for j in next_), file=file)

    # ---- a maximisation from here on
    def pairs(self):
        return [(s, k, self.sign * r, p) for s in range(self.n) for k, (_, r, p) in enumerate(self.rows[s])]

    def start(self):
        return self.sign * np.where(np.isnan(self.terminal), 0, self.terminal)

    def worst(self, z, p):
        """smallest mean of z in the ball: mass moves from the largest entries to the smallest; and its law"""
        on = np.nonzero(p)[0]
        q, budget = p.copy(), self.radius / 2
        low = on[np.argmin(z[on])]
        for j in on[np.argsort(-z[on])]:
            if j == low or budget <= 0:
                break
            moved = min(q[j], budget)
            q[j] -= moved
            q[low] += moved
            budget -= moved
        return q @ z, q

    def image(self, V):
        """Bellman's operator: best values and rows"""
        best, arg = self.start(), np.zeros(self.n, int)
        best[[bool(r) for r in self.rows]] = -np.inf
        for s, k, r, p in self.pairs():
            q = r + self.worst(self.discount * V, p)[0]
            if q > best[s]:
                best[s], arg[s] = q, k
        return best, arg

    def evaluate(self, policy):
        """value of a policy: one linear system; robust: a linear programme whose variables are V and the dual of the
        worst case of each state"""
        n = self.n
        if not self.radius:
            P, r = np.zeros((n, n)), self.start()
            for s in range(n):
                if self.rows[s]:
                    P[s], r[s] = self.rows[s][policy[s]][2], self.sign * self.rows[s][policy[s]][1]
            return np.linalg.solve(np.eye(n) - self.discount * P, r)
        alive = [s for s in range(n) if self.rows[s]]
        on = {s: np.nonzero(self.rows[s][policy[s]][2])[0] for s in alive}
        width = n + sum(2 + len(on[s]) for s in alive)
        A, b, bounds, at = [], [], [(None, None)] * n + [(0, None)] * (width - n), n
        for s in range(n):
            if not self.rows[s]:
                bounds[s] = (self.start()[s], self.start()[s])
        for s in alive:  # at: lambda, nu, y_1 ... of the state
            _, r, p = self.rows[s][policy[s]]
            bounds[at + 1] = (None, None)
            row = np.zeros(width)  # V <= r + g p V - radius lambda - p y
            row[s] += 1
            row[:n] -= self.discount * p
            row[at] = self.radius
            row[at + 2:at + 2 + len(on[s])] = p[on[s]]
            A.append(row)
            b.append(self.sign * r)
            for i, j in enumerate(on[s]):
                plus, minus = np.zeros(width), np.zeros(width)
                plus[[j, at, at + 1]] = -self.discount, -1, 1  # nu <= g V_j + lambda
                minus[[j, at, at + 1, at + 2 + i]] = self.discount, -1, -1, -1  # g V_j <= lambda + nu + y
                A += [plus, minus]
                b += [0, 0]
            at += 2 + len(on[s])
        c = np.zeros(width)
        c[:n] = -1
        return linprog(c, A_ub=np.array(A), b_ub=b, bounds=bounds, method="highs").x[:n]

    def linear_programme(self):
        """optimal values, or gain: the smallest V above all rows"""
        pairs = self.pairs()
        average = self.criterion == "average"
        A, b = lil_matrix((len(pairs), self.n + 1)), np.zeros(len(pairs))
        for i, (s, _, r, p) in enumerate(pairs):
            A[i, :self.n] = self.discount * p
            A[i, s] -= 1
            A[i, self.n] = -1 if average else 0
            b[i] = -r
        start = self.start()
        bounds = [(None, None) if self.rows[s] else (start[s], start[s]) for s in range(self.n)]
        if average:
            bounds[0] = (0, 0)
        c = np.append(np.full(self.n, 0. if average else 1.), 1. if average else 0.)
        solution = linprog(c, A_ub=A.tocsr(), b_ub=b, bounds=bounds + [(None, None) if average else (0, 0)],
                           method="highs")
        assert solution.status == 0, solution.message
        return solution.fun if average else solution.x[:self.n]

    def solve(self):
        """values by the programme, then policies until none is better"""
        V = self.linear_programme() if not self.radius else self.start()
        first = V
        for _ in range(100):
            policy = self.image(V)[1]
            V, before = self.evaluate(policy), V
            if np.abs(V - before).max() <= 1e-9 * (1 + np.abs(V).max()):
                break
        else:
            raise AssertionError("the oracle does not end")
        if not self.radius:
            assert np.abs(V - first).max() <= 1e-5 * (1 + np.abs(V).max()), "the programme and the policies differ"
        return V

    def gain(self, policy):
        """of a policy with one recurrent class: stationary law"""
        P = np.array([self.rows[s][policy[s]][2] for s in range(self.n)])
        r = np.array([self.sign * self.rows[s][policy[s]][1] for s in range(self.n)])
        A = np.vstack([(P.T - np.eye(self.n))[1:], np.ones(self.n)])
        return np.linalg.solve(A, np.eye(self.n)[-1]) @ r


def check(name, condition, text):
    check.done += 1
    if not condition:
        check.failed += 1
        print(f"{name}: {text}", file=sys.stderr)


check.done = check.failed = 0


def rows_of(model, policy):
    """actions to numbers of rows; an action that a state has not is a failure"""
    rows = np.zeros(model.n, int)
    for s in range(model.n):
        actions = [a for a, _, _ in model.rows[s]]
        if not actions:
            assert policy[s] == -1, f"a terminal state with action {policy[s]}"
        else:
            rows[s] = actions.index(policy[s])
    return rows


def judge(name, model, exact, answer, tolerance):
    check(name, answer["reason"] > 0 and answer["policy_gap"] <= GAP, f"not converged: {answer['reason']}, gap "
          f"{answer['policy_gap']:.3g}")
    policy = rows_of(model, answer["policy"])
    if model.criterion == "average":
        check(name, answer["lower"] - tolerance <= model.sign * exact <= answer["upper"] + tolerance,
              f"gain {model.sign * exact} not in [{answer['lower']}, {answer['upper']}]")
        loss = exact - model.gain(policy)
        check(name, -tolerance <= loss <= answer["policy_gap"] + tolerance, f"the policy loses {loss}")
        return
    value, margin = model.sign * np.array(answer["value"]), np.array(answer["margin"])
    check(name, (np.abs(value - exact) <= margin + tolerance).all(),
          f"{np.abs(value - exact).max()} from the optimum, margin {margin.max()}")
    check(name, margin.max() <= answer["value_error"] * (1 + 1e-12), "a margin above the value's error")
    check(name, answer["lower"] - tolerance <= model.sign * exact.mean() <= answer["upper"] + tolerance,
          "the mean is outside its bounds")
    loss = exact - model.evaluate(policy)
    check(name, (loss >= -tolerance).all() and (loss <= answer["policy_gap"] + tolerance).all(),
          f"the policy loses {loss.max()}, certified {answer['policy_gap']}")


def value_iteration(model, exact):
    V = model.start()
    for _ in range(200):
        V = model.image(V)[0]
    bound = model.discount**200 * (np.abs(exact).max() + 10)
    check("NumPy", np.abs(V - exact).max() <= bound + 1e-9, f"value iteration differs: {np.abs(V - exact).max()}")


def solve_all(driver, path, ranks, first, step):
    command = [*MPIRUN, "-n", str(ranks), driver, path, str(first), str(step)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    models = [Model(seed, substochastic=seed % 5 == 4) for seed in range(100)]
    models += [Model(seed, radius=float(r)) for seed, r in enumerate(np.linspace(0.02, 1.5, 30), 100)]
    models += [Model(seed, "total", substochastic=seed % 3 == 1) for seed in range(130, 155)]
    models += [Model(seed, "total", idle=True) for seed in range(155, 180)]
    models += [Model(seed, "average") for seed in range(180, 200)]
    exact = [m.linear_programme() if m.criterion == "average" else m.solve() for m in models]
    for m, V in list(zip(models, exact))[:130:6]:
        if m.discount <= 0.9:
            value_iteration(m, V)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "models")
        with open(path, "w", encoding="ascii") as file:
            for m in models:
                m.write(file)
        answers = 0
        for ranks, first, step in ((1, 0, 1), (2, 0, 5), (3, 1, 5), (4, 2, 5)):
            for answer in solve_all(sys.argv[1], path, ranks, first, step):
                m, V = models[answer["model"]], exact[answer["model"]]
                name = f"model {answer['model']} ({m.criterion} {m.sense} {m.n} states) {answer['type']}, {ranks} ranks"
                judge(name, m, V, answer, 1e-10 * (1 + np.abs(V).max()) + (1e-7 if m.radius else 2e-9))
                answers += 1
    print(f"{len(models)} models, {answers} answers, {check.done} checks, {check.failed} failed")
    return 1 if check.failed or answers < 1000 else 0


sys.exit(main())
