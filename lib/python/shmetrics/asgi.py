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
through. What happens in each request is in C (ext/http_exchange.c).
"""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, MutableMapping, Optional, Sequence, Union

from . import _core, tracing
from .fastapi import route_template
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
from .metrics_app import make_asgi_app as make_asgi_app
from .registry import REGISTRY, CollectorRegistry

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def _has_left(receive: Receive) -> bool:
    """Whether the server says at once that the client is gone. Only asyncio can be asked like this."""
    if asyncio._get_running_loop() is None:
        return False
    message: Any = None
    try:
        asked = receive().__await__()
        try:
            next(asked)
            asked.close()  # it would wait: the client is there
        except StopIteration as answer:
            message = answer.value
    except Exception:
        return False
    return isinstance(message, MutableMapping) and message.get("type") == "http.disconnect"


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

    Made when the program has loaded OpenTelemetry, it gives durations the trace that is going on
    when the answer ends, as an exemplar.
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
        metrics = http_metrics(registry, buckets)
        header = duration_header.lower().encode("latin-1") if duration_header else None
        is_traced = tracing.is_loaded()
        self._recorder = _core.HttpRecorder(
            metrics.requests,
            metrics.durations,
            metrics.in_progress,
            endpoint_label(endpoint),
            METHODS,
            STATUS_TEXTS,
            OTHER,
            header,
            tracing.exemplar if is_traced else None,
            tracing.context_variable() if is_traced else None,
            endpoint is route_template,  # it answers the same for a route each time
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = self._recorder.begin(scope, send)
        try:
            await self.app(scope, receive, exchange)
        except asyncio.CancelledError:
            exchange.finish(STATUS_CANCELLED)
            raise
        finally:
            # Raised, or returned without an answer: the server makes it a 500, if anyone is there.
            if exchange.status is None and _has_left(receive):
                exchange.finish(STATUS_CANCELLED)
            exchange.finish(STATUS_ERROR)
