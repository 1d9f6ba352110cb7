# SPDX-License-Identifier: MIT
"""frame - what every dashboard has: variables, annotations, links to the others"""

from __future__ import annotations

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from . import promql
from .panels import DATASOURCE, AnyPanel

TAG = "shmetrics"
ALL = dashboard.VariableOption(True, "All", "$__all")


class PrometheusAnnotation(dashboard.AnnotationQuery, Builder[dashboard.AnnotationQuery]):
    """With the fields of the data source, which the SDK's model has not."""

    def __init__(self, name: str, expr: str, colour: str, title: str, text: str, step: str) -> None:
        super().__init__(name, DATASOURCE, icon_color=colour, expr=expr, built_in=None)
        self.fields = {"titleFormat": title, "textFormat": text, "step": step, "useValueForTime": False}

    def build(self) -> dashboard.AnnotationQuery:
        """It is its own builder."""
        return self

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), **self.fields}


def chosen(
    name: str, metric: str, *matchers: str, text: str, label: str | None = None
) -> builders.QueryVariable:
    """A variable: the values of a metric's label, some or all of them."""
    selector = f"{metric}{{{', '.join(matchers)}}}" if matchers else metric
    query = f"label_values({selector}, {label or name})"
    variable = builders.QueryVariable(name).label(name).description(text).datasource(DATASOURCE)
    variable.query({"query": query, "refId": name}).refresh(
        dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED
    )
    variable.sort(dashboard.VariableSort.ALPHABETICAL_ASC).multi(True).include_all(True).all_value(".+")
    return variable.current(ALL)


def price(name: str, label: str, text: str, default: str) -> builders.TextBoxVariable:
    """A number to type in."""
    return builders.TextBoxVariable(name).label(label).description(text).default_value(default)


def _data_source() -> builders.DatasourceVariable:
    return builders.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _annotations() -> list[PrometheusAnnotation]:
    live = promql.select("shmetrics_segment_writers", 'state="live"')
    began = promql.select("shmetrics_segment_created_timestamp_seconds")
    return [
        PrometheusAnnotation(
            "Alerts firing",
            'ALERTS{alertstate="firing", job=~"$job"}',
            "red",
            "{{alertname}}",
            "{{severity}}",
            "30s",
        ),
        PrometheusAnnotation(
            "Workers gone",
            f"{live} < {live} offset 1m",
            "orange",
            "Fewer writers than a minute ago",
            "segment {{segment}}",
            "15s",
        ),
        PrometheusAnnotation(
            "Segment began anew",
            f"changes({began}[1m]) > 0",
            "blue",
            "A new generation: counters begin at 0",
            "segment {{segment}}",
            "15s",
        ),
    ]


def begin(
    uid: str, title: str, text: str, presence: str, *variables: Builder[dashboard.VariableModel]
) -> builders.Dashboard:
    """An empty one. presence: the metric whose jobs and instances can be chosen."""
    made = builders.Dashboard(title).uid(uid).description(text).tags([TAG, "generated"])
    made.readonly().time("now-1h", "now").refresh("30s").timezone("browser")
    made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    made.with_variable(_data_source())
    made.with_variable(chosen("job", presence, text="Prometheus' job"))
    made.with_variable(
        chosen("instance", presence, 'job=~"$job"', text="The collector that was scraped")
    )
    for variable in variables:
        made.with_variable(variable)
    for annotation in _annotations():
        made.annotation(annotation)
    others = builders.DashboardLink("Dashboards").type(dashboard.DashboardLinkType.DASHBOARDS)
    made.link(others.tags([TAG]).as_dropdown(True).keep_time(True).include_vars(True))
    return made


def add_row(
    made: builders.Dashboard, title: str, panels: Sequence[AnyPanel], collapsed: bool = False
) -> None:
    """Panels under a heading; collapsed ones ask nothing until they are opened."""
    row = builders.Row(title).collapsed(collapsed)
    if collapsed:
        for panel in panels:
            row.with_panel(panel)
        made.with_row(row)
        return
    made.with_row(row)
    for panel in panels:
        made.with_panel(panel)
