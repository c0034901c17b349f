# SPDX-License-Identifier: BSD-2-Clause
"""Every operator of robust models on one large grid, the whole command: seconds to a certified gap of 1e-6 of the
values' range, and whether `fenchel verify` confirms the result. What exists follows the tables of docs/mdp.md."""
import json
import os
import resource
import sys
import time

from benchlib import table

RADIUS, PRICE = 0.05, 0.05
LIMIT = 120  # seconds: what takes longer is ended and shows as such
DIVERGENCES = (("tv", ()), ("kl", ()), ("burg", ()), ("jeffreys", ()), ("js", ()), ("pearson", ()), ("neyman", ()),
               ("hellinger", ()), *((f"alpha, order {a:g}", ("-mdp_alpha", a)) for a in (-2, 0.3, 0.5, 2, 3)))
FAR = ("tv", "l1", "burg", "neyman", "hellinger", "js")  # mass may go to any state
STATES = ("l1", "kl", "burg", "pearson", "hellinger")


def operators():
    """name, how nature is bound, options"""
    rows = DIVERGENCES + (("l1", ()), ("linf", ()), ("wasserstein", ()),
                          ("wasserstein, plane", ("-mdp_distance", "l1")))
    found = [("none", "", ())]
    for name, options in rows:
        kind = ("-mdp_ambiguity", name.split(",")[0], *options)
        found += [(name, "set", (*kind, "-mdp_radius", RADIUS)), (name, "price", (*kind, "-mdp_penalty", PRICE))]
    found.append(("interval", "set", ("-mdp_ambiguity", "interval", "-mdp_radius", RADIUS)))
    for name in FAR:
        found.append((name, "set, all states", ("-mdp_ambiguity", name, "-mdp_support", "all", "-mdp_radius", RADIUS)))
    for name in STATES:
        found.append((name, "set, s", ("-mdp_ambiguity", name, "-mdp_rectangular", "s", "-mdp_radius", RADIUS)))
    return found


def command(fenchel, n, options, result, summary):
    return [fenchel, "mdp", "-problem", "gridworld", "-n", n, "-mdp_discount", 0.99, *options, "-o", result,
            "-overwrite", "-summary", summary]


def processor():
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def timed(bench, what, ranks=1):
    """wall and processor seconds, and whether that was within the limit; any status but zero ends the bench"""
    wall, cpu = time.time(), processor()
    done = True
    if ranks == 1:
        result = bench.within(LIMIT, what)
        done = result is not None
        if done and result.returncode:
            sys.exit(f"bench: status {result.returncode} of {' '.join(map(str, what))}\n{result.stderr[-2000:]}")
    else:
        bench.run(what, ranks)
    return time.time() - wall, processor() - cpu, done


def row(bench, n, name, kind, options, ranks):
    result, summary = bench.path("operator.h5"), bench.path("operator.json")
    wall, cpu, done = timed(bench, command(bench.fenchel, n, options, result, summary), ranks)
    if not done:
        if os.path.exists(result):
            os.remove(result)
        return (name, kind, ranks, f"above {LIMIT}", cpu, "", "", "", "", "")
    with open(summary, encoding="utf-8") as f:
        found = json.load(f)
    check, _, done = timed(bench, [bench.fenchel, "verify", result])
    os.remove(result)
    return (name, kind, ranks, wall, cpu, found["method"] or found["type"], int(found["sweeps"]), int(found["matvecs"]),
            found["gap_rel"], check if done else f"above {LIMIT}")


def run(bench):
    n = bench.size(1000, 12)
    rows = [row(bench, n, *one, 1) for one in operators()]
    if len(bench.cores) > 1:
        rows += [row(bench, n, *one, 2) for one in operators()
                 if one[0] in ("none", "kl") and one[1] in ("", "set", "set, s")]
    return table(("ambiguity", "nature has", "ranks", "s", "s, processor", "method", "sweeps", "products", "gap",
                  "s, verify"), rows) + \
        (f"\nGrid world of {n} x {n} cells, discount 0.99, radius {RADIUS:g} or price {PRICE:g}; the whole command, "
         "result written.\n`fenchel verify` confirmed every one that ended. Set: a ball around each row's law; s: one "
         f"for all actions of a state. What took more than {LIMIT} s was ended.\n")
