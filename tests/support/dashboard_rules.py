# SPDX-License-Identifier: MIT
"""dashboard_rules - the rules of grafana/dashboard-linter by their names, written anew

The linter itself cannot be had through a Go module proxy (no version of it is listed). So these are its
rules as its documentation states them, for dashboards of one Prometheus data source; those about Loki do
not apply.

A rule takes a dashboard's JSON and yields what it finds: the panel, or "" for the dashboard, and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import promql_tree

Json = Mapping[str, Any]
Found = Iterator[tuple[str, str]]
Rule = Callable[[Json], Found]

DATASOURCES = {"$datasource", "${datasource}"}
SHOWING_NUMBERS = {"stat", "graph", "table", "timeseries", "gauge", "bargauge", "statetimeline"}
# Of Grafana's units (grafana.com/docs, "Standard options"), those that a dashboard of ours has.
UNITS = {
    "none", "short", "percentunit", "s", "bytes", "Bps", "reqps", "ops", "cps", "currencyUSD",
    "dateTimeFromNow", "locale",
}  # fmt: skip
# Grafana fills variables in before Prometheus sees them; durations that nobody writes tell them apart.
STANDING_FOR = {"$__rate_interval": "11277964s", "$__range": "11277965s", "$__interval": "11277966s"}
RATE_INTERVAL = timedelta(seconds=11277964)


def panels(dashboard: Json) -> Iterator[Json]:
    """All but rows."""
    for panel in dashboard["panels"]:
        yield from panel.get("panels", [])
        if panel["type"] != "row":
            yield panel


def _variables(dashboard: Json, kind: str) -> list[Json]:
    return [one for one in dashboard["templating"]["list"] if one["type"] == kind]


def _filled(dashboard: Json, expr: str) -> str:
    for variable, value in STANDING_FOR.items():
        expr = expr.replace(variable, value)
    for one in _variables(dashboard, "textbox"):
        expr = expr.replace(f"${one['name']}", one["query"])
    return expr


def _trees(dashboard: Json) -> Iterator[tuple[str, Any]]:
    """Each query of a panel that is PromQL; that the others are not is a rule of its own."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            try:
                yield panel["title"], promql_tree.parse(_filled(dashboard, target["expr"]))
            except ValueError:
                continue


def template_datasource(dashboard: Json) -> Found:
    """One variable chooses the data source: datasource, labelled Data source."""
    found = _variables(dashboard, "datasource")
    if len(found) != 1:
        yield "", f"{len(found)} variables choose a data source"
    for one in found:
        if (one["name"], one["label"]) != ("datasource", "Data source"):
            yield "", f"it is {one['name']!r}, labelled {one['label']!r}"


def _template(dashboard: Json, name: str) -> Found:
    found = [one for one in _variables(dashboard, "query") if one["name"] == name]
    if not found:
        yield "", f"there is no variable {name}"
    for one in found:
        query = one["query"]["query"] if isinstance(one["query"], dict) else one["query"]
        wanted = {
            "is labelled by its name": one.get("label") == name,
            "asks $datasource": one.get("datasource", {}).get("uid") in DATASOURCES,
            f"asks for label_values(..., {name})": query.startswith("label_values(")
            and query.endswith(f", {name})"),
            "lets one choose many": one.get("multi") is True,
            "has .+ for all": one.get("allValue") == ".+",
        }
        yield from (("", f"not so: {name} {rule}") for rule, held in wanted.items() if not held)


def template_job(dashboard: Json) -> Found:
    """A variable chooses the jobs."""
    yield from _template(dashboard, "job")


def template_instance(dashboard: Json) -> Found:
    """A variable chooses the instances."""
    yield from _template(dashboard, "instance")


def template_label_promql(dashboard: Json) -> Found:
    """A variable's query asks for the values of a label of a good selector."""
    for one in _variables(dashboard, "query"):
        query = one["query"]["query"] if isinstance(one["query"], dict) else one["query"]
        selector = query.removeprefix("label_values(").rpartition(",")[0]
        try:
            promql_tree.parse(selector)
        except ValueError as error:
            yield "", f"{one['name']}: {query}: {error}"


def template_on_time_change_reload(dashboard: Json) -> Found:
    """Variables are asked for anew when another time is shown."""
    for one in _variables(dashboard, "query"):
        if one.get("refresh") != 2:
            yield "", f"{one['name']} is not asked for anew"


def uneditable_dashboard(dashboard: Json) -> Found:
    """What is made by a program is not edited by hand."""
    if dashboard.get("editable") is not False:
        yield "", "it can be edited"


def panel_datasource(dashboard: Json) -> Found:
    """Panels, and their queries, ask the data source that was chosen."""
    for panel in panels(dashboard):
        for asked in (panel, *panel.get("targets", [])):
            if asked.get("datasource", {}).get("uid") not in DATASOURCES:
                yield panel["title"], f"its data source is {asked.get('datasource')}"


def panel_title_description(dashboard: Json) -> Found:
    """Each panel says what it is."""
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield panel.get("title", ""), "no title or no description"


def panel_units(dashboard: Json) -> Found:
    """Each panel has a unit that Grafana knows."""
    for panel in panels(dashboard):
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
        if panel["type"] in SHOWING_NUMBERS and unit not in UNITS:
            yield panel["title"], f"its unit is {unit!r}"


def panel_no_targets(dashboard: Json) -> Found:
    """Each panel asks for something."""
    for panel in panels(dashboard):
        if panel["type"] in SHOWING_NUMBERS and not panel.get("targets"):
            yield panel["title"], "it has no query"


def target_promql(dashboard: Json) -> Found:
    """Each query is PromQL."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            try:
                promql_tree.parse(_filled(dashboard, target["expr"]))
            except ValueError as error:
                yield panel["title"], f"{target['expr']}: {error}"


def target_rate_interval(dashboard: Json) -> Found:
    """rate, irate and increase are over $__rate_interval."""
    for title, tree in _trees(dashboard):
        for name, argument in promql_tree.ranged_calls(tree):
            if name in {"rate", "irate", "increase"} and argument.range != RATE_INTERVAL:
                yield title, f"{name} is not over $__rate_interval"


def _target_matcher(dashboard: Json, name: str) -> Found:
    for title, tree in _trees(dashboard):
        for selector, _ in promql_tree.selectors(tree):
            if promql_tree.matchers(selector).get(name) != ("=~", f"${name}"):
                yield title, f'{selector.name} has no matcher {name}=~"${name}"'


def target_job(dashboard: Json) -> Found:
    """Each selector is of the jobs that were chosen."""
    yield from _target_matcher(dashboard, "job")


def target_instance(dashboard: Json) -> Found:
    """Each selector is of the instances that were chosen."""
    yield from _target_matcher(dashboard, "instance")


def target_counter_agg(dashboard: Json) -> Found:
    """A counter is never shown as it is, but by rate, irate or increase."""
    for title, tree in _trees(dashboard):
        for selector, above in promql_tree.selectors(tree):
            name = getattr(getattr(above[-2], "func", None), "name", "") if len(above) > 1 else ""
            if selector.name.endswith("_total") and name not in {"rate", "irate", "increase"}:
                yield title, f"{selector.name} is not within rate, irate or increase"


RULES: dict[str, Rule] = {
    f"{rule.__name__.replace('_', '-')}-rule": rule
    for rule in (
        template_datasource, template_job, template_instance, template_label_promql,
        template_on_time_change_reload, uneditable_dashboard, panel_datasource, panel_title_description,
        panel_units, panel_no_targets, target_promql, target_rate_interval, target_job, target_instance,
        target_counter_agg,
    )
}  # fmt: skip
