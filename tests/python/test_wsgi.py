# SPDX-License-Identifier: MIT
"""The WSGI middleware: what is counted, when, and that the gauge always comes back. No framework."""

from __future__ import annotations

import io
import logging
from typing import Any, Callable, Iterable, Iterator, Optional
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

import shmetrics
from shmetrics.wsgi import Middleware

COUNT, DURATION, IN_PROGRESS = (
    "http_requests_total",
    "http_request_duration_seconds",
    "http_requests_in_progress",
)
App = Callable[[Any, Any], Iterable[bytes]]


class Server:
    """Stands for a WSGI server: notes each part it is handed and what the metrics were at that moment."""

    def __init__(self, registry: shmetrics.CollectorRegistry, app: App, **options: Any) -> None:
        self.registry = registry
        options.setdefault("endpoint", lambda environ: environ.get("template"))
        self.app = Middleware(app, registry=registry, **options)
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.parts: list[bytes] = []
        self.counted: list[float] = []

    def note(self, part: bytes) -> None:
        self.parts.append(part)
        self.counted.append(self.total())

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        self.status, self.headers = status, headers
        return self.note

    def request(self, method: str = "GET", stop_after: Optional[int] = None, **more: Any) -> Any:
        environ: dict[str, Any] = {"REQUEST_METHOD": method, "QUERY_STRING": ""}
        setup_testing_defaults(environ)
        environ["wsgi.file_wrapper"] = FileWrapper
        iterable = self.app({**environ, **more}, self.start_response)
        try:
            for number, part in enumerate(iterable):
                self.note(part)
                if number + 1 == stop_after:
                    break
            else:
                self.note(b"the end")
        finally:
            if hasattr(iterable, "close"):
                iterable.close()
        return iterable

    def value(self, name: str, **labels: str) -> Any:
        return self.registry.get_sample_value(name, labels)

    def counts(self) -> dict[tuple[str, ...], float]:
        return {
            tuple(sample.labels[name] for name in ("method", "endpoint", "status_code")): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == COUNT
        }

    def total(self) -> float:
        return sum(self.counts().values())


class Parts:
    """An iterable that is no list, and remembers its close()."""

    def __init__(self, *parts: bytes, error: Optional[BaseException] = None) -> None:
        self.parts = parts
        self.error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed += 1


def answering(body: Iterable[bytes], status: str = "200 OK", *headers: tuple[str, str]) -> App:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        environ["template"] = "/x"
        start_response(status, [("Content-Type", "text/plain"), *headers])
        return body

    return app


def test_a_request_is_counted_with_its_labels(registry: Any) -> None:
    server = Server(registry, answering([b"made"], "201 Created"))
    server.request("POST")
    assert server.counts() == {("POST", "/x", "201"): 1}
    assert server.value(DURATION + "_count", method="POST", endpoint="/x") == 1
    assert 0 < server.value(DURATION + "_sum", method="POST", endpoint="/x") < 5
    assert server.value(IN_PROGRESS) == 0
    assert (server.status, server.parts) == ("201 Created", [b"made", b"the end"])


LENGTH_6 = ("Content-Length", "6")


@pytest.mark.parametrize(
    "body, headers, counted",
    [
        ([b"one", b"two"], [], [1, 1, 1]),
        ((b"all",), [], [1, 1]),
        (Parts(b"one", b"two"), [], [0, 0, 1]),
        (Parts(b"one", b"two"), [LENGTH_6], [0, 1, 1]),
        (Parts(b"one", b"two"), [("content-length", "x")], [0, 0, 1]),
        (Parts(), [], [1]),
    ],
)
def test_a_request_is_counted_before_its_end_is_handed_over(
    registry: Any, body: Any, headers: Any, counted: list[float]
) -> None:
    server = Server(registry, answering(body, "200 OK", *headers))
    iterable = server.request()
    assert server.counted == counted
    assert (server.total(), server.value(IN_PROGRESS)) == (1, 0)
    assert (iterable is body) == isinstance(body, (list, tuple))
    assert getattr(body, "closed", 1) == 1


def test_a_generator_that_answers_late(registry: Any) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("202 Accepted", [])
        yield b"part"

    server = Server(registry, app)
    server.request()
    assert server.counts() == {("GET", "<unmatched>", "202"): 1}
    assert server.counted == [0, 1]


