# SPDX-License-Identifier: BSD-2-Clause
"""Error bounds of hypergradients against true errors, on random problems of four kinds."""
from benchlib import table, verdict
from bilevellib import PLAIN

KINDS = (("quadratic", ("-quadratic_condition", 10)),
         ("ridge", ("-ridge_rows", 60, "-ridge_features", 8, "-ridge_parameters", "weight")),
         ("logistic", ("-logistic_rows", 80, "-logistic_features", 6, "-logistic_parameters", "feature")),
         ("tv", ("-tv_size", 16, "-tv_count", 1, "-tv_nu", 0.05)))
LOWER = (("FISTA, CG", "fista"), ("Newton-CG", "newton"))


def run(bench):
    rows, sums = [], {name: [0, 0, 0] for name, _ in LOWER}
    for problem, options in bench.size(KINDS, KINDS[::3]):
        for name, lower in LOWER:
            extra = ("-bilevel_lower_pc_type", "none") if lower == "newton" else ()
            one = bench.json([bench.program("bilevelbounds"), "-problem", problem, *options, "-problems",
                              bench.size(50, 3), "-bilevel_lower", lower, *extra, *PLAIN])[0]
            rows.append((problem, name, one["problems"], one["wrong"], one["certified_least"], one["certified"],
                         one["goal_least"], one["goal"], one["goal_most"], f"{100 * one['near']:.0f} %",
                         f"{100 * one['covered']:.0f} %"))
            for k, value in enumerate((one["problems"], one["wrong"], one["near"] * one["problems"])):
                sums[name][k] += value
    text = table(("problem", "lower solver, adjoint", "problems", "bound below error", "bound/error, least", "median",
                  "estimate/error, least", "median", "most", "within 25 %", "1.25 estimate >= error"), rows)
    verdicts = [(name, int(n), int(wrong), verdict(wrong, 0, False), f"{100 * near / n:.0f} %",
                 verdict(near / n, 0.95) if name == "FISTA, CG" else "no target")
                for name, (n, wrong, near) in sums.items()]
    return text + "\n" + table(("all", "problems", "bound below error", "never", "estimate within 25 %", "95 %"),
                               verdicts) + (
        "\nAccuracies of lower solutions are random between 1e-1 and 1e-5, residuals of adjoints a tenth to ten times "
        "as large; errors\nare those against the same hypergradient at 1e-12. The goal-oriented estimate is no "
        "bound; no figure is set for iterates of\nNewton's method.\n")
