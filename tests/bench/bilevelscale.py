# SPDX-License-Identifier: BSD-2-Clause
"""Denoising on two ranks against one: over images, inside one image; messages of a Hessian product."""
from benchlib import table, verdict


def work(bench, problem, side, count, team, ranks):
    name = problem[1]
    return bench.json([bench.program("bilevelwork"), *problem, f"-{name}_size", side, f"-{name}_count", count, "-team",
                       team, "-products", bench.size(20, 2), "-runs", max(bench.runs, 3)], ranks)[0]


def run(bench):
    rows, messages = [], []
    foe = ("-problem", "foe", *bench.size((), ("-foe_filters", 3)))
    for problem, reach in ((("-problem", "tv"), 1), (foe, 6)):
        for where, side, count, team, least in (("over images", bench.size(96, 16), bench.size(20, 2), 1, 0.85),
                                                ("inside one image", bench.size(512, 32), 1, 2, 0.75)):
            one, two = (work(bench, problem, side, count, min(team, ranks), ranks) for ranks in (1, 2))
            for piece in ("gradient", "product", "transposed"):
                share = one[piece] / two[piece] / 2
                rows.append((problem[1], where, f"{count} of {side}x{side}", piece, one[piece], two[piece], share,
                             verdict(share, least)))
            model = (0, 0) if team == 1 else (1, 8 * reach * side)
            found = (int(two["product_messages"]), int(two["product_bytes"]))
            messages.append((problem[1], where, f"{count} of {side}x{side}", *model, *found,
                             int(two["product_reductions"]), "fits" if found == model else "does not fit"))
    return table(("model", "ranks share", "images", "piece", "s, 1 rank", "s, 2 ranks", "efficiency", "verdict"),
                 rows) + "\n" + table(("model", "ranks share", "images", "model: messages", "bytes", "sent: messages",
                                       "bytes", "reductions", "halo model"), messages) + (
        "\nSeconds: one gradient, one product with the Hessian, one with J^T, for all images, slowest rank, best run. "
        "Messages: what a rank\nsends to its neighbour in one product, as PETSc counts it; the halo model is one "
        "exchange of one row (total variation) or six\n(fields of experts, filters 7x7) of 8-byte numbers.\n")
