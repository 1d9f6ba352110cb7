# SPDX-License-Identifier: MIT
"""utils - numbers as prometheus_client writes them"""

from __future__ import annotations

import math
from typing import List, SupportsFloat, SupportsIndex, Tuple, Union

INF = float("inf")
MINUS_INF = float("-inf")
NaN = float("NaN")

# From here on prometheus_client writes an exponent, which Python does not yet.
_PLAIN_DIGITS = 6


def floatToGoString(d: Union[SupportsFloat, SupportsIndex, str]) -> str:
    """The shortest decimal that reads back as the same double: "1.0", "1e+06", "+Inf"."""
    value = float(d)
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    text = repr(value)
    whole, point, fraction = text.partition(".")
    if value > 0 and point and len(whole) > _PLAIN_DIGITS:
        mantissa = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.")
        return f"{mantissa}e+{len(whole) - 1:02d}"
    return text


def parse_version(version_str: str) -> Tuple[Union[int, str], ...]:
    """ "1.0.0" as (1, 0, 0); what is no number stays text."""
    parts: List[Union[int, str]] = []
    for part in version_str.split("."):
        try:
            parts.append(int(part))
        except ValueError:
            parts.append(part)
    return tuple(parts)
