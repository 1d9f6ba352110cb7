# SPDX-License-Identifier: MIT
"""conflicts - what custom collectors yield and nobody can be served: counted, and said once

A Prometheus keeps either of two equal samples without a word, so that only one of them is ever
served; whose the other was learns it from the log of the process.
"""

from __future__ import annotations

import itertools
from typing import Set

from ..segment import logger

_counter = itertools.count(1)
_count = 0
_said: Set[str] = set()
_SAID_MAX = 1000  # a collector may make up names without end


def leave_out(name: str, why: str) -> None:
    """A family, or a sample of it, is left out of an answer."""
    global _count
    _count = next(_counter)
    if name not in _said and len(_said) < _SAID_MAX:
        _said.add(name)
        logger.warning("shmetrics: %s is not served as a collector yields it: %s", name, why)


def left_out_count() -> int:
    """How often a family or a sample of a custom collector was left out of an answer."""
    return _count
