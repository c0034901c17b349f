# SPDX-License-Identifier: BSD-2-Clause
"""Bellman sweeps against the bandwidth of memory: bytes of the rows over the time of a sweep, over that of a triad."""
from benchlib import table, verdict


def run(bench):
    cases = [("grid, out of cache", ("-problem", "gridworld", "-gridworld_n", bench.size(1500, 20)), {1: 0.6, 2: 0.6}),
             ("Garnet", ("-problem", "garnet", "-garnet_n", bench.size(100000, 60)), {1: 0.4, 2: 0.6})]
    rows = []
    for name, options, targets in cases:
        for ranks, target in targets.items():
            if ranks > len(bench.cores):
                continue
            r = bench.json([bench.program("bellman"), *options, "-runs", 4 * bench.runs + 1], ranks)[0]
            rows.append((name, ranks, 1e-6 * r["bytes"], 1e3 * r["sweep"], 1e3 * r["mult"], 1e-9 * r["triad"],
                         r["of_triad"], target, verdict(r["of_triad"], target)))
    return table(("rows", "ranks", "MB", "ms, sweep", "ms, product", "triad, GB/s", "sweep/triad", "target", "verdict"),
                 rows) + \
        ("\n12 bytes an entry, best of the runs, all ranks at once; triad: a = b + s c, 24 bytes an entry, in the same "
         "run. A sweep\nmakes all values, greedy actions and the certificate; a product is one with the rows of a "
         "policy.\n")
