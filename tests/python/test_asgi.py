# SPDX-License-Identifier: MIT
"""The ASGI middleware: what is counted, when, and that the gauge always comes back. No framework."""

from __future__ import annotations

import asyncio
import collections
import gc
import logging
import sys
from itertools import product
from typing import Any, Awaitable, Callable, Optional

import pytest

import shmetrics
from shmetrics.asgi import Middleware

App = Callable[[Any, Any, Any], Awaitable[None]]
COUNT, DURATION, IN_PROGRESS = (
    "http_requests_total",
    "http_request_duration_seconds",
    "http_requests_in_progress",
)


class Server:
    """Stands for an ASGI server: notes what it is sent and what the metrics were at that moment."""

    def __init__(self, registry: shmetrics.CollectorRegistry, app: App, **options: Any) -> None:
        self.registry = registry
        options.setdefault("endpoint", lambda scope: scope.get("template"))
        self.app = Middleware(app, registry=registry, **options)
        self.messages: list[Any] = []
        self.counted: list[float] = []
        self.in_progress: list[float] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        self.counted.append(self.total())
        self.in_progress.append(self.value(IN_PROGRESS))

    async def receive(self) -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    def scope(self, method: str = "GET", **more: Any) -> dict[str, Any]:
        return {"type": "http", "method": method, "path": "/x", "headers": [], **more}

    def request(self, method: str = "GET", **more: Any) -> None:
        asyncio.run(self.app(self.scope(method, **more), self.receive, self.send))

    def value(self, name: str, **labels: str) -> Any:
        return self.registry.get_sample_value(name, labels)

    def counts(self) -> dict[tuple[str, str, str], float]:
        return {
            (
                sample.labels["method"],
                sample.labels["endpoint"],
                sample.labels["status_code"],
            ): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == COUNT
        }

    def total(self) -> float:
        return sum(self.counts().values())


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes = b"", more: Optional[bool] = None) -> dict[str, Any]:
    message: dict[str, Any] = {"type": "http.response.body", "body": content}
    return message if more is None else {**message, "more_body": more}


def answering(*messages: Any) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["template"] = "/x"
        for message in messages:
            await send(message)

    return app


@pytest.fixture
def registry() -> shmetrics.CollectorRegistry:
    return shmetrics.CollectorRegistry()


def test_a_request_is_counted_with_its_labels(registry: Any) -> None:
    server = Server(registry, answering(start(201), body(b"made")))
    server.request("POST")
    assert server.counts() == {("POST", "/x", "201"): 1}
    assert server.value(DURATION + "_count", method="POST", endpoint="/x") == 1
    assert 0 < server.value(DURATION + "_sum", method="POST", endpoint="/x") < 5
    assert server.value(IN_PROGRESS) == 0
    assert server.messages == [start(201), body(b"made")]


@pytest.mark.parametrize(
    "method, messages, counted",
    [
        ("GET", [start(), body(b"all")], [0, 1]),
        ("GET", [start(), body(b"one", True), body(b"two", True), body()], [0, 0, 0, 1]),
        # A client that knows the length has its answer before the empty last message.
        (
            "GET",
            [start(200, (b"content-length", b"6")), body(b"one", True), body(b"two", True), body()],
            [0, 0, 1, 1],
        ),
        ("GET", [start(200, (b"Content-Length", b"0")), body()], [1, 1]),
        ("GET", [start(200, (b"content-length", b"x")), body()], [0, 1]),
        ("HEAD", [start(200, (b"content-length", b"6")), body()], [1, 1]),
        ("GET", [start(204), body()], [1, 1]),
        ("GET", [start(304), body()], [1, 1]),
        ("GET", [start(), {"type": "http.response.pathsend", "path": "/file"}], [0, 1]),
        ("GET", [start(), {"type": "http.response.zerocopysend", "file": 3}], [0, 1]),
        ("GET", [{"type": "http.response.debug"}, start(), body()], [0, 0, 1]),
    ],
)
def test_a_request_is_counted_before_its_end_is_sent(
    registry: Any, method: str, messages: list[Any], counted: list[float]
) -> None:
    server = Server(registry, answering(*messages))
    server.request(method)
    assert server.counted == counted
    assert server.in_progress == [1 - count for count in counted]
    assert server.total() == 1


def test_the_duration_in_the_header_is_the_one_recorded(registry: Any) -> None:
    server = Server(
        registry,
        answering(start(200, (b"a", b"b")), body(b"one", True), body()),
        duration_header="X-Recorded-Duration",
    )
    told = []
    for _ in range(20):
        server.request()
        headers = server.messages[-3]["headers"]
        assert headers[0] == (b"a", b"b") and headers[1][0] == b"x-recorded-duration"
        told.append(float(headers[1][1]))
    assert all(duration > 0 for duration in told)
    # The sum is kept in stripes, which are added up in another order.
    total = server.value(DURATION + "_sum", method="GET", endpoint="/x")
    assert total == pytest.approx(sum(told), rel=1e-12)


