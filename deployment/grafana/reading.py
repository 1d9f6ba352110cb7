# SPDX-License-Identifier: MIT
"""reading - the panels and queries of a dashboard's JSON, with the variables filled in as Grafana does

Needs nothing but Python: the pictures and the tests read what Grafana would, not what made it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "dashboards"
_VARIABLE = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


@dataclass(frozen=True)
class Target:
    """A query of a panel."""

    panel: str
    letter: str
    expr: str
    legend: str
    exemplar: bool

    def __str__(self) -> str:
        return f"{self.panel}, query {self.letter}"


@dataclass(frozen=True)
class Panel:
    """A panel, wherever it is: collapsed rows hide theirs in themselves."""

    data: Mapping[str, Any]
    row: str
    collapsed: bool

    @property
    def title(self) -> str:
        return str(self.data.get("title", ""))

    @property
    def kind(self) -> str:
        return str(self.data["type"])

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Unit, thresholds, mappings and so on."""
        return dict(self.data.get("fieldConfig", {}).get("defaults", {}))

    @property
    def unit(self) -> str:
        return str(self.defaults.get("unit", ""))

    @property
    def targets(self) -> list[Target]:
        return [
            Target(
                self.title,
                one["refId"],
                one["expr"],
                one.get("legendFormat", ""),
                bool(one.get("exemplar")),
            )
            for one in self.data.get("targets", [])
        ]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard."""

    data: Mapping[str, Any]

    @property
    def uid(self) -> str:
        return str(self.data["uid"])

    @property
    def title(self) -> str:
        return str(self.data["title"])

    @property
    def variables(self) -> dict[str, Mapping[str, Any]]:
        return {one["name"]: one for one in self.data["templating"]["list"]}

    @property
    def annotations(self) -> dict[str, str]:
        """Their queries, by name."""
        return {one["name"]: one["expr"] for one in self.data["annotations"]["list"]}

    def panels(self) -> Iterator[Panel]:
        """All but rows, in the order of the file."""
        row = ""
        for panel in self.data["panels"]:
            if panel["type"] != "row":
                yield Panel(panel, row, False)
                continue
            row = panel["title"]
            for inner in panel.get("panels", []):
                yield Panel(inner, row, bool(panel.get("collapsed")))

    def values(self, seconds: int, interval: int) -> dict[str, str]:
        """What the variables stand for when nothing has been chosen.

        seconds: how long a time is shown. interval: the range that Grafana takes for rates.
        """
        found = {
            "__range": f"{seconds}s",
            "__rate_interval": f"{interval}s",
            "__interval": f"{interval}s",
        }
        for name, variable in self.variables.items():
            if variable["type"] == "query":
                found[name] = variable["allValue"]
            elif variable["type"] == "textbox":
                found[name] = variable["query"]
        return found


def fill_in(expr: str, values: Mapping[str, str]) -> str:
    """The query as it is sent to Prometheus."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in values:
            raise ValueError(f"{expr}: there is no variable {name}")
        return values[name]

    return _VARIABLE.sub(value, expr)


def load(path: Path) -> Dashboard:
    """From a file."""
    return Dashboard(json.loads(path.read_text(encoding="utf-8")))


def load_all() -> list[Dashboard]:
    """All of them, in the order of their names."""
    return [load(path) for path in sorted(FOLDER.glob("*.json"))]
