# SPDX-License-Identifier: MIT
"""test_inhibition - what Alertmanager does not tell while the API is down, and what it tells all the same

A real Alertmanager with deployment's own configuration, which is given alerts by its interface. It sends
nothing: that is half a minute away.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from test_alert_rules import DEPLOYMENT, GUIDE, ROOT, rules

sys.path += [str(ROOT / "tests" / "stack"), str(ROOT / "tests" / "system")]

from programs import Program  # noqa: E402
from serving import fetch, wait_until  # noqa: E402

CONFIG = DEPLOYMENT / "alertmanager" / "alertmanager.yml"
FIGURES = GUIDE.keys() - {"APIDown"}  # of all instances together
FOLLOW = {"HealthCheckStale", "WorkersMissing"}  # of one instance

Alert = dict[str, str]


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Program]:
    def command(port: int) -> list[object]:
        files = [f"--config.file={CONFIG}", f"--storage.path={tmp_path}/data"]
        listen = [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
        return ["prometheus-alertmanager", *files, *listen]

    with Program("alertmanager", command, "/-/ready", tmp_path).running() as program:
        yield program


def alert(name: str, instance: str = "", job: str = "convergeai-backend") -> Alert:
    """As the rules give it: without an instance where the figure is of all."""
    labels = {"alertname": name, "job": job, "severity": rules("alert")[name]["labels"]["severity"]}
    return {**labels, "instance": instance} if instance else labels


def post(alertmanager: Program, alerts: Sequence[Alert]) -> None:
    content = json.dumps([{"labels": labels} for labels in alerts]).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{alertmanager.url}/api/v2/alerts", content, headers)
    with urllib.request.urlopen(request, timeout=30):
        pass


def untold(alertmanager: Program, *alerts: Alert) -> set[tuple[str, str]]:
    """Name and instance of those that are inhibited when all these fire.

    Alertmanager takes alerts first and inhibits later, in the order in which they came: a pair that comes
    last says when it has done with all before.
    """
    last = ("HealthCheckStale", "last")
    post(alertmanager, alerts)
    post(alertmanager, [alert("APIDown", "last"), alert(*last)])

    def inhibited() -> set[tuple[str, str]]:
        found = json.loads(fetch(f"{alertmanager.url}/api/v2/alerts"))
        assert len(found) == len(alerts) + 2
        return {
            (one["labels"]["alertname"], one["labels"].get("instance", ""))
            for one in found
            if one["status"]["inhibitedBy"]
        }

    wait_until(lambda: last in inhibited(), "Alertmanager has inhibited what came last")
    return inhibited() - {last}


def of_instance(instance: str) -> list[Alert]:
    """All that can fire for one, whatever the rule's labels are otherwise."""
    return [alert(name, instance) for name in rules("alert").keys() - FIGURES - {"APIDownEverywhere"}]


def test_while_one_of_two_is_down_the_others_alerts_and_those_of_all_are_told(
    alertmanager: Program,
) -> None:
    other = [one for one in of_instance("b") if one["alertname"] != "APIDown"]
    figures = [alert(name) for name in FIGURES]
    expected = {(name, "a") for name in FOLLOW}
    assert untold(alertmanager, *of_instance("a"), *other, *figures) == expected


def test_while_all_are_down_their_figures_are_not_told_and_what_may_be_the_cause_is(
    alertmanager: Program,
) -> None:
    figures = [alert(name) for name in FIGURES]
    another = alert("HighErrorRate", job="another")
    down = [*of_instance("a"), *of_instance("b"), alert("APIDownEverywhere")]
    expected = {(name, instance) for name in FOLLOW for instance in "ab"} | {(name, "") for name in FIGURES}
    assert untold(alertmanager, *down, *figures, another) == expected
