# SPDX-License-Identifier: MIT
"""metrics - Counter, Gauge, Histogram, Summary, Info, Enum

Signatures and mistakes are prometheus_client's. Recording and labels() are in the extension
(_core); here is what happens once per metric. Nothing is stored in an instance's __dict__: while it
is empty, the interpreter's specialised look-up of methods holds.
"""

from __future__ import annotations

import time
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    NoReturn,
    Optional,
    Sequence,
    Tuple,
    Union,
    cast,
)

from . import _core
from .context_managers import ExceptionCounter, ExceptionTypes, InprogressTracker, Timer
from .created import _get_use_created as _get_use_created
from .created import disable_created_metrics as disable_created_metrics
from .created import enable_created_metrics as enable_created_metrics
from .metrics_core import Metric
from .registry import REGISTRY, CollectorRegistry, collect_metric, sample_names
from .segment import logger, open_private
from .utils import INF
from .validation import _validate_label_name, _validate_metric_name
from .values import Value


def _ignore(*args: Any, **kwargs: Any) -> None:
    """Stands for what a gauge with a function does not do."""


def _build_full_name(typ: str, name: str, namespace: str, subsystem: str, unit: str) -> str:
    if not name:
        raise ValueError("Metric name should not be empty")
    full_name = "_".join(part for part in (namespace, subsystem, name) if part)
    if typ == "counter" and full_name.endswith("_total"):
        full_name = full_name[: -len("_total")]
    if unit and not full_name.endswith("_" + unit):
        full_name += "_" + unit
    return full_name


class MetricWrapperBase(_core.Metric):
    """What the metrics have in common: taking a name in a registry and a family in its segment."""

    _type = ""
    _reserved_labelnames: Tuple[str, ...] = ()

    def _define_in(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str],
        naming: Tuple[str, str, str],
        registry: Optional[CollectorRegistry],
        *arguments: Any,
    ) -> None:
        if self._is_defined():  # before the registry hears of it: it has the first name
            raise RuntimeError(f"{self} is defined already")
        namespace, subsystem, unit = naming
        full_name = _build_full_name(self._type, name, namespace, subsystem, unit)
        names = tuple(labelnames)
        for label in names:
            _validate_label_name(label)
            if label in self._reserved_labelnames:
                raise ValueError("Reserved label metric name: " + label)
        _validate_metric_name(full_name)
        definition = (full_name, documentation, unit, names, *arguments)
        if registry is None:
            refusal = self._define(open_private(), *definition)
        elif isinstance(registry, CollectorRegistry):
            # The name first: a duplicate must not become a family of the segment.
            registry._take(self, sample_names([Metric(full_name, "", self._type)]))
            try:
                refusal = self._define_again(registry, definition)
            except BaseException:
                registry._give_back(self)
                raise
        else:
            raise TypeError(f"registry must be a CollectorRegistry of shmetrics, not {registry!r}")
        if refusal:
            logger.warning("shmetrics: %s is not recorded: %s", full_name, refusal)

    def _define_again(
        self, registry: CollectorRegistry, definition: Tuple[Any, ...]
    ) -> Optional[str]:
        """In the registry's segment, though a private one still has what was unregistered."""
        segment = registry._segment()
        if segment.path or not registry._dropped:
            return self._define(segment, *definition)
        try:
            refusal = self._define(segment, *definition)
        except ValueError:
            # Another kind of metric had the name: from here on there is another segment.
            segment = open_private()
            refusal = self._define(segment, *definition)
            registry._renew(segment)
        if self._name in registry._dropped and not refusal:
            self._remove((None,) * len(self._labelnames)) if self._labelnames else self._reset()
        return refusal

    def _is_defined(self) -> bool:
        try:
            return bool(self._name)
        except RuntimeError:
            return False

    def _define(self, *arguments: Any) -> Optional[str]:
        raise TypeError(f"{type(self).__name__} is not a kind of metric")

    def describe(self) -> List[Metric]:
        """The family without its samples."""
        return [Metric(self._name, self._documentation, self._type, self._unit)]

    def _raise_if_not_observable(self) -> None:
        if self._labelnames and not self._labelvalues:
            raise ValueError(f"{self._type} metric is missing label values")

    def collect(self) -> List[Metric]:
        """The family as a scrape would see it: all its children, of all processes."""
        return collect_metric(self._segment, [self._name])

    def remove(self, *labelvalues: object) -> None:
        """Remove the series with these label values, for all processes; if there is none, nothing.

        It is gone from the next scrape. labels() brings it back, from nothing; what is recorded
        through an object that labels() gave before is not seen until then.
        """
        self._raise_if_without_labels()
        count = len(self._labelnames)
        if len(labelvalues) != count:
            raise ValueError(f"Incorrect label count (expected {count}, got {labelvalues})")
        self._forget(tuple(str(value) for value in labelvalues))

    def remove_by_labels(self, labels: Dict[str, str]) -> None:
        """Remove all series that have these labels, among others; none given: nothing."""
        self._raise_if_without_labels()
        if not isinstance(labels, dict):
            raise TypeError("labels must be a dict of {label_name: label_value}")
        unknown = [name for name in labels if name not in self._labelnames]
        if unknown:
            raise ValueError(f"Unknown label names: {unknown}; expected {self._labelnames}")
        if labels:
            self._forget(
                tuple(
                    str(labels[name]) if name in labels else None for name in self._labelnames
                )
            )

    def clear(self) -> None:
        """Remove all series of a metric with labels, for all processes."""
        if self._labelnames:
            self._forget((None,) * len(self._labelnames))

    def _forget(self, values: Tuple[Optional[str], ...]) -> None:
        self._remove(values)

    def _raise_if_without_labels(self) -> None:
        if not self._labelnames or self._labelvalues:
            raise ValueError(f"No label names were set when constructing {self}")

    def _read(self, suffix: str) -> Value:
        if self._labelnames and not self._labelvalues:
            raise AttributeError(f"{self} has values only with its labels")
        return Value(self, suffix)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"cannot pickle or copy {self}: define the metric in the other process as well"
        )

    def __str__(self) -> str:
        return f"{self._type}:{self._name}"

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}({self._name})"


