# SPDX-License-Identifier: MIT
"""drawing - a dashboard as one picture: its panels in their places on Grafana's grid of 24 columns"""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import reading
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from . import asking, units

COLUMN, UNIT, DPI = 58, 34, 100  # pixels: of a column and a row of the grid, and of an inch
COLOURS = {
    "green": "#2f9e44",
    "orange": "#e8820c",
    "red": "#d6336c",
    "blue": "#1c7ed6",
    "text": "#24292e",
}
PALETTE = (
    "#1c7ed6", "#2f9e44", "#e8820c", "#d6336c", "#7048e8", "#0c8599", "#a67c00", "#868e96", "#5c940d",
    "#c2255c", "#3b5bdb", "#087f5b",
)  # fmt: skip
LEGEND_MAX = 6
TITLE = 26  # pixels that a panel's title takes
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Canvas:
    """A figure that is measured in pixels from the upper left."""

    figure: Figure
    width: int
    height: int

    def axes(self, box: Box) -> Axes:
        left, top, wide, high = box
        place = (
            left / self.width,
            1 - (top + high) / self.height,
            wide / self.width,
            high / self.height,
        )
        return self.figure.add_axes(place)

    def write(self, x: float, y: float, text: str, **style: Any) -> None:
        self.figure.text(x / self.width, 1 - y / self.height, text, **{"va": "center", **style})

    def frame(self, box: Box, colour: str) -> None:
        left, top, wide, high = box
        corner = (left / self.width, 1 - (top + high) / self.height)
        size = (wide / self.width, high / self.height)
        self.figure.add_artist(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=0.8))


def _threshold(panel: reading.Panel) -> tuple[float, str] | None:
    """The alert's, and its colour: that of the side on which it fires."""
    steps = panel.defaults.get("thresholds", {}).get("steps", [])
    if len(steps) < 2:
        return None
    colour = next(step["color"] for step in steps if step["color"] != "green")
    return float(steps[1]["value"]), COLOURS[colour]


def _colour_of(panel: reading.Panel, value: float) -> str:
    word = panel.defaults.get("mappings", [])
    for mapping in word:
        if f"{value:g}" in mapping["options"]:
            return COLOURS[mapping["options"][f"{value:g}"]["color"]]
    steps = panel.defaults.get("thresholds", {}).get("steps", [])
    passed = [step for step in steps if step["value"] is None or value >= step["value"]]
    return COLOURS[passed[-1]["color"]] if passed else COLOURS["text"]


def _spoken(panel: reading.Panel, line: asking.Line, now: float) -> str:
    value = line.values[-1]
    for mapping in panel.defaults.get("mappings", []):
        if f"{value:g}" in mapping["options"]:
            return str(mapping["options"][f"{value:g}"]["text"])
    if panel.data["options"].get("textMode") == "name":
        return line.name
    if panel.unit == "dateTimeFromNow":
        return units.ago(value, now)
    return units.text(value, panel.unit, panel.defaults.get("decimals"))


def _number(
    canvas: Canvas, panel: reading.Panel, box: Box, lines: Sequence[asking.Line], now: float
) -> None:
    left, top, wide, high = box
    for index, line in enumerate(lines):
        y = top + TITLE + (high - TITLE) * (index + 0.5) / len(lines)
        style = {"ha": "center", "fontsize": 19, "color": _colour_of(panel, line.values[-1])}
        canvas.write(left + wide / 2, y, _spoken(panel, line, now), **style)


def _times(line: asking.Line) -> list[Any]:
    return [datetime.datetime.fromtimestamp(at, datetime.timezone.utc) for at in line.times]


def _dress(axes: Axes, panel: reading.Panel, wide: float) -> None:
    axes.grid(True, color="#e3e6ea", linewidth=0.6)
    axes.tick_params(labelsize=6.5, length=0, colors="#57606a")
    axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=2, maxticks=max(3, int(wide / 60))))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
    top = axes.get_ylim()[1]
    factor = units.step_of(top, panel.unit)
    ticks = matplotlib.ticker.MaxNLocator(4).tick_values(0, top / factor)
    axes.set_yticks([tick * factor for tick in ticks if tick * factor <= top])
    axes.yaxis.set_major_formatter(lambda value, _: units.text(value, panel.unit))
    for side in axes.spines.values():
        side.set_visible(False)


