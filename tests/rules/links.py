# SPDX-License-Identifier: MIT
"""Links from document to document lead somewhere: the file is there, and has the heading."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from sources import ROOT, tracked

LINK = re.compile(r"\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)")
CODE = re.compile(r"^( *)```.*?^\1```$|`[^`\n]*`", re.M | re.S)
HEADING = re.compile(r"^#+ (.+)$", re.M)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@lru_cache(None)
def anchors(document: Path) -> frozenset[str]:
    text = re.sub(r"^( *)```.*?^\1```$", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    found: set[str] = set()
    for heading in HEADING.findall(text):
        anchor = slug(heading)
        number = 0
        while (one := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(one)
    return frozenset(found)


def problem_of(document: Path, target: str) -> str:
    """Empty if the link leads somewhere."""
    path, _, anchor = unquote(target).partition("#")
    file = (document.parent / path).resolve() if path else document
    if not file.exists():
        return "there is no such file"
    if anchor and file.suffix == ".md" and anchor not in anchors(file):
        return "there is no such heading"
    return ""


def problems_of(document: Path) -> list[str]:
    text = document.read_text(encoding="utf-8")
    blank = CODE.sub(lambda code: re.sub(r"[^\n]", " ", code.group()), text)
    found = []
    for link in LINK.finditer(blank):
        target = text[slice(*link.span(1))]
        if re.match(r"[a-z]+:", target):
            continue
        if problem := problem_of(document, target):
            line = text.count("\n", 0, link.start()) + 1
            found.append(f"{document.relative_to(ROOT)}:{line}: {target}: {problem}")
    return found


def main() -> int:
    problems = [problem for document in tracked("*.md") for problem in problems_of(document)]
    for line in problems:
        print(line)
    print(f"links: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
