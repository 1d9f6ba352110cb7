# SPDX-License-Identifier: MIT
"""Every query of every dashboard on the live stack: it answers, with what the traffic is known to have done.

All queries are of one moment, and of the time in which the traffic was watched. Rates reach a little beyond
its ends, by the scrapes that are nearest; so what is compared with counts may be off by a quarter.
"""

from __future__ import annotations

import math
import random
import sys
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import traffic
from running import WORKERS, Stack
from shmetrics.catalog import BY_NAME

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deployment" / "grafana"))

import reading  # noqa: E402
from plotting import asking, drawing  # noqa: E402

DASHBOARDS = {dashboard.uid: dashboard for dashboard in reading.load_all()}
WATCHED = 240  # answers
LATENCY_MAX = 10.0  # the greatest bound of the histograms of requests and statements
# Nothing to be shown here; tests/system/test_dashboards.py has what shows something.
NOT_HERE = {"Certificate expires"}
# Shares of something else than a whole.
NOT_OF_ONE = {"Complaints for each booking"}

Series = list[tuple[dict[str, str], float]]


def new_user(_random: random.Random, number: int) -> traffic.Request:
    """A chat of somebody who has not chatted: a session begins."""
    return "/api/v1/chat", {"user_id": 10_000 + number, "text": "When are you open?"}


@dataclass(frozen=True)
class Watched:
    """What the traffic did between two moments, and what Prometheus says of that time."""

    stack: Stack
    answers: Counter[traffic.Key]
    longest: float  # of all answers so far
    at: float
    seconds: int

    def ask(self, dashboard: reading.Dashboard, target: reading.Target) -> Series:
        """A query as Grafana would send it, of that moment and over that time."""
        expr = reading.fill_in(target.expr, dashboard.values(self.seconds, self.seconds))
        query = urllib.parse.urlencode({"query": expr, "time": self.at})
        data = self.stack.ask(f"/api/v1/query?{query}")
        assert data["resultType"] == "vector", target
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def show(self, uid: str, title: str, letter: str = "A") -> Series:
        """What a panel shows."""
        dashboard = DASHBOARDS[uid]
        (found,) = (
            target
            for panel in dashboard.panels()
            for target in panel.targets
            if (panel.title, target.letter) == (title, letter)
            and panel.kind
            == ("stat" if panel.row in {"Now", "In the time that is shown"} else panel.kind)
        )
        return self.ask(dashboard, found)

    def number(self, uid: str, title: str, letter: str = "A") -> float:
        """Of a panel that shows one."""
        ((_, value),) = self.show(uid, title, letter)
        return value

    def count(self, **wanted: object) -> int:
        """Answers with this method, endpoint or status."""
        names = ("method", "endpoint", "status")
        return sum(
            number
            for key, number in self.answers.items()
            if all(dict(zip(names, key, strict=True))[name] == value for name, value in wanted.items())
        )

    def close(self, rate: float, count: int) -> bool:
        """Whether a rate per second is that of so many in the time, but for what its ends may differ."""
        return abs(rate * self.seconds - count) <= 0.25 * count + 6


@pytest.fixture(scope="module")
def watched(stack: Stack) -> Iterator[Watched]:
    stack.until("Prometheus scrapes", lambda: stack.query("count_over_time(up[1m]) > 3"), 30)
    extra = stack.traffic.more(traffic.Route("POST", "/api/v1/chat", new_user), connections=1, rate=2.0)
    before, began = stack.traffic.done, time.time()
    stack.until(
        f"{WATCHED} answers", lambda: stack.traffic.done.requests >= before.requests + WATCHED, 90
    )
    stack.traffic.finish(extra)
    scraped = f"sum(http_requests_total) >= {stack.traffic.done.requests}"
    stack.until("Prometheus has them", lambda: stack.query(scraped), 30)
    after, at = stack.traffic.done, time.time()  # at a moment whose last scrape went well
    answers, longest = after.answers - before.answers, max(after.report.durations)
    yield Watched(stack, answers, longest, at, max(5, round(at - began)))