@_core.own_methods
class Counter(_core.Counter, MetricWrapperBase):
    """A number that only goes up: events, bytes sent. Its total is that of all processes."""

    _type = "counter"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Optional[CollectorRegistry] = REGISTRY,
    ) -> None:
        self._define_in(name, documentation, labelnames, (namespace, subsystem, unit), registry)

    def reset(self) -> None:
        """Set back to 0, for all processes, as if the counter were made now."""
        self._reset()

    @property
    def _value(self) -> Value:
        return self._read("_total")

    def count_exceptions(self, exception: ExceptionTypes = Exception) -> ExceptionCounter:
        """A context manager and decorator that counts the exceptions leaving a block."""
        self._raise_if_not_observable()
        return ExceptionCounter(self, exception)


@_core.own_methods
class Gauge(_core.Gauge, MetricWrapperBase):
    """A number that goes up and down: requests in progress, the length of a queue.

    Each process has a value of its own. multiprocess_mode says what is served of them: liveall (one
    sample a process, with its pid), livesum, livemin, livemax or livemostrecent, of the processes
    that live; all, sum, min, max or mostrecent, of those that have ended, too.
    """

    _type = "gauge"

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
        multiprocess_mode: str = "liveall",
    ) -> None:
        naming = (namespace, subsystem, unit)
        self._define_in(name, documentation, labelnames, naming, registry, multiprocess_mode)

    def set_function(self, f: Callable[[], float]) -> None:
        """Take the value from f() whenever this process collects; inc, dec and set do nothing.

        f may be called from any thread. For other processes, and shmetrics-collector, the value is
        the one of the last time: sample_collectors() calls f regularly.
        """
        self._raise_if_not_observable()
        vars(self).update(_function=f, inc=_ignore, dec=_ignore, set=_ignore)
        # The parent keeps the child, which its cache may forget.
        vars(self._parent or self).setdefault("_functions", {})[self._labelvalues] = self

    def _forget(self, values: Tuple[Optional[str], ...]) -> None:
        functions = vars(self).get("_functions", {})
        for own in [*functions]:
            if all(value in (None, mine) for value, mine in zip(values, own)):
                del functions[own]
        self._remove(values)

    def _call_functions(self) -> None:
        for gauge in [*vars(self).get("_functions", {}).values()]:
            _core.Gauge.set(gauge, float(gauge._function()))

    def collect(self) -> List[Metric]:
        """The family as a scrape would see it: all its children, of all processes."""
        self._call_functions()
        return super().collect()

    def set_to_current_time(self) -> None:
        """Set to the seconds since the epoch."""
        self.set(time.time())

    @property
    def _value(self) -> Value:
        self._call_functions()
        return self._read("")

    def track_inprogress(self) -> InprogressTracker:
        """A context manager and decorator that counts up while a block or function runs."""
        self._raise_if_not_observable()
        return InprogressTracker(self)

    def time(self) -> Timer:
        """A context manager and decorator that sets the seconds a block or function took."""
        return Timer(self, "set")


