# SPDX-License-Identifier: MIT
"""segment - how large the segment may become: no larger than the volume it lies in has room for

shmetrics' own limit is 256 MiB, more than a container's volume often has. Then the volume is full long before
the segment says that it nearly is, and the alert SegmentNearlyFull comes never.
"""

from __future__ import annotations

import contextlib
import os

import shmetrics

LIMIT_BYTES = 256 << 20
SHARE = 0.75  # of the volume: what else is there, such as the file of a program that has ended, has room too


def limit_bytes(folder: str) -> int:
    """Of a segment in this folder. Fails: OSError."""
    volume = os.statvfs(folder)
    return min(LIMIT_BYTES, int(volume.f_frsize * volume.f_blocks * SHARE))


def fit_into_volume() -> None:
    """Before the first metric is defined. Whoever makes the segment decides, so all workers must do this.

    Where there is no such folder or name nothing is done: shmetrics says so when it opens the segment.
    """
    name = os.environ.get("SHMETRICS_SEGMENT")
    if name:
        folder = os.path.dirname(name) or os.environ.get("SHMETRICS_DIR", "/dev/shm")
        with contextlib.suppress(OSError, ValueError):
            shmetrics.configure(name, size_max_bytes=limit_bytes(folder))
