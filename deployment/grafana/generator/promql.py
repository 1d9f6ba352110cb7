# SPDX-License-Identifier: MIT
"""promql - the few forms of query that the dashboards have, each metric and label looked up in the tables

Ratios are of sums, never averages of ratios; what is divided by is left out where it is 0, so that a panel
without traffic is empty and not NaN; a part that has no series yet counts as 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from . import tables

RATE = "$__rate_interval"  # of a graph: at least four scrapes, whatever the zoom
RANGE = "$__range"  # of a total: what is shown
_TARGET = ('job=~"$job"', 'instance=~"$instance"')


def _check(name: str, labels: Iterable[str]) -> None:
    unknown = set(labels) - tables.labels_of(name)
    if unknown:
        raise ValueError(f"{name} has no label {', '.join(sorted(unknown))}")


def select(name: str, *matchers: str) -> str:
    """The series of a metric, those that the variables choose and the matchers let through."""
    _check(name, (re.split("[=!]", matcher)[0] for matcher in matchers))
    return f"{name}{{{', '.join((*_TARGET, *matchers))}}}"


def rate(name: str, *matchers: str) -> str:
    """Of a counter, per second."""
    return f"rate({select(name, *matchers)}[{RATE}])"


def _grouping(names: Iterable[str]) -> str:
    by = ", ".join(names)
    return f" by ({by})" if by else ""


def rates(name: str, *matchers: str, by: tuple[str, ...] = ()) -> str:
    """Of a counter per second, added up over all labels but those."""
    _check(name, by)
    return f"sum{_grouping(by)} ({rate(name, *matchers)})"


def increases(name: str, *matchers: str, by: tuple[str, ...] = ()) -> str:
    """Of a counter in the whole of the time that is shown, added up over all labels but those."""
    _check(name, by)
    return f"sum{_grouping(by)} (increase({select(name, *matchers)}[{RANGE}]))"


def values(name: str, *matchers: str, by: tuple[str, ...] = (), of: str = "sum") -> str:
    """Of a gauge, aggregated over all labels but those."""
    _check(name, by)
    return f"{of}{_grouping(by)} ({select(name, *matchers)})"


def share(part: str, whole: str) -> str:
    """Part of whole, which have the same labels; nothing where the whole is 0, 0 where there is no part."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def quantile(
    q: float, histogram: str, *matchers: str, by: tuple[str, ...] = (), native: bool = False
) -> str:
    """Of all observations lately, interpolated within a bucket. The native form has no series _bucket."""
    name = histogram if native else f"{histogram}_bucket"
    grouping = by if native else ("le", *by)
    return f"histogram_quantile({q:g}, {rates(name, *matchers, by=grouping)})"


def mean(histogram: str, *matchers: str, by: tuple[str, ...] = ()) -> str:
    """Of all observations lately."""
    total, count = (rates(f"{histogram}_{part}", *matchers, by=by) for part in ("sum", "count"))
    return f"{total} / ({count} > 0)"
