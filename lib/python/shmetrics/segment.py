# SPDX-License-Identifier: MIT
"""segment - which segment this process records into

In this order: what configure() was told; the name or path in SHMETRICS_SEGMENT; a segment private
to the process. It is opened by the first metric that needs it, once, and a failure to open it never
stops the application: it is said in one line of the logger "shmetrics", and a private segment takes
its place.

There is no lock here that a fork could leave held. Two threads that open at once get the same
segment (the library counts openings by path), and dict.setdefault says whose counts.
"""

from __future__ import annotations

import logging
import os
from typing import Dict, NamedTuple, Optional, Tuple

from ._core import Segment, resolve

logger = logging.getLogger("shmetrics")

ENVIRONMENT_VARIABLE = "SHMETRICS_SEGMENT"


class _Configuration(NamedTuple):
    path: Optional[str]
    size_max_bytes: int = 0
    series_max: int = 0
    family_series_max: int = 0
    keep: bool = False


_configured: Optional[_Configuration] = None
_opened: Dict[str, Segment] = {}


def configure(
    segment: Optional[str],
    *,
    directory: Optional[str] = None,
    size_max_bytes: int = 0,
    series_max: int = 0,
    family_series_max: int = 0,
    keep: bool = False,
) -> None:
    """Choose the segment, before the first metric is defined on REGISTRY.

    segment: a name, or a path if it has a slash; None for one private to this process, without a
    warning.
    directory: where a name lives, instead of SHMETRICS_DIR or /dev/shm.
    size_max_bytes, series_max, family_series_max: its limits, if this process is the one that makes
    it; 0: the defaults (256 MiB, 200,000 series, 10,000 series a family). Under `shmetrics
    run`, which makes it, its --limit counts.
    keep: go on with the counters the last writer left, instead of starting anew.

    ValueError if the name is none, RuntimeError if the segment is open already.
    """
    global _configured
    if "default" in _opened:
        raise RuntimeError(
            "shmetrics.configure() must come before the first metric; the segment is open: "
            + (_opened["default"].path or "private")
        )
    path = None if segment is None else resolve(segment, directory)
    _configured = _Configuration(path, size_max_bytes, series_max, family_series_max, keep)


def default_segment() -> Segment:
    """The segment of REGISTRY, opened by the first call."""
    segment = _opened.get("default")
    if segment is None:
        mine, message = _open()
        segment = _opened.setdefault("default", mine)
        if segment is mine and message:
            logger.warning("shmetrics: %s", message)
    return segment


def _open() -> Tuple[Segment, str]:
    """The segment, and what there is to say about it."""
    name = os.environ.get(ENVIRONMENT_VARIABLE, "")
    choice = _configured
    message = ""
    if choice is None:
        if not name:
            return open_private(), (
                f"no segment is named: the metrics of process {os.getpid()} are its own and no "
                f'collector sees them (set {ENVIRONMENT_VARIABLE}, start it by "shmetrics run", or '
                "call shmetrics.configure())"
            )
        choice = _Configuration(name)
    elif choice.path is None:
        return open_private(), ""
    elif name and resolve_or_none(name) != choice.path:
        message = f"configure() chose {choice.path}: {ENVIRONMENT_VARIABLE}={name} is not used"
    path, *_ = choice
    assert path is not None
    try:
        segment = Segment.open(
            path,
            size_max_bytes=choice.size_max_bytes,
            series_max=choice.series_max,
            family_series_max=choice.family_series_max,
            keep=choice.keep,
        )
    except (OSError, ValueError, MemoryError, NotImplementedError) as error:
        return open_private(), (
            f"the metrics of process {os.getpid()} are its own and no collector sees them: {error}"
        )
    return segment, message


def resolve_or_none(name: str) -> Optional[str]:
    try:
        return resolve(name)
    except ValueError:
        return None


def open_private() -> Segment:
    """A segment of this process alone, smaller where address space is short."""
    for size_max_bytes in (64 << 20, 8 << 20):
        try:
            return Segment.open_private(size_max_bytes=size_max_bytes)
        except MemoryError:
            pass
    return Segment.open_private(size_max_bytes=1 << 20)
