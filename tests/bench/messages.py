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
            messages += len({r for rows in needed for i in rows for r in range(grid[k])
                             if starts[r] <= i < starts[r + 1]})
            numbers += sum(map(len, needed)) * lines
        found.append((messages, numbers))
    messages, numbers = map(max, zip(*found))
    if grid[0] == ranks and numbers > MOST * math.prod(shape) / ranks + LATENCY * max(0, ranks - FEW):
        return transpositions(shape, ranks)
    return [times * 2 * messages, times * 8 * numbers]


HALO, BEHIND, DEEP, LEAST, FEW_POINTS, VERY_FEW = 3, 4, 6, 4, 4096, 1024  # of the V-cycle's grids


def exchange(starts, n, at, points=2):
    """of one array, so many points of each neighbour: messages and numbers that the rank at this place sends"""
    axes = range(3)
    end = [s[i + 1] if i + 1 < len(s) else size for s, i, size in zip(starts, at, n)]
    extent = [e - s[i] for e, s, i in zip(end, starts, at)]
    padded = [e + (HALO + BEHIND if len(s) > 1 else 0) for e, s in zip(extent, starts)]
    sides = [(i > 0) + (i + 1 < len(s)) for i, s in zip(at, starts)]
    messages, numbers = sum(sides), 0
    for k in axes:
        face = padded[1:] if k == 0 else [e + 2 * sides[j] if j < k else e for j, e in enumerate(extent) if j != k]
        numbers += sides[k] * points * math.prod(face)
    return messages, numbers


def cycle(shape, grid):
    """boxes of four points a side at least; two points to both neighbours along each cut axis, five times on the finest
    grid and six on others; on slabs of six planes six planes once, and then three of the next grid; ranks that have too
    few points along an axis go together in pairs; grids of 4,096 points are put together at the end, of 1,024 always"""
    n = [shape[0], 1, shape[1]] if len(shape) == 2 else list(shape)
    p = [grid[0], 1, grid[1]] if len(shape) == 2 else list(grid)
    starts = [cut(k, max(1, min(r, k // LEAST)))[:-1] for k, r in zip(n, p)]
    first = [list(range(len(s))) for s in starts]  # along each axis, of the rank that has this part
    sent, solution = {}, 0  # planes of a grid's solution that travel on the way to the finer one

    def add(at, messages, numbers):
        rank = tuple(f[i] for f, i in zip(first, at))
        before = sent.get(rank, (0, 0))
        sent[rank] = (before[0] + messages, before[1] + 4 * numbers)

    while max(map(len, starts)) > 1:
        planes = [e - b for b, e in zip(starts[0], starts[0][1:] + [n[0]])]
        deep = len(planes) > 1 and len(starts[1]) == len(starts[2]) == 1 and min(planes) >= DEEP
        for at in itertools.product(*[range(len(s)) for s in starts]):
            for points in ([DEEP] if deep else [2] * 5) + [solution] * (solution > 0):
                add(at, *exchange(starts, n, at, points))
        solution = HALO if deep else 2
        coarse = [(k + 1) // 2 if k >= 8 else k for k in n]
        if coarse == n:
            break
        starts = [[(i + 1) // 2 for i in s] if c < k else s for s, c, k in zip(starts, coarse, n)]
        n = coarse
        ends = [s[1:] + [k] for s, k in zip(starts, n)]
        thin = [len(s) > 1 and min(e - b for b, e in zip(s, f)) < LEAST for s, f in zip(starts, ends)]
        if math.prod(n) <= (FEW_POINTS if any(thin) else VERY_FEW):
            break
        if not any(thin):
            continue
        groups = [[min(i // 2, len(s) // 2 - 1) if t else i for i in range(len(s))] for s, t in zip(starts, thin)]
        for at in itertools.product(*[range(len(s)) for s in starts]):
            leader = [g.index(g[i]) for g, i in zip(groups, at)]
            if list(at) == leader:
                continue
            box = [(s[i], e[i]) for s, e, i in zip(starts, ends, at)]
            add(at, 1, math.prod(e - b for b, e in box))
            around = [box[0][1] - box[0][0] + 2 * (HALO if deep else 1)]
            around += [min(k, e + 1) - max(0, b - 1) for (b, e), k in zip(box[1:], n[1:])]
            add(leader, 1, math.prod(around))
        leaders = [[g.index(j) for j in range(g[-1] + 1)] for g in groups]
        starts = [[s[i] for i in m] for s, m in zip(starts, leaders)]
        first = [[f[i] for i in m] for f, m in zip(first, leaders)]
    return [max(column) for column in zip(*sent.values())] if sent else [0, 0]


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
    for shape in bench.size(((512, 512), (1024, 1024), (64, 64, 64)), ((32, 32), (16, 16, 16))):
        name = " x ".join(map(str, shape))
        given = ",".join(map(str, shape))
        for ranks in bench.size(RANKS, RANKS[:1]):
            eps = 0.25 if len(shape) == 2 else 0.5
            found = bench.json([bench.program("messages"), "-bench_shape", given, "-bench_eps", eps,
                                "-bench_no_cells"], ranks)[0]
            grid = found["grid"]
            cuts = " x ".join(map(str, grid[:len(shape)]))
            for what, key, model in (("soft transform", "pass", across(shape, grid, eps, 1)),
                                     ("product", "product", across(shape, grid, eps, 2)),
                                     ("V-cycle", "cycle", cycle(shape, grid))):
                sent = [int(found[key]["messages"]), int(found[key]["bytes"])]
                rows.append((name, ranks, cuts, what, *model, *sent, int(found[key]["collectives"]),
                             "fits" if sent == model else "does not fit"))
    for n in bench.size((128,), (32,)):
        for ranks in bench.size(RANKS, RANKS[:1]):
            found = bench.json([bench.program("messages"), "-bench_shape", f"{n},{n}", "-ot_domdec_newton", 0,
                                "-ot_max_it", bench.size(60, 30)], ranks)[0]["sweep"]
            sent = guests(n, ranks)
            cells.append((f"{n} x {n}", ranks, sent, int(found["messages"]), int(found["bytes"]),
                          found["bytes"] / sent, int(found["collectives"])))
    return table(("grid", "ranks", "of them", "what", "model: messages", "bytes", "sent: messages", "bytes",
                  "collective", "model"), rows) + (
        "\nThe busiest rank, every message that any library sends. The plan moves nothing; one that "
        "moves all by the same\nway sends as much, to other ranks.\n\n"
    ) + table(("grid", "ranks", "cells that travel", "messages", "bytes", "bytes a cell", "collective"), cells) + (
        "\nA sweep of cells, both partitions, cells of 4 x 4 pixels. Composites of the second partition that reach "
        "into a neighbour's\nblock borrow its cells and send them back: a row of cells along each side, and a corner. "
        "Messages go to neighbours only, six\nat most, whatever the number of ranks is. Cells that travel: if blocks "
        "were cut evenly; they are cut by work, so that corners\nof the grid are larger.\n")
