# SPDX-License-Identifier: MIT
"""multiprocess - what is left of prometheus_client.multiprocess: nothing has to be done

The segment holds the records of all processes and forgets the dead by itself. These are here so that
a program that was written for prometheus_client's multiprocess mode goes on as it is; it may drop
them, PROMETHEUS_MULTIPROC_DIR and the hook of its server.
"""

from __future__ import annotations

from typing import Iterable, Optional, Union

from .metrics_core import Metric
from .registry import REGISTRY, CollectorRegistry

__all__ = ("MultiProcessCollector", "mark_process_dead")


class MultiProcessCollector:
    """Makes a registry show what REGISTRY records: the metrics of all processes.

    registry: one of its own, without metrics yet, as there. path: is not used.
    """

    def __init__(self, registry: CollectorRegistry, path: Optional[str] = None) -> None:
        registry._renew(REGISTRY._segment())
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        return []  # the registry has it all from the segment


def mark_process_dead(pid: Union[int, str], path: Optional[str] = None) -> None:
    """Does nothing: the kernel tells who lives."""
