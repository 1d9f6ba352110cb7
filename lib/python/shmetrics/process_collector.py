# SPDX-License-Identifier: MIT
"""process_collector - process_*: what the kernel says of a process

PROCESS_COLLECTOR is on REGISTRY, as there: it shows the process that answers. Of several workers
each has its own numbers, so a scrape that any of them may answer needs sample_collectors(), which
brings all of them into the segment, with a pid.
"""

from __future__ import annotations

import os
from typing import Callable, Iterable, List, Optional, Union

from .metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from .registry import REGISTRY, CollectorRegistry

# Fields of /proc/PID/stat, counted from the one after the name of the program.
_UTIME, _STIME, _STARTTIME, _VSIZE, _RSS = 11, 12, 19, 20, 21


class ProcessCollector:
    """CPU, memory, start and file descriptors of a process, on Linux; nothing elsewhere.

    namespace: a prefix. pid: gives the process, this one by default. proc: where /proc is.
    """

    def __init__(
        self,
        namespace: str = "",
        pid: Callable[[], Union[int, str]] = lambda: "self",
        proc: str = "/proc",
        registry: Optional[CollectorRegistry] = REGISTRY,
    ) -> None:
        self._prefix = f"{namespace}_process_" if namespace else "process_"
        self._pid = pid
        self._proc = proc
        self._ticks = float(os.sysconf("SC_CLK_TCK")) if hasattr(os, "sysconf") else 100.0
        self._pagesize = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
        if registry:
            registry.register(self)

    def _describe(self) -> List[Metric]:
        return [
            Metric(self._prefix + name, "", typ)
            for name, typ in (
                ("virtual_memory_bytes", "gauge"),
                ("resident_memory_bytes", "gauge"),
                ("start_time_seconds", "gauge"),
                ("cpu_seconds", "counter"),
                ("max_fds", "gauge"),
                ("open_fds", "gauge"),
            )
        ]

    def collect(self) -> Iterable[Metric]:
        folder = os.path.join(self._proc, str(self._pid()).strip())
        families: List[Metric] = []
        for part in (self._usage, self._descriptors):
            try:
                families += part(folder)
            except OSError:
                pass  # no such process, no /proc, or not ours to see
        return families

    def _gauge(self, name: str, documentation: str, value: float) -> Metric:
        return GaugeMetricFamily(self._prefix + name, documentation, value=value)

    def _usage(self, folder: str) -> List[Metric]:
        boot_time = self._boot_time()
        with open(os.path.join(folder, "stat"), "rb") as file:
            # The name of the program is in brackets and may hold anything.
            fields = file.read().rpartition(b")")[2].split()
        started = boot_time + float(fields[_STARTTIME]) / self._ticks
        return [
            self._gauge(
                "virtual_memory_bytes", "Virtual memory size in bytes.", float(fields[_VSIZE])
            ),
            self._gauge(
                "resident_memory_bytes",
                "Resident memory size in bytes.",
                float(fields[_RSS]) * self._pagesize,
            ),
            self._gauge(
                "start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                started,
            ),
            CounterMetricFamily(
                self._prefix + "cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                value=float(fields[_UTIME]) / self._ticks + float(fields[_STIME]) / self._ticks,
            ),
        ]

    def _descriptors(self, folder: str) -> List[Metric]:
        families = []
        with open(os.path.join(folder, "limits"), "rb") as file:
            for line in file:
                if line.startswith(b"Max open file"):
                    families.append(
                        self._gauge(
                            "max_fds",
                            "Maximum number of open file descriptors.",
                            float(line.split()[3].replace(b"unlimited", b"inf")),
                        )
                    )
        count = len(os.listdir(os.path.join(folder, "fd")))
        return [*families, self._gauge("open_fds", "Number of open file descriptors.", count)]

    def _boot_time(self) -> float:
        with open(os.path.join(self._proc, "stat"), "rb") as file:
            for line in file:
                if line.startswith(b"btime "):
                    return float(line.split()[1])
        raise OSError(f"no btime in {self._proc}/stat")


PROCESS_COLLECTOR = ProcessCollector()
"""Of this process, on REGISTRY."""
