# SPDX-License-Identifier: MIT
"""Habits every source file keeps: a licence, a first line that names it, no TODO, no long lines; what
begins with the name of an interpreter can be run as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINE_MAX = {".c": 100, ".h": 100, ".py": 110}  # tabs of 8
FILE_MAX = {True: 800, False: 600}  # tests may be long lists of claims


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True,
    )
    if listing.returncode == 0:
        return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]
    # A copy without git: everything but what is built.
    found = (path for pattern in patterns for path in ROOT.rglob(pattern))
    return [path for path in found if path.relative_to(ROOT).parts[0] not in {"build", ".venv"}]


def problems_of(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    name = path.relative_to(ROOT)
    problems = []
    if "SPDX-License-Identifier: MIT" not in "\n".join(lines[:3]):
        problems.append(f"{name}: no SPDX line")
    head = "\n".join(lines[:5])
    if text.startswith("#!") != os.access(path, os.X_OK):
        problems.append(f"{name}: executable, or begins with #!, but not both")
    if path.suffix in {".c", ".h"} and not any(f" {n} - " in head for n in (path.name, path.stem)):
        problems.append(f"{name}: its first comment does not begin with \"{path.name} - what it is\"")
    if len(lines) > FILE_MAX[name.parts[0] == "tests"]:
        problems.append(f"{name}: {len(lines)} lines: is it one idea?")
    for number, line in enumerate(lines, 1):
        if len(line.expandtabs(8)) > LINE_MAX[path.suffix] and "http" not in line:
            problems.append(f"{name}:{number}: {len(line.expandtabs(8))} columns")
        if any(mark in line for mark in ("TODO", "FIXME", "XXX:", "HACK")) and path != Path(__file__):
            problems.append(f"{name}:{number}: unfinished business")
        if line.rstrip() != line:
            problems.append(f"{name}:{number}: white space at the end")
    return problems


def main() -> int:
    problems = [p for path in tracked("*.c", "*.h", "*.py") for p in problems_of(path)]
    for line in problems:
        print(line)
    print(f"sources: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
