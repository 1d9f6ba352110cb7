# SPDX-License-Identifier: MIT
"""histograms - quantiles of a histogram, classic or native, as more than one dashboard shows them"""

from __future__ import annotations

from .panels import AnyPanel, Query, graph
from .promql import quantile

NATIVE = "For applications that record native histograms under these names: the same, without `_bucket`."


def durations(histogram: str, *by: str) -> list[Query]:
    """p50 and p95 of a histogram, with its exemplars."""
    prefix = "".join(f"{{{{{label}}}}} " for label in by)
    return [
        Query(quantile(q, histogram, by=by), f"{prefix}p{q * 100:g}", exemplar=True) for q in (0.5, 0.95)
    ]


def native(title: str, histogram: str, unit: str = "s", *, q: float = 0.95) -> AnyPanel:
    """The variant for a native histogram."""
    queries = [Query(quantile(each, histogram, native=True), f"p{each * 100:g}") for each in (0.5, q)]
    return graph(title, NATIVE, unit, *queries)
