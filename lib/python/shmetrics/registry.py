# SPDX-License-Identifier: MIT
"""registry - which names a process has taken, and the segment behind them

A registry stands for a segment. REGISTRY records into the segment of the application, so what it
collects is the total of all processes; any other registry has a private segment unless it is given
one. What a registry collects is read from the text that a scrape would get, so the two never
differ.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Dict, Iterable, Iterator, List, Optional, Set

from ._core import Segment
from .metrics_core import Metric
from .parser import text_bytes_to_metric_families
from .segment import default_segment, open_private

if TYPE_CHECKING:
    from .metrics import MetricWrapperBase


class DuplicateTimeseries(ValueError):
    """A metric has a name, or a name of its samples, that another metric of the registry has."""

    def __init__(self, duplicates: Set[str]) -> None:
        super().__init__(f"Duplicated timeseries in CollectorRegistry: {duplicates}")
        self.duplicates = duplicates


class CollectorRegistry:
    """A set of metrics with names that do not clash.

    auto_describe is there for prometheus_client's sake: every metric here describes itself.
    segment: where its metrics record to; a private one if None.
    """

    def __init__(self, auto_describe: bool = False, *, segment: Optional[Segment] = None) -> None:
        self._lock = threading.Lock()
        # Replaced, never changed: a fork in the middle finds the one or the other.
        self._names_to_collectors: Dict[str, MetricWrapperBase] = {}
        self._dropped: Set[str] = set()
        self._segment_opened = segment
        _registries.add(self)

    def _segment(self) -> Segment:
        if self._segment_opened is None:
            # Not under the lock: opening may log, and a log handler may have metrics.
            opened = self._open_segment()
            with self._lock:
                if self._segment_opened is None:
                    self._segment_opened = opened
        return self._segment_opened

    def _open_segment(self) -> Segment:
        return open_private()

    def register(self, collector: MetricWrapperBase) -> None:
        """Take the names of a metric; DuplicateTimeseries if one is taken."""
        if not hasattr(collector, "_sample_names"):
            raise TypeError(f"only metrics of shmetrics can be registered, not {collector!r}")
        self._take(collector, collector._sample_names(collector._name))

    def _take(self, collector: MetricWrapperBase, names: Iterable[str]) -> None:
        with self._lock:
            duplicates = set(self._names_to_collectors).intersection(names)
            if duplicates:
                raise DuplicateTimeseries(duplicates)
            self._names_to_collectors = {
                **self._names_to_collectors,
                **dict.fromkeys(names, collector),
            }
            self._dropped = self._dropped.difference(names)

    def unregister(self, collector: MetricWrapperBase) -> None:
        """Give the names of a metric back; KeyError if it is not registered.

        A registry of its own no longer shows it. In the segment of the application it stays, for
        other processes may be using it, and who defines it again goes on with its numbers.
        """
        with self._lock:
            names = {
                name for name, holder in self._names_to_collectors.items() if holder is collector
            }
            if not names:
                raise KeyError(collector)
            self._names_to_collectors = {
                name: holder
                for name, holder in self._names_to_collectors.items()
                if name not in names
            }
            self._dropped = self._dropped | names

    def _render(self, names: Optional[Iterable[str]] = None) -> bytes:
        segment = self._segment()
        if self._dropped and not segment.path:
            taken = self._names_to_collectors
            names = [name for name in (taken if names is None else names) if name in taken]
        return segment.render(names if names is None else list(names))

    def collect(self) -> Iterator[Metric]:
        """The families of the segment, as a scrape would see them at this moment."""
        collectors = self._names_to_collectors
        for metric in text_bytes_to_metric_families(self._render()):
            collector = collectors.get(metric.name)
            if collector is not None:
                metric.unit = collector._unit
            yield metric

    def get_sample_value(
        self, name: str, labels: Optional[Dict[str, str]] = None
    ) -> Optional[float]:
        """The value of a sample, or None. For tests: it reads the whole segment.

        Of a gauge that is served once per process (the mode liveall), labels without a pid mean
        this process.
        """
        # An empty label value and an absent label are the same to Prometheus.
        wanted = {key: value for key, value in (labels or {}).items() if value != ""}
        own = {"pid": str(os.getpid()), **wanted}
        value = None
        for metric in text_bytes_to_metric_families(self._render([name])):
            for sample in metric.samples:
                if sample.name != name:
                    continue
                if sample.labels == wanted:
                    return sample.value
                if metric.type == "gauge" and sample.labels == own:
                    value = sample.value
        return value


class _DefaultRegistry(CollectorRegistry):
    def _open_segment(self) -> Segment:
        return default_segment()


_registries: "weakref.WeakSet[CollectorRegistry]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    # Another thread may have held it; what it protects is never seen half changed.
    for registry in list(_registries):
        registry._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

REGISTRY: CollectorRegistry = _DefaultRegistry(auto_describe=True)


def collect_metric(registry_segment: Segment, names: Iterable[str]) -> List[Metric]:
    """The families with these names alone."""
    return list(text_bytes_to_metric_families(registry_segment.render(list(names))))
