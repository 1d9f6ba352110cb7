#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""generate - makes dashboards/*.json, or says whether they are what it would make

Needs Python 3.11, for the SDK does:

    pip install -r requirements.txt     # and shmetrics itself, from the root of the project
    python generate.py
    python generate.py --check          # exit status 1 if a file is not fresh
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "dashboards"
try:
    from generator import agents, business, collector, overview
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
except ModuleNotFoundError as error:
    needed = f"{FOLDER.parents[2]} -r {FOLDER.parent / 'requirements.txt'}"
    sys.exit(f"generate: {error.name} is missing; in a virtual environment: pip install {needed}")

MAKERS = (overview, agents, business, collector)


def _number_panels(dashboard: dict[str, object]) -> None:
    """The SDK gives panels in collapsed rows no numbers of their own."""
    panels = []
    for panel in dashboard["panels"]:  # type: ignore[attr-defined]
        panels += [panel, *panel.get("panels", [])]
    for number, panel in enumerate(panels, 1):
        panel["id"] = number


def texts() -> dict[str, str]:
    """What each file must be."""
    found = {}
    for maker in MAKERS:
        dashboard = json.loads(json.dumps(maker.make().build(), cls=JSONEncoder))
        _number_panels(dashboard)
        found[f"{dashboard['uid']}.json"] = json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"
    return found


def stale() -> list[str]:
    """The names of files that are missing, not what they must be, or nobody's."""
    made = texts()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    return sorted(name for name in {*made, *there} if made.get(name) != there.get(name))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit status 1 if a file is not fresh"
    )
    names = stale()
    if parser.parse_args().check:
        for name in names:
            print(f"dashboards/{name} is not what generate.py makes: run it, and commit what it writes")
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    made = texts()
    for name in names:
        if name in made:
            (FOLDER / name).write_text(made[name], encoding="utf-8")
            print(f"dashboards/{name} written")
        else:
            (FOLDER / name).unlink()
            print(f"dashboards/{name} removed: no maker makes it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
