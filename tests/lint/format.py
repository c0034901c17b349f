#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""All C sources are as clang-format 14 leaves them with the repository's .clang-format.

Other versions of clang-format give other results, so without version 14 the test is skipped (status 77).
"""
import re
import shutil
import subprocess
import sys

from lintlib import Lint


def clang_format():
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout if path else ""
        if re.search(r"version 14\.", version):
            return path
    print("format.py: no clang-format 14 on this machine")
    sys.exit(77)


def main():
    lint = Lint()
    program = clang_format()
    for path in lint.files((".c", ".h")):
        result = subprocess.run([program, "--dry-run", "-Werror", "--style=file", path], cwd=lint.root,
                                capture_output=True, text=True)
        if result.returncode != 0:
            lines = re.findall(r":(\d+):\d+: error", result.stderr)
            lint.report(path, lines[0] if lines else 1,
                        f"not formatted in {max(len(lines), 1)} places; run {program} -i {path}")
    lint.finish()


main()
