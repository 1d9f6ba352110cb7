# SPDX-License-Identifier: MIT
"""values - what stands behind a child: `_value`, `_sum`, `_buckets`

prometheus_client keeps a float in each; here they look at the series, for the tests and libraries
that use them directly. Recording does not pass through them.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Optional

from . import reading
from .families import CounterSeries, GaugeSeries, say_once


class _Value:
    """Has what prometheus_client's MutexValue has."""

    _multiprocess = True

    def __init__(self, metric: Any, suffix: str, bound: str = "") -> None:
        self._metric = metric
        self._suffix = suffix
        self._bound = bound

    def _sample(self) -> Optional[Any]:
        labels = dict(zip(self._metric._labelnames, self._metric._labelvalues))
        if self._bound:
            labels["le"] = self._bound
        return reading.read_sample(self._metric._name, self._suffix, labels)

    def get(self) -> float:
        sample = self._sample()
        return 0.0 if sample is None else float(sample.value)

    def inc(self, amount: float) -> None:
        self._refuse()

    def set(self, value: float, timestamp: Any = None) -> None:
        self._refuse()

    def _refuse(self) -> None:
        say_once(
            "%s%s is not written: the segment records whole observations only",
            self._metric._name,
            self._suffix,
        )

    def set_exemplar(self, exemplar: Any) -> None:
        """inc() and observe() take it with the value."""

    def get_exemplar(self) -> Optional[Any]:
        sample = self._sample()
        return None if sample is None else sample.exemplar


class CounterValue(_Value):
    """The total of all processes."""

    def __init__(self, metric: Any, series: CounterSeries) -> None:
        super().__init__(metric, "_total")
        self._series = series

    def inc(self, amount: float) -> None:
        self._series.inc(amount)

    def set(self, value: float, timestamp: Any = None) -> None:
        """To mirror a count that is kept elsewhere. Not atomic: one process may do it."""
        total = self.get()
        if value < total:
            self._series._reset()
            total = 0.0
        self._series.inc(value - total)


class GaugeValue(_Value):
    """This process's value, or the one for all processes where the mode makes one of them."""

    def __init__(self, metric: Any, series: GaugeSeries) -> None:
        super().__init__(metric, "")
        self._series = series

    def inc(self, amount: float) -> None:
        self._series.inc(amount)

    def set(self, value: float, timestamp: Any = None) -> None:
        self._series.set(value)


class Buckets:
    """The buckets of a histogram, each with its own count and not those below it."""

    def __init__(self, metric: Any, bounds: List[str]) -> None:
        self._metric = metric
        self._bounds = bounds

    def __len__(self) -> int:
        return len(self._bounds)

    def __getitem__(self, index: int) -> _Value:
        return _Bucket(self._metric, self._bounds, index % len(self._bounds))

    def __iter__(self) -> Iterator[_Value]:
        return (self[index] for index in range(len(self)))


class _Bucket(_Value):
    def __init__(self, metric: Any, bounds: List[str], index: int) -> None:
        super().__init__(metric, "_bucket", bounds[index])
        self._below = _Value(metric, "_bucket", bounds[index - 1]) if index else None

    def get(self) -> float:
        return super().get() - (self._below.get() if self._below else 0.0)


class Part(_Value):
    """`_sum` of a histogram, `_sum` and `_count` of a summary."""