def targets(collapsed: bool = False) -> list[tuple[str, reading.Panel, reading.Target]]:
    return [
        (dashboard.uid, panel, target)
        for dashboard in DASHBOARDS.values()
        for panel in dashboard.panels()
        for target in panel.targets
        if panel.collapsed is collapsed
    ]


def _id(value: object) -> str:
    return value.kind if isinstance(value, reading.Panel) else str(value)


def greatest(uid: str, panel: reading.Panel) -> float:
    """The most that a value of this unit can be on a healthy system."""
    if panel.title in {"Running for", "Age"}:
        return 3600.0
    if panel.unit == "percentunit" and panel.title not in NOT_OF_ONE:
        return 1.0 + 1e-9
    if panel.unit == "s":
        return 120.0 if uid == "convergeai-agents" or "LLM" in panel.title else LATENCY_MAX
    return math.inf


@pytest.mark.parametrize("uid, panel, target", targets(), ids=_id)
def test_a_query_gives_plausible_numbers(
    watched: Watched, uid: str, panel: reading.Panel, target: reading.Target
) -> None:
    found = watched.ask(DASHBOARDS[uid], target)
    if panel.title in NOT_HERE:
        assert found == []
        return
    assert found, "it is empty"
    values = [value for _, value in found]
    numbers = [value for value in values if not math.isnan(value)]
    assert numbers, "nothing but NaN"
    assert numbers == values or "histogram_quantile" in target.expr, "NaN but for a quantile of nothing"
    assert all(0 <= value <= greatest(uid, panel) for value in numbers), numbers
    assert not any(math.isinf(value) for value in numbers)


def test_requests_are_those_that_were_answered(watched: Watched) -> None:
    shown = watched.number("convergeai-overview", "Requests")
    assert watched.close(shown, watched.answers.total())
    for labels, rate in watched.show("convergeai-overview", "Requests by endpoint"):
        assert watched.close(
            rate, watched.count(method=labels["method"], endpoint=labels["endpoint"])
        ), labels
    for labels, rate in watched.show("convergeai-overview", "Requests by status"):
        assert watched.close(rate, watched.count(status=int(labels["status_code"]))), labels


def test_the_error_rate_is_that_of_the_answers(watched: Watched) -> None:
    failed = sum(number for (_, _, status), number in watched.answers.items() if status >= 500)
    shown = watched.number("convergeai-overview", "Errors")
    assert abs(shown - failed / watched.answers.total()) < 0.03
    by_endpoint = {
        labels["endpoint"]: share
        for labels, share in watched.show("convergeai-overview", "Error rate by endpoint")
    }
    assert by_endpoint["/api/v1/bookings"] == 0
    assert by_endpoint.keys() >= {endpoint for _, endpoint, _ in watched.answers}


def test_response_times_lie_within_those_that_were_recorded(watched: Watched) -> None:
    median = watched.number("convergeai-overview", "Response time", "A")
    high = watched.number("convergeai-overview", "Response time", "B")
    bounds = BY_NAME["http_request_duration_seconds"].buckets
    above = [bound for bound in (*bounds, math.inf) if bound >= watched.longest]
    assert 0 < median <= high <= above[0]
    assert watched.number("convergeai-overview", "Latency, p95") == pytest.approx(high)


def test_agents_ran_once_for_each_chat(watched: Watched) -> None:
    chats = watched.count(endpoint="/api/v1/chat", status=200) + watched.count(
        endpoint="/api/v1/chat", status=503
    )
    shown = watched.show("convergeai-overview", "Agent executions")
    assert watched.close(math.fsum(rate for _, rate in shown), chats)
    assert {labels["agent_name"] for labels, _ in shown} == {"bookings", "support"}
    by_outcome = watched.show("convergeai-agents", "Executions by outcome")
    assert watched.close(math.fsum(rate for _, rate in by_outcome), chats)


