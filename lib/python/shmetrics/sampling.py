# SPDX-License-Identifier: MIT
"""sampling - what only a process can ask for, brought into the segment at intervals

shmetrics-collector asks no process anything, so it cannot call a custom collector or the function
of a gauge. sample_collectors() has each process write what they say into the segment, where the
collector finds it. Nothing here runs unless it is called.
"""

from __future__ import annotations

import os
import threading
from typing import Dict, Iterable, List, Mapping, Optional, Set, Tuple

from .metrics import Gauge
from .metrics_core import Metric
from .platform_collector import PLATFORM_COLLECTOR
from .registry import REGISTRY, Collector, CollectorRegistry
from .samples import Sample
from .segment import logger

# Every process of a deployment runs the same Python.
_MODES: Mapping[Collector, str] = {PLATFORM_COLLECTOR: "livemax"}
_MODE = "liveall"


class Sampler:
    """What sample_collectors() starts."""

    def __init__(
        self, interval: float, registry: CollectorRegistry, modes: Mapping[Collector, str]
    ) -> None:
        self.interval = interval
        self._registry = registry
        self._modes = {**_MODES, **modes}
        # The names are taken in the registry already, by the collectors themselves.
        self._copies = CollectorRegistry(segment=registry._segment())
        self._gauges: Dict[str, Optional[Gauge]] = {}  # by sample name; None: it cannot be copied
        self._written: Dict[str, Set[Tuple[str, ...]]] = {}  # label values, by sample name
        self._failed: Set[Collector] = set()
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shmetrics-sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread. What it wrote last stays in the segment while the process lives."""
        if _samplers.get(self._registry) is self:
            del _samplers[self._registry]
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        self.sample()
        while not self._stopped.wait(self.interval):
            self.sample()

    def sample(self) -> None:
        """Ask every collector, and every function of a gauge, now."""
        with self._lock:
            for collector in [*self._registry._collector_to_names]:
                try:
                    self._sample(collector)
                    self._failed.discard(collector)
                except (Exception, SystemExit):  # an exit would end the thread and nothing else
                    if collector not in self._failed:  # said once, not at every interval
                        logger.exception("shmetrics: %r could not be sampled", collector)
                    self._failed.add(collector)

    def _sample(self, collector: Collector) -> None:
        if self._registry._is_recorded(collector):
            if isinstance(collector, Gauge):
                collector._call_functions()
            return
        mode = self._modes.get(collector, _MODE)
        for family in collector.collect():
            for name in dict.fromkeys(sample.name for sample in family.samples):
                samples = [sample for sample in family.samples if sample.name == name]
                self._write(name, samples, family, mode)

    def _write(self, name: str, samples: List[Sample], family: Metric, mode: str) -> None:
        if name not in self._gauges:
            self._gauges[name] = self._define(name, samples, family, mode)
        gauge = self._gauges[name]
        if gauge is None:
            return
        labels = gauge._labelnames
        written = set()
        for sample in samples:
            values = tuple(sample.labels.get(label, "") for label in labels)
            (gauge.labels(*values) if labels else gauge).set(sample.value)
            written.add(values)
        for values in self._written.get(name, set()) - written:
            # Of other processes too, but those that still have it bring it back.
            gauge.remove(*values)
        self._written[name] = written

    def _define(
        self, name: str, samples: Iterable[Sample], family: Metric, mode: str
    ) -> Optional[Gauge]:
        labels = dict.fromkeys(label for sample in samples for label in sample.labels)
        try:
            gauge = Gauge(
                name,
                family.documentation,
                tuple(labels),
                registry=self._copies,
                multiprocess_mode=mode,
            )
        except ValueError as error:
            logger.warning("shmetrics: %s is not sampled into the segment: %s", name, error)
            return None
        self._registry._sampled = self._registry._sampled | {name}
        return gauge


_samplers: Dict[CollectorRegistry, Sampler] = {}


def sample_collectors(
    interval: float = 15.0,
    registry: CollectorRegistry = REGISTRY,
    *,
    modes: Optional[Mapping[Collector, str]] = None,
) -> Sampler:
    """Let other processes see what custom collectors and functions of gauges say.

    Starts one daemon thread, in this process and in each it forks, which asks them every
    `interval` seconds and writes what they say into the registry's segment. A second call for a
    registry takes the place of the first.

    modes: the gauge mode for what a collector yields, "liveall" if not given: one sample a process,
    with its pid. For what is the same in all processes, such as the depth of a common queue, use
    "livemax" or "livemostrecent".

    Each sample becomes a gauge of its own name, with the collector's labels; counters too, since
    the segment has no counter that belongs to one process. Buckets and quantiles, whose labels are
    reserved, are left out with a warning. This process's own /metrics then has what the segment has.
    ValueError if the interval is not positive.
    """
    if not interval > 0:
        raise ValueError(f"the interval must be positive, not {interval!r}")
    former = _samplers.get(registry)
    if former is not None:
        former.stop()
    elif not _samplers and hasattr(os, "register_at_fork"):
        _survive_forks()
    sampler = _samplers[registry] = Sampler(interval, registry, modes or {})
    return sampler


_surviving = False


def _survive_forks() -> None:
    global _surviving
    if not _surviving:
        _surviving = True
        os.register_at_fork(after_in_child=_restart)


def _restart() -> None:
    for sampler in [*_samplers.values()]:
        sampler._start()
