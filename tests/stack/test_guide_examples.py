# SPDX-License-Identifier: MIT
"""Every PromQL example of the documents on the live stack: it answers, as the traffic says.

An example is a ```promql block, named by the bold words before it. Ranges of minutes and hours begin before
Prometheus did: of what it has seen since, `increase` gives all, and `rate` spreads it over the whole range.
What is compared with counts may be off by a quarter and some, for the scrapes at both ends.
"""

from __future__ import annotations

import bisect
import math
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import promql_tree
import pytest
from load import Done
from running import WORKERS, Stack, Vector

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deployment" / "grafana"))

from generator import tables  # noqa: E402

from shmetrics.catalog import FAMILIES  # noqa: E402

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "deployment").rglob("*.md"))]
BLOCK = re.compile(r"^```promql\n(.*?)^```$", re.M | re.S)
NAME = re.compile(r"\*\*(.+?):?\*\*", re.S)
PATIENCE = 60.0
SPREAD_OVER = 300.0  # seconds of the range of `rate` in what is compared
CONNECTIONS = 12  # of the traffic: so many requests at most are in progress

# Of nothing else than a part of a whole, and so from 0 to 1.
SHARES = re.compile(r"^share |^error rate|, as a share|apdex|grounding score|^how full|^how near", re.I)


@dataclass(frozen=True)
class Example:
    """A query and where it stands."""

    document: Path
    name: str
    query: str


def examples() -> list[Example]:
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for block in BLOCK.finditer(text):
            name = ([""] + NAME.findall(text[: block.start()]))[-1].replace("\n", " ")
            found.append(Example(document, name, block.group(1)))
    return found


EXAMPLES = examples()
GUIDES_FIVE = (
    "rate(http_requests_total[5m])",
    'sum(rate(http_requests_total{status_code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
    "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le))",
    "sum(rate(agent_executions_total[5m])) by (agent_name)",
    "sum(rate(llm_tokens_used_total[1h])) by (model)",
)


# ---- what the traffic knows ----


class Seen:
    """What has been answered since Prometheus looks, and for how long that has been."""

    def __init__(self, stack: Stack) -> None:
        first, done = stack.traffic.at_first, stack.traffic.done
        self.done = done
        self.answers: Counter[tuple[str, str, int]] = done.answers - first.answers
        self.durations = sorted(done.report.durations[len(first.report.durations) :])
        scrapes = stack.query('count_over_time(up{job="convergeai-backend"}[1h])')
        self.seconds = total(scrapes)  # one a second

    @property
    def requests(self) -> int:
        return self.answers.total()

    @property
    def errors(self) -> int:
        return sum(count for (_, _, status), count in self.answers.items() if status >= 500)

    def of(self, endpoint: str) -> int:
        return sum(count for (_, path, _), count in self.answers.items() if path == endpoint)

    def rate(self, count: float) -> float:
        """What `rate(...[5m])` makes of it."""
        return count / max(SPREAD_OVER, self.seconds)

    def quantile(self, part: float) -> float:
        return self.durations[min(int(part * len(self.durations)), len(self.durations) - 1)]

    def share_within(self, seconds: float) -> float:
        return bisect.bisect_right(self.durations, seconds) / len(self.durations)


def near(value: float, wanted: float, slack: float) -> bool:
    return abs(value - wanted) <= wanted / 4 + slack


def total(vector: Vector) -> float:
    return math.fsum(value for _, value in vector)


def only(vector: Vector) -> float:
    ((_, value),) = vector
    return value


def p95_is_right(vector: Vector, seen: Seen) -> bool:
    """No nearer than the bounds of the buckets around it."""
    (bounds,) = (row.buckets for row in FAMILIES if row.name == "http_request_duration_seconds")
    low = max((bound for bound in bounds if bound <= seen.quantile(0.90)), default=0)
    high = min((bound for bound in bounds if bound >= seen.quantile(0.99)), default=bounds[-1])
    return low <= only(vector) <= high


def endpoints_are_right(vector: Vector, seen: Seen) -> bool:
    return all(near(value, seen.rate(seen.of(labels["endpoint"])), 0.05) for labels, value in vector)


def failures_are_right(vector: Vector, seen: Seen) -> bool:
    known: Counter[tuple[str, str]] = Counter()
    for (_, endpoint, status), count in seen.answers.items():
        known[endpoint, str(status)] += count
    return all(
        near(value, known[labels["endpoint"], labels["status_code"]], 5) for labels, value in vector
    )


def classes_are_right(vector: Vector, seen: Seen) -> bool:
    by_class = {labels["class"]: value for labels, value in vector}
    good = near(by_class["5xx"], seen.rate(seen.errors), 0.05)
    return good and near(total(vector), seen.rate(seen.requests), 0.2)


def agents_are_right(vector: Vector, seen: Seen) -> bool:
    chats = seen.of("/api/v1/chat")
    return {labels["agent_name"] for labels, _ in vector} == {"bookings", "support"} and near(
        total(vector), seen.rate(chats), 0.1
    )


