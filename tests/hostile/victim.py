# SPDX-License-Identifier: MIT
"""victim - a valid segment to be damaged, and what a case of damage is"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable, Iterator

import layout as L
from build import Builder

# What a reader must do.
REFUSED = "refused"  # opening or walking fails with a clear status
SERVED = "served"  # whatever becomes of the damaged part, the healthy series is served
SKIPPED = "skipped"  # the same, and the damage is counted
CLEAR = "clear"  # any clear status

HEALTHY = 'healthy_total{k="v"} 7'


@dataclass
class Case:
    name: str
    data: bytes | bytearray
    expect: str = SERVED


class Victim(Builder):
    """A segment with a healthy counter and one of each thing to damage."""

    def __init__(self, **options: int) -> None:
        super().__init__(**{"size": 32 << 10, **options})
        self.healthy = self.family("healthy", L.COUNTER, ["k"], help="Not damaged.")
        self.add(self.series(self.healthy, ["v"]), 0, 7, 0.0)
        self.counter = self.family("victim_counter", L.COUNTER, ["a", "b"], help="Damaged.")
        self.one = self.series(self.counter, ["x", "y"])
        self.other = self.series(self.counter, ["x", "z"])
        self.overflow = self.series(self.counter, ["_overflow"] * 2, overflow=True)
        self.histogram = self.family(
            "victim_seconds", L.HISTOGRAM, ["a"], bounds=[0.1, 1.0, 10.0], unit="seconds"
        )
        self.observed = self.series(self.histogram, ["x"])
        self.gauge_family = self.family("victim_gauge", L.GAUGE, ["a"], mode=1)
        self.gauged = self.series(self.gauge_family, ["x"])
        self.recent_family = self.family("victim_recent", L.GAUGE, mode=5)
        self.recent = self.series(self.recent_family)
        for at in (self.one, self.other, self.overflow):
            self.add(at, 0, 3, 0.5, stripe=1)
        for value in (0.05, 0.5, 100.0):
            self.observe(self.observed, value)
        for number in (0, 1):
            self.claim(number, pid=1000 + number)
            for family in (self.healthy, self.counter, self.histogram, self.gauge_family):
                self.define(number, family)
            self.set(
                number, L.get(self.data, L.SERIES, self.gauged, "cells_or_gauge"), 5.0 + number
            )
            self.set(
                number,
                L.get(self.data, L.SERIES, self.recent, "cells_or_gauge"),
                1.0,
                3_000_000_000,
            )

    def case(self, name: str, expect: str = SERVED) -> Case:
        return Case(name, self.data, expect)

    def free_word(self) -> int:
        """The place of an empty word in the series root."""
        return next(at for at in range(self.series_root, self.arena, 8) if self.word(at) == 0)


CLASSES: dict[str, Callable[[], Iterator[Case]]] = {}


def damage_class(function: Callable[[], Iterator[Case]]) -> Callable[[], Iterator[Case]]:
    CLASSES[function.__name__] = function
    return function


def boundary_values(format: str, now: int, size: int) -> list[int]:
    """The values a field of a struct format is tried with."""
    largest = 2 ** (8 * struct.calcsize("=" + format)) - 1
    values = {
        0,
        1,
        2,
        63,
        64,
        65,
        4096,
        now - 1,
        now + 1,
        now + 64,
        largest,
        largest - 63,
        largest // 2 + 1,
    }
    values |= {
        size,
        size - 1,
        size + 1,
        size - 64,
        size + 64,
        32,
        33,
        1001,
        0x8000,
        L.SIZE_MAX,
        L.SIZE_MAX + 1,
    }
    return sorted(value for value in values if 0 <= value <= largest and value != now)


def poke(
    what: str, table: L.Table, find: Callable[[Victim], int], expect: str = SERVED
) -> Iterator[Case]:
    """Every integer field of one struct, with every boundary value."""
    for name, field in table.items():
        if field.format not in "HIQ":
            continue
        plain = Victim()
        now = L.get(plain.data, table, find(plain), name)
        for value in boundary_values(field.format, now, len(plain.data)):
            victim = Victim()
            L.put(victim.data, table, find(victim), name, value)
            yield victim.case(f"{what}.{name}={value:#x}", expect)
