#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""traffic - sends a bounded number of requests and adds up what the answers say.

    traffic.py --url http://127.0.0.1:8000 --requests 2000
    traffic.py --url http://127.0.0.1:8000 --requests 36000 --rate 20      half an hour

Every request is counted as one of three: answered (its answer arrived whole), unanswered (it was sent, but
the connection died before the whole answer was there: the server may have counted it or not), refused (no
connection, so nothing was sent). Nothing is sent twice. The durations that the server recorded, which it
returns in a header, are added up exactly (math.fsum). The report is one JSON object on standard output.
"""

import argparse
import http.client
import json
import math
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

HEADER = "x-recorded-duration"
SERVICES = ("cleaning", "gardening", "painting", "plumbing")

Request = tuple[str, dict[str, Any] | None]
Key = tuple[str, str, int]


@dataclass(frozen=True)
class Route:
    """A kind of request: `endpoint` is the template under which the server counts it."""

    method: str
    endpoint: str
    make: Callable[[random.Random, int], Request]
    weight: int = 1


def _user(random_: random.Random, number: int) -> Request:
    return "/api/v1/users", {"name": f"User {number}", "email": f"{number}.{random_.random()}@example.org"}


def _booking(random_: random.Random, _number: int) -> Request:
    day = f"2027-01-{random_.randint(1, 28):02}"
    return "/api/v1/bookings", {
        "user_id": random_.randint(1, 60),
        "service": random_.choice((*SERVICES, "gambling")),  # the last is refused with 422
        "day": day,
    }


def _chat(random_: random.Random, _number: int) -> Request:
    text = random_.choice(
        (
            "book a cleaning",
            "book painting on 2027-02-03",
            "my bookings",
            f"cancel {random_.randint(1, 200)}",
            f"I complain about booking {random_.randint(1, 200)}",
            "I want to complain: nobody came",
            "When are you open?",
            "How do I pay?",
            "Are you open, or out of order?",  # the model fails: answered with 503
            "how are you?",
        )
    )
    return "/api/v1/chat", {"user_id": random_.randint(1, 60), "text": text}


def demo_routes(unmatched: str) -> list[Route]:
    """The mix for the demo backend. unmatched: the endpoint of paths that no route has."""
    return [
        Route("POST", "/api/v1/users", _user, 3),
        Route("GET", "/api/v1/users/{user_id}", lambda r, _: (f"/api/v1/users/{r.randint(1, 60)}", None), 6),
        Route(
            "GET",
            "/api/v1/users/{user_id}/bookings",
            lambda r, _: (f"/api/v1/users/{r.randint(1, 60)}/bookings", None),
            3,
        ),
        Route("POST", "/api/v1/bookings", _booking, 3),
        Route("GET", "/api/v1/bookings", lambda *_: ("/api/v1/bookings", None), 2),
        Route("POST", "/api/v1/chat", _chat, 3),
        Route("GET", "/api/v1/slow", lambda r, _: (f"/api/v1/slow?seconds={r.random() / 20:.3f}", None)),
        Route("GET", "/api/v1/fail", lambda r, _: (f"/api/v1/fail?really={r.random() < 0.5}", None)),
        Route("GET", unmatched, lambda r, _: (f"/nowhere/{r.randint(1, 1000)}", None)),
    ]


@dataclass
class Report:
    """What became of the requests."""

    answers: Counter[Key] = field(default_factory=Counter)
    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    durations: list[float] = field(default_factory=list)
    unanswered: int = 0
    refused: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def answered(self) -> int:
        """How many answers arrived whole."""
        return self.answers.total()

    @property
    def duration_sum(self) -> float:
        """All recorded durations, added up without rounding on the way."""
        return math.fsum(self.durations)

    def add(self, other: "Report") -> None:
        """Adds what another report says, but for its seconds."""
        self.answers += other.answers
        self.sent += other.sent
        self.errors += other.errors
        self.durations += other.durations
        self.unanswered += other.unanswered
        self.refused += other.refused

    def as_json(self) -> dict[str, Any]:
        """For people and for verify.py."""
        return {
            "sent": self.sent.total(),
            "answered": self.answered,
            "unanswered": self.unanswered,
            "refused": self.refused,
            "errors": dict(self.errors),
            "durations": len(self.durations),
            "duration_sum": self.duration_sum,
            "seconds": round(self.seconds, 3),
            "answers": [
                {"method": method, "endpoint": endpoint, "status_code": str(status), "count": count}
                for (method, endpoint, status), count in sorted(self.answers.items())
            ],
        }


class Traffic:
    """Sends requests over `connections` kept-alive connections, one thread each.

    Request number n is the same one for the same seed, whichever thread sends it. rate: at most so many a
    second, in even steps; what could not be sent in its time is not made up for.
    """

    def __init__(
        self,
        url: str,
        routes: Sequence[Route],
        connections: int = 8,
        seed: int = 1,
        timeout: float = 60.0,
        rate: float | None = None,
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._routes = list(routes)
        self._weights = [route.weight for route in routes]
        self._connections = connections
        self._seed = seed
        self._timeout = timeout
        self._step = 1 / rate if rate else 0.0
        self._due = 0.0
        self._lock = threading.Lock()
        self._next = 0
        self._limit: int | None = None
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._began = 0.0
        self.report = Report()

    def start(self, requests: int | None = None) -> None:
        """Begins to send: so many requests, or until `stop`."""
        self._limit = requests
        self._began = time.perf_counter()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self._connections)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Report:
        """Sends nothing more, and waits for the answers under way."""
        self._stop.set()
        return self.join()

    def join(self) -> Report:
        """Waits until all requests are done."""
        for thread in self._threads:
            thread.join()
        self.report.seconds = time.perf_counter() - self._began
        return self.report

    def so_far(self) -> Report:
        """What became of the requests that are done by now."""
        so_far = Report()
        with self._lock:
            so_far.add(self.report)
        so_far.seconds = time.perf_counter() - self._began
        return so_far

    def _take_number(self) -> int | None:
        """The next request's, when it is due; None: no more."""
        with self._lock:
            if self._stop.is_set() or (self._limit is not None and self._next >= self._limit):
                return None
            self._next += 1
            number = self._next
            now = time.perf_counter()
            self._due = max(now, self._due + self._step)
            wait = self._due - now
        return None if wait > 0 and self._stop.wait(wait) else number

    def _run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while (number := self._take_number()) is not None:
            mine = Report()
            if connection is None:
                connection = self._connect(mine)
            if connection is not None and not self._send(connection, number, mine):
                connection.close()
                connection = None
            with self._lock:
                self.report.add(mine)
        if connection is not None:
            connection.close()

    def _connect(self, mine: Report) -> http.client.HTTPConnection | None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.connect()
        except OSError as error:
            mine.refused += 1
            mine.errors[type(error).__name__] += 1
            self._stop.wait(0.05)  # do not spin while a server starts
            return None
        connection.auto_open = 0  # http.client would connect again by itself, unseen
        return connection

    def _send(self, connection: http.client.HTTPConnection, number: int, mine: Report) -> bool:
        """One request and its answer. False: the connection is of no further use."""
        random_ = random.Random(self._seed * 1_000_003 + number)
        route = random_.choices(self._routes, self._weights)[0]
        path, content = route.make(random_, number)
        body = None if content is None else json.dumps(content).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        mine.sent[route.method, route.endpoint] += 1
        try:
            connection.request(route.method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            mine.unanswered += 1
            mine.errors[type(error).__name__] += 1
            return False
        mine.answers[route.method, route.endpoint, answer.status] += 1
        if (duration := answer.getheader(HEADER)) is not None:
            mine.durations.append(float(duration))
        return not answer.will_close


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True, help="where the demo listens, such as http://127.0.0.1:8000")
    parser.add_argument("--requests", type=int, default=2000, help="how many (default 2000)")
    parser.add_argument("--connections", type=int, default=8, help="at once (default 8)")
    parser.add_argument("--rate", type=float, help="at most so many a second (default: as fast as it goes)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another mix (default 1)")
    parser.add_argument("--unmatched", default="<unmatched>", help="the endpoint of paths without a route")
    options = parser.parse_args()
    if options.requests < 1 or options.connections < 1:
        parser.error("--requests and --connections must be at least 1")
    if options.rate is not None and options.rate <= 0:
        parser.error("--rate must be above 0")

    routes = demo_routes(options.unmatched)
    traffic = Traffic(options.url, routes, options.connections, options.seed, rate=options.rate)
    traffic.start(options.requests)
    report = traffic.join()
    json.dump(report.as_json(), sys.stdout, indent=1)
    print()
    return 0 if report.answered == options.requests else 1


if __name__ == "__main__":
    sys.exit(main())
