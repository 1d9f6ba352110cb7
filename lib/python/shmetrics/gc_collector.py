# SPDX-License-Identifier: MIT
"""gc_collector - python_gc_*: what the garbage collector of this process has done"""

from __future__ import annotations

import gc
import platform
from typing import Iterable, List

from .metrics_core import CounterMetricFamily, Metric
from .registry import REGISTRY, CollectorRegistry

_FAMILIES = (
    ("collected", "python_gc_objects_collected", "Objects collected during gc"),
    ("uncollectable", "python_gc_objects_uncollectable", "Uncollectable objects found during GC"),
    ("collections", "python_gc_collections", "Number of times this generation was collected"),
)


class GCCollector:
    """Collections and objects, by generation. Only CPython counts them."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        if hasattr(gc, "get_stats") and platform.python_implementation() == "CPython":
            registry.register(self)

    def _describe(self) -> List[Metric]:
        return [Metric(name, "", "counter") for _, name, _ in _FAMILIES]

    def collect(self) -> Iterable[Metric]:
        stats = gc.get_stats()
        families = []
        for key, name, documentation in _FAMILIES:
            family = CounterMetricFamily(name, documentation, labels=["generation"])
            for generation, stat in enumerate(stats):
                family.add_metric([str(generation)], stat[key])
            families.append(family)
        return families


GC_COLLECTOR = GCCollector()
"""Of this process, on REGISTRY."""