def test_the_application_s_message_is_left_alone(registry: Any) -> None:
    message = {"type": "http.response.start", "status": 200, "headers": iter([(b"a", b"b")])}
    bare = {"type": "http.response.start", "status": 200}
    server = Server(registry, answering(message, body()), duration_header="d")
    server.request()
    assert [name for name, _ in server.messages[0]["headers"]] == [b"a", b"d"]
    server = Server(registry, answering(bare, body()), duration_header="d")
    server.request()
    assert bare == {"type": "http.response.start", "status": 200}


def test_an_exception_before_the_answer_is_a_500(registry: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["template"] = "/x"
        raise KeyError("failed")

    server = Server(registry, app)
    with pytest.raises(KeyError):
        server.request()
    assert server.counts() == {("GET", "/x", "500"): 1}
    assert server.value(DURATION + "_count", method="GET", endpoint="/x") == 1
    assert server.value(IN_PROGRESS) == 0


def test_an_exception_within_the_answer_keeps_its_status(registry: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200))
        await send(body(b"half", True))
        raise OSError("gone")

    server = Server(registry, app)
    with pytest.raises(OSError):
        server.request()
    assert server.counts() == {("GET", "<unmatched>", "200"): 1}
    assert server.value(IN_PROGRESS) == 0


def test_an_exception_after_the_answer_counts_once(registry: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(500))
        await send(body(b"error page"))
        raise ValueError

    server = Server(registry, app)
    with pytest.raises(ValueError):
        server.request()
    assert server.counts() == {("GET", "<unmatched>", "500"): 1}
    assert server.value(IN_PROGRESS) == 0


def test_an_application_that_answers_nothing_is_a_500(registry: Any) -> None:
    server = Server(registry, answering())
    server.request()
    assert server.counts() == {("GET", "/x", "500"): 1}
    assert server.value(IN_PROGRESS) == 0


class Waiting(Server):
    """The client is there and says nothing more."""

    async def receive(self) -> Any:
        await asyncio.Event().wait()


class Left(Server):
    """The client is gone."""

    async def receive(self) -> Any:
        return {"type": "http.disconnect"}


class Odd(Server):
    """What is no message at all."""

    async def receive(self) -> Any:
        return 7


@pytest.mark.parametrize("kind, status", [(Left, "499"), (Waiting, "500"), (Odd, "500")])
def test_who_has_left_is_not_a_500(
    registry: Any, kind: type[Server], status: str
) -> None:
    server = kind(registry, answering())
    server.request()
    assert server.counts() == {("GET", "/x", status): 1}
    assert server.value(IN_PROGRESS) == 0


def test_an_answer_that_has_started_keeps_its_status(registry: Any) -> None:
    server = Left(registry, answering(start(200)))
    server.request()
    assert [status for _, _, status in server.counts()] == ["200"]


@pytest.mark.parametrize("started, status", [(False, "499"), (True, "200")])
def test_a_cancelled_request_leaves(registry: Any, started: bool, status: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if started:
            await send(start(200))
        await asyncio.Event().wait()

    server = Server(registry, app)

    async def cancel() -> None:
        task = asyncio.ensure_future(server.app(server.scope(), server.receive, server.send))
        while not (server.messages if started else server.value(IN_PROGRESS)):
            await asyncio.sleep(0)
        assert server.value(IN_PROGRESS) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert server.counts() == {("GET", "<unmatched>", status): 1}
    assert server.value(IN_PROGRESS) == 0


def test_a_server_that_refuses_the_answer(registry: Any) -> None:
    class Disconnected(Server):
        async def send(self, message: Any) -> None:
            if message["type"] == "http.response.body":
                raise OSError("disconnected")

    server = Disconnected(registry, answering(start(), body(b"one", True), body(b"two")))
    with pytest.raises(OSError):
        server.request()
    assert server.counts() == {("GET", "/x", "200"): 1}
    assert server.value(IN_PROGRESS) == 0


def test_clients_make_no_series(registry: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(scope["status"]))
        await send(body())

    server = Server(registry, app)
    for number in range(50):
        server.request(f"METHOD{number}", path=f"/random/{number}", status=700 + number)
    assert server.counts() == {("<other>", "<unmatched>", "<other>"): 50}


def test_a_removed_series_comes_back_with_the_next_request(registry: Any) -> None:
    server = Server(registry, answering(start(), body()))
    requests = shmetrics.asgi.http_metrics(registry, shmetrics.Histogram.DEFAULT_BUCKETS)
    for _ in range(3):
        server.request("GET")
    requests.requests.remove("GET", "/x", "200")
    assert server.total() == 0
    server.request("GET")
    assert server.counts() == {("GET", "/x", "200"): 1}
    requests.durations.clear()
    server.request("GET")
    assert server.value(DURATION + "_count", method="GET", endpoint="/x") == 1
    assert server.counts() == {("GET", "/x", "200"): 2}


def test_each_method_endpoint_and_status_has_its_own_series(registry: Any) -> None:
    """More of them than are looked up fast, in turns, by the same objects and by others."""
    said: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["template"] = said["endpoint"]
        await send(start(said["status"]))
        await send(body())

    server = Server(registry, app)
    endpoints = [f"/{number}" for number in range(20)]
    kinds = list(product(("GET", "PUT", "POST"), endpoints, (200, 204, 500)))
    for turn in range(3):
        for method, endpoint, said["status"] in kinds:
            said["endpoint"] = endpoint if turn else "".join(list(endpoint))
            server.request("".join(list(method)))
    wanted = {(method, endpoint, str(status)): 3 for method, endpoint, status in kinds}
    assert server.counts() == wanted


def test_concurrent_requests_are_in_progress(registry: Any) -> None:
    async def scenario() -> None:
        release = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await release.wait()
            await send(start())
            await send(body())

        server = Server(registry, app)
        tasks = [
            asyncio.ensure_future(server.app(server.scope(), server.receive, server.send))
            for _ in range(7)
        ]
        while server.value(IN_PROGRESS) < 7:
            await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*tasks)
        assert server.value(IN_PROGRESS) == 0
        assert server.total() == 7

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_other_protocols_pass_through(registry: Any, kind: str) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    server = Server(registry, app)
    scope = {"type": kind}
    asyncio.run(server.app(scope, server.receive, server.send))
    assert seen == [(scope, server.receive, server.send)]
    assert server.counts() == {} and server.value(IN_PROGRESS) == 0