def test_a_file_is_left_to_the_server(registry: Any) -> None:
    body = FileWrapper(io.BytesIO(b"content"))
    server = Server(registry, answering(body))
    assert server.request() is body
    assert server.counted == [1, 1]


def test_what_is_written_counts_too(registry: Any) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        write = start_response("200 OK", [LENGTH_6])
        write(b"one")
        write(b"two")
        return []

    server = Server(registry, app)
    server.request()
    assert server.parts[:2] == [b"one", b"two"] and server.counted == [0, 1, 1]


def test_an_exception_before_the_answer_is_a_500(registry: Any) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        environ["template"] = "/x"
        raise KeyError("failed")

    server = Server(registry, app)
    with pytest.raises(KeyError):
        server.request()
    assert server.counts() == {("GET", "/x", "500"): 1}
    assert server.value(IN_PROGRESS) == 0


def test_an_exception_within_the_answer_keeps_its_status(registry: Any) -> None:
    body = Parts(b"half", error=OSError("gone"))
    server = Server(registry, answering(body))
    with pytest.raises(OSError):
        server.request()
    assert server.counts() == {("GET", "/x", "200"): 1}
    assert (server.value(IN_PROGRESS), body.closed) == (0, 1)


def test_an_error_page_takes_the_answer_s_place(registry: Any) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            raise ValueError
        except ValueError as error:
            start_response("500 Internal Server Error", [], (ValueError, error, None))
        return [b"sorry"]

    server = Server(registry, app)
    server.request()
    assert server.counts() == {("GET", "<unmatched>", "500"): 1}


def test_a_client_that_goes_away_leaves(registry: Any) -> None:
    body = Parts(b"one", b"two", b"three")
    server = Server(registry, answering(body))
    server.request(stop_after=1)
    assert server.counts() == {("GET", "/x", "200"): 1}
    assert (server.value(IN_PROGRESS), body.closed) == (0, 1)

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield b""
        start_response("200 OK", [])

    Server(registry, app).request(stop_after=1)
    assert server.counts()[("GET", "<unmatched>", "499")] == 1
    assert server.value(IN_PROGRESS) == 0


def test_a_close_that_fails_leaves_the_gauge(registry: Any) -> None:
    class Failing(Parts):
        def close(self) -> None:
            raise OSError("close")

    server = Server(registry, answering(Failing(b"one")))
    with pytest.raises(OSError, match="close"):
        server.request()
    assert server.counts() == {("GET", "/x", "200"): 1}
    assert server.value(IN_PROGRESS) == 0


def test_the_duration_in_the_header_is_the_one_recorded(registry: Any) -> None:
    server = Server(registry, answering([b"x"]), duration_header="X-Recorded-Duration")
    server.request()
    told = float(dict(server.headers)["X-Recorded-Duration"])
    assert server.value(DURATION + "_sum", method="GET", endpoint="/x") == told


def test_clients_make_no_series(registry: Any) -> None:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(environ["status"], [])
        return []

    server = Server(registry, app)
    for number in range(20):
        server.request(f"METHOD{number}", PATH_INFO=f"/random/{number}", status=f"{700 + number} ?")
    server.request("GET", status="impossible")
    assert server.counts() == {
        ("<other>", "<unmatched>", "<other>"): 20,
        ("GET", "<unmatched>", "500"): 1,
    }


def test_an_endpoint_function_that_fails_does_not_fail_the_request(
    registry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def endpoint(environ: Any) -> str:
        raise KeyError("template")

    server = Server(registry, answering([b"fine"]), endpoint=endpoint)
    with caplog.at_level(logging.ERROR, logger="shmetrics"):
        server.request()
    assert server.counts() == {("GET", "<unmatched>", "200"): 1}
    assert len(caplog.records) == 1


def test_both_sides_see_what_the_protocol_promises(registry: Any) -> None:
    """The standard library's validator, between the server and us and between us and the application."""

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter((b"one", b"two"))

    server = Server(registry, validator(app), duration_header="X-Duration")
    server.app = validator(server.app)  # type: ignore[assignment]
    server.request()
    assert server.parts == [b"one", b"two", b"the end"]
    assert server.counts() == {("GET", "<unmatched>", "200"): 1}
