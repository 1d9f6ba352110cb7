# SPDX-License-Identifier: MIT
"""tables - every metric that a dashboard may ask for, with its labels

The application's are shmetrics.catalog.FAMILIES. The collector's are in the C table of
collector/selfmetrics_table.c, which is read here; its labels are in the code beside it, so a test compares
them with a real scrape. Prometheus adds a few to each scrape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from shmetrics.catalog import FAMILIES

OWN_TABLE = Path(__file__).resolve().parents[3] / "collector" / "selfmetrics_table.c"
TARGET = ("job", "instance")  # Prometheus puts them on every series

_ROW = re.compile(r'\[OWN_\w+\]\s*=\s*\{\s*"(\w+)",\s*SMX_(\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\}')
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SUFFIXES = {"counter": "_total", "info": "_info"}
_HISTOGRAM = ("_bucket", "_sum", "_count")
_LABELS = {
    "shmetrics_build_info": ("version",),
    "shmetrics_collector_connections_refused_total": ("reason",),
    "shmetrics_collector_families_hidden": ("reason",),
    "shmetrics_collector_scrapes_rejected_total": ("reason",),
    "shmetrics_segment_bytes": ("segment", "state"),
    "shmetrics_segment_dropped_total": ("segment", "reason"),
    "shmetrics_segment_writers": ("segment", "state"),
}
_AREA_LABELS = {"shmetrics_segment_": ("segment",), "shmetrics_health_": ("segment", "check")}
_UNITS = {"seconds": "seconds", "bytes": "bytes"}


@dataclass(frozen=True)
class Known:
    """A metric: its name as Prometheus stores it, but for a histogram's _bucket, _sum and _count."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""


def _own_labels(name: str) -> tuple[str, ...]:
    if name in _LABELS:
        return _LABELS[name]
    return next((labels for area, labels in _AREA_LABELS.items() if name.startswith(area)), ())


def own() -> tuple[Known, ...]:
    """The collector's, in the order of its table."""
    rows = _ROW.findall(OWN_TABLE.read_text(encoding="utf-8"))
    if not rows:
        raise ValueError(f"{OWN_TABLE}: no row of the table own_metrics is found: has its form changed?")
    found = []
    for name, kind, text in rows:
        stored = name + _SUFFIXES.get(kind.lower(), "")
        unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")
        found.append(
            Known(stored, kind.lower(), "".join(_TEXT.findall(text)), _own_labels(stored), unit)
        )
    return tuple(found)


CATALOGUE = tuple(Known(row.name, row.kind, row.help, row.labels, row.unit) for row in FAMILIES)
OWN = own()
# https://prometheus.io/docs/concepts/jobs_instances/
OF_EACH_SCRAPE = (
    Known("up", "gauge", "Whether Prometheus could scrape the target (1) or not (0)."),
    Known("scrape_duration_seconds", "gauge", "How long the scrape took.", unit="seconds"),
    Known("scrape_samples_scraped", "gauge", "Samples that the target exposed.", unit="samples"),
    Known("scrape_series_added", "gauge", "Series new in the scrape, about.", unit="series"),
)
# https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
OF_ALERTS = (
    Known("ALERTS", "gauge", "Alerts, pending and firing.", ("alertname", "alertstate", "severity")),
)

_BY_NAME = {known.name: known for known in (*CATALOGUE, *OWN, *OF_EACH_SCRAPE, *OF_ALERTS)}


def family(name: str) -> Known:
    """The one of this name."""
    if name not in _BY_NAME:
        raise ValueError(
            f"{name!r} is in no table: not the catalogue's, the collector's or Prometheus' own"
        )
    return _BY_NAME[name]


def of_sample(name: str) -> Known:
    """The one that this name in a query belongs to; a histogram's own name is that of its native form."""
    for suffix in _HISTOGRAM:
        known = _BY_NAME.get(name.removesuffix(suffix))
        if name.endswith(suffix) and known and known.kind == "histogram":
            return known
    return family(name)


def labels_of(name: str) -> frozenset[str]:
    """Those that series of this name in a query may have."""
    known = of_sample(name)
    return frozenset((*known.labels, *TARGET, *(("le",) if name.endswith("_bucket") else ())))
