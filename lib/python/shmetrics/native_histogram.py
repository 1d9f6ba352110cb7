# SPDX-License-Identifier: MIT
"""native_histogram - NativeHistogram: buckets that grow exponentially, as Prometheus' native histograms

prometheus_client has no such class. A scraper that understands native histograms gets all buckets;
any other one the classic buckets that were asked for, or how many observations there were, and
their sum.
"""

from __future__ import annotations

import math
from typing import Iterable, Optional, Sequence, Union

from . import _core
from .metrics import ObservingBase
from .registry import REGISTRY, CollectorRegistry
from .utils import INF
from .values import Value

_SCHEMA_MIN, _SCHEMA_MAX = -4, 8


def _schema_of(growth: float) -> int:
    """The coarsest schema whose buckets are at most this many times as wide as the one before."""
    for schema in range(_SCHEMA_MIN, _SCHEMA_MAX + 1):
        if math.ldexp(1.0, -schema) <= math.log2(growth) * (1 + 1e-9):
            return schema
    raise ValueError(f"growth {growth} takes a finer schema than {_SCHEMA_MAX}: at least 1.0028")


@_core.own_methods
class NativeHistogram(_core.NativeHistogram, ObservingBase):
    """Counts observations in many buckets, whose bounds nobody needs to choose.

    schema: 2**schema buckets from each power of two to the next; 3 means that a quantile is known
    within 9 %. growth: instead of it, the most that a bound may be of the one before, such as 1.1.
    least, greatest: the range that has buckets of its own; below it is the zero bucket, and what is
    above is in one bucket more and counted. negative: negative values have buckets, too. buckets:
    classic ones besides, for scrapers that know no others. All of it is the same in every process;
    each bucket takes memory in every series.
    """

    _type = "histogram"
    _reserved_labelnames = ("le",)

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Optional[CollectorRegistry] = REGISTRY,
        *,
        schema: int = 3,
        growth: Optional[float] = None,
        least: float = 1e-4,
        greatest: float = 100.0,
        negative: bool = False,
        buckets: Optional[Sequence[Union[float, str]]] = None,
    ) -> None:
        if growth is not None:
            if not growth > 1:
                raise ValueError(f"growth must be above 1, not {growth}")
            schema = _schema_of(growth)
        bounds = [float(bound) for bound in buckets or ()]
        if bounds != sorted(bounds):
            raise ValueError("Buckets not in sorted order")
        if bounds == [INF]:
            bounds = []
        naming = (namespace, subsystem, unit)
        form = (schema, least, greatest, negative, tuple(bounds))
        self._define_in(name, documentation, labelnames, naming, registry, *form)

    @property
    def _count(self) -> Value:
        return self._read("_count")
