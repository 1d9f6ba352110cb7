#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""damage - segments that are broken on purpose, by class, after PCP's qa/src/badmmv.c

Every case is a segment of build.py with one thing wrong, and says what a reader must make of it. Nearly
all carry the healthy series `healthy_total{k="v"} 7`, which damage elsewhere must not take away.

    damage.py DIR [CLASS]    writes the cases as files, and a line each of what is expected
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Iterator

import damage_keys  # noqa: F401  (the classes enter themselves)
import damage_lives  # noqa: F401
import damage_records  # noqa: F401
import damage_values  # noqa: F401
from victim import CLASSES, Case


def cases(only: str | None = None) -> Iterator[Case]:
    for name, function in CLASSES.items():
        if only in (None, name):
            yield from function()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("damage_class", nargs="?", choices=CLASSES)
    arguments = parser.parse_args()
    arguments.directory.mkdir(exist_ok=True)
    for i, case in enumerate(cases(arguments.damage_class)):
        path = arguments.directory / f"{i:05}.smx1"
        path.write_bytes(case.data)
        path.chmod(0o600)
        print(f"{path.name} {case.expect} {case.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
