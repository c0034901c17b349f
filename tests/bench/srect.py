# SPDX-License-Identifier: BSD-2-Clause
"""One s-rectangular state: milliseconds for each divergence, beside the published ones."""
from benchlib import table, verdict

PUBLISHED = {"kl": (343, 24308), "pearson": (148, 18006)}  # ms; pearson at 700 x 700
TARGET = {"kl": 35, "pearson": 20}


def run(bench):
    n = bench.size(400, 30)
    rows = []
    for budget in (0.1, 1, 20):
        for r in bench.json([bench.program("srect"), "-states", n, "-actions", n, "-runs", 2 * bench.runs + 1,
                             "-budget", budget]):
            kind = r["divergence"]
            rows.append((kind, budget, 1e3 * r["cold"], 1e3 * r["warm"], TARGET.get(kind, "-"),
                         verdict(1e3 * r["cold"], TARGET[kind], False) if kind in TARGET else "",
                         *PUBLISHED.get(kind, ("-", "-"))))
    return table(("divergence", "budget", "ms, cold", "ms, warm", "target", "verdict", "published ms", "MOSEK ms"),
                 rows) + \
        (f"\nOne state, {n} actions of {n} successors each, one core. Published: Ho, Petrik and Wiesemann, NeurIPS "
         "2022, KL at 400 x 400,\nPearson at 700 x 700, on a 3.6 GHz i9; MOSEK with 16 threads.\n")
