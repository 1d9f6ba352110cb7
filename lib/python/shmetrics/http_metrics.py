# SPDX-License-Identifier: MIT
"""http_metrics - the metrics of HTTP requests, which the middlewares of ASGI and WSGI record

http_requests_total{method,endpoint,status_code}, http_request_duration_seconds{method,endpoint} and
http_requests_in_progress. No client can make series: unknown paths are one endpoint, unknown methods one
method, impossible statuses one status.
"""

from __future__ import annotations

import math
from typing import Callable, NamedTuple, Optional, Sequence, TypeVar, Union, cast

from .catalog.instruments import metric
from .catalog.values import OTHER as OTHER
from .metrics import Counter, Gauge, Histogram
from .registry import CollectorRegistry
from .segment import logger

Scope = TypeVar("Scope")

UNMATCHED = "<unmatched>"

# labels() knows a string fastest by its identity: the same object every time.
METHODS = {
    method: method
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
}
STATUS_TEXTS = {status: str(status) for status in range(100, 600)}

STATUS_ERROR = 500
# The client went away, or the server stopped, before there was an answer; nginx made the number
# known.
STATUS_CANCELLED = 499


class HttpMetrics(NamedTuple):
    requests: Counter
    durations: Histogram
    in_progress: Gauge


def http_metrics(registry: CollectorRegistry, buckets: Sequence[Union[float, str]]) -> HttpMetrics:
    """The metrics are the registry's: several applications in one process share them."""
    bounds = tuple(float(bound) for bound in buckets if float(bound) != math.inf)
    return HttpMetrics(
        cast(Counter, metric("http_requests_total", registry)),
        cast(Histogram, metric("http_request_duration_seconds", registry, bounds)),
        cast(Gauge, metric("http_requests_in_progress", registry)),
    )


def endpoint_label(endpoint: Callable[[Scope], Optional[str]]) -> Callable[[Scope], str]:
    """The endpoint function of a user, made one that always has an answer."""

    def label(scope: Scope) -> str:
        try:
            found = endpoint(scope)
        except Exception:
            # Not the client's fault: the answer goes out all the same.
            logger.exception("shmetrics: the endpoint function of the middleware failed")
            return UNMATCHED
        return UNMATCHED if found is None else found

    return label
