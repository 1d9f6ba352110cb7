# SPDX-License-Identifier: MIT
"""decode_native - the part of decode.py for native histograms

The bounds of buckets are worked out anew, in integers; and which cell stands for what is found by sorting all
bounds, not by the addition of layout.h.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from typing import Any, NamedTuple, Optional, Sequence

import layout as L


class Native(NamedTuple):
    """How the native buckets of a family lie."""

    schema: int
    first: int
    side: int
    flags: int

    @property
    def zero(self) -> int:
        return self.side if self.flags & L.NATIVE_NEGATIVE else 0

    @property
    def count(self) -> int:
        return self.zero + 1 + self.side


def bound(index: int, schema: int) -> float:
    """The greatest double that is not above 2^(index / 2^schema)."""
    octave, part = divmod(Fraction(index) / Fraction(2) ** schema, 1)
    # 2^part * 2^52, rounded down: a root of degree 256 is eight square roots.
    root = 1 << (int(part * 256) + 52 * 256)
    for _ in range(8):
        root = math.isqrt(root)
    if octave >= 1024:
        return math.inf
    return float(Fraction(root, 1 << 52) * Fraction(2) ** octave)


def parse(key: bytes) -> tuple[Optional[Native], str]:
    """The 16 bytes behind the bounds, and what is wrong with them."""
    if len(key) < L.NATIVE_SIZE:
        return None, "its native buckets run over"
    native = Native(*struct.unpack_from(L.ORDER + "iiII", key))
    if not L.NATIVE_SCHEMA_MIN <= native.schema <= L.NATIVE_SCHEMA_MAX:
        return None, f"schema {native.schema}"
    if native.flags & ~L.NATIVE_NEGATIVE or native.side < 2 or native.count > L.NATIVE_BUCKET_MAX:
        return None, f"{native.side} native buckets of a sign, flags {native.flags}"
    steps = Fraction(2) ** native.schema
    if (native.first - 1) / steps < -1022 or (native.first + native.side - 2) / steps > 1024:
        return None, f"its native buckets begin with {native.first}"
    return native, ""


def cells(native: Native, bounds: Sequence[float]) -> list[tuple[int, int]]:
    """Of each cell the native bucket and the bucket of the bounds that it stands for."""
    positive = [bound(native.first - 1 + i, native.schema) for i in range(native.side)]
    # A bound belongs to the bucket below it; one of a negative native bucket to the one above.
    steps = [(-value, 0, 0) for value in positive if native.zero]
    steps += [(value, 1, 0) for value in positive] + [(value, 1, 1) for value in bounds]
    found = [(0, 0)]
    for _, _, is_classic in sorted(steps):
        n, bucket = found[-1]
        found.append((n, bucket + 1) if is_classic else (n + 1, bucket))
    return found


def split(native: Native, bounds: Sequence[float], values: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """What a series' cells come to."""
    counts, buckets = [0] * native.count, [0] * (len(bounds) + 1)
    for (n, bucket), (count, _) in zip(cells(native, bounds), values):
        counts[n] += count
        buckets[bucket] += count
    sums = [value for _, value in values]
    total = math.fsum(sums) if all(map(math.isfinite, sums)) else sum(sums)
    return {"native": counts, "buckets": buckets, "sum": total}
