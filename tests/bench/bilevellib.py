# SPDX-License-Identifier: BSD-2-Clause
"""What the parts on bilevel learning share: runs of bench_bilevel to given values of f, and where the data are."""
import gzip
import os
import shutil
import sys

from benchlib import HERE

PLAIN = ("-bilevel_adjoint_pc_type", "none")
NEVER = (-1, -1, -1)


def data(*names):
    """a file or folder of the data that only the bench reads: FEN_BENCH_DATA, or `data` beside the source tree"""
    folder = os.environ.get("FEN_BENCH_DATA")
    for root in [folder] if folder else [os.path.join(HERE, *[".."] * k, *where) for k in (2, 3)
                                         for where in (("data",), ("shared", "data"))]:
        path = os.path.join(root, *names)
        if os.path.exists(path):
            return os.path.abspath(path)
    return None


def missing(*names):
    return f"Not measured: {'/'.join(names)} is not there; FEN_BENCH_DATA names the folder that has it.\n"


def unzip(bench, path):
    """a copy without .gz in the scratch folder"""
    target = bench.path(os.path.basename(path)[:-3])
    if not os.path.exists(target):
        with gzip.open(path, "rb") as source, open(target, "wb") as f:
            shutil.copyfileobj(source, f)
    return target


def learn(bench, *options, targets=(), ranks=1, stop=True, show=0):
    """one run; `hits` has work, seconds, steps for every target, negative: not reached; show: seconds between lines
    that say how far it is"""
    command = [bench.program("bilevel"), *options]
    if targets:
        command += ["-targets", ",".join(f"{t:.17g}" for t in targets), *(("-stop",) if stop else ())]
    if show:
        command += ["-show", show]
    found = bench.json(command, ranks, bool(show))
    if len(found) != 1:
        sys.exit(f"bench: {' '.join(map(str, command))} printed {len(found)} objects")
    one = found[0]
    one["work"] = one["lower_iterations"] + one["adjoint_iterations"]
    return one


def cost(one, k=-1):
    """lower + adjoint iterations to a target, infinite: not reached"""
    return int(one["hits"][k][0]) if one["hits"][k][0] >= 0 else float("inf")


def text(iterations):
    return "not reached" if iterations == float("inf") else iterations


def at(one, work):
    """the last f that was seen before so many iterations"""
    seen = [point[2] for point in one["trace"] if point[0] <= work]
    return seen[-1] if seen else None
