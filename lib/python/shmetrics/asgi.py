# SPDX-License-Identifier: MIT
"""asgi - a middleware that records the requests of an ASGI application

http_requests_total{method,endpoint,status_code}, http_request_duration_seconds{method,endpoint} and
http_requests_in_progress. Guaranteed:

 1. A request is counted before the last byte of its answer is handed to the server: whoever has an
    answer is counted, even if the worker is killed at that moment.
 2. Each request is counted once and leaves the gauge once, whatever the application does: raise, be
    cancelled, stop half-way, or answer nothing.
 3. No client can make series: unknown paths are one endpoint, unknown methods one method.

Pure ASGI: it wraps `send` and nothing else, and needs no framework. Websockets and lifespan pass
through.
"""

from __future__ import annotations

import asyncio
import weakref
from time import perf_counter
from typing import (
    Any,
    Awaitable,
    Callable,
    Iterable,
    List,
    MutableMapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from .fastapi import route_template
from .metrics import Counter, Gauge, Histogram
from .registry import REGISTRY, CollectorRegistry
from .segment import logger

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

UNMATCHED = "<unmatched>"
OTHER = "<other>"

# labels() knows a string fastest by its identity: the same object every time.
METHODS = {
    method: method
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
}
STATUS_TEXTS = {status: str(status) for status in range(100, 600)}

# The client went away, or the server stopped, before there was an answer; nginx made the number
# known.
STATUS_CANCELLED = 499
STATUS_ERROR = 500


class _Instruments(NamedTuple):
    requests: Counter
    durations: Histogram
    in_progress: Gauge
    buckets: Tuple[float, ...]


_instruments: "weakref.WeakKeyDictionary[CollectorRegistry, _Instruments]" = (
    weakref.WeakKeyDictionary()
)


def _instruments_of(
    registry: CollectorRegistry, buckets: Sequence[Union[float, str]]
) -> _Instruments:
    """The metrics are the registry's: several applications in one process share them."""
    bounds = tuple(float(bound) for bound in buckets)
    found = _instruments.get(registry)
    if found is None:
        found = _instruments[registry] = _Instruments(
            Counter(
                "http_requests_total",
                "HTTP requests answered.",
                ["method", "endpoint", "status_code"],
                registry=registry,
            ),
            Histogram(
                "http_request_duration_seconds",
                "Time from the arrival of an HTTP request to its answer.",
                ["method", "endpoint"],
                registry=registry,
                buckets=bounds,
            ),
            Gauge(
                "http_requests_in_progress",
                "HTTP requests not answered yet.",
                registry=registry,
                multiprocess_mode="livesum",
            ),
            bounds,
        )
    elif found.buckets != bounds:
        raise ValueError("http_request_duration_seconds has other buckets in this registry already")
    return found


class Middleware:
    """Records every HTTP request that passes.

    Around the whole application, app = Middleware(app), it also sees the answers that stand for
    unexpected exceptions; with FastAPI's add_middleware() it sees the exceptions.

    registry, buckets: of the metrics.
    endpoint: gives the endpoint label when the answer starts, from the scope; None for an unmatched
    path. By default the route template of FastAPI and Starlette.
    duration_header: the name of a header that tells the client, in seconds, the duration that is
    recorded. It leaves with the start of the response, so with it the time to the first byte is
    measured; without it the time to the last.
    """

    def __init__(
        self,
        app: App,
        *,
        registry: CollectorRegistry = REGISTRY,
        buckets: Sequence[Union[float, str]] = Histogram.DEFAULT_BUCKETS,
        endpoint: Callable[[Scope], Optional[str]] = route_template,
        duration_header: Optional[str] = None,
    ) -> None:
        self.app = app
        self._instruments = _instruments_of(registry, buckets)
        self._endpoint = endpoint
        self._duration_header = (
            duration_header.lower().encode("latin-1") if duration_header else None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(self._instruments, self._endpoint, scope, send)
        exchange.duration_header = self._duration_header
        try:
            await self.app(scope, receive, exchange.send)
        except asyncio.CancelledError:
            exchange.finish(STATUS_CANCELLED)
            raise
        finally:
            # Raised, or returned without an answer: the server makes it a 500.
            exchange.finish(STATUS_ERROR)


class _Exchange:
    """One request and its answer."""

    __slots__ = (
        "_instruments",
        "_endpoint",
        "_scope",
        "_send",
        "_start",
        "_status",
        "_duration",
        "_left",
        "_finished",
        "duration_header",
    )

    def __init__(
        self,
        instruments: _Instruments,
        endpoint: Callable[[Scope], Optional[str]],
        scope: Scope,
        send: Send,
    ) -> None:
        self._instruments = instruments
        self._endpoint = endpoint
        self._scope = scope
        self._send = send
        self._status: Optional[int] = None
        self._duration: Optional[float] = None
        self._left: Optional[int] = None  # of the body, where its length was announced
        self._finished = False
        self.duration_header: Optional[bytes] = None
        instruments.in_progress.inc()
        self._start = perf_counter()

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            message = self._begin(message)
        elif kind == "http.response.pathsend":
            self.finish()
        elif kind in ("http.response.body", "http.response.zerocopysend"):
            if self._left is not None:
                self._left -= len(message.get("body", b""))
            if not message.get("more_body", False) or self._left is not None and self._left <= 0:
                self.finish()
        await self._send(message)

    def _begin(self, message: Message) -> Message:
        status: int = message["status"]
        headers: List[Tuple[bytes, bytes]] = list(message.get("headers", ()))
        self._status = status
        if self.duration_header is not None:
            self._duration = perf_counter() - self._start
            headers.append((self.duration_header, repr(self._duration).encode("ascii")))
        message = {**message, "headers": headers}
        if self._scope["method"] == "HEAD" or status in (204, 304):
            self._left = 0
        else:
            self._left = _content_length(headers)
        if self._left == 0:
            # There is no body to wait for: the head is the answer.
            self.finish()
        return message

    def finish(self, otherwise: int = STATUS_ERROR) -> None:
        """Record, once. otherwise: the status if the response has not started."""
        if self._finished:
            return
        self._finished = True
        duration = self._duration if self._duration is not None else perf_counter() - self._start
        status = self._status if self._status is not None else otherwise
        method = METHODS.get(self._scope["method"], OTHER)
        endpoint = self._endpoint_label()
        instruments = self._instruments
        instruments.in_progress.dec()
        instruments.durations.labels(method, endpoint).observe(duration)
        instruments.requests.labels(method, endpoint, STATUS_TEXTS.get(status, OTHER)).inc()

    def _endpoint_label(self) -> str:
        try:
            endpoint = self._endpoint(self._scope)
        except Exception:
            # Not the client's fault: the answer goes out all the same.
            logger.exception("shmetrics: the endpoint function of the middleware failed")
            endpoint = None
        return UNMATCHED if endpoint is None else endpoint


def _content_length(headers: Iterable[Tuple[bytes, bytes]]) -> Optional[int]:
    for name, value in headers:
        if name.lower() == b"content-length":
            return int(value) if value.isdigit() else None
    return None
