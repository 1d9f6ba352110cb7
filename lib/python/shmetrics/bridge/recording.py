# SPDX-License-Identifier: MIT
"""recording - the hooks in prometheus_client's metric classes

A metric that records into the segment has one of two attributes: `_shmetrics_family`, if it has
label names and gives out children; `_shmetrics`, its series, if it can be recorded to. Both are
None in the class, which means: as it was. Set are they in __init__, after prometheus_client's own:

- of a metric of its own right, because only then are its names free (a duplicate must not become a
  family of the segment);
- of a child before labels() hands it out, and its parent's lock is held: nobody has recorded to it.

labels() asks the extension's cache, which compares the identity of strings before their contents.
"""

from __future__ import annotations

import functools
import threading
from typing import Any, Callable, Dict, Optional, Tuple

from . import families, reading, values
from .client import REGISTRY, float_to_text, metrics

_REGISTRY_POSITION = 6  # of the argument `registry`

# The parent whose labels() is making a child in this thread.
_making = threading.local()


def hook_base(base: Any, activate: Callable[[Any], Optional[Any]]) -> None:
    """activate: the segment for a metric on this registry, or None."""
    base._shmetrics = None
    base._shmetrics_family = None
    _hook_init(base, activate)
    _hook_labels(base)
    _hook_removal(base)


def _hook_init(base: Any, activate: Callable[[Any], Optional[Any]]) -> None:
    original = base.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if len(args) > _REGISTRY_POSITION:
            registry = args[_REGISTRY_POSITION]
        else:
            registry = kwargs.get("registry", REGISTRY)
        # Before prometheus_client opens files for the values.
        segment = activate(registry)
        original(self, *args, **kwargs)
        if self._labelvalues:
            parent = getattr(_making, "parent", None)
            if parent is not None:
                bind(self, parent._shmetrics_family.labels(*self._labelvalues))
        elif self._type == "stateset" and not hasattr(self, "_states"):
            _making.enum_segment = segment  # its states come with the rest of its own __init__
        elif segment is not None:
            _define(self, segment)

    base.__init__ = __init__


def _define(metric: Any, segment: Any) -> None:
    family = families.define(segment, metric)
    if family is not None and metric._labelnames:
        metric._shmetrics_family = family
    elif family is not None:
        bind(metric, family)


def bind(metric: Any, series: Any) -> None:
    """Let an observable metric record into a series."""
    if metric._type == "counter":
        metric._value = values.CounterValue(metric, series)
    elif metric._type == "gauge":
        metric._value = values.GaugeValue(metric, series)
    elif metric._type == "histogram":
        bounds = [float_to_text(bound) for bound in metric._upper_bounds]
        metric._sum = values.Part(metric, "_sum")
        metric._buckets = values.Buckets(metric, bounds)
    elif metric._type == "summary":
        metric._sum = values.Part(metric, "_sum")
        metric._count = values.Part(metric, "_count")
    metric._shmetrics = series


def _hook_labels(base: Any) -> None:
    original = base.labels

    def make_child(self: Any, labelvalues: Any, labelkwargs: Dict[str, Any]) -> Any:
        outer = getattr(_making, "parent", None)
        _making.parent = self
        try:
            child = original(self, *labelvalues, **labelkwargs)
        finally:
            _making.parent = outer
        self._shmetrics_family.labels(*child._labelvalues).owner = child
        return child

    @functools.wraps(original)
    def labels(self: Any, *labelvalues: Any, **labelkwargs: Any) -> Any:
        family = self._shmetrics_family
        if family is None:
            return original(self, *labelvalues, **labelkwargs)
        try:
            return family.labels(*labelvalues, **labelkwargs).owner
        except AttributeError:  # the cache has a new one, without an owner
            return make_child(self, labelvalues, labelkwargs)

    base.labels = labels


