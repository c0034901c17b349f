# SPDX-License-Identifier: BSD-2-Clause
"""Transport on grids: messages and bytes of a product, a V-cycle and a sweep of cells, against the model."""
import itertools
import math

from benchlib import table

RANKS = (4, 8, 16)
CUT, MARGIN = 54, 1  # terms below 2^-54 of the largest do not matter; rows beyond them that travel
LATENCY, FEW = 200, 5  # a message of an exchange all to all, in numbers; ranks to whom slabs send
MOST = 1.25  # numbers that come for one in a slab, at most


def cut(n, parts):
    return [n // parts * r + n % parts * r // parts for r in range(parts + 1)]


def boxes(shape, grid):
    """of all ranks: [lo, hi) along each axis"""
    ends = [cut(n, p) for n, p in zip(shape, grid)]
    return list(itertools.product(*[list(zip(e, e[1:])) for e in ends]))


def transpositions(shape, ranks):
    """from slabs of rows to slabs of columns and back: all to all, N/P numbers of 8 bytes each way"""
    rows, columns = cut(shape[0], ranks), cut(shape[-1], ranks)
    depth, found = shape[1] if len(shape) > 2 else 1, []
    for r in range(ranks):
        mine = (rows[r + 1] - rows[r], columns[r + 1] - columns[r])
        away = (shape[-1] - mine[1], shape[0] - mine[0])
        found.append((2 * (ranks - 1), 8 * depth * (mine[0] * away[0] + mine[1] * away[1])))
    return [max(column) for column in zip(*found)]


def across(shape, grid, eps, times):
    """each axis across blocks: a rank takes the rows that its own reach, and those that its neighbours' nearest do, in
    two groups of lines, and in a product gives sums for them back; the exchange above where that is less"""
    reach = MARGIN + 1 + math.floor(math.sqrt(CUT * math.log(2) * eps))
    found, ranks = [], math.prod(grid)
    for box in boxes(shape, grid):
        messages = numbers = 0
        for k, (lo, hi) in enumerate(box):
            if grid[k] == 1:
                continue
            starts, lines = cut(shape[k], grid[k]), math.prod(h - l for j, (l, h) in enumerate(box) if j != k)
            needed = (range(max(0, lo - reach), lo), range(hi, min(shape[k], hi + reach)))
            messages += len({r for rows in needed for i in rows for r in range(grid[k]) if starts[r] <= i < starts[r + 1]})
            numbers += sum(map(len, needed)) * lines
        found.append((messages, numbers))
    messages, numbers = map(max, zip(*found))
    if grid[0] == ranks and numbers > MOST * math.prod(shape) / ranks + LATENCY * max(0, ranks - FEW):
        return transpositions(shape, ranks)
    return [times * 2 * messages, times * 8 * numbers]


def cycle(shape, ranks):
    """slabs of planes, four at least; two planes to both neighbours five times on the finest grid and six on others;
    ranks that have too few planes go together in pairs; grids of 4,096 points are put together at the end"""
    n = list(shape)
    starts = cut(n[0], max(1, min(ranks, n[0] // 4)))
    planes = list(zip(starts, starts[1:]))
    sent, first = [[0, 0] for _ in planes], list(range(len(planes)))  # of the rank that has these planes
    exchanges = 5
    while len(planes) > 1:
        size = 1
        for k in n[1:]:
            size *= k
        for at, r in enumerate(first):
            neighbours = (at > 0) + (at + 1 < len(planes))
            sent[r][0] += neighbours * exchanges
            sent[r][1] += neighbours * exchanges * 2 * size * 4
        coarse = [(k + 1) // 2 if k >= 8 else k for k in n]
        if coarse == n:
            break
        if coarse[0] < n[0]:
            planes = [((lo + 1) // 2, (hi + 1) // 2) for lo, hi in planes]
        n, exchanges, size = coarse, 6, 1
        for k in n[1:]:
            size *= k
        if min(hi - lo for lo, hi in planes) >= 4:
            continue
        if n[0] * size <= 4096:
            break
        groups = len(planes) // 2
        together, leaders = [], []
        for at, (lo, hi) in enumerate(planes):
            group = min(at // 2, groups - 1)
            if group == len(together):
                together.append((lo, hi))
                leaders.append(first[at])
                continue
            together[group] = (together[group][0], hi)
            for r, count in ((first[at], hi - lo), (leaders[group], hi - lo + 2)):
                sent[r][0] += 1
                sent[r][1] += count * size * 4
        planes, first = together, leaders
    return [max(column) for column in zip(*sent)] if sent else [0, 0]


def guests(n, ranks, side=8):
    """cells that the busiest rank sends in a sweep: its own to the blocks before it, others' results to those after"""
    a = max(d for d in range(1, ranks + 1) if ranks % d == 0 and d * d <= ranks)
    b, most, count = ranks // a, 0, -(-n // side)
    for i in range(a):
        for j in range(b):
            h, w = 2 * (count // a), 2 * (count // b)
            moved = [(k * h + l * w + k * l) for k, l in ((j > 0, i > 0), (j + 1 < b, i + 1 < a))]
            most = max(most, sum(moved))
    return most


def run(bench):
    rows, cells = [], []
    for shape in bench.size(((256, 256), (512, 512), (64, 64, 64)), ((32, 32), (16, 16, 16))):
        name = " x ".join(map(str, shape))
        given = ",".join(map(str, shape))
        for ranks in bench.size(RANKS, RANKS[:1]):
            eps = 0.25 if len(shape) == 2 else 0.5
            found = bench.json([bench.program("messages"), "-bench_shape", given, "-bench_eps", eps,
                                "-bench_no_cells"], ranks)[0]
            grid = found["grid"]
            for what, key, model in (("soft transform", "pass", across(shape, grid, eps, 1)),
                                     ("product", "product", across(shape, grid, eps, 2)),
                                     ("V-cycle", "cycle", cycle(shape, ranks))):
                sent = [int(found[key]["messages"]), int(found[key]["bytes"])]
                rows.append((name, ranks, what, *model, *sent, int(found[key]["collectives"]),
                             "fits" if sent == model else "does not fit"))
    for n in bench.size((128,), (32,)):
        for ranks in bench.size(RANKS, RANKS[:1]):
            found = bench.json([bench.program("messages"), "-bench_shape", f"{n},{n}", "-ot_domdec_newton", 0,
                                "-ot_max_it", bench.size(60, 30)], ranks)[0]["sweep"]
            sent = guests(n, ranks)
            cells.append((f"{n} x {n}", ranks, sent, int(found["messages"]), int(found["bytes"]),
                          found["bytes"] / sent, int(found["collectives"])))
    return table(("grid", "ranks", "what", "model: messages", "bytes", "sent: messages", "bytes", "collective",
                  "model"), rows) + (
        "\nThe busiest rank, every message that any library sends. The plan moves nothing; one that "
        "moves all by the same\nway sends as much, to other ranks.\n\n"
    ) + table(("grid", "ranks", "cells that travel", "messages", "bytes", "bytes a cell", "collective"), cells) + (
        "\nA sweep of cells, both partitions, cells of 4 x 4 pixels. Composites of the second partition that reach "
        "into a neighbour's\nblock borrow its cells and send them back: a row of cells along each side, and a corner. "
        "Messages go to neighbours only, six\nat most, whatever the number of ranks is. Cells that travel: if blocks "
        "were cut evenly; they are cut by work, so that corners\nof the grid are larger.\n")