def test_cost_is_tokens_times_price(watched: Watched) -> None:
    variables = DASHBOARDS["convergeai-agents"].variables
    price = {kind: float(variables[f"{kind}_price"]["query"]) for kind in ("prompt", "completion")}
    tokens = watched.show("convergeai-agents", "Tokens by model")
    assert {labels["token_type"] for labels, _ in tokens} == price.keys()
    dollars = 3600 * math.fsum(rate * price[labels["token_type"]] / 1e6 for labels, rate in tokens)
    assert dollars > 0
    assert watched.number("convergeai-agents", "LLM cost per hour") == pytest.approx(dollars)
    by_model = watched.show("convergeai-agents", "Cost per hour by model")
    assert math.fsum(each for _, each in by_model) == pytest.approx(dollars)
    spent = watched.number("convergeai-agents", "LLM cost")
    assert spent == pytest.approx(dollars / 3600 * watched.seconds)
    asked = math.fsum(rate for _, rate in watched.show("convergeai-agents", "Requests by model"))
    assert watched.number("convergeai-agents", "Cost of a request") == pytest.approx(
        spent / (asked * watched.seconds)
    )


def test_business_is_what_users_did(watched: Watched) -> None:
    registered = watched.number("convergeai-business", "Registrations") / watched.seconds
    assert watched.close(registered, watched.count(method="POST", endpoint="/api/v1/users", status=201))
    by_form = watched.count(method="POST", endpoint="/api/v1/bookings", status=201)
    assert watched.number("convergeai-business", "Bookings") >= 0.75 * by_form - 6
    wants = watched.show("convergeai-business", "What users want")
    assert math.fsum(share for _, share in wants) == pytest.approx(1)


def test_the_collector_tells_of_this_stack(watched: Watched) -> None:
    uid = "shmetrics-collector"
    assert watched.number(uid, "Live writers") == WORKERS
    assert watched.number(uid, "Collector") == watched.number(uid, "Segments") == 1
    shares = [value for _, value in watched.show(uid, "Bytes")]
    used = {labels["state"]: value for labels, value in watched.show(uid, "Bytes")}["used"]
    ((labels, full),) = watched.show(uid, "How full")
    assert (labels["segment"], full) == ("convergeai", pytest.approx(used / math.fsum(shares)))
    assert all(rate == 0 for _, rate in watched.show(uid, "Dropped by reason"))
    assert 0.5 < watched.number(uid, "Scrapes") < 2, "one scrape a second"
    samples = watched.number(uid, "Size of a scrape")
    assert samples > sum(1 for _ in watched.answers), "one for each endpoint and status, at least"
    checks = {labels["check"]: up for labels, up in watched.show(uid, "Health checks")}
    assert len(checks) >= 3
    assert set(checks.values()) == {1}


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_annotations_are_queries(stack: Stack, uid: str) -> None:
    """They find something only when something happens: it is enough that Prometheus takes them."""
    dashboard = DASHBOARDS[uid]
    for name, expr in dashboard.annotations.items():
        query = {"query": reading.fill_in(expr, dashboard.values(3600, 60)), "start": time.time() - 60}
        query |= {"end": time.time(), "step": 15}
        data = stack.ask(f"/api/v1/query_range?{urllib.parse.urlencode(query)}")
        assert data["resultType"] == "matrix", name


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_variables_have_values_to_choose(stack: Stack, uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    for name, variable in dashboard.variables.items():
        if variable["type"] == "query":
            selector, label = (
                variable["query"]["query"].removeprefix("label_values(")[:-1].rsplit(", ", 1)
            )
            expr = reading.fill_in(selector, dashboard.values(60, 60))
            values = {labels[label] for labels, _ in stack.query(f"count by ({label}) ({expr})")}
            assert values, name


def test_a_picture_is_drawn(watched: Watched, tmp_path: Path) -> None:
    """Of the dashboard that has every kind of panel."""
    window = asking.Window(watched.stack.prometheus, watched.at, watched.seconds, 1)
    path = tmp_path / "shmetrics-collector.png"
    assert set(drawing.draw(DASHBOARDS["shmetrics-collector"], window, path)) == NOT_HERE
    assert path.read_bytes().startswith(b"\x89PNG")
    assert 10_000 < path.stat().st_size < 200_000
