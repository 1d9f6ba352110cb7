# SPDX-License-Identifier: MIT
"""The dashboards are fresh, keep grafana/dashboard-linter's rules, ask for nothing that there is not.

Each rule is shown a dashboard that breaks it, so that none of them is satisfied with everything.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "deployment" / "grafana"
sys.path[:0] = [str(ROOT / "tests" / "support"), str(GRAFANA)]

import dashboard_rules  # noqa: E402
import generate  # noqa: E402
import promql_tree  # noqa: E402
import reading  # noqa: E402
from generator import alerts, promql, tables  # noqa: E402

DASHBOARDS = {dashboard.uid: dashboard for dashboard in reading.load_all()}
EXCLUSIONS = yaml.safe_load((reading.FOLDER / ".lint").read_text())["exclusions"]
RULE_FILES = sorted((ROOT / "deployment" / "prometheus" / "rules").glob("*.yml"))

every_dashboard = pytest.mark.parametrize("uid", DASHBOARDS)


def excluded(rule: str, dashboard: str) -> set[str]:
    """The panels that need not keep it."""
    entries = EXCLUSIONS.get(rule, {}).get("entries", [])
    return {entry["panel"] for entry in entries if entry["dashboard"] == dashboard}


def test_the_files_are_what_the_generator_makes() -> None:
    assert len(DASHBOARDS) == 4
    assert generate.stale() == []


def test_a_file_that_somebody_edited_is_not_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = generate.texts()
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "of-nobody.json").write_text("{}")
    edited = sorted(made)[0]
    (tmp_path / edited).write_text(made[edited].replace("percentunit", "percent"))
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    assert generate.stale() == sorted([edited, "of-nobody.json"])


@every_dashboard
@pytest.mark.parametrize("rule", dashboard_rules.RULES)
def test_a_dashboard_keeps_the_rule(uid: str, rule: str) -> None:
    dashboard = DASHBOARDS[uid]
    found = list(dashboard_rules.RULES[rule](dashboard.data))
    allowed = excluded(rule, dashboard.title)
    assert [(panel, text) for panel, text in found if panel not in allowed] == []
    assert allowed == {panel for panel, _ in found}, "an exclusion that excludes nothing"


def _panel(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    return lambda dashboard: change(next(iter(dashboard_rules.panels(dashboard))))


def _query(change: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    return _panel(lambda panel: panel["targets"][0].update(expr=change(panel["targets"][0]["expr"])))


def _variable(name: str, /, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda dashboard: next(
        one for one in dashboard["templating"]["list"] if one["name"] == name
    ).update(fields)


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "template-datasource-rule": _variable("datasource", name="prometheus"),
    "template-job-rule": _variable("job", allValue=".*"),
    "template-instance-rule": _variable("instance", multi=False),
    "template-label-promql-rule": _variable("job", query={"query": "label_values(up{, job)"}),
    "template-on-time-change-reload-rule": _variable("job", refresh=1),
    "uneditable-dashboard-rule": lambda dashboard: dashboard.update(editable=True),
    "panel-datasource-rule": _panel(lambda panel: panel["targets"][0].update(datasource={"uid": "abc"})),
    "panel-title-description-rule": _panel(lambda panel: panel.update(description="")),
    "panel-units-rule": _panel(lambda panel: panel["fieldConfig"]["defaults"].update(unit="request")),
    "panel-no-targets-rule": _panel(lambda panel: panel.update(targets=[])),
    "target-promql-rule": _query(lambda expr: expr + ")"),
    "target-rate-interval-rule": _query(lambda expr: expr.replace("$__rate_interval", "5m")),
    "target-job-rule": _query(lambda expr: expr.replace('job=~"$job", ', "")),
    "target-instance-rule": _query(lambda expr: expr.replace('instance=~"$instance"', 'instance="a"')),
    "target-counter-agg-rule": _query(lambda expr: re.sub(r"rate\((.*)\[.*?\]\)", r"(\1)", expr)),
}


@pytest.mark.parametrize("rule", dashboard_rules.RULES)
def test_a_rule_finds_what_breaks_it(rule: str) -> None:
    dashboard: Any = copy.deepcopy(DASHBOARDS["convergeai-overview"].data)
    assert not list(dashboard_rules.RULES[rule](dashboard))
    BROKEN[rule](dashboard)
    assert list(dashboard_rules.RULES[rule](dashboard))


def unknown(expr: str) -> list[str]:
    """What a query asks for that no table has: a metric, or a label of one."""
    problems = []
    tree = promql_tree.parse(expr)
    for selector, _ in promql_tree.selectors(tree):
        try:
            labels = tables.labels_of(selector.name)
        except ValueError as error:
            problems.append(str(error))
            continue
        wrong = set(promql_tree.matchers(selector)) - labels
        problems += [f"{selector.name} has no label {label}" for label in sorted(wrong)]
    for labels_by, aggregation in promql_tree.grouping_labels(tree):
        names = [selector.name for selector, _ in promql_tree.selectors(aggregation)]
        there = (
            set().union(*(tables.labels_of(name) for name in names)) if not problems else set(labels_by)
        )
        problems += [
            f"nothing in it has the label {label}: {aggregation}" for label in set(labels_by) - there
        ]
    return problems


@every_dashboard
def test_queries_ask_for_metrics_and_labels_that_there_are(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    values = dashboard.values(3600, 60)
    queries = [target.expr for panel in dashboard.panels() for target in panel.targets]
    queries += dashboard.annotations.values()
    assert len(queries) > 10
    assert [problem for query in queries for problem in unknown(reading.fill_in(query, values))] == []


@every_dashboard
def test_legends_name_labels_that_the_query_leaves(uid: str) -> None:
    for panel in DASHBOARDS[uid].panels():
        for target in panel.targets:
            named = set(re.findall(r"\{\{(\w+)\}\}", target.legend))
            expr = reading.fill_in(target.expr, DASHBOARDS[uid].values(3600, 60))
            tree = promql_tree.parse(expr)
            selected = [tables.labels_of(selector.name) for selector, _ in promql_tree.selectors(tree)]
            assert named <= set().union(*selected), target
            outer = [set(labels) for labels, _ in promql_tree.grouping_labels(tree)]
            assert not outer or any(named <= labels for labels in outer), target


@pytest.mark.parametrize(
    "query, why",
    [
        ("rate(http_request_total[5m])", "http_request_total"),
        ('http_requests_total{status="500"}', "no label status"),
        ("sum by (path) (rate(http_requests_total[5m]))", "the label path"),
        ("sum by (le) (rate(http_request_duration_seconds_count[5m]))", "the label le"),
        ("shmetrics_segment_slots", "shmetrics_segment_slots"),
    ],
)
def test_a_query_for_what_there_is_not_is_found(query: str, why: str) -> None:
    assert any(why in problem for problem in unknown(query))


def test_the_generator_makes_no_query_for_what_there_is_not() -> None:
    with pytest.raises(ValueError, match="is in no table"):
        promql.rates("http_request_total")
    with pytest.raises(ValueError, match="has no label path"):
        promql.rates("http_requests_total", by=("path",))


def test_every_family_of_the_catalogue_is_on_a_dashboard() -> None:
    asked = set()
    for dashboard in DASHBOARDS.values():
        for panel in dashboard.panels():
            for target in panel.targets:
                tree = promql_tree.parse(reading.fill_in(target.expr, dashboard.values(3600, 60)))
                asked |= {tables.of_sample(one.name).name for one, _ in promql_tree.selectors(tree)}
    assert {one.name for one in tables.CATALOGUE} - asked == set()
    assert {one.name for one in tables.OWN} - asked == set()


@every_dashboard
def test_variables_are_used_and_there(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    text = " ".join(target.expr for panel in dashboard.panels() for target in panel.targets)
    for name in dashboard.variables:
        assert name == "datasource" or f"${name}" in text, name


@every_dashboard
def test_panels_have_numbers_of_their_own_and_do_not_overlap(uid: str) -> None:
    everything = [*DASHBOARDS[uid].data["panels"]]
    everything += [inner for panel in everything for inner in panel.get("panels", [])]
    numbers = [panel["id"] for panel in everything]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_quantiles_of_histograms_show_exemplars_and_have_a_native_variant() -> None:
    """Classic quantiles of a `by (le)`, native ones without `_bucket`."""
    classic, native = set(), set()
    for dashboard in DASHBOARDS.values():
        for panel in dashboard.panels():
            for target in panel.targets:
                if "histogram_quantile(" not in target.expr:
                    continue
                histogram = re.search(r"rate\((\w+)\{", target.expr)
                assert histogram, target
                name = histogram[1].removesuffix("_bucket")
                if histogram[1].endswith("_bucket") and panel.kind == "timeseries":
                    assert target.exemplar, target
                    classic.add((dashboard.uid, name))
                elif not histogram[1].endswith("_bucket"):
                    assert panel.collapsed, target
                    native.add((dashboard.uid, name))
    assert len(classic) > 5
    assert classic == native


def test_thresholds_are_those_of_the_alerts() -> None:
    """The last comparison in an alert's expression is with its threshold."""
    said = {}
    for path in RULE_FILES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                compared = re.findall(r"([<>])=?\s*([0-9.]+)\s*$", rule["expr"])
                if "alert" in rule and compared:
                    critical = rule["labels"]["severity"] == "critical"
                    said[rule["alert"]] = (compared[-1][0] == "<", float(compared[-1][1]), critical)
    for alert in alerts.ALL:
        assert said[alert.name] == (alert.below, alert.threshold, alert.critical), alert.name


@every_dashboard
def test_a_panel_with_a_threshold_leads_to_its_alert(uid: str) -> None:
    by_threshold = {alert.name: alert for alert in alerts.ALL}
    for panel in DASHBOARDS[uid].panels():
        steps = [step["value"] for step in panel.defaults["thresholds"]["steps"]]
        linked = [link["title"].removeprefix("Alert ") for link in panel.data.get("links", [])]
        assert steps == [None, *(by_threshold[name].threshold for name in linked)], panel.title


def test_what_is_provisioned_is_what_the_dashboards_and_prometheus_are_made_for() -> None:
    folder = GRAFANA / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    settings = source["jsonData"]
    assert [one["name"] for one in settings["exemplarTraceIdDestinations"]] == ["trace_id"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "shmetrics.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    configuration = ROOT / "deployment" / "prometheus" / "prometheus.yml"
    interval = yaml.safe_load(configuration.read_text())["global"]["scrape_interval"]
    assert settings["timeInterval"] == interval
