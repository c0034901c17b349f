#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every relative link of the Markdown pages leads to a file or heading that exists, and every page is linked."""
import glob
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1])


def anchor(heading):
    """as forges make it: lower case, blanks to hyphens, other punctuation dropped"""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def main():
    pages = [os.path.join(ROOT, "README.md"), *glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True)]
    bad, linked = [], set()
    for page in pages:
        with open(page, encoding="utf-8") as handle:
            text = re.sub(r"```.*?```", "", handle.read(), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, fragment = target.partition("#")
            full = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
            linked.add(full)
            if not os.path.exists(full):
                bad.append(f"{os.path.relpath(page, ROOT)}: {target} does not exist")
            elif fragment:
                with open(full, encoding="utf-8") as handle:
                    headings = [anchor(h) for h in re.findall(r"^#+ (.*)$", handle.read(), flags=re.M)]
                if fragment not in headings:
                    bad.append(f"{os.path.relpath(page, ROOT)}: {target} names no heading")
    bad += [f"{os.path.relpath(p, ROOT)} is linked from nowhere" for p in pages[1:] if p not in linked]
    print("\n".join(bad) or f"{len(pages)} pages, {len(linked)} targets")
    sys.exit(1 if bad or len(linked) < 5 else 0)


main()
