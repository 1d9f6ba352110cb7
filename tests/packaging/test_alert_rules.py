# SPDX-License-Identifier: MIT
"""test_alert_rules - the rules and Alertmanager's file: valid, as the guide has them, of metrics that exist

promtool and amtool judge, and the unit tests of the rules run. That the alerts fire is in tests/stack.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENT = ROOT / "deployment"
sys.path[:0] = [str(ROOT / "tests" / "support"), str(DEPLOYMENT / "grafana")]

import promql_tree  # noqa: E402
from generator import tables  # noqa: E402

PROMETHEUS = DEPLOYMENT / "prometheus"
ALERTMANAGER = DEPLOYMENT / "alertmanager"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
# The guide's table: what is compared, the threshold, the duration, the severity.
GUIDE = {
    "HighErrorRate": ("> 0.05", "5m", "critical"),
    "APIDown": ("", "1m", "critical"),
    "HighLLMErrorRate": ("> 0.05", "5m", "critical"),
    "HighLatency": ("> 5", "5m", "warning"),
    "HighAgentErrorRate": ("> 0.10", "5m", "warning"),
    "SlowAgentExecution": ("> 10", "5m", "warning"),
    "SlowDatabaseQueries": ("> 1", "5m", "warning"),
    "LowGroundingScore": ("< 0.45", "10m", "warning"),
}


def content(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def rules(kind: str) -> dict[str, dict[str, Any]]:
    """By name; kind: alert or record."""
    found = [rule for path in RULES for group in content(path)["groups"] for rule in group["rules"]]
    named = {rule[kind]: rule for rule in found if kind in rule}
    assert len(named) == sum(kind in rule for rule in found), "a name is there twice"
    return named


def names_in(expression: str) -> set[str]:
    """The metrics of an expression."""
    return {str(one.name) for one, _ in promql_tree.selectors(promql_tree.parse(expression)) if one.name}


def run(*command: object) -> str:
    if not shutil.which(str(command[0])):
        pytest.skip(f"there is no {command[0]}; on Debian: prometheus, prometheus-alertmanager")
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "path",
    [*PROMETHEUS.glob("*.yml"), *(PROMETHEUS / "remote-write").glob("*.yml")],
    ids=lambda path: path.name,
)
def test_promtool_accepts_each_configuration(path: Path) -> None:
    run("promtool", "check", "config", path)


def test_amtool_accepts_the_configuration_and_the_templates() -> None:
    assert "1 templates" in run("amtool", "check-config", ALERTMANAGER / "alertmanager.yml")


def test_the_unit_tests_of_the_rules_pass() -> None:
    run("promtool", "test", "rules", *UNIT_TESTS)


def test_the_guides_alerts_are_as_in_the_guide() -> None:
    alerts = rules("alert")
    for name, (threshold, duration, severity) in GUIDE.items():
        rule = alerts[name]
        assert rule["expr"].endswith(threshold), name
        assert (rule["for"], rule["labels"]["severity"]) == (duration, severity), name


def test_every_alert_is_tested_firing_and_silent_and_every_record_has_a_value() -> None:
    tests = [test for path in UNIT_TESTS for test in content(path)["tests"]]
    cases = [case for test in tests for case in test.get("alert_rule_test", [])]
    fired = {case["alertname"] for case in cases if case["exp_alerts"]}
    silent = {case["alertname"] for case in cases if not case["exp_alerts"]}
    assert fired == silent == rules("alert").keys()
    samples = [case for test in tests for case in test.get("promql_expr_test", [])]
    valued = {name for case in samples if case["exp_samples"] for name in names_in(case["expr"])}
    assert rules("record").keys() <= valued, rules("record").keys() - valued


def test_every_metric_in_a_rule_exists_and_has_the_labels_that_are_asked_for() -> None:
    records = rules("record").keys()
    seen = 0
    for rule in [*rules("alert").values(), *rules("record").values()]:
        for selector, _ in promql_tree.selectors(promql_tree.parse(rule["expr"])):
            if selector.name not in records:
                wanted = promql_tree.matchers(selector).keys()
                assert wanted <= tables.labels_of(selector.name), (selector.name, wanted)
                seen += 1
    assert seen > 40, "the selectors are found"
    with pytest.raises(ValueError, match="no_such_metric"):
        tables.of_sample("no_such_metric")


def test_severities_are_those_that_are_routed_and_each_alert_says_what_it_is() -> None:
    routes = content(ALERTMANAGER / "alertmanager.yml")["route"]["routes"]
    matchers = [matcher for route in routes for matcher in route.get("matchers", [])]
    routed = {re.sub(r'severity="(\w+)"', r"\1", matcher) for matcher in matchers}
    said = {rule["labels"]["severity"] for rule in rules("alert").values()}
    assert routed == {"critical", "warning"} == said
    for name, rule in rules("alert").items():
        assert rule["annotations"].keys() == {"summary", "description"}, name


def test_no_secret_is_in_the_configuration() -> None:
    secret = re.compile(r"password|token|key|credentials|api_url|secret")

    def keys(value: Any) -> Iterator[tuple[str, Any]]:
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(entry, (dict, list)):
                yield from keys(entry)
            else:
                yield str(key), entry

    settings = keys(content(ALERTMANAGER / "alertmanager.yml"))
    named = [(key, value) for key, value in settings if secret.search(key)]
    assert len(named) >= 4
    for key, value in named:
        assert key.endswith("_file") and str(value).startswith("/etc/alertmanager/secrets/"), key
