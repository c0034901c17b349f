#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Files of at most 800 lines, functions of at most 120, lines of at most 120 columns, nesting of at most 4; a licence
line in each source; no notes to oneself."""
import re

from lintlib import Lint, without_comments

MAX_FILE, MAX_FUNCTION, MAX_COLUMNS, MAX_NESTING = 800, 120, 120, 4
SOURCES = (".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt", ".sbatch")
NOTES = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|HA" + r"CK)\b")
GENERATED = ("docs/options.md", "docs/errors.md", "docs/performance-measured.md")


def check_lines(lint, path, lines):
    is_source = path.endswith(SOURCES)
    if is_source and len(lines) > MAX_FILE:
        lint.report(path, len(lines), f"{len(lines)} lines, at most {MAX_FILE}")
    for number, line in enumerate(lines, 1):
        prose = path.endswith(".md") and ("|" in line or "http" in line or path in GENERATED)
        if len(line) > MAX_COLUMNS and (is_source or path.endswith(".md")) and not prose:
            lint.report(path, number, f"{len(line)} columns, at most {MAX_COLUMNS}")
        if NOTES.search(line):
            lint.report(path, number, f"{NOTES.search(line).group(0)}: finish it or write an issue")


def check_functions(lint, path, text):
    """clang-format puts the braces of a function, and of nothing else that has statements, into column one"""
    start, depth, deepest = 0, 0, 0
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            start, depth, deepest = number, 0, 0
        elif line.startswith("}") and start:
            if number - start + 1 > MAX_FUNCTION:
                lint.report(path, start, f"a function of {number - start + 1} lines, at most {MAX_FUNCTION}")
            if deepest > MAX_NESTING:
                lint.report(path, start, f"a function nested {deepest} deep, at most {MAX_NESTING}")
            start = 0
        elif start:
            for brace in re.findall(r"[{}]", line):
                depth += 1 if brace == "{" else -1
                deepest = max(deepest, depth)


def main():
    lint = Lint()
    for path in lint.files(scripts=True):
        text = lint.read(path)
        check_lines(lint, path, text.rstrip("\n").split("\n"))
        if path.endswith((".c", ".h")):
            check_functions(lint, path, without_comments(text))
            if not text.startswith("/* SPDX-License-Identifier: BSD-2-Clause */\n"):
                lint.report(path, 1, "the first line is /* SPDX-License-Identifier: BSD-2-Clause */")
        elif path.endswith((".py", ".sh", ".sbatch")) and "SPDX-License-Identifier: BSD-2-Clause" not in text[:200]:
            lint.report(path, 1, "the first lines name the licence: SPDX-License-Identifier: BSD-2-Clause")
    lint.finish()


main()
