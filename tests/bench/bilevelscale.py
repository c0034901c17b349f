# SPDX-License-Identifier: BSD-2-Clause
"""Denoising on two ranks against one: over images, inside one image; messages of a product, of images together."""
from benchlib import table, verdict
from bilevellib import learn


def work(bench, problem, side, count, team, ranks):
    name = problem[1]
    return bench.json([bench.program("bilevelwork"), *problem, f"-{name}_size", side, f"-{name}_count", count, "-team",
                       team, "-products", bench.size(20, 2), "-runs", max(bench.runs, 3)], ranks)[0]


def together(bench, problem):
    """images cut over two ranks, one after the other and side by side: the same numbers, fewer messages"""
    name, count = problem[1], bench.size(8, 3)
    options = (*problem, f"-{name}_size", bench.size(64, 16), f"-{name}_count", count, "-bilevel_team_size", 2,
               "-truth", 0, "-bilevel_max_it", bench.size(12, 3))
    alone, batch = (learn(bench, *options, "-bilevel_batch", n, ranks=2) for n in (1, count))
    same = all(alone[key] == batch[key] for key in ("objective", "theta", "work", "hypergradient"))
    return (name, count, int(alone["messages"]), int(batch["messages"]), int(alone["reductions"]),
            int(batch["reductions"]), alone["seconds"], batch["seconds"], "the same" if same else "others")


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
    batches = [together(bench, problem) for problem in (("-problem", "tv"), foe)]
    tables = (table(("model", "ranks share", "images", "piece", "s, 1 rank", "s, 2 ranks", "efficiency", "verdict"),
                    rows),
              table(("model", "ranks share", "images", "model: messages", "bytes", "sent: messages", "bytes",
                     "reductions", "halo model"), messages),
              table(("model", "images in two parts each", "messages, one by one", "together", "reductions, one by one",
                     "together", "s, one by one", "together", "numbers"), batches))
    return "\n".join(tables) + (
        "\nSeconds: one gradient, one product with the Hessian, one with J^T, for all images, slowest rank, best run. "
        "Messages: what a rank\nsends to its neighbour in one product, as PETSc counts it; the halo model is one "
        "exchange of one row (total variation) or six\n(fields of experts, filters 7x7) of 8-byte numbers. Together: a "
        "run with -bilevel_batch against one with -bilevel_batch 1,\nwhat a rank sends and takes part in.\n")
