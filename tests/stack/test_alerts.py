# SPDX-License-Identifier: MIT
"""test_alerts - the guide's alerts fire and resolve by real faults, and all four receivers are told

Faults that do not disturb each other are there at the same time. The durations are the fortieth part
(configured.py); the thresholds are what they are.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import faults
import pytest
from running import WORKERS, Stack

pytestmark = pytest.mark.disturbs

FIRES_WITHIN = 90  # seconds; on a machine that does much else
RESOLVES_WITHIN = 90
ERRORS = {
    *("HighErrorRate", "HighLLMErrorRate", "HighAgentErrorRate"),
    *("SlowDatabaseQueries", "LowGroundingScore"),
}
SLOWNESS = {"HighLatency", "SlowAgentExecution"}


def fires(stack: Stack, names: set[str]) -> None:
    stack.until(f"{names} fire", lambda: names <= stack.firing(), FIRES_WITHIN)


def are_told(stack: Stack, status: str, names: set[str], since: float) -> None:
    """All four receivers, of alerts that began after that time."""

    def missing() -> dict[str, set[str]]:
        told = stack.receivers.told(since)
        return {
            receiver: {name for name in names if (status, name) not in said}
            for receiver, said in told.items()
        }

    def is_told() -> bool:
        return not any(missing().values())

    try:
        stack.until(f"{names} are told as {status}", is_told, RESOLVES_WITHIN)
    except AssertionError as error:
        refused = stack.receivers.refused
        raise AssertionError(f"{error}; missing: {missing()}; refused: {refused}") from None


@contextlib.contextmanager
def alerts(stack: Stack, names: set[str], *causes: contextlib.AbstractContextManager[None]) -> Iterator[None]:
    """While the causes last they fire; at the end they resolve; and both is told to all."""
    since = time.time()
    with contextlib.ExitStack() as faulty:
        for cause in causes:
            faulty.enter_context(cause)
        fires(stack, names)
        are_told(stack, "firing", names, since)
        yield
    resolve(stack, names, since)


def resolve(stack: Stack, names: set[str], since: float) -> None:
    stack.until(f"{names} resolve", lambda: not names & stack.firing(), RESOLVES_WITHIN)
    are_told(stack, "resolved", names, since)


@contextlib.contextmanager
def one_worker_hangs_unnoticed(stack: Stack) -> Iterator[None]:
    """For longer than an outcome of a health check counts: another worker takes over."""
    began = time.time()
    with faults.suspended(stack, 1):
        yield
        [ttl, *_] = stack.query("max(shmetrics_health_ttl_seconds)")
        scraped = f"max(timestamp(shmetrics_health_ttl_seconds)) > {began + ttl[1] + 5}"
        stack.until("it has hung for long enough", lambda: stack.query(scraped), ttl[1] * 4)
    lasted = int(time.time() - began)
    assert stack.query(f'max_over_time(ALERTS{{alertname="APIDown"}}[{lasted}s])') == [], "not even pending"


def in_alertmanager(stack: Stack) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{stack.alertmanager}/api/v2/alerts", timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def inhibited(stack: Stack) -> set[str]:
    """The alerts that Alertmanager does not tell because of another."""
    found = in_alertmanager(stack)
    return {alert["labels"]["alertname"] for alert in found if alert["status"]["inhibitedBy"]}


def test_errors_then_slowness_while_one_worker_hangs(stack: Stack) -> None:
    since = time.time()
    with (
        faults.requests(stack, 10, faults.FAILS, faults.ASKS),
        faults.locked_tables(stack),
        faults.model(stack, failing=0.5, inventing=1),
    ):
        fires(stack, ERRORS)
        assert stack.firing() == ERRORS
        are_told(stack, "firing", ERRORS, since)
    with alerts(
        stack,
        SLOWNESS,
        faults.requests(stack, 4, faults.IS_SLOW, faults.ASKS),
        faults.model(stack, seconds=10.3),
    ):
        with one_worker_hangs_unnoticed(stack):
            resolve(stack, ERRORS, since)
        assert stack.firing() == SLOWNESS


def test_the_api_is_down_when_it_is_killed_and_what_follows_is_not_told(stack: Stack) -> None:
    since = time.time()
    with alerts(stack, {"APIDown"}, faults.killed(stack, "backend")):
        assert {value for _, value in stack.query("up{job='convergeai-backend'}")} == {1.0}
        stack.until("stale checks follow", lambda: "HealthCheckStale" in inhibited(stack), FIRES_WITHIN)
    assert ("firing", "HealthCheckStale") not in stack.receivers.told(since)["webhook"]


def test_the_api_is_down_when_all_workers_hang(stack: Stack) -> None:
    with alerts(stack, {"APIDown"}, faults.suspended(stack, WORKERS)):
        assert stack.query("shmetrics_segment_writers{state='live'}")[0][1] == WORKERS


def test_the_api_is_down_when_the_collector_is_killed(stack: Stack) -> None:
    with alerts(stack, {"APIDown", "CollectorDown"}, faults.killed(stack, "collector")):
        assert {value for _, value in stack.query("up{job='convergeai-backend'}")} == {0.0}
