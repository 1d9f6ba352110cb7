# SPDX-License-Identifier: MIT
"""metrics_core - a family with its samples, as collect() gives it

The families for custom collectors have prometheus_client's arguments, checks and samples.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union, cast

from .samples import Exemplar, NativeHistogram, Sample, Timestamp
from .validation import _validate_metric_name

METRIC_TYPES = (
    "counter", "gauge", "summary", "histogram", "gaugehistogram", "unknown", "info", "stateset",
)  # fmt: skip

Time = Union[Timestamp, float]
Bucket = Union[Tuple[str, float], Tuple[str, float, Exemplar]]


class Metric:
    """A metric family and its samples. The name is without the suffixes of its samples."""

    def __init__(self, name: str, documentation: str, typ: str, unit: str = "") -> None:
        if unit and not name.endswith("_" + unit):
            name += "_" + unit
        _validate_metric_name(name)
        if typ == "untyped":
            typ = "unknown"
        if typ not in METRIC_TYPES:
            raise ValueError("Invalid metric type: " + typ)
        self.name: str = name
        self.documentation: str = documentation
        self.unit: str = unit
        self.type: str = typ
        self.samples: List[Sample] = []

    def add_sample(
        self,
        name: str,
        labels: Dict[str, str],
        value: float,
        timestamp: Optional[Time] = None,
        exemplar: Optional[Exemplar] = None,
        native_histogram: Optional[NativeHistogram] = None,
    ) -> None:
        """Add a sample. name: with its suffix."""
        self.samples.append(Sample(name, labels, value, timestamp, exemplar, native_histogram))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Metric):
            return NotImplemented
        ours, theirs = (
            (m.name, m.documentation, m.type, m.unit, m.samples) for m in (self, other)
        )
        return ours == theirs

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"Metric({self.name}, {self.documentation}, {self.type}, {self.unit}, {self.samples})"
        )

    def _restricted_metric(self, names: Iterable[str]) -> Optional[Metric]:
        """The family with the samples of these names alone; None without any."""
        samples = [sample for sample in self.samples if sample.name in names]
        if not samples:
            return None
        metric = Metric(self.name, self.documentation, self.type)
        metric.samples = samples
        return metric


def text_name(metric: Metric) -> str:
    """The name of a family in the Prometheus text format; also of one that is prometheus_client's."""
    return metric.name + {"counter": "_total", "info": "_info"}.get(metric.type, "")


class _Family(Metric):
    """Metric with label names, for add_metric()."""

    def __init__(
        self,
        name: str,
        documentation: str,
        typ: str,
        unit: str,
        value: Any,
        labels: Optional[Sequence[str]],
        what: str = "value",
    ) -> None:
        super().__init__(name, documentation, typ, unit)
        if labels is not None and value is not None:
            raise ValueError(f"Can only specify at most one of {what} and labels.")
        self._labelnames = tuple(labels or ())

    def _labels(self, values: Sequence[str]) -> Dict[str, str]:
        return dict(zip(self._labelnames, values))


class UnknownMetricFamily(_Family):
    """Of no known type, for custom collectors."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: Optional[float] = None,
        labels: Optional[Sequence[str]] = None,
        unit: str = "",
    ) -> None:
        super().__init__(name, documentation, "unknown", unit, value, labels)
        if value is not None:
            self.add_metric([], value)

    def add_metric(
        self, labels: Sequence[str], value: float, timestamp: Optional[Time] = None
    ) -> None:
        self.add_sample(self.name, self._labels(labels), value, timestamp)


UntypedMetricFamily = UnknownMetricFamily


class CounterMetricFamily(_Family):
    """A counter, for custom collectors. created: seconds since the epoch."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: Optional[float] = None,
        labels: Optional[Sequence[str]] = None,
        created: Optional[float] = None,
        unit: str = "",
        exemplar: Optional[Exemplar] = None,
    ) -> None:
        if name.endswith("_total"):
            name = name[: -len("_total")]
        super().__init__(name, documentation, "counter", unit, value, labels)
        if value is not None:
            self.add_metric([], value, created, exemplar=exemplar)

    def add_metric(
        self,
        labels: Sequence[str],
        value: float,
        created: Optional[float] = None,
        timestamp: Optional[Time] = None,
        exemplar: Optional[Exemplar] = None,
    ) -> None:
        self.add_sample(self.name + "_total", self._labels(labels), value, timestamp, exemplar)
        if created is not None:
            self.add_sample(self.name + "_created", self._labels(labels), created, timestamp)