def bookings_are_right(vector: Vector, seen: Seen) -> bool:
    by_form = seen.answers["POST", "/api/v1/bookings", 201]
    return by_form * 0.75 - 5 <= only(vector) <= (by_form + seen.of("/api/v1/chat")) * 1.25 + 5


FACTS: dict[str, Callable[[Vector, Seen], bool]] = {
    "Request rate": lambda v, seen: near(total(v), seen.rate(seen.requests), 0.2),
    "Error rate": lambda v, seen: near(only(v), seen.errors / seen.requests, 0.01),
    "p95 latency": p95_is_right,
    "Agent execution rate": agents_are_right,
    "LLM token usage": lambda v, seen: [labels for labels, _ in v] == [{"model": "stand-in"}],
    "Requests a second, all together": lambda v, seen: near(only(v), seen.rate(seen.requests), 0.2),
    "The five busiest endpoints": endpoints_are_right,
    "Requests by class of status": classes_are_right,
    "Requests in the last hour": lambda v, seen: near(only(v), seen.requests, 50),
    "Requests since the counters began": lambda v, seen: near(only(v), seen.done.requests, 50),
    "Requests being answered now": lambda v, seen: 0 <= only(v) <= CONNECTIONS,
    "Requests in progress on average": lambda v, seen: near(
        only(v), seen.rate(math.fsum(seen.durations)), 0.05
    ),
    "Error rate that is 0 without errors, and empty without traffic": lambda v, seen: near(
        only(v), seen.errors / seen.requests, 0.01
    ),
    "What was refused or failed in the last hour": failures_are_right,
    "Average latency": lambda v, seen: near(
        only(v), math.fsum(seen.durations) / len(seen.durations), 0.005
    ),
    "Share of requests within half a second": lambda v, seen: abs(only(v) - seen.share_within(0.5)) < 0.05,
    "Share of requests beyond the last bound": lambda v, seen: (
        abs(only(v) - 1 + seen.share_within(10)) < 0.05
    ),
    "LLM requests for an execution of an agent": lambda v, seen: only(v) <= 1.01,
    "Bookings in the last hour": bookings_are_right,
    "Users registered since the counters began": lambda v, seen: near(only(v), seen.done.users, 10),
    "Users active now": lambda v, seen: 0 < only(v) <= Done(seen.done.report).agent_executions,
    "Is the collector scraped?": lambda v, seen: only(v) == 1,
    "Do workers write?": lambda v, seen: only(v) == WORKERS,
    "Which dependencies are up": lambda v, seen: {value for _, value in v} == {1.0},
    "How old is a health check's outcome": lambda v, seen: all(value < 1 for _, value in v),
    "What was not recorded": lambda v, seen: total(v) == 0,
    "How long a scrape takes": lambda v, seen: 0 < only(v) < 1,
}


# ---- the tests ----


@pytest.fixture(scope="module")
def busy(stack: Stack) -> Stack:
    """There is something to compare with."""
    stack.until("some hundred requests are answered", lambda: Seen(stack).requests >= 300, PATIENCE)
    return stack


def title(example: Example) -> str:
    return f"{example.document.stem}: {example.name}"


@pytest.mark.parametrize("example", EXAMPLES, ids=title)
def test_an_example_asks_for_metrics_that_there_are(example: Example) -> None:
    for selector, _ in promql_tree.selectors(promql_tree.parse(example.query)):
        if selector.name:
            labels = tables.labels_of(selector.name)
            assert set(promql_tree.matchers(selector)) <= labels, selector.name


@pytest.mark.parametrize("example", EXAMPLES, ids=title)
def test_an_example_gives_what_the_traffic_did(busy: Stack, example: Example) -> None:
    fact = FACTS.get(example.name.rstrip("."), lambda vector, seen: True)

    def is_right() -> bool:
        vector, seen = busy.query(example.query), Seen(busy)
        answer["is"] = vector
        if not vector or not all(math.isfinite(value) and value >= 0 for _, value in vector):
            return False
        if SHARES.search(example.name) and not all(value <= 1.0 for _, value in vector):
            return False
        return fact(vector, seen)

    answer: dict[str, Vector] = {}
    try:
        busy.until(f"{example.query} is right", is_right, PATIENCE)
    except AssertionError as error:
        raise AssertionError(f"{error}: {answer.get('is')}") from None


def test_the_guides_own_examples_are_there() -> None:
    written = {example.query.strip() for example in EXAMPLES}
    assert set(GUIDES_FIVE) <= written
    assert len(written) >= 30


def test_what_is_compared_is_written() -> None:
    assert set(FACTS) <= {example.name.rstrip(".") for example in EXAMPLES}


@pytest.mark.parametrize("query", ["rate(http_request_total[5m])", 'up{segment="a"}'])
def test_an_unknown_metric_or_label_is_found(query: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        test_an_example_asks_for_metrics_that_there_are(Example(ROOT, "", query))
