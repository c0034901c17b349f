#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tree speaks of Fenchel only: no folders of one machine, no addresses of one person, no trace of the tools with
which it was written."""
import re

from lintlib import Lint

SELF = ("tests/lint/words.py", "tests/lint/selftest.py")
PATTERNS = (
    (r"(?<![\w.}$])/(?:work|root|Users|scratch|workspace)/\w", "a folder of one machine"),
    (r"(?<![\w.}$])/home/\w", "a home folder"),
    (r"/tmp/[a-z]\w*[/.]\w", "a temporary file of one session; use mktemp"),
    (r"\b[\w.+-]+@[\w-]+\.(?:com|org|net|edu|io|de|fr|uk|ch)\b", "the address of a person"),
    (r"(?i)\b(?:language[ -]model|chat ?bots?|coding assistant|ai[ -]assist\w*|ai[ -]generated|co-authored-by)\b",
     "how the text was written is not part of it"),
    (r"(?i)\bissues? (?:show|say|post)\b|\b[Tt]his (?:session|workplace)\b", "a tool of one workplace"),
)


def main():
    lint = Lint()
    for path in lint.files(scripts=True):
        if path in SELF:
            continue
        for number, line in enumerate(lint.read(path).split("\n"), 1):
            for pattern, sentence in PATTERNS:
                match = re.search(pattern, line)
                if match:
                    lint.report(path, number, f"'{match.group(0)}' is {sentence}")
    lint.finish()


main()
