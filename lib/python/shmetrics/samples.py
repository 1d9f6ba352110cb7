# SPDX-License-Identifier: MIT
"""samples - one line of an exposition, as a tuple"""

from __future__ import annotations

from typing import Dict, NamedTuple, Optional


class Exemplar(NamedTuple):
    labels: Dict[str, str]
    value: float
    timestamp: Optional[float] = None


class Sample(NamedTuple):
    name: str
    labels: Dict[str, str]
    value: float
    timestamp: Optional[float] = None
    exemplar: Optional[Exemplar] = None
