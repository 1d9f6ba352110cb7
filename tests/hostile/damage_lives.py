# SPDX-License-Identifier: MIT
"""damage_lives - broken words of series, incarnations, and what the dead have left"""

from __future__ import annotations

import random
from typing import Iterator

import layout as L
from victim import CLEAR, SERVED, SKIPPED, Case, Victim, damage_class

LAST = L.LIFE_MASK  # the last incarnation


def word(place: int, incarnation: int = 0, removed: bool = False) -> int:
    return (L.WORD_REMOVED if removed else 0) | incarnation << L.PLACE_BITS | place


class Heir(Victim):
    """A victim with gauges of the modes that include the dead, and a dead process in each slot."""

    def __init__(self, **options: int) -> None:
        super().__init__(**options)
        self.heirs = {}
        for mode in range(6, 11):
            family = self.family(f"victim_{L.MODES[mode]}", L.GAUGE, mode=mode)
            self.heirs[mode] = self.series(family)
            for number in (0, 1):
                self.hold(number, mode, 3.0 + number)

    def gauge_of(self, mode: int) -> int:
        return int(L.get(self.data, L.SERIES, self.heirs[mode], "cells_or_gauge") & L.PLACE_MASK)

    def hold(self, number: int, mode: int, value: float, generation: int = 1) -> None:
        """What the slot's owner of a generation holds of a mode's gauge."""
        tag = L.MODE_FOLDS.get(mode, 0) << L.TAG_FOLD_SHIFT | generation
        self.retired_cell(number, self.gauge_of(mode))
        self.set(number, self.gauge_of(mode), value, 3_000_000_000 if mode == 10 else tag)

    def keep(self, number: int) -> None:
        L.put(self.data, L.SLOT, self.slot(number), "flags", L.SLOT_KEEP)


@damage_class
def words() -> Iterator[Case]:
    for what in ("one", "observed", "gauged", "recent", "overflow"):
        place = L.get(Victim().data, L.SERIES, getattr(Victim(), what), "cells_or_gauge")
        tried = {
            "removed": word(place, removed=True), "of the last incarnation": word(place, LAST),
            "removed in the last": word(place, LAST, True), "all ones": 2**64 - 1,
            "nowhere": word(0, 1), "nowhere, removed": word(0, 1, True), "off by one": word(place + 1, 5),
            "at the last byte": word(L.PLACE_MASK, 5), "in the header": word(512, 7), "half": place | 1 << 35,
        }  # fmt: skip
        for name, value in tried.items():
            for begun in (0, 1):  # looked at once, or each time
                v = Victim()
                L.put(v.data, L.SERIES, getattr(v, what), "cells_or_gauge", value)
                L.put(v.data, L.HEADER, 0, "removal_begun", begun)
                yield v.case(f"{what}: word {name}, {begun} begun")
        for spares in (1, 64, place, 2**64 - 1, L.PLACE_MASK):
            v = Victim()
            L.put(v.data, L.SERIES, getattr(v, what), "spares", spares)
            L.put(v.data, L.SERIES, getattr(v, what), "since_ns", spares)
            yield v.case(f"{what}: spares and since {spares:#x}")
    for begun, epoch in ((0, 1), (2**64 - 1, 2**64 - 1), (2**64 - 1, 0), (5, 2**63)):
        v = Victim()
        L.put(v.data, L.HEADER, 0, "removal_begun", begun)
        L.put(v.data, L.HEADER, 0, "removal_epoch", epoch)
        yield v.case(f"{begun} removals begun, {epoch} done")
    v = Victim()
    for name in ("a", "b"):
        v.series(v.gauge_family, [name], cells=L.get(v.data, L.SERIES, v.gauged, "cells_or_gauge"))
    yield v.case("three series with one gauge number", SKIPPED)


@damage_class
def retired() -> Iterator[Case]:
    for number in (0, 1):
        for block in (0, 1, 15):
            for offset in (1, 8, 64, 4096, 2**64 - 64, 2**63, 32 << 10, (32 << 10) - 64, 1 << 40):
                v = Heir()
                directory = L.get(v.data, L.SLOT, v.slot(number), "directory_offset")
                v.set_word(directory + 8 * (L.GAUGE_BLOCKS + block), offset)
                yield v.case(f"slot {number}, retired block {block} at {offset:#x}")
    for mode in (6, 7, 8, 9, 10):
        for tag in (1, 1 << 40, 1 << 41, 3 << 40, 1 << 42, 2**63, 2**64 - 1, 2**64 - 2**42):
            for bits in (0x7FF8 << 48, 0xFFF0 << 48, 1):
                v = Heir()
                for at in (v.retired_cell(0, v.gauge_of(mode)), v.gauge_cell(1, v.gauge_of(mode))):
                    v.set_word(at, bits)
                    v.set_word(at + 8, tag)
                yield v.case(f"{L.MODES[mode]}: cells of {bits:#x}, tag {tag:#x}")
    v = Heir()
    directory = L.get(v.data, L.SLOT, v.slot(0), "directory_offset")
    v.set_word(directory + 8 * L.GAUGE_BLOCKS, v.word(directory))
    yield v.case("a retired block upon its live one")
    for blocks in (0, 1, 2**64 - 1):
        v = Heir()
        L.put(v.data, L.HEADER, 0, "fold_blocks", blocks)
        yield v.case(f"fold_blocks {blocks:#x}")
    v = Heir()
    at = L.get(v.data, L.SLOT, v.slot(0), "directory_offset")
    v.data[at : at + L.DIRECTORY_SIZE] = random.Random(3).randbytes(L.DIRECTORY_SIZE)
    yield v.case("a directory of random bytes")


@damage_class
def kept() -> Iterator[Case]:
    for flags in (L.SLOT_KEEP, 2, 2**32 - 1):
        for claimed_ns in (0, 2_000_000_000, 2**64 - 1):
            v = Heir()
            for number in (0, 1):
                L.put(v.data, L.SLOT, v.slot(number), "flags", flags)
                L.put(v.data, L.SLOT, v.slot(number), "claimed_ns", claimed_ns)
            yield v.case(f"slots with flags {flags:#x}, claimed at {claimed_ns:#x}")
    for keep in (False, True):
        v = Heir(slot_max=L.SLOT_MAX, size=4 << 20, size_max=8 << 20)
        v.keep(0)
        first = bytes(v.data[v.slot(0) : v.slot(1)])
        v.data[v.slots : v.family_root] = first * L.SLOT_MAX
        L.put(v.data, L.HEADER, 0, "slots_used", L.SLOT_MAX)
        for i in range(2000):  # each of them the sum of the same cell, 32,768 times
            v.series(
                L.get(v.data, L.SERIES, v.heirs[7 if keep else 6], "family_offset"),
                [],
                cells=v.gauge_of(7) if keep else None,
                hash=i << 50,
            )
        yield v.case(f"32,768 slots kept with one directory, {keep}", CLEAR if keep else SERVED)
