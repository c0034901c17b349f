# SPDX-License-Identifier: BSD-2-Clause
"""What the lints share: which files belong to the tree, C text without comments, and one way to report.

A lint is a program with the root of the tree as its first argument. It prints `file:line: sentence` for each violation
and ends with status 1 if there is one; a lint that found no file to look at fails too.
"""
import os
import re
import sys

FOLDERS = (".ci", "cmake", "comm", "io", "problems", "solvers", "jobs", "tests", "docs")
LIBRARY = ("comm", "io", "problems", "solvers")
TEXT = (".c", ".h", ".py", ".sh", ".cmake", ".in", ".md", ".txt", ".json", ".cff", ".sbatch", ".yaml", ".yml")


class Lint:
    def __init__(self):
        if len(sys.argv) < 2:
            sys.exit(f"usage: {sys.argv[0]} ROOT [arguments]")
        self.root = os.path.abspath(sys.argv[1])
        self.looked_at = 0
        self.violations = 0

    def report(self, path, line, sentence):
        self.violations += 1
        print(f"{path}:{line}: {sentence}")

    def finish(self):
        name = os.path.basename(sys.argv[0])
        if self.looked_at == 0:
            print(f"{name}: nothing to look at below {self.root}")
            sys.exit(1)
        print(f"{name}: {self.looked_at} looked at, {self.violations} violations")
        sys.exit(1 if self.violations else 0)

    def files(self, endings=TEXT, scripts=False):
        """paths relative to the root; scripts: also executable files without an ending"""
        found = [f for f in sorted(os.listdir(self.root)) if os.path.isfile(os.path.join(self.root, f))]
        for folder in FOLDERS:
            for base, dirs, names in os.walk(os.path.join(self.root, folder)):
                dirs[:] = sorted(d for d in dirs if d != "__pycache__")
                found += [os.path.relpath(os.path.join(base, n), self.root) for n in sorted(names)]
        for path in found:
            full = os.path.join(self.root, path)
            plain_script = scripts and "." not in os.path.basename(path) and os.access(full, os.X_OK)
            if path.endswith(endings) or plain_script:
                self.looked_at += 1
                yield path

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as handle:
            return handle.read()


def without_comments(text, strings=True):
    """C text with comments, and strings if asked, blanked out; line numbers stay"""
    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"

    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] * 2 if strings else token
        return re.sub(r"[^\n]", " ", token)

    return re.sub(pattern, blank, text, flags=re.S)
