# SPDX-License-Identifier: MIT
"""panels - graphs, numbers and states, as Grafana's SDK builds them

A panel's description ends with what the catalogue or the collector says of each metric in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as shared
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common, dashboard

from . import tables
from .alerts import Alert

DATASOURCE = dashboard.DataSourceRef("prometheus", "${datasource}")
GREEN, ORANGE, RED = "green", "orange", "red"
UP = {"1": ("up", GREEN), "0": ("down", RED)}  # words for a metric that is 1 or 0

AnyPanel = timeseries.Panel | stat.Panel | statetimeline.Panel


@dataclass(frozen=True)
class Query:
    """A line, or many: the legend names labels as {{label}}. exemplar: traces are shown with it."""

    expr: str
    legend: str
    exemplar: bool = False


def _target(query: Query, letter: str, instant: bool = False) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(letter)
    target.datasource(DATASOURCE).exemplar(query.exemplar)
    return target.instant() if instant else target.range()


def metrics(expr: str) -> list[str]:
    """The names of the metrics in a query, each once: every selector has braces."""
    return list(dict.fromkeys(re.findall(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{", expr)))


def _description(text: str, queries: Sequence[Query]) -> str:
    names = [name for query in queries for name in metrics(query.expr)]
    known = dict.fromkeys(tables.of_sample(name) for name in names)
    return "\n\n".join([text, *(f"`{one.name}`: {one.help}" for one in known)])


def _thresholds(alert: Alert | None) -> builders.ThresholdsConfig:
    steps = [dashboard.Threshold(None, GREEN)]
    if alert:
        colour = RED if alert.critical else ORANGE
        low, high = (colour, GREEN) if alert.below else (GREEN, colour)
        steps = [dashboard.Threshold(None, low), dashboard.Threshold(alert.threshold, high)]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _alert_links(alert: Alert | None) -> list[builders.DashboardLink]:
    if not alert:
        return []
    link = builders.DashboardLink(f"Alert {alert.name}").type(dashboard.DashboardLinkType.LINK)
    return [link.url(alert.search)]


def _common(panel: AnyPanel, title: str, text: str, unit: str, queries: Sequence[Query]) -> None:
    panel.title(title).description(_description(text, queries)).datasource(DATASOURCE).unit(unit)


def graph(
    title: str,
    text: str,
    unit: str,
    *queries: Query,
    alert: Alert | None = None,
    stacked: bool = False,
    width: int = 8,
) -> timeseries.Panel:
    """Lines over time; an alert's threshold is a dashed line, and its panel links to it."""
    panel = timeseries.Panel().height(8).span(width).min(0)
    _common(panel, title, text, unit, queries)
    for number, query in enumerate(queries):
        panel.with_target(_target(query, chr(ord("A") + number)))
    panel.thresholds(_thresholds(alert)).links(list(_alert_links(alert)))
    if alert:
        style = shared.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    panel.legend(
        shared.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel.tooltip(
        shared.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
    panel.line_width(1).fill_opacity(20 if stacked else 8).show_points(common.VisibilityMode.NEVER)
    if stacked:
        panel.stacking(shared.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    return panel


def number(
    title: str,
    text: str,
    unit: str,
    *queries: Query,
    alert: Alert | None = None,
    decimals: int | None = None,
    words: dict[str, tuple[str, str]] | None = None,
    names: bool = False,
    width: int = 4,
) -> stat.Panel:
    """The latest value, large; of several series each.

    words: what to say for a value, and its colour. names: the legend instead of the value.
    """
    panel = stat.Panel().height(4).span(width)
    _common(panel, title, text, unit, queries)
    for index, query in enumerate(queries):
        panel.with_target(_target(query, chr(ord("A") + index), instant=True))
    panel.thresholds(_thresholds(alert)).links(list(_alert_links(alert)))
    panel.reduce_options(shared.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.VALUE)
    if decimals is not None:
        panel.decimals(decimals)
    if words:
        panel.mappings([_words(words)])
    if names:
        panel.text_mode(common.BigValueTextMode.NAME)
    return panel


def states(
    title: str, text: str, query: Query, words: dict[str, tuple[str, str]], width: int = 12
) -> statetimeline.Panel:
    """Bars over time, coloured by the value."""
    panel = statetimeline.Panel().height(8).span(width)
    _common(panel, title, text, "none", [query])
    panel.with_target(_target(query, "A")).mappings([_words(words)])
    panel.show_value(common.VisibilityMode.NEVER).row_height(0.8)
    panel.color_scheme(builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS))
    return panel.thresholds(_thresholds(None))


def _words(words: dict[str, tuple[str, str]]) -> dashboard.ValueMap:
    results = {
        value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(words.items())
    }
    return dashboard.ValueMap(results)
