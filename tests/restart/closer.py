#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A run that converged and is started again with a closer tolerance goes on from where it ended, in every family and
with every type; without a change it is finished at once."""
from restarttest import clitest

check = clitest.Checks()

GRID = ["mdp", "-problem", "gridworld", "-n", "30", "-mdp_discount", "0.99"]
QUADRATIC = ["bilevel", "-problem", "quadratic", "-quadratic_condition", "5"]
CASES = [(["ot", "-ot_eps", "0.5", "-ot_type", kind], "-ot_gap_rel", "1e-2", "1e-5", "gap_rel")
         for kind in ("sinkhorn", "newton", "multigrid", "domdec")]
CASES += [(GRID + ["-mdp_type", kind], "-mdp_gap_rel", "1e-2", "1e-9", "gap_rel")
          for kind in ("vi", "mpi", "ipi", "pi")]
CASES += [(GRID + ["-mdp_ambiguity", "kl", "-mdp_radius", "0.05", "-mdp_type", "ppi"], "-mdp_gap_rel", "1e-2", "1e-9",
           "gap_rel")]
CASES += [(QUADRATIC + ["-bilevel_type", kind], "-bilevel_tol", "1e-1", "1e-3", "hypergradient_norm")
          for kind in ("certified", "maid", "maid-bb", "hoag", "fixed")]

with clitest.folder() as folder:
    images = [f"{folder}/{k}.png" for k in range(2)]
    for k, name in enumerate(images):
        clitest.png(name, clitest.photo(32, k))
    for number, (words, option, wide, close, key) in enumerate(CASES):
        what = " ".join(words[-2:])
        if words[0] == "ot":
            words = words + ["-source", images[0], "-target", images[1]]
        words = words + ["-ckpt_dir", f"{folder}/ckpt-{number}", "-restart", "-overwrite", "-summary",
                         f"{folder}/s.json"]
        seen = []
        for tolerance in (wide, close, close):
            result = clitest.run(*words, option, tolerance)
            check.that(result.status == 0, f"{what} to {tolerance} converges", result)
            seen.append(clitest.read_json(f"{folder}/s.json"))
            check.that(seen[-1][key] <= float(tolerance), f"{what}: {key} {seen[-1][key]}, asked for {tolerance}")
        check.that(seen[0][key] > float(close), f"{what} to {wide} is not yet at {close}: {seen[0][key]}")
        check.that(seen[1]["iterations"] > seen[0]["iterations"], f"{what} goes on")
        check.that(seen[2]["iterations"] == seen[1]["iterations"], f"{what} is finished")
check.finish()