def test_an_endpoint_function_that_fails_does_not_fail_the_request(
    registry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def endpoint(scope: Any) -> str:
        raise KeyError("template")

    server = Server(registry, answering(start(), body(b"fine")), endpoint=endpoint)
    with caplog.at_level(logging.ERROR, logger="shmetrics"):
        server.request()
    assert server.counts() == {("GET", "<unmatched>", "200"): 1}
    assert server.messages[-1] == body(b"fine")
    assert len(caplog.records) == 1


def test_two_applications_share_the_metrics_of_a_registry(registry: Any) -> None:
    first, second = (Server(registry, answering(start(), body())) for _ in range(2))
    first.request()
    second.request()
    assert first.counts() == {("GET", "/x", "200"): 2}
    with pytest.raises(ValueError, match="other buckets"):
        Server(registry, answering(), buckets=[1, 2])


def test_the_buckets_may_be_chosen(registry: Any) -> None:
    server = Server(registry, answering(start(), body()), buckets=[60])
    server.request()
    assert server.value(DURATION + "_bucket", method="GET", endpoint="/x", le="60.0") == 1


@pytest.mark.parametrize(
    "messages, status",
    [
        ([{**start(), "headers": [7, (b"content-length",), [b"content-length", b"4"]]}, body()], "200"),
        ([{**start(), "headers": [("content-length", "4"), (b"content-length", "4")]}, body()], "200"),
        ([{**start(), "status": "200"}, body()], "<other>"),
        ([{**start(), "status": []}, body()], "<other>"),
        ([{**start(), "status": 10**30}, body()], "<other>"),
        ([{"type": "http.response.start"}, body()], "<other>"),
        ([start(200, (b"content-length", b"4")), {**body(more=True), "body": None}, body()], "200"),
        ([collections.UserDict(start(201)), collections.UserDict(body())], "201"),
        ([{"type": None}, {}, start(), body()], "200"),
    ],
)
def test_what_is_wrong_with_a_message_the_server_says(
    registry: Any, messages: list[Any], status: str
) -> None:
    server = Server(registry, answering(*messages))
    server.request()
    assert server.messages == messages
    assert server.counts() == {("GET", "/x", status): 1}
    assert server.value(IN_PROGRESS) == 0


def test_send_takes_one_message(registry: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for wrong in (lambda: send(), lambda: send(start(), body()), lambda: send(message=start())):
            with pytest.raises(TypeError, match="one message"):
                wrong()

    Server(registry, app).request()


def test_a_request_leaves_nothing_behind(registry: Any) -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        await send({**start(), "headers": iter([(b"a", b"b")])})
        raise OSError

    head, whole = start(200, (b"content-length", b"3")), body(b"all")
    good = Server(registry, answering(head, whole), duration_header="d")
    bad = Server(registry, fails)

    def run(count: int) -> tuple[int, ...]:
        for _ in range(count):
            good.request()
            with pytest.raises(OSError):
                bad.request()
        for server in (good, bad):
            del server.messages[:], server.counted[:], server.in_progress[:]
        gc.collect()
        held = (good.app, good.app.app, bad.app.app, head, whole, "POST", "<other>")
        return (*map(sys.getrefcount, held), len(gc.get_objects()) // 100)

    run(5)
    before = run(5)
    assert run(50) == before
