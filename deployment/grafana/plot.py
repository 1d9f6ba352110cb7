#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plot - draws the dashboards from a Prometheus: pictures/NAME.png

Needs no Grafana:

    pip install -r plotting-requirements.txt
    python plot.py --prometheus http://127.0.0.1:9090 --minutes 15
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "pictures"
try:
    import reading
    from plotting import asking, drawing
except ModuleNotFoundError as error:
    needed = f"-r {FOLDER.parent / 'plotting-requirements.txt'}"
    sys.exit(f"plot: {error.name} is missing; in a virtual environment: pip install {needed}")



def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--prometheus", default="http://127.0.0.1:9090", help="its address (default %(default)s)"
    )
    parser.add_argument(
        "--minutes", type=int, default=60, help="how much is shown (default %(default)s)"
    )
    parser.add_argument(
        "--interval", type=int, default=15, help="seconds between scrapes (default %(default)s)"
    )
    parser.add_argument(
        "--ago", type=int, default=0, help="minutes since its end (default 0: until now)"
    )
    parser.add_argument(
        "--to", type=Path, default=FOLDER, help="the folder to draw to (default pictures/)"
    )
    parser.add_argument(
        "uid", nargs="*", help="the dashboards to draw, such as convergeai-overview; none: all"
    )
    options = parser.parse_args()
    known = {dashboard.uid: dashboard for dashboard in reading.load_all()}
    if unknown := set(options.uid) - known.keys():
        parser.error(f"no dashboard {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if min(options.minutes, options.interval) < 1 or options.ago < 0:
        parser.error("--minutes and --interval must be at least 1, --ago at least 0")

    window = asking.Window(
        options.prometheus, time.time() - 60 * options.ago, 60 * options.minutes, options.interval
    )
    for uid in options.uid or known:
        path = options.to / f"{uid}.png"
        try:
            empty = drawing.draw(known[uid], window, path)
        except (OSError, ValueError) as error:
            print(f"plot.py: {options.prometheus}: {error}", file=sys.stderr)
            return 1
        print(
            f"{path}: {path.stat().st_size // 1024} KiB" + f"; no data: {', '.join(empty)}" * bool(empty)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
