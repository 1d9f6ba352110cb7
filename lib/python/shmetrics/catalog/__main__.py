# SPDX-License-Identifier: MIT
"""__main__ - the catalogue for people and programs: python -m shmetrics.catalog --markdown or --json"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import List

from .table import FAMILIES, Family

_INTRODUCTION = """# Metrics reference

The 24 families of the catalogue, made from `shmetrics.catalog.FAMILIES` by `python -m
shmetrics.catalog --markdown`. Counters and histograms are the totals of all workers, dead ones too.
A gauge's mode says what becomes of the workers' values: `livesum` adds up the live ones,
`mostrecent` is what any worker set last.
"""


def _kind(family: Family) -> str:
    return f"{family.kind}, `{family.mode}`" if family.mode else family.kind


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels) or "none"
    notes = [family.help]
    if family.note:
        notes.append(f"({family.note})")
    if family.buckets:
        notes.append("Buckets: " + ", ".join(f"{bound:g}" for bound in family.buckets) + ".")
    return f"| `{family.name}` | {_kind(family)} | {labels} | {family.unit} | {' '.join(notes)} |"


def markdown() -> str:
    """The reference, a table for each area."""
    lines: List[str] = [_INTRODUCTION]
    for area in dict.fromkeys(family.area for family in FAMILIES):
        lines += [f"## {area}", "", "| name | type | labels | unit | what it is |", "|---|---|---|---|---|"]
        lines += [_row(family) for family in FAMILIES if family.area == area]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m shmetrics.catalog", description="The metric catalogue.")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--markdown", action="store_true", help="the reference, for people (the default)")
    form.add_argument("--json", action="store_true", help="the table, for programs")
    if parser.parse_args().json:
        print(json.dumps([dataclasses.asdict(family) for family in FAMILIES], indent=2))
    else:
        print(markdown(), end="")


if __name__ == "__main__":
    main()
