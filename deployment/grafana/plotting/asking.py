# SPDX-License-Identifier: MIT
"""asking - the queries of a panel, put to Prometheus: numbers by name, now or over time"""

from __future__ import annotations

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import reading

POINTS = 240  # of a line


@dataclass(frozen=True)
class Line:
    """What a legend stands for: times and values; of an instant query, one."""

    name: str
    times: list[float]
    values: list[float]


@dataclass(frozen=True)
class Window:
    """What time is shown, of which Prometheus. interval: between two scrapes, in seconds."""

    url: str
    end: float
    seconds: int
    interval: int

    @property
    def step(self) -> int:
        return max(1, self.seconds // POINTS)

    @property
    def rate_interval(self) -> int:
        """As Grafana has it: four scrapes, or more if a step is longer."""
        return max(4 * self.interval, self.step + self.interval)

    def ask(self, path: str, **parameters: Any) -> list[Mapping[str, Any]]:
        """The result of a query. Raises ValueError with what Prometheus says of a bad one."""
        address = f"{self.url.rstrip('/')}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return list(json.load(answer)["data"]["result"])
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters['query']}: {error.read().decode()}") from error


def _name(legend: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), legend) or "value"


def _with_gaps(samples: list[Any], steps: list[int]) -> list[Any]:
    """Prometheus leaves out the steps at which a series has no value; a line must not bridge them."""
    values = {round(at): value for at, value in samples}
    return [(at, values.get(at, "NaN")) for at in steps]


def _ask(panel: reading.Panel, window: Window, expr: str) -> list[tuple[Mapping[str, str], list[Any]]]:
    if panel.kind == "stat":
        found = window.ask("query", query=expr, time=window.end)
        return [(one["metric"], [one["value"]]) for one in found]
    end = int(window.end)
    start = end - window.seconds
    found = window.ask("query_range", query=expr, start=start, end=end, step=window.step)
    steps = [start + number * window.step for number in range(window.seconds // window.step + 1)]
    return [(one["metric"], _with_gaps(one["values"], steps)) for one in found]


def lines(dashboard: reading.Dashboard, panel: reading.Panel, window: Window) -> list[Line]:
    """All that a panel shows. What is no number (a quantile of nothing) is a gap, as in Grafana."""
    variables = dashboard.values(window.seconds, window.rate_interval)
    shown = []
    for target in panel.targets:
        for labels, samples in _ask(panel, window, reading.fill_in(target.expr, variables)):
            values = [float(value) for _, value in samples]
            if not all(math.isnan(value) for value in values):
                shown.append(
                    Line(_name(target.legend, labels), [float(at) for at, _ in samples], values)
                )
    return shown
