#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One method of one peer on a model that `fenchel mdp -store_model` or h5py wrote:

  mdppeers_peer.py MODEL.h5 DISCOUNT PEER METHOD TOLERANCE RUNS ANSWER.npz

Prints one JSON object: seconds of the solve alone, best of the runs; of what comes before it, and what of that makes
the peer's own form of the rows; peak memory; version. Numba compiles on a model of three states before the clock
starts. The answer holds values and, for each state, the position of the chosen row. Addresses are limited to 3/4 of the
memory, so that a peer that makes n x n arrays fails instead of the machine.
"""
import importlib.metadata
import json
import os
import resource
import sys
import time

import h5py
import numpy as np
import scipy.sparse as sp


class Model:
    """rows of all states; rewards are maximised"""

    def __init__(self, state_ptr, row_ptr, col, val, reward):
        self.state_ptr, self.row_ptr, self.col, self.val, self.reward = state_ptr, row_ptr, col, val, reward
        self.n, self.rows = len(state_ptr) - 1, len(reward)
        self.state = np.repeat(np.arange(self.n), np.diff(state_ptr))
        self.position = np.arange(self.rows) - state_ptr[self.state]

    @classmethod
    def read(cls, path):
        with h5py.File(path, "r") as file:
            g = file["mdp"]
            sense = g.attrs["sense"]
            sign = -1.0 if (sense.decode() if isinstance(sense, bytes) else sense) == "min" else 1.0
            return cls(*(g[name][...] for name in ("sa_ptr", "row_ptr", "col", "val")), sign * g["reward"][...]), sign

    @classmethod
    def small(cls):
        """something to compile for"""
        return cls(np.array([0, 2, 4, 6]), np.arange(0, 13, 2), np.array([0, 1, 1, 2] * 3), np.full(12, 0.5),
                   np.arange(6.0))

    def matrix(self):
        return sp.csr_matrix((self.val, self.col, self.row_ptr), shape=(self.rows, self.n))


def quantecon(model, discount):
    from quantecon.markov import DiscreteDP
    ddp = DiscreteDP(model.reward, model.matrix(), discount, model.state, model.position)

    def solve(method, tolerance):
        name, _, k = method.partition(" ")
        result = ddp.solve(method={"pi": "pi", "mpi": "mpi", "vi": "vi"}[name], epsilon=tolerance, max_iter=10**7,
                           **({"k": int(k)} if k else {}))
        return result.v, result.sigma
    return solve


def mdpsolver(model, discount):
    import mdpsolver as module
    split = lambda x: [[x[model.row_ptr[r]:model.row_ptr[r + 1]].tolist()  # noqa: E731
                        for r in range(model.state_ptr[s], model.state_ptr[s + 1])] for s in range(model.n)]
    probabilities, columns = split(model.val), split(model.col)
    rewards = [model.reward[model.state_ptr[s]:model.state_ptr[s + 1]].tolist() for s in range(model.n)]

    def solve(method, tolerance):
        name, _, update = method.partition(" ")
        peer = module.model()
        peer.mdp(discount=discount, rewards=rewards, tranMatProbs=probabilities, tranMatColumns=columns)
        start = time.perf_counter()
        peer.solve(algorithm=name, tolerance=tolerance, update=update or "standard", makeFinalCheck=False,
                   parallel=False)
        seconds = time.perf_counter() - start
        return peer.getValueVector(), peer.getPolicy(), seconds
    return solve


def pymdptoolbox(model, discount):
    from mdptoolbox import mdp

    class Values(mdp.ValueIteration):
        def _boundIter(self, epsilon):  # takes hours to bound the number of iterations of a sparse model
            self.max_iter = 10**7

    count = np.diff(model.state_ptr)
    whole, matrices, rewards = model.matrix(), [], []
    for a in range(count.max()):  # every state has all actions here: those it lacks repeat its first one
        rows = model.state_ptr[:-1] + np.where(a < count, a, 0)
        matrices.append(whole[rows])
        rewards.append(model.reward[rows])
    rewards = np.array(rewards).T

    def solve(method, tolerance):
        if method == "vi":
            peer = Values(matrices, rewards, discount, epsilon=tolerance)
        elif method == "mpi":
            peer = mdp.PolicyIterationModified(matrices, rewards, discount, epsilon=tolerance)
        else:
            peer = mdp.PolicyIteration(matrices, rewards, discount, max_iter=10**6)
        start = time.perf_counter()
        peer.run()
        seconds = time.perf_counter() - start
        policy = np.array(peer.policy)
        return peer.V, np.where(policy < count, policy, 0), seconds
    return solve


def timed(solve, *arguments):
    """the peer's own part: from the call to the answer, or what the function says that is"""
    start = time.perf_counter()
    value, policy, *seconds = solve(*arguments)
    return np.asarray(value), np.asarray(policy), seconds[0] if seconds else time.perf_counter() - start


def main():
    path, discount, name, method, tolerance, runs, answer = sys.argv[1:]
    discount, tolerance = float(discount), float(tolerance)
    limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    make = {"quantecon": quantecon, "mdpsolver": mdpsolver, "pymdptoolbox": pymdptoolbox}[name]
    timed(make(Model.small(), discount), method, 1e-3)
    start = time.perf_counter()
    model, sign = Model.read(path)
    form = time.perf_counter()
    solve = make(model, discount)
    setup, form = time.perf_counter() - start, time.perf_counter() - form
    seconds = []
    while len(seconds) < int(runs) and sum(seconds) < 5:
        value, policy, one = timed(solve, method, tolerance)
        seconds.append(one)
    np.savez(answer, value=sign * value, policy=policy)
    print(json.dumps({"seconds": min(seconds), "setup": setup, "form": form,
                      "version": importlib.metadata.version(name),
                      "memory": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


main()
