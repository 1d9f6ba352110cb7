#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""own_metrics - the reference of the collector's own metrics: own_metrics.py >own-metrics.md"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "grafana"))

from generator.tables import OWN, Known  # noqa: E402

HEAD = """# The collector's own metrics

Made from the table in `collector/selfmetrics_table.c` by `own_metrics.py`. What begins with
`shmetrics_segment_` and `shmetrics_health_` is about the applications' segments, the rest about the
collector. All of them, and nothing else, are under `/collector/metrics`. `--web.disable-exporter-metrics`
leaves out `process_*`, `shmetrics_collector_*` and `shmetrics_config_*`. The reasons of
`shmetrics_segment_dropped_total` are in [types.h](../../include/shmetrics/types.h), the frequent ones in
[troubleshooting](troubleshooting.md#series-are-missing-or-_overflow).
"""
AREAS = {
    "Segments": ("shmetrics_segment_",),
    "Health checks": ("shmetrics_health_",),
    "The collector": ("shmetrics_collector_", "shmetrics_config_", "shmetrics_build_"),
    "Its process": ("process_",),
}


def row(metric: Known) -> str:
    """A line of a table."""
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"


def page() -> str:
    """The whole of it."""
    lines = [HEAD]
    for area, beginnings in AREAS.items():
        rows = [row(metric) for metric in OWN if metric.name.startswith(beginnings)]
        lines += [f"## {area}", "", "| name | type | labels | what it is |", "|---|---|---|---|", *rows, ""]
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    print(page(), end="")
