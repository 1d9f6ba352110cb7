# SPDX-License-Identifier: MIT
"""wsgi - a middleware that records the requests of a WSGI application

The metrics of shmetrics.asgi (see http_metrics), and its guarantees:

 1. A request is counted before the last byte of its answer is handed to the server.
 2. Each request is counted once and leaves the gauge once, whatever the application does: raise, stop
    half-way, answer nothing, or be closed by the server because the client has gone.
 3. No client can make series.

Lists and the server's own file wrapper are passed on as they are, so that a server still sees that it knows
the length, or may use sendfile.
"""

from __future__ import annotations

from time import perf_counter
from types import TracebackType
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Type,
    Union,
)

from .http_metrics import (
    METHODS,
    OTHER,
    STATUS_CANCELLED,
    STATUS_ERROR,
    STATUS_TEXTS,
    endpoint_label,
    http_metrics,
)
from .metrics import Histogram
from .registry import REGISTRY, CollectorRegistry
from .tracing import exemplar

Environ = Dict[str, Any]
Headers = List[Tuple[str, str]]
ExcInfo = Union[Tuple[Type[BaseException], BaseException, TracebackType], Tuple[None, None, None]]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class Middleware:
    """Records every request that passes: app = Middleware(app, endpoint=...).

    endpoint: gives the endpoint label when the answer starts, from the environment; None for an
    unmatched path. shmetrics.flask and shmetrics.django have one each.
    registry, buckets: of the metrics.
    duration_header: the name of a header that tells the client, in seconds, the duration that is
    recorded: with it the time to the start of the answer is measured, without it the time to its end.

    Durations carry the trace that is going on when the answer starts, as an exemplar, if the program
    has loaded OpenTelemetry.
    """

    def __init__(
        self,
        app: App,
        *,
        endpoint: Callable[[Environ], Optional[str]],
        registry: CollectorRegistry = REGISTRY,
        buckets: Sequence[Union[float, str]] = Histogram.DEFAULT_BUCKETS,
        duration_header: Optional[str] = None,
    ) -> None:
        self.app = app
        self.metrics = http_metrics(registry, buckets)
        self.endpoint_of = endpoint_label(endpoint)
        self.duration_header = duration_header

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        exchange = _Exchange(self, environ, start_response)
        try:
            return exchange.body(self.app(environ, exchange.start_response))
        except BaseException:
            exchange.finish(STATUS_ERROR)
            raise


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, middleware: Middleware, environ: Environ, start_response: StartResponse
    ) -> None:
        self._middleware = middleware
        self._environ = environ
        self._start_response = start_response
        self._endpoint: Optional[str] = None
        self._status: Optional[int] = None
        self._duration: Optional[float] = None
        self._trace: Optional[Dict[str, str]] = None
        self._left: Optional[int] = None  # of the body, where its length was announced
        self._finished = False
        middleware.metrics.in_progress.inc()
        self._start = perf_counter()

    def start_response(
        self, status: str, headers: Headers, exc_info: Optional[ExcInfo] = None
    ) -> Write:
        """The application's; called again, with exc_info, when an error takes the answer's place."""
        self._status = int(status[:3]) if status[:3].isdigit() else None
        self._endpoint = self._middleware.endpoint_of(self._environ)
        self._left = _content_length(headers)
        self._trace = exemplar()  # now, for the span may end before the answer does
        header = self._middleware.duration_header
        if header is not None:
            self._duration = perf_counter() - self._start
            headers = [*headers, (header, repr(self._duration))]
        arguments = (status, headers) if exc_info is None else (status, headers, exc_info)
        write = self._start_response(*arguments)

        def counted_write(data: bytes) -> object:
            self.sent(data)
            return write(data)

        return counted_write

    def body(self, iterable: Iterable[bytes]) -> Iterable[bytes]:
        """What the server gets for the application's iterable."""
        wrapper = self._environ.get("wsgi.file_wrapper")
        is_file = isinstance(wrapper, type) and isinstance(iterable, wrapper)
        if is_file or isinstance(iterable, (list, tuple)):
            # All of it is handed over with this return.
            self.finish(STATUS_ERROR)
            return iterable
        return _Body(self, iterable)

    def sent(self, data: bytes) -> None:
        """A part of the body is handed to the server next."""
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                self.finish(STATUS_ERROR)

    def finish(self, otherwise: int) -> None:
        """Record, once. otherwise: the status if the answer has not started."""
        if self._finished:
            return
        self._finished = True
        duration = self._duration if self._duration is not None else perf_counter() - self._start
        metrics = self._middleware.metrics
        metrics.in_progress.dec()
        method = METHODS.get(self._environ["REQUEST_METHOD"], OTHER)
        endpoint = self._endpoint
        if endpoint is None:
            endpoint = self._middleware.endpoint_of(self._environ)
        status = self._status if self._status is not None else otherwise
        metrics.durations.labels(method, endpoint).observe(duration, self._trace)
        metrics.requests.labels(method, endpoint, STATUS_TEXTS.get(status, OTHER)).inc()


class _Body:
    """The application's iterable, which the server iterates and closes."""

    def __init__(self, exchange: _Exchange, iterable: Iterable[bytes]) -> None:
        self._exchange = exchange
        self._iterable = iterable
        self._iterator = iter(iterable)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part = next(self._iterator)
        except BaseException:
            # StopIteration: the server ends the answer now. Others: it makes it a 500.
            self._exchange.finish(STATUS_ERROR)
            raise
        self._exchange.sent(part)
        return part

    def close(self) -> None:
        """Of the server, whether or not it has come to the end."""
        try:
            close = getattr(self._iterable, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.finish(STATUS_CANCELLED)


def _content_length(headers: Headers) -> Optional[int]:
    for name, value in headers:
        if name.lower() == "content-length":
            return int(value) if value.isdecimal() else None
    return None