def _hook_removal(base: Any) -> None:
    """remove(), remove_by_labels() and clear() take effect in all processes.

    prometheus_client's own, which would warn that its multiprocess mode cannot, are called for what
    they refuse.
    """
    remove, clear = base.remove, base.clear
    remove_by_labels = getattr(base, "remove_by_labels", None)  # 0.23 and later

    @functools.wraps(remove)
    def remove_hook(self: Any, *labelvalues: Any) -> None:
        if self._shmetrics_family is None or len(labelvalues) != len(self._labelnames):
            remove(self, *labelvalues)
        else:
            _forget(self, tuple(map(str, labelvalues)))

    @functools.wraps(clear)
    def clear_hook(self: Any) -> None:
        if self._shmetrics_family is None:
            clear(self)
        else:
            _forget(self, (None,) * len(self._labelnames))

    base.remove, base.clear = remove_hook, clear_hook
    if remove_by_labels is None:
        return

    @functools.wraps(remove_by_labels)
    def remove_by_labels_hook(self: Any, labels: Dict[str, str]) -> None:
        names = self._labelnames
        if (
            self._shmetrics_family is None
            or not isinstance(labels, dict)
            or not labels
            or not set(labels) <= set(names)
        ):
            remove_by_labels(self, labels)
        else:
            _forget(self, tuple(str(labels[n]) if n in labels else None for n in names))

    base.remove_by_labels = remove_by_labels_hook


def _forget(metric: Any, pattern: Tuple[Optional[str], ...]) -> None:
    """Remove the children with these label values, None for any."""
    metric._shmetrics_family._remove(pattern)
    with metric._lock:
        metric._metrics = {
            values: child
            for values, child in metric._metrics.items()
            if any(want is not None and want != have for want, have in zip(pattern, values))
        }


def _validate_exemplar(exemplar: Dict[str, str]) -> None:
    metrics._validate_exemplar(exemplar)


def hook_counter(cls: Any) -> None:
    inc = cls.inc

    @functools.wraps(inc)
    def inc_hook(self: Any, amount: float = 1, exemplar: Optional[Dict[str, str]] = None) -> None:
        series = self._shmetrics
        if series is None:
            inc(self, amount, exemplar)
        elif exemplar is None:
            series.inc(amount)
        else:
            _validate_exemplar(exemplar)
            series.inc(amount, exemplar)

    cls.inc = inc_hook


def hook_gauge(cls: Any) -> None:
    inc, dec, set_, set_function = cls.inc, cls.dec, cls.set, cls.set_function

    @functools.wraps(inc)
    def inc_hook(self: Any, amount: float = 1) -> None:
        series = self._shmetrics
        if series is None:
            inc(self, amount)
        else:
            series.inc(amount)

    @functools.wraps(dec)
    def dec_hook(self: Any, amount: float = 1) -> None:
        series = self._shmetrics
        if series is None:
            dec(self, amount)
        else:
            series.dec(amount)

    @functools.wraps(set_)
    def set_hook(self: Any, value: float) -> None:
        series = self._shmetrics
        if series is None:
            set_(self, value)
        else:
            series.set(value)

    @functools.wraps(set_function)
    def set_function_hook(self: Any, f: Callable[[], float]) -> None:
        set_function(self, f)
        if self._shmetrics is not None:
            reading.functions.add(self)

    cls.inc, cls.dec, cls.set = inc_hook, dec_hook, set_hook
    cls.set_function = set_function_hook


def hook_histogram(cls: Any) -> None:
    observe = cls.observe

    @functools.wraps(observe)
    def observe_hook(self: Any, amount: float, exemplar: Optional[Dict[str, str]] = None) -> None:
        series = self._shmetrics
        if series is None:
            observe(self, amount, exemplar)
        elif exemplar is None:
            series.observe(amount)
        else:
            _validate_exemplar(exemplar)
            series.observe(amount, exemplar)

    cls.observe = observe_hook


def hook_summary(cls: Any) -> None:
    observe = cls.observe

    @functools.wraps(observe)
    def observe_hook(self: Any, amount: float) -> None:
        series = self._shmetrics
        if series is None:
            observe(self, amount)
        else:
            series.observe(amount)

    cls.observe = observe_hook


def hook_info(cls: Any) -> None:
    info = cls.info

    @functools.wraps(info)
    def info_hook(self: Any, val: Dict[str, str]) -> None:
        info(self, val)  # which knows what is not allowed
        if self._shmetrics is not None:
            refusal = self._shmetrics._set(tuple(val.items()))
            if refusal:
                families.say_once("%s is not recorded: %s", self._name, refusal)

    cls.info = info_hook


def hook_enum(cls: Any) -> None:
    init, set_state = cls.__init__, cls.state

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        _making.enum_segment = None
        init(self, *args, **kwargs)
        segment, _making.enum_segment = _making.enum_segment, None
        if segment is not None:
            _define(self, segment)

    @functools.wraps(set_state)
    def state_hook(self: Any, state: str) -> None:
        set_state(self, state)
        if self._shmetrics is not None:
            self._shmetrics._set(self._states.index(state))

    cls.__init__, cls.state = __init__, state_hook
