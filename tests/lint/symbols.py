#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No symbol outside the prefix, and no promise without a function.

    symbols.py ROOT LIBRARY FILE      FILE lists the library's object files, one a line

The shared library exports Fen* and FEN* only; object files, which a static library hands to the linker as they are,
have no other global symbol either; everything that a public header declares FEN_EXTERN is exported.
"""
import os
import re
import subprocess
import sys

from lintlib import LIBRARY, Lint, without_comments

OURS = re.compile(r"(Fen|FEN)[A-Z_0-9]")
LINKER = {"_init", "_fini", "_etext", "_edata", "_end"}  # marks that some linkers leave in every shared library


def defined(arguments):
    """global symbols that a file defines; names with two underscores belong to the compiler"""
    output = subprocess.run(["nm", "--defined-only", "--extern-only", *arguments], capture_output=True, text=True,
                            check=True)
    names = [line.split()[-1] for line in output.stdout.splitlines() if len(line.split()) == 3]
    return sorted(name for name in names if not name.startswith("__") and name not in LINKER)


def promised(lint):
    """(path, line, name) of each declaration marked FEN_EXTERN in a public header"""
    for path in lint.files((".h",)):
        if path.split("/")[0] not in LIBRARY or not re.fullmatch(r"fenchel\w+\.h", os.path.basename(path)):
            continue
        text = without_comments(lint.read(path))
        for match in re.finditer(r"^FEN_EXTERN\s+([^;]*);", text, flags=re.M):
            declaration = match.group(1).split("__attribute__")[0]
            names = re.findall(r"(\w+)\s*(?:\(|\[|$)", declaration.strip())
            names = [name for name in names if OURS.match(name)]
            if names:
                yield path, text.count("\n", 0, match.start()) + 1, names[0]


def main():
    lint = Lint()
    library, object_list = sys.argv[2], sys.argv[3]
    exported = set(defined(["-D", library] if ".so" in library else [library]))
    for name in sorted(exported):
        if not OURS.match(name):
            lint.report(os.path.basename(library), 0, f"{name} is exported without the prefix Fen or FEN_")
    with open(object_list, encoding="utf-8") as handle:
        objects = handle.read().split()
    lint.looked_at += len(objects)
    for path in objects:
        for name in defined([path]):
            if not OURS.match(name):
                lint.report(os.path.basename(path), 0, f"{name} is global without the prefix: static, or rename")
    for path, line, name in promised(lint):
        if name not in exported:
            lint.report(path, line, f"{name} is declared FEN_EXTERN but not in the library")
    lint.finish()


main()
