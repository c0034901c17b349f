# SPDX-License-Identifier: BSD-2-Clause
"""Markov decision processes on two ranks against one, what they send, and the memory of large models."""
import json

from benchlib import number, table, verdict

MODELS = (("gridworld 1500", ("-problem", "gridworld"), ("-n", 1500, 40)),
          ("Garnet 1e5, 10 actions, 20 successors", ("-problem", "garnet"), ("-n", 100000, 500)))


def sweeps(bench, options, ranks):
    """seconds of a sweep, best of all runs"""
    found = bench.repeat([bench.program("bellman"), *options, "-runs", bench.size(9, 2)], ranks=ranks)
    return dict(found, best=min(one["sweep"] for one in found["_all"]))


def command(bench, options, ranks, runs=None):
    """the whole command's summary, times and peak memory of the largest rank"""
    path = bench.path("summary.json")
    found = []
    for _ in range(runs or bench.runs):
        bench.run([bench.fenchel, "mdp", *options, "-summary", path], ranks=ranks, status=(0, 3))
        with open(path, encoding="utf-8") as f:
            found.append(json.load(f))
    return min(found, key=lambda one: one["time_solve"])


def efficiency(bench):
    rows = []
    for name, problem, (option, full, quick) in MODELS:
        options = (*problem, option, bench.size(full, quick))
        one, two = sweeps(bench, options, 1), sweeps(bench, options, 2)
        share = one["best"] / two["best"] / 2
        rows.append((name, "a sweep", 1e3 * one["best"], 1e3 * two["best"], share, verdict(share, 0.85),
                     int(two["words"])))
        one, two = (command(bench, (*options, "-mdp_discount", 0.99, "-mdp_type", "mpi"), r) for r in (1, 2))
        share = one["time_solve"] / two["time_solve"] / 2
        rows.append((name, "to a relative gap of 1e-6", 1e3 * one["time_solve"], 1e3 * two["time_solve"], share,
                     verdict(share, 0.85), ""))
    return table(("model", "what", "one rank, ms", "two ranks, ms", "efficiency", ">= 0.85", "values a sweep"), rows)


def memory(bench):
    stored = ("-problem", "garnet", "-n", bench.size(10**7, 1000), "-garnet_actions", 4, "-garnet_branching", 4,
              "-garnet_window", 100, "-mdp_discount", 0.9)
    free = ("-problem", "gridworld", "-n", bench.size(10**4, 40), "-matrix_free", "-mdp_type", "vi", "-mdp_max_it", 3)
    rows = []
    for name, options, limit in (("Garnet, window 100, 4 actions, 4 successors, stored", stored, 24e9),
                                 ("gridworld, matrix-free, three sweeps", free, 4e9)):
        found = command(bench, options, 2, runs=1)
        total = 2 * found["memory_rank_max"]
        rows.append((name, f"{found['states']:.3g}", f"{found['nnz']:.3g}", found["memory_rank_max"] / 1e9,
                     total / found["nnz"], found["time_io"], found["time_setup"], found["time_solve"],
                     verdict(total, limit, least=False) + f" ({number(limit / 1e9)} GB)"))
    return table(("model", "states", "successors", "GB a rank", "bytes a successor, both ranks", "making it, s",
                  "set-up, s", "solve, s", "memory in all"), rows)


def run(bench):
    return efficiency(bench) + "\nBest of all runs.\n\n" + memory(bench) + "\nTwo ranks, one run.\n"