class ObservingBase(MetricWrapperBase):
    """What the metrics that observe have in common."""

    @property
    def _sum(self) -> Value:
        return self._read("_sum")

    def time(self) -> Timer:
        """A context manager and decorator that observes the seconds a block or function took."""
        return Timer(cast(Any, self), "observe")


@_core.own_methods
class Histogram(_core.Histogram, ObservingBase):
    """Counts observations in buckets: latencies, sizes. Its counts are those of all processes."""

    _type = "histogram"
    _reserved_labelnames = ("le",)
    __slots__ = ("_bounds",)
    DEFAULT_BUCKETS = (
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, INF,
    )  # fmt: skip

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
        buckets: Sequence[Union[float, str]] = DEFAULT_BUCKETS,
    ) -> None:
        bounds = [float(bound) for bound in buckets]
        if bounds != sorted(bounds):
            raise ValueError("Buckets not in sorted order")
        if bounds and bounds[-1] != INF:
            bounds.append(INF)
        if len(bounds) < 2:
            raise ValueError("Must have at least two buckets")
        self._bounds = bounds
        naming = (namespace, subsystem, unit)
        self._define_in(name, documentation, labelnames, naming, registry, tuple(bounds))

    @property
    def _upper_bounds(self) -> List[float]:
        return (self._parent or self)._bounds


@_core.own_methods
class Summary(_core.Summary, ObservingBase):
    """Counts observations and adds them up. Its count is that of all processes."""

    _type = "summary"
    _reserved_labelnames = ("quantile",)

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Optional[CollectorRegistry] = REGISTRY,
    ) -> None:
        self._define_in(name, documentation, labelnames, (namespace, subsystem, unit), registry)

    @property
    def _count(self) -> Value:
        return self._read("_count")


class Info(_core.Info, MetricWrapperBase):
    """Labels that describe something, such as a version. The last that any process set are served."""

    _type = "info"

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Iterable[str] = (),
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        registry: Optional[CollectorRegistry] = REGISTRY,
    ) -> None:
        self._define_in(name, documentation, labelnames, (namespace, subsystem, unit), registry)

    def info(self, val: Mapping[str, str]) -> None:
        """Set all labels, in the place of those set before."""
        self._raise_if_not_observable()
        if set(self._labelnames).intersection(val.keys()):
            raise ValueError(
                f"Overlapping labels for Info metric, metric: {self._labelnames} child: {val}"
            )
        if any(value is None for value in val.values()):
            raise ValueError("Label value cannot be None")
        refusal = self._set(tuple(val.items()))
        if refusal:
            logger.warning("shmetrics: %s is not recorded: %s", self._name, refusal)


class Enum(_core.Enum, MetricWrapperBase):
    """One of several states: the one that a live process set last; before that, the first."""

    _type = "stateset"
    __slots__ = ("_own_states",)

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
        states: Optional[Sequence[str]] = None,
    ) -> None:
        names = tuple(labelnames)
        if name in names:
            raise ValueError(f"Overlapping labels for Enum metric: {name}")
        if not states:
            raise ValueError(f"No states provided for Enum metric: {name}")
        self._own_states = tuple(states)
        naming = (namespace, subsystem, unit)
        self._define_in(name, documentation, names, naming, registry, self._own_states)

    @property
    def _states(self) -> Tuple[str, ...]:
        return (self._parent or self)._own_states

    def state(self, state: str) -> None:
        """Set the state; ValueError if it is none of the states."""
        self._raise_if_not_observable()
        self._set(self._states.index(state))
