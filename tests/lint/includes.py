#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Layers include in one direction, and certain names stay in their place.

    comm <- io <- problems <- solvers <- jobs, and solvers never see io
"""
import os
import re

from lintlib import Lint, without_comments

MAY_SEE = {
    "comm": {"comm"},
    "io": {"comm", "io"},
    "problems": {"comm", "io", "problems"},
    "solvers": {"comm", "problems", "solvers"},
    "jobs": {"comm", "io", "problems", "solvers", "jobs"},
}
SCALAPACK = (r"\bC?blacs_\w+|\b(?:numroc|descinit|indxg2p|indxl2g)_\b"
             r"|\bp[sd](?:potr|getr|gemm|gemr|gemv|syrk|syev|trsm|trtr|lang|lase)\w*_\b")
PRINTS = (r"\b(?:v?printf|puts|putchar|perror|PetscPrintf|PetscSynchronizedPrintf)\s*\("
          r"|\bf(?:printf|puts|putc|flush)\s*\([^;]*\bstd(?:out|err)\b")
ENDS = r"\b(?:exit|_exit|_Exit|quick_exit|abort|assert|MPI_Abort|PETSCABORT|PetscAbort)\s*\("
UNSAFE = r"\b(?:strcpy|strcat|v?sprintf|gets|atoi|atol|atof|system|popen|tmpnam|mktemp)\s*\("

# (names, where they may be, what to say); paths are prefixes
PLACES = (
    (r"#\s*include\s*[<\"]hdf5\w*\.h", ("io/", "tests/"), "hdf5.h is included below io/ only"),
    (SCALAPACK, ("solvers/linalg/", "tests/"), "BLACS and ScaLAPACK are named below solvers/linalg/ only"),
    (r"\b(?:MPI|PETSC)_COMM_WORLD\b", ("jobs/", "tests/", "docs/tutorials/", "docs/gen/"),
     "a library uses the communicator it is given"),
    (r"\bPETSC_VERSION_(?:LT|LE|GT|GE|EQ)\b|#[^\n]*\bPETSC_VERSION\w*", ("comm/compat.h",),
     "PETSc's versions are told apart in comm/compat.h only"),
    (PRINTS, ("jobs/", "tests/", "docs/"), "a library does not print"),
    (ENDS, ("jobs/", "tests/", "docs/"), "a library does not end the program"),
    (r"\bsignal\s*\(", ("tests/",), "signal() is not reliable; sigaction in comm/sys/signal.c"),
    (r"\bsigaction\s*\(", ("comm/sys/signal.c", "jobs/", "tests/"), "handlers are set in comm/sys/signal.c only"),
    (UNSAFE, (), "this function has a safe sister"),
)


def layer_of(path):
    return path.split("/", 1)[0]


def headers_by_name(paths):
    table = {}
    for path in paths:
        if path.endswith(".h"):
            table.setdefault(os.path.basename(path), set()).add(layer_of(path))
    return table


def is_public(name):
    return re.fullmatch(r"fenchel\w+\.h", name) and not name.endswith("impl.h")


def check_include(lint, path, line, name, headers):
    layer = layer_of(path)
    target = headers.get(os.path.basename(name), set())
    if layer in MAY_SEE and target and not target & MAY_SEE[layer]:
        lint.report(path, line, f"{layer}/ must not include {name} of {'/, '.join(sorted(target))}/")
    if is_public(os.path.basename(path)) and (name.endswith(("impl.h", "compat.h")) or "private/" in name):
        lint.report(path, line, f"a public header must not include the private header {name}")
    if path.startswith("docs/tutorials/") and target and not is_public(os.path.basename(name)):
        lint.report(path, line, f"a tutorial uses public headers only, {name} is private")


def check_places(lint, path, text):
    for pattern, places, sentence in PLACES:
        if places and path.startswith(places):
            continue
        for match in re.finditer(pattern, text):
            lint.report(path, text.count("\n", 0, match.start()) + 1, f"{match.group(0).strip('( ')}: {sentence}")


def main():
    lint = Lint()
    paths = list(lint.files((".c", ".h")))
    headers = headers_by_name(paths)
    for path in paths:
        with_strings = without_comments(lint.read(path), strings=False)
        for match in re.finditer(r"^[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"]+)[>\"]", with_strings, flags=re.M):
            check_include(lint, path, with_strings.count("\n", 0, match.start()) + 1, match.group(1), headers)
        bare = re.sub(r"(#\s*include\s*)\"\"", r"\1", without_comments(lint.read(path)))
        includes_kept = "\n".join(kept if "include" in kept and kept.lstrip().startswith("#") else plain
                                  for kept, plain in zip(with_strings.split("\n"), bare.split("\n")))
        check_places(lint, path, includes_kept)
    lint.finish()


main()