class GaugeMetricFamily(_Family):
    """A gauge, for custom collectors."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: Optional[float] = None,
        labels: Optional[Sequence[str]] = None,
        unit: str = "",
    ) -> None:
        super().__init__(name, documentation, "gauge", unit, value, labels)
        if value is not None:
            self.add_metric([], value)

    def add_metric(
        self, labels: Sequence[str], value: float, timestamp: Optional[Time] = None
    ) -> None:
        self.add_sample(self.name, self._labels(labels), value, timestamp)


class SummaryMetricFamily(_Family):
    """A count and a sum, for custom collectors."""

    def __init__(
        self,
        name: str,
        documentation: str,
        count_value: Optional[int] = None,
        sum_value: Optional[float] = None,
        labels: Optional[Sequence[str]] = None,
        unit: str = "",
    ) -> None:
        if (sum_value is None) != (count_value is None):
            raise ValueError("count_value and sum_value must be provided together.")
        super().__init__(name, documentation, "summary", unit, count_value, labels)
        if count_value is not None and sum_value is not None:
            self.add_metric([], count_value, sum_value)

    def add_metric(
        self,
        labels: Sequence[str],
        count_value: int,
        sum_value: float,
        timestamp: Optional[Time] = None,
    ) -> None:
        self.add_sample(self.name + "_count", self._labels(labels), count_value, timestamp)
        self.add_sample(self.name + "_sum", self._labels(labels), sum_value, timestamp)


class HistogramMetricFamily(_Family):
    """Buckets and their sum, for custom collectors.

    buckets: (le, cumulative count) or (le, cumulative count, exemplar), sorted, the last one +Inf.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: Optional[Sequence[Bucket]] = None,
        sum_value: Optional[float] = None,
        labels: Optional[Sequence[str]] = None,
        unit: str = "",
    ) -> None:
        if sum_value is not None and buckets is None:
            raise ValueError("sum value cannot be provided without buckets.")
        super().__init__(name, documentation, "histogram", unit, buckets, labels, "buckets")
        if buckets is not None:
            self.add_metric([], buckets, sum_value)

    def add_metric(
        self,
        labels: Sequence[str],
        buckets: Sequence[Bucket],
        sum_value: Optional[float],
        timestamp: Optional[Time] = None,
    ) -> None:
        own = self._labels(labels)
        for bucket in buckets:
            exemplar = bucket[2] if len(bucket) == 3 else None
            self.add_sample(
                self.name + "_bucket", {**own, "le": bucket[0]}, bucket[1], timestamp, exemplar
            )
        # With negative observations the sum may go down, which OpenMetrics forbids.
        if float(buckets[0][0]) >= 0 and sum_value is not None:
            self.add_sample(self.name + "_count", own, buckets[-1][1], timestamp)
            self.add_sample(self.name + "_sum", own, sum_value, timestamp)


class GaugeHistogramMetricFamily(_Family):
    """Buckets whose counts may go down, for custom collectors."""

    def __init__(
        self,
        name: str,
        documentation: str,
        buckets: Optional[Sequence[Tuple[str, float]]] = None,
        gsum_value: Optional[float] = None,
        labels: Optional[Sequence[str]] = None,
        unit: str = "",
    ) -> None:
        super().__init__(name, documentation, "gaugehistogram", unit, buckets, labels, "buckets")
        if buckets is not None:
            self.add_metric([], buckets, gsum_value)

    def add_metric(
        self,
        labels: Sequence[str],
        buckets: Sequence[Tuple[str, float]],
        gsum_value: Optional[float],
        timestamp: Optional[Time] = None,
    ) -> None:
        own = self._labels(labels)
        for bound, count in buckets:
            self.add_sample(self.name + "_bucket", {**own, "le": bound}, count, timestamp)
        self.add_sample(self.name + "_gcount", own, buckets[-1][1], timestamp)
        # As there, rendering is where a sum that is None fails.
        self.add_sample(self.name + "_gsum", own, cast(float, gsum_value), timestamp)


class InfoMetricFamily(_Family):
    """Labels as values, for custom collectors."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: Optional[Dict[str, str]] = None,
        labels: Optional[Sequence[str]] = None,
    ) -> None:
        super().__init__(name, documentation, "info", "", value, labels)
        if value is not None:
            self.add_metric([], value)

    def add_metric(
        self, labels: Sequence[str], value: Dict[str, str], timestamp: Optional[Time] = None
    ) -> None:
        self.add_sample(self.name + "_info", {**self._labels(labels), **value}, 1, timestamp)


class StateSetMetricFamily(_Family):
    """States that hold or do not, for custom collectors."""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: Optional[Dict[str, bool]] = None,
        labels: Optional[Sequence[str]] = None,
    ) -> None:
        super().__init__(name, documentation, "stateset", "", value, labels)
        if value is not None:
            self.add_metric([], value)

    def add_metric(
        self, labels: Sequence[str], value: Dict[str, bool], timestamp: Optional[Time] = None
    ) -> None:
        own = self._labels(labels)
        for state, enabled in sorted(value.items()):
            self.add_sample(self.name, {**own, self.name: state}, 1 if enabled else 0, timestamp)
