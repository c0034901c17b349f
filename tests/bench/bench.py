#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the parts of the bench, prints their tables, and keeps them as Markdown in the build tree. See bench.sh."""
import argparse
import importlib
import os
import re
import signal
import sys
import time

from benchlib import HERE, Bench, load, machine, processor, stamp, version

PARTS = (("kernels", "Kernels: one log-sum-exp pass, one core"),
         ("pot", "Against POT, one core each"),
         ("clouds", "100,000 points a side to a certified gap"),
         ("efficiency", "Two ranks against one"),
         ("grids", "Grids: the separable half step"),
         ("newton", "Newton against Sinkhorn"),
         ("multigrid", "Images: every type to the same certified gap"),
         ("domdec", "Images: domain decomposition"),
         ("messages", "Transport on grids: messages on 4 to 16 ranks"),
         ("photos", "Two photographs, the whole command"),
         ("saves", "Checkpoints"),
         ("srect", "One s-rectangular state"),
         ("robust", "Robust sweeps against the nominal sweep"),
         ("operators", "Every operator of robust models, the whole command"),
         ("mdppeers", "Markov decision processes against other programs"),
         ("mdpscale", "Markov decision processes: two ranks, large models"),
         ("bellman", "Bellman sweeps against the bandwidth of memory"),
         ("mdptypes", "Markov decision processes: every type"),
         ("linear", "Offline learning in linear models"),
         ("bilevel1d", "Bilevel learning: the published one-dimensional problems"),
         ("bilevelquad", "Bilevel learning: quadratic problems"),
         ("bilevelimages", "Bilevel learning: total variation and fields of experts on photographs"),
         ("bilevellarge", "Bilevel learning: the same on larger photographs"),
         ("bilevellearn", "Bilevel learning: digits"),
         ("bilevelsparse", "Bilevel learning: one hyperparameter of sparse rows"),
         ("bilevelkernel", "Bilevel learning: kernel ridge regression"),
         ("bilevelscale", "Bilevel learning: two ranks against one"),
         ("bilevelbounds", "Bilevel learning: how sharp error bounds are"))
HEAD = ("# Performance: what was measured\n\nThis page is written by `tests/bench/bench.sh --write`; do not edit it. "
        "What the numbers mean stands in\n[performance.md](performance.md). A part that names a processor at its end "
        "was measured on that one, the others on the\nmachine below.\n")


def arguments():
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="parts: " + ", ".join(name for name, _ in PARTS))
    parser.add_argument("parts", nargs="*", metavar="PART", help="parts to run; none: all of them")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=3, help="repetitions of each measurement (3)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does everything work? Never written down")
    parser.add_argument("--write", action="store_true",
                        help="put the tables into docs/performance-measured.md, whose other parts stay as they are")
    args = parser.parse_args()
    unknown = [p for p in args.parts if p not in dict(PARTS)]
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(dict(PARTS))}")
    if args.runs < 1:
        parser.error("--runs must be at least 1")
    if args.quick and args.write:
        parser.error("--quick measures nothing that could be written down")
    return args


def keep(folder, name, text):
    with open(os.path.join(folder, name + ".md"), "w", encoding="utf-8") as f:
        f.write(text)


def assemble(texts, path):
    """a page of parts, {name: text}, in their order"""
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join([HEAD, *(texts[name] for name in ("machine", *dict(PARTS)) if name in texts)]))


def kept(folder):
    """all parts that were ever measured in this build tree"""
    texts = {}
    for name in ("machine", *dict(PARTS)):
        path = os.path.join(folder, name + ".md")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                texts[name] = f.read()
    return texts


def written(path):
    """the parts of the page"""
    names = {title: name for name, title in (("machine", "Machine"), *PARTS)}
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        parts = re.split("^### (.*)$", f.read(), flags=re.MULTILINE)[1:]
    return {names[title]: f"### {title}\n\n{text.strip()}\n" for title, text in zip(parts[::2], parts[1::2])
            if title in names}


def main():
    args = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what runs and cleans up
    bench = Bench(args.build, args.runs, args.quick)
    folder = os.path.join(bench.build, "bench", "quick" if args.quick else "parts")
    os.makedirs(folder, exist_ok=True)
    measured, here, code = {}, machine(bench), version()
    try:
        print(here, flush=True)
        keep(folder, "machine", here)
        for name, title in PARTS:
            if args.parts and name not in args.parts:
                continue
            before, start = f"{stamp()}, {load()}", time.time()
            text = importlib.import_module(name).run(bench)
            text = (f"### {title}\n\n{text}\n*{processor()}, Fenchel {code}, {before} before, {load()[13:]} after; "
                    f"{time.time() - start:.0f} s.*\n")
            print(text, flush=True)
            keep(folder, name, text)
            measured[name] = text
    finally:
        bench.close()
    path = os.path.join(bench.build, "bench", "quick.md" if args.quick else "bench.md")
    assemble(kept(folder), path)
    print(f"tables: {os.path.relpath(path)}")
    if args.write:
        page = os.path.join(HERE, "..", "..", "docs", "performance-measured.md")
        before = written(page)
        if not args.parts or "machine" not in before:  # some parts do not make a page of this machine
            measured["machine"] = here
        assemble({**before, **measured}, page)
        print(f"the same parts of {os.path.relpath(page)}")


if __name__ == "__main__":
    sys.exit(main())
