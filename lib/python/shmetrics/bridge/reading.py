# SPDX-License-Identifier: MIT
"""reading - what prometheus_client collects: the segment, and beside it the process's own

Three hooks: CollectorRegistry.collect reads the segment once for all its metrics, the collect of a
metric alone reads its family, get_sample_value() takes labels without a pid to mean this process.
And MultiProcessCollector, which serves the segment instead of files.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional

from .. import _core
from .. import segment as _segment
from ..registry import families_of
from . import client, families
from .client import REGISTRY, Exemplar, Metric

Families = Dict[str, Any]  # prometheus_client's Metric by its name

# While a registry collects, its metrics take their families from here, each once.
_collecting = threading.local()
# Gauges with set_function().
functions: "weakref.WeakSet[Any]" = weakref.WeakSet()
# Registries that have a MultiProcessCollector.
served_registries: "weakref.WeakSet[Any]" = weakref.WeakSet()


def call_functions(names: Optional[List[str]] = None) -> None:
    for gauge in list(functions):
        if names is None or gauge._name in names:
            for sample in gauge._child_samples():
                gauge._shmetrics.set(sample.value)


def _escaping() -> int:
    """As the installed prometheus_client has names: older ones, or by its settings, escaped."""
    try:
        from prometheus_client.validation import get_legacy_validation
    except ImportError:
        return _core.ESCAPING_UNDERSCORES
    return _core.ESCAPING_UNDERSCORES if get_legacy_validation() else _core.ESCAPING_ALLOW_UTF8


def read(names: Optional[List[str]] = None, created: bool = False) -> Families:
    """The families of the segment as a scrape sees them now; of these names alone unless None."""
    call_functions(names)
    text = _segment.default_segment().render(
        names, format=_core.FORMAT_OPENMETRICS_100, escaping=_escaping(), created=created
    )
    found: Families = {}
    for ours in families_of(text):
        family = Metric(ours.name, ours.documentation, ours.type, ours.unit)
        for sample in ours.samples:
            exemplar = Exemplar(*sample.exemplar) if sample.exemplar else None
            family.add_sample(sample.name, sample.labels, sample.value, None, exemplar)
        found[family.name] = family
    return found


def read_sample(name: str, suffix: str, labels: Dict[str, str]) -> Optional[Any]:
    """One sample. Labels without a pid mean this process where each has a sample of its own."""
    # An empty label value and an absent label are the same.
    labels = {key: value for key, value in labels.items() if value != ""}
    own = {**labels, "pid": str(os.getpid())}
    for family in read([name]).values():
        for sample in family.samples:
            if sample.name == name + suffix and sample.labels in (labels, own):
                return sample
    return None


def _collect_metric(metric: Any) -> List[Any]:
    found: Optional[Families] = getattr(_collecting, "families", None)
    if found is None:
        found = read([metric._name], client.metrics._use_created)
    family = found.pop(metric._name, None)
    if family is None:
        # Collected already, by a MultiProcessCollector of the same registry; or without series.
        return [] if getattr(_collecting, "all_taken", False) else [metric._get_metric()]
    # prometheus_client shows a label without a value, which a scraper takes for an absent one.
    absent = dict.fromkeys(metric._labelnames, "")
    family.samples = [
        sample._replace(labels={**absent, **sample.labels}) for sample in family.samples
    ]
    return [family]


def _collect_all() -> List[Any]:
    """For a MultiProcessCollector."""
    found: Optional[Families] = getattr(_collecting, "families", None)
    if found is None:
        return list(read().values())
    taken = list(found.values())
    found.clear()
    _collecting.all_taken = True
    return taken


def hook_metric(base: Any) -> None:
    collect = base.collect

    def collect_hook(self: Any) -> Iterable[Any]:
        if self._shmetrics is None and self._shmetrics_family is None:
            return collect(self)  # type: ignore[no-any-return]
        return _collect_metric(self)

    base.collect = collect_hook


def _collect_once(registry: Any, collect: Callable[[Any], Iterable[Any]]) -> List[Any]:
    """One reading of the segment for the whole registry."""
    # The multiprocess mode has no x_created.
    created = registry not in served_registries and client.metrics._use_created
    _collecting.families = found = read(None, created)
    try:
        collected = list(collect(registry))
    finally:
        _collecting.families = None
        _collecting.all_taken = False
    if registry is REGISTRY:
        # What other processes have defined. What this one has is shown by its registry.
        collected += [
            family for name, family in found.items() if name not in families.defined_names
        ]
    return collected


def _has_recorded(registry: Any) -> bool:
    if registry is REGISTRY or registry in served_registries:
        return True
    return any(is_recorded(collector) for collector in list(registry._collector_to_names))


def is_recorded(collector: Any) -> bool:
    """Whether it is a metric that records into the segment."""
    series = getattr(collector, "_shmetrics", None)
    return series is not None or getattr(collector, "_shmetrics_family", None) is not None


def hook_registry(registry_class: Any, is_active: Callable[[], bool]) -> None:
    collect = registry_class.collect
    get_sample_value = registry_class.get_sample_value

    def collect_hook(self: Any) -> Iterator[Any]:
        nested = getattr(_collecting, "families", None) is not None
        if nested or not is_active() or not _has_recorded(self):
            yield from collect(self)
        else:
            yield from _collect_once(self, collect)

    def get_sample_value_hook(
        self: Any, name: str, labels: Optional[Dict[str, str]] = None
    ) -> Optional[float]:
        value: Optional[float] = get_sample_value(self, name, labels)
        if value is None and is_active() and _has_recorded(self):
            own = {**(labels or {}), "pid": str(os.getpid())}
            value = get_sample_value(self, name, own)
        return value

    registry_class.collect = collect_hook
    registry_class.get_sample_value = get_sample_value_hook


def hook_multiprocess(module: Any, is_active: Callable[[], bool]) -> None:
    original = module.MultiProcessCollector
    mark_process_dead = module.mark_process_dead

    class MultiProcessCollector(original):  # type: ignore[misc, valid-type]
        """Serves the segment. Needs no folder; one that is named is not looked at."""

        _shmetrics_serves = True

        def __init__(self, registry: Any, path: Optional[str] = None) -> None:
            if not is_active():
                super().__init__(registry, path)
                return
            self._path = path
            if registry:
                served_registries.add(registry)
                registry.register(self)

        def collect(self) -> Iterable[Any]:
            if not is_active():
                return super().collect()  # type: ignore[no-any-return]
            return _collect_all()

    def mark_process_dead_hook(pid: int, path: Optional[str] = None) -> None:
        """Nothing to do: the kernel says which processes live."""
        if not is_active():
            mark_process_dead(pid, path)

    MultiProcessCollector.__qualname__ = "MultiProcessCollector"
    MultiProcessCollector.__module__ = module.__name__
    module.MultiProcessCollector = MultiProcessCollector
    module.mark_process_dead = mark_process_dead_hook
