# SPDX-License-Identifier: MIT
"""graphite - sending a registry to Graphite; prometheus_client.bridge.graphite there

shmetrics.bridge is something else: it brings an unmodified prometheus_client into the segment.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from typing import Callable, Tuple

from .registry import REGISTRY, Collector
from .segment import logger

__all__ = ("GraphiteBridge",)

# What is no part of a file's name, and the point, which separates labels.
_INVALID = re.compile(r"[^a-zA-Z0-9_-]")


class GraphiteBridge:
    """Sends what a registry collects, in Graphite's plain text protocol.

    address: host and port. tags: labels as Graphite's tags instead of parts of the name.
    """

    def __init__(
        self,
        address: Tuple[str, int],
        registry: Collector = REGISTRY,
        timeout_seconds: float = 30,
        _timer: Callable[[], float] = time.time,
        tags: bool = False,
    ) -> None:
        self._address = address
        self._registry = registry
        self._timeout = timeout_seconds
        self._timer = _timer
        self._separators = (";", "=") if tags else (".", ".")

    def push(self, prefix: str = "") -> None:
        """Send everything once. OSError if that fails. prefix: of every name, before a point."""
        now = int(self._timer())
        before, between = self._separators
        lines = []
        for family in self._registry.collect():
            for sample in family.samples:
                parts = [prefix, "."] if prefix else []
                parts.append(_INVALID.sub("_", sample.name))
                for name, value in sorted(sample.labels.items()):
                    parts += [before, _INVALID.sub("_", name), between, _INVALID.sub("_", value)]
                lines.append(f"{''.join(parts)} {float(sample.value)} {now}\n")
        with socket.create_connection(self._address, self._timeout) as connection:
            connection.sendall("".join(lines).encode("ascii"))

    def start(self, interval: float = 60.0, prefix: str = "") -> None:
        """Send everything every `interval` seconds, from a daemon thread."""
        threading.Thread(target=self._run, args=(interval, prefix), daemon=True).start()

    def _run(self, interval: float, prefix: str) -> None:
        due = time.monotonic()
        while True:
            try:
                self.push(prefix)
            except OSError:
                logger.exception("shmetrics: Graphite at %s:%s has nothing", *self._address)
            now = time.monotonic()
            due = max(due + interval, now)  # one that was missed is not made up for
            time.sleep(due - now)
