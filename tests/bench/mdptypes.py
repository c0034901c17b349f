# SPDX-License-Identifier: BSD-2-Clause
"""Every type of solver on seven Markov decision processes: time, sweeps, products; is `auto` near the best?"""
from benchlib import table, verdict

# residual 1e-8 as madupite stops: gap = discount / (1 - discount) 1e-8; seconds of madupite on one rank and on two
PEER = {("grid", 0.99): {1: 2.3, 2: 1.3}, ("grid", 0.999): {1: 5.8}}
GRID = {0.99: 9.9e-7, 0.999: 9.99e-6}
TYPES = "auto,vi,mpi,ipi,pi"


def problems(bench):
    """name, discount, options, types; vi and pi only where they end within minutes"""
    few = "auto,mpi,ipi"
    n = bench.size
    grid = ("-problem", "gridworld", "-gridworld_n", n(300, 12))
    return [("grid", 0.99, (*grid, "-mdp_gap", GRID[0.99], "-mdp_gap_rel", 0), TYPES),
            ("grid", 0.999, (*grid, "-mdp_gap", GRID[0.999], "-mdp_gap_rel", 0), n("auto,vi,mpi,ipi", TYPES)),
            ("maze", 0.99, ("-problem", "maze", "-maze_n", n(1001, 15)), n(few, TYPES)),
            ("pendulum", 0.999, ("-problem", "pendulum", "-pendulum_n", n(301, 11), "-pendulum_actions", n(21, 5)),
             n(few, TYPES)),
            ("sis", 0.99, ("-problem", "sis", "-sis_n", n(100000, 60)), n(few, TYPES)),
            ("garnet", 0.999, ("-problem", "garnet", "-garnet_n", n(100000, 60)), n("auto,vi,mpi,ipi", TYPES)),
            ("queue", 0.999, ("-problem", "queue", "-queue_n", n(200, 5)), n(few, TYPES))]


def measure(bench, options, discount, types, ranks):
    return bench.json([bench.program("mdptypes"), *options, "-mdp_discount", discount, "-types", types,
                       "-runs", bench.runs], ranks)


def peers(bench, found, name, discount, ranks):
    """rows of the comparison with madupite: `colour` reduces to one of two colours, `ilu` does without"""
    seconds = PEER.get((name, discount), {}).get(ranks)
    if not seconds or bench.quick:
        return []
    options = next(p[2] for p in problems(bench) if p[:2] == (name, discount))
    general = [r for kind in ("ilu", "none") for r in
               measure(bench, (*options, "-mdp_precondition", kind), discount, "ipi", ranks)]
    general += [r for r in measure(bench, options, discount, "mpi", ranks)]
    rows = []
    for how, which, factor in (("auto", [r for r in found if r["type"] == "auto"], 15),
                               ("without colours", general, 8)):
        best = min(r["setup"] + r["solve"] for r in which if r["reason"] == "converged_gap")
        rows.append((name, discount, ranks, how, best, seconds, seconds / best, factor,
                     verdict(seconds / best, factor)))
    return rows


def run(bench):
    rows, choices, against = [], [], []
    for name, discount, options, types in problems(bench):
        found = measure(bench, options, discount, types, 1)
        best = min(r["cpu"] for r in found if r["reason"] == "converged_gap")
        for r in found:
            rows.append((name, discount, r["type"], r["choice"], r["setup"], r["solve"], r["cpu"], int(r["sweeps"]),
                         int(r["matvecs"]), r["gap_rel"], r["reason"], r["cpu"] / best))
            if r["type"] == "auto":
                choices.append((name, discount, r["choice"], r["cpu"] / best,
                                verdict(r["cpu"] / best, 1.3, False), r["why"]))
        against += peers(bench, found, name, discount, 1)
        if (name, discount) in PEER and len(bench.cores) > 1:
            against += peers(bench, measure(bench, options, discount, "auto", 2), name, discount, 2)
    text = table(("problem", "discount", "type", "iterates as", "s, set-up", "s, solve", "s, processor", "sweeps",
                  "products", "gap", "end", "time/best"), rows)
    text += "\n" + table(("problem", "discount", "auto chose", "time/best", "<= 1.3", "because"), choices)
    if against:
        text += "\n" + table(("problem", "discount", "ranks", "way", "s", "madupite, s", "ratio", "target", "verdict"),
                             against)
    return text + ("\nTimes are the best of the runs; set-up is that of the operator, time/best compares seconds of "
                   "the processor. Gap:\ncertified loss of the policy over the range of the values, 1e-6 asked for; on "
                   "grids the gap of a residual of\n1e-8, where madupite stops.\n")