def _legend(canvas: Canvas, box: Box, names: Sequence[str]) -> None:
    """The names in two columns, coloured as their lines."""
    left, top, wide, high = box
    shown = names[:LEGEND_MAX]
    rows = math.ceil(len(shown) / 2)
    room = int((wide / 2 - 24) / 5)
    for index, name in enumerate(shown):
        x = left + 12 + (index % 2) * (wide - 16) / 2
        y = top + high - 9 - 13 * (rows - 1 - index // 2)
        text = name if len(name) <= room else name[: room - 1] + "…"
        if index == LEGEND_MAX - 1 and len(names) > LEGEND_MAX:
            canvas.write(x, y, f"and {len(names) - index} more", fontsize=6.5, color="#57606a")
            return
        canvas.write(x, y, "━", fontsize=7, color=PALETTE[index % len(PALETTE)])
        canvas.write(x + 13, y, text, fontsize=6.5, color=COLOURS["text"])


def _plot_area(box: Box, line_count: int) -> Box:
    left, top, wide, high = box
    legend = 13 * math.ceil(min(line_count, LEGEND_MAX) / 2) + 4
    return left + 62, top + TITLE + 4, wide - 74, high - TITLE - 24 - legend


def _graph(canvas: Canvas, panel: reading.Panel, box: Box, lines: Sequence[asking.Line]) -> None:
    lines = sorted(lines, key=lambda line: -max(value for value in line.values if not math.isnan(value)))
    axes = canvas.axes(_plot_area(box, len(lines)))
    stacked = panel.defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal"
    below: dict[float, float] = {}
    for index, line in enumerate(lines):
        base = [below.get(at, 0.0) if stacked else 0.0 for at in line.times]
        values = [0.0 if stacked and math.isnan(value) else value for value in line.values]
        upper = [low + value for low, value in zip(base, values, strict=True)]
        colour = PALETTE[index % len(PALETTE)]
        axes.plot(_times(line), upper, color=colour, linewidth=1.1)
        if stacked or len(lines) < 3:
            alpha = 0.35 if stacked else 0.07
            axes.fill_between(_times(line), base, upper, color=colour, alpha=alpha, linewidth=0)
        below.update(zip(line.times, upper, strict=True))
    axes.set_ylim(bottom=0)
    if not any(value > 0 for line in lines for value in line.values):
        axes.set_ylim(0, 1)
    _draw_threshold(canvas, axes, panel, box)
    _dress(axes, panel, box[2])
    _legend(canvas, box, [line.name for line in lines])


def _draw_threshold(canvas: Canvas, axes: Axes, panel: reading.Panel, box: Box) -> None:
    """A dashed line; where that is far above what is shown, only the figure."""
    threshold = _threshold(panel)
    if not threshold:
        return
    value, colour = threshold
    top = axes.get_ylim()[1]
    if value <= 3 * top:
        axes.set_ylim(0, max(top, value * 1.1))
        axes.axhline(value, color=colour, linestyle="--", linewidth=1)
    alert = panel.data["links"][0]["title"].removeprefix("Alert ")
    label = f"{alert}: {units.text(value, panel.unit)}"
    canvas.write(box[0] + box[2] - 8, box[1] + 13, label, fontsize=6.5, color=colour, ha="right")


def _states(canvas: Canvas, panel: reading.Panel, box: Box, lines: Sequence[asking.Line]) -> None:
    left, top, wide, high = box
    axes = canvas.axes((left + 12, top + TITLE + 4, wide - 24, high - TITLE - 28))
    for row, line in enumerate(lines):
        times = dates.date2num(_times(line))
        step = float(times[1] - times[0]) if len(times) > 1 else 1e-4
        for at, value in zip(times, line.values, strict=True):
            axes.barh(row, step, left=at, height=0.7, color=_colour_of(panel, value), linewidth=0)
        axes.text(times[0] + step, row, line.name, fontsize=8, color="white", va="center")
    axes.xaxis_date()
    _dress(axes, panel, wide)
    axes.grid(False)
    axes.set_yticks([])
    axes.invert_yaxis()


def _panel(
    canvas: Canvas, panel: reading.Panel, box: Box, lines: Sequence[asking.Line], now: float
) -> None:
    left, top, wide, high = box
    canvas.frame(box, "#d0d7de")
    canvas.write(left + 9, top + 13, panel.title, fontsize=8.5, weight="bold", color=COLOURS["text"])
    if not lines:
        canvas.write(
            left + wide / 2, top + high / 2 + 8, "No data", ha="center", fontsize=9, color="#8b949e"
        )
    elif panel.kind == "stat":
        _number(canvas, panel, box, lines, now)
    elif panel.kind == "state-timeline":
        _states(canvas, panel, box, lines)
    else:
        _graph(canvas, panel, box, lines)


def _save(figure: Figure, path: Path) -> None:
    """With a palette of 128 colours, which these few need no more than: a third of the bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    buffer.seek(0)
    Image.open(buffer).convert("RGB").quantize(128).save(path, optimize=True)


def draw(dashboard: reading.Dashboard, window: asking.Window, path: Path) -> list[str]:
    """The picture. Returns the titles of panels without data. What is in closed rows is not drawn."""
    panels = [panel for panel in dashboard.panels() if not panel.collapsed]
    places = {id(panel): panel.data["gridPos"] for panel in panels}
    height = 44 + UNIT * max(place["y"] + place["h"] for place in places.values()) + 8
    width = 24 * COLUMN + 12
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")
    canvas = Canvas(figure, width, height)
    canvas.write(10, 22, dashboard.title, fontsize=13, weight="bold", color=COLOURS["text"])
    for one in dashboard.data["panels"]:
        if one["type"] == "row" and not one.get("collapsed"):
            y = 44 + UNIT * (one["gridPos"]["y"] + 0.55)
            canvas.write(10, y, one["title"], fontsize=10, weight="bold", color="#57606a")
    empty = []
    for panel in panels:
        place = places[id(panel)]
        lines = asking.lines(dashboard, panel, window)
        box = (
            6 + COLUMN * place["x"] + 3.0,
            44 + UNIT * place["y"] + 3.0,
            COLUMN * place["w"] - 6.0,
            UNIT * place["h"] - 6.0,
        )
        _panel(canvas, panel, box, lines, window.end)
        if not lines:
            empty.append(panel.title)
    path.parent.mkdir(parents=True, exist_ok=True)
    _save(figure, path)
    return empty
