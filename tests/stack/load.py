# SPDX-License-Identifier: MIT
"""load - the traffic of the stack: steady, healthy but for a few faults, and what it did

First a burst of requests of every kind, so that all families of the catalogue have moved, before Prometheus
looks: in it too many fail. From then on so many a second, of which few enough fail that no alert fires.
"""

from __future__ import annotations

import random
from collections import Counter

import traffic
from serving import UNMATCHED

BURST = 600
RATE = 20.0
CONNECTIONS = 12  # so many requests at most are being answered
ONE_FAILS_IN = 80  # requests, by an exception
HEALTHY = (
    "book a cleaning",
    "book painting on 2027-02-03",
    "my bookings",
    "I want to complain: nobody came",
    "When are you open?",
    "How do I pay?",
)


def _chat(random_: random.Random, _number: int) -> traffic.Request:
    return "/api/v1/chat", {"user_id": random_.randint(1, 60), "text": random_.choice(HEALTHY)}


def _fail(_random: random.Random, number: int) -> traffic.Request:
    """Evenly rather than by chance: a test that expects quiet must not depend on luck."""
    return f"/api/v1/fail?really={number % ONE_FAILS_IN < 4}", None


def healthy_routes() -> list[traffic.Route]:
    """The demo's mix, but for chats and failures; more chats, for there is less traffic."""
    kept = [route for route in traffic.demo_routes(UNMATCHED) if route.endpoint not in replaced]
    chat = traffic.Route("POST", "/api/v1/chat", _chat, 8)
    return [*kept, chat, traffic.Route("GET", "/api/v1/fail", _fail)]


replaced = ("/api/v1/chat", "/api/v1/fail")


class Load:
    """Traffic that goes on until it is stopped."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._steady = traffic.Traffic(url, healthy_routes(), connections=CONNECTIONS, seed=2, rate=RATE)
        self._finished = traffic.Report()
        self.at_first = Done(traffic.Report())  # what the burst did

    def burst(self) -> None:
        """Returns when it is over."""
        burst = traffic.Traffic(self.url, traffic.demo_routes(UNMATCHED))
        burst.start(BURST)
        self.at_first = Done(burst.join())
        self._finished.add(self.at_first.report)

    def start(self) -> None:
        self._steady.start()

    def stop(self) -> None:
        self._steady.stop()

    def more(
        self, *routes: traffic.Route, connections: int, rate: float | None = None
    ) -> traffic.Traffic:
        """Begins additional traffic; for `finish`."""
        extra = traffic.Traffic(self.url, routes, connections, rate=rate)
        extra.start()
        return extra

    def finish(self, extra: traffic.Traffic) -> traffic.Report:
        """Ends it; what it did counts as done."""
        report = extra.stop()
        self._finished.add(report)
        return report

    @property
    def done(self) -> Done:
        """What has been answered by now."""
        total = traffic.Report()
        total.add(self._finished)
        total.add(self._steady.so_far())
        return Done(total)


class Done:
    """Answers, by (method, endpoint, status); `endpoint` is the template under which the server counts."""

    def __init__(self, report: traffic.Report) -> None:
        self.report = report
        self.answers: Counter[traffic.Key] = report.answers

    def count(
        self, method: str | None = None, endpoint: str | None = None, status: int | None = None
    ) -> int:
        """The answers with these."""
        wanted = (method, endpoint, status)
        return sum(
            number
            for key, number in self.answers.items()
            if all(want is None or want == have for want, have in zip(wanted, key))
        )

    @property
    def requests(self) -> int:
        return self.answers.total()

    @property
    def errors(self) -> int:
        """Those with a status of 5xx."""
        return sum(number for (_, _, status), number in self.answers.items() if status >= 500)

    @property
    def agent_executions(self) -> int:
        """Every chat that was understood executed one agent."""
        return sum(self.count("POST", "/api/v1/chat", status) for status in (200, 503))

    @property
    def users(self) -> int:
        """Registered."""
        return self.count("POST", "/api/v1/users", 201)

    @property
    def duration_sum(self) -> float:
        """What the server recorded, and said in its answers."""
        return self.report.duration_sum
