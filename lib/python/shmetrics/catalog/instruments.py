# SPDX-License-Identifier: MIT
"""instruments - the metrics of the catalogue, made when first used, once in a registry"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Dict, NamedTuple, Optional, Sequence, Tuple, Union, cast

from ..metrics import Counter, Gauge, Histogram
from ..registry import REGISTRY, CollectorRegistry
from .table import BY_NAME, Family

AnyMetric = Union[Counter, Gauge, Histogram]

_KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class _Made(NamedTuple):
    metric: AnyMetric
    buckets: Tuple[float, ...]


_made: "weakref.WeakKeyDictionary[CollectorRegistry, Dict[str, _Made]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def metric(
    name: str, registry: CollectorRegistry = REGISTRY, buckets: Optional[Sequence[float]] = None
) -> AnyMetric:
    """The metric of a family: Counter, Gauge or Histogram. Fails: KeyError if the catalogue has none.

    One that the registry has already is taken, if it is of the same kind and labels; else
    ValueError, as for buckets, if given, that are not those it was made with.
    """
    of_registry = _made.get(registry)
    found = of_registry.get(name) if of_registry is not None else None
    if found is None:
        found = _find_or_make(name, registry, buckets)
    if buckets is not None and found.buckets != tuple(buckets):
        raise ValueError(f"{name} has other buckets in this registry already")
    return found.metric


def _find_or_make(name: str, registry: CollectorRegistry, buckets: Optional[Sequence[float]]) -> _Made:
    family = BY_NAME[name]
    bounds = family.buckets if buckets is None else tuple(buckets)
    with _lock:
        of_registry = _made.setdefault(registry, {})
        if name not in of_registry:
            found = _existing(family, registry) or _make(family, registry, bounds)
            of_registry[name] = _Made(found, bounds)
        return of_registry[name]


def _existing(family: Family, registry: CollectorRegistry) -> Optional[AnyMetric]:
    existing = registry._names_to_collectors.get(family.name)
    if existing is None:
        return None
    labels = getattr(existing, "_labelnames", None)
    if not isinstance(existing, _KINDS[family.kind]) or labels != family.labels:
        raise ValueError(
            f"{family.name}: the registry has another metric of this name;"
            f" the catalogue's is a {family.kind} with the labels {family.labels}"
        )
    return cast(AnyMetric, existing)


def _make(family: Family, registry: CollectorRegistry, bounds: Tuple[float, ...]) -> AnyMetric:
    if family.kind == "counter":
        return Counter(family.name, family.help, family.labels, registry=registry)
    if family.kind == "gauge":
        return Gauge(
            family.name,
            family.help,
            family.labels,
            registry=registry,
            multiprocess_mode=family.mode or "livesum",
        )
    return Histogram(family.name, family.help, family.labels, registry=registry, buckets=bounds)


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
