#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""damage - segments that are broken on purpose, by class, after PCP's qa/src/badmmv.c

Every case is a segment of build.py with one thing wrong, and says what a reader must make of it. All but the
huge ones carry the healthy series `healthy_total{k="v"} 7`, which damage elsewhere must not take away.

    damage.py DIR [CLASS]    writes the cases as files, and a line each of what is expected
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import layout as L
from build import Builder, Text

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

    def word_to(self, record: int) -> int:
        """The place of the word that leads to a record."""
        places = range(self.family_root, self.arena_next, 8)
        return next(
            at
            for at in places
            if self.word(at) == record and at != record + L.RECORD["self_offset"].offset
        )


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


# ---- header and table of contents ----

FATAL = ("magic", "version_major", "byte_order", "header_size", "stripe_count", "tile_size")


@damage_class
def header() -> Iterator[Case]:
    for case in poke("header", L.HEADER, lambda v: 0, CLEAR):
        name = case.name.split(".")[1].split("=")[0]
        if name in FATAL:
            case.expect = REFUSED
            if name == "stripe_count" and L.get(case.data, L.HEADER, 0, name) in (1, 4, 8, 16):
                case.expect = CLEAR  # possible, only not what the cells were written for
        elif name == "size" and L.get(case.data, L.HEADER, 0, name) > len(case.data):
            case.expect = REFUSED
        elif name == "version_minor":
            case.expect = SERVED
        yield case


@damage_class
def toc() -> Iterator[Case]:
    for i in range(4):
        yield from poke(
            f"toc[{i}]", L.TOC, lambda v, i=i: L.HEADER["toc"].offset + i * L.TOC_SIZE, CLEAR
        )
    for i in range(3):
        for offset in (0, 64, 4095, 4097, len(Victim().data), 2**64 - 64):
            v = Victim()
            L.put(v.data, L.TOC, L.HEADER["toc"].offset + i * L.TOC_SIZE, "offset", offset)
            yield v.case(f"toc[{i}] at {offset:#x}", REFUSED)
    v = Victim()
    roots = L.HEADER["toc"].offset + L.TOC_FAMILY_ROOT * L.TOC_SIZE
    L.put(v.data, L.TOC, roots, "offset", v.slots)
    yield v.case("family root upon the slots", CLEAR)
    v = Victim()
    L.put(v.data, L.TOC, roots, "offset", v.series_root)
    yield v.case("family root upon the series root", CLEAR)


@damage_class
def sizes() -> Iterator[Case]:
    """Files shorter and longer than they say, at every page and around every border."""
    whole = bytes(Victim().data)
    cuts = {*range(0, len(whole), 4096), 1, 7, 8, 511, 512, 4095, 4097, len(whole) - 1}
    for cut in sorted(cuts):
        yield Case(f"truncated to {cut}", whole[:cut], REFUSED)
    for more in (1, 64, 4096, 1 << 20):
        yield Case(f"longer by {more}", whole + bytes(more), SERVED)
    for more in (1, 4095, 4096):
        yield Case(f"longer by {more} bytes of 0xff", whole + b"\xff" * more, SERVED)
    v = Victim()
    L.put(v.data, L.HEADER, 0, "arena_next", v.arena)
    yield v.case("nothing given out", CLEAR)


# ---- slots and gauges ----


@damage_class
def slots() -> Iterator[Case]:
    yield from poke("slot", L.SLOT, lambda v: v.slot(0))
    for number in (0, 1):
        for block in (0, 1, 5, 15):
            for offset in (1, 8, 64, 4096, 2**64 - 64, 2**63, 32 << 10, (32 << 10) - 64):
                v = Victim()
                directory = L.get(v.data, L.SLOT, v.slot(number), "directory_offset")
                v.set_word(directory + 8 * block, offset)
                yield v.case(f"slot {number}, gauge block {block} at {offset:#x}")
    v = Victim()
    v.data[v.slots : v.family_root] = random.Random(1).randbytes(v.family_root - v.slots)
    yield v.case("slots of random bytes")
    v = Victim()
    v.data[v.slots : v.family_root] = b"\xff" * (v.family_root - v.slots)
    yield v.case("slots of 0xff")
    v = Victim()
    directory = L.get(v.data, L.SLOT, v.slot(0), "directory_offset")
    v.set_word(directory, directory)
    yield v.case("a gauge block upon its own directory")
    v = Victim()
    L.put(
        v.data,
        L.SLOT,
        v.slot(1),
        "directory_offset",
        L.get(v.data, L.SLOT, v.slot(0), "directory_offset"),
    )
    yield v.case("two slots with one directory")
    v = Victim(slot_max=L.SLOT_MAX, size=4 << 20, size_max=8 << 20)
    first = bytes(v.data[v.slot(0) : v.slot(1)])
    v.data[v.slots : v.family_root] = first * L.SLOT_MAX
    L.put(v.data, L.HEADER, 0, "slots_used", L.SLOT_MAX)
    yield v.case("32,768 slots with one directory")


@damage_class
def gauges() -> Iterator[Case]:
    for name, bits in {
        "-nan": 0xFFF8000000000001,
        "nan": 0x7FF8000000000001,
        "-inf": 0xFFF << 52,
    }.items():
        for series in ("gauged", "recent"):
            v = Victim()
            gauge = L.get(v.data, L.SERIES, getattr(v, series), "cells_or_gauge")
            v.set_word(v.gauge_cell(0, gauge), bits)
            yield v.case(f"gauge {series} of {name}")
    for tag in (1, 2**63, 2**64 - 1):
        v = Victim()
        gauge = L.get(v.data, L.SERIES, v.recent, "cells_or_gauge")
        v.set_word(v.gauge_cell(1, gauge) + 8, tag)
        yield v.case(f"most recent gauge with stamp {tag:#x}")
    for pid in (0, 1000, 2**31, 2**32 - 1):
        v = Victim()
        L.put(v.data, L.SLOT, v.slot(0), "pid", pid)
        L.put(v.data, L.SLOT, v.slot(1), "pid", pid)
        yield v.case(f"two live processes with pid {pid}")
    for mode in range(12):
        v = Victim()
        at = v.family(f"mode_{mode}", L.GAUGE, ["a"], mode=mode)
        v.set(0, L.get(v.data, L.SERIES, v.series(at, ["x"]), "cells_or_gauge"), 1.0)
        yield v.case(f"gauge mode {mode}")


# ---- records ----


@damage_class
def families() -> Iterator[Case]:
    yield from poke("family", L.FAMILY, lambda v: v.counter)
    yield from poke("histogram", L.FAMILY, lambda v: v.histogram)
    yield from poke("gauge", L.FAMILY, lambda v: v.gauge_family)
    yield from poke("text", L.TEXT, lambda v: L.get(v.data, L.FAMILY, v.counter, "help_offset"))
    for place in ("counter", "one", "gauged", "observed"):
        v = Victim()
        L.put(v.data, L.FAMILY, v.counter, "help_offset", getattr(v, place))
        yield v.case(f"help that is the {place}")
        v = Victim()
        L.put(v.data, L.FAMILY, v.counter, "overflow_offset", getattr(v, place))
        yield v.case(f"overflow series that is the {place}")


@damage_class
def series() -> Iterator[Case]:
    for what in ("one", "overflow", "observed", "gauged", "recent"):
        yield from poke(what, L.SERIES, lambda v, what=what: getattr(v, what))
    for owner in ("histogram", "gauge_family", "one", "healthy"):
        v = Victim()
        L.put(v.data, L.SERIES, v.one, "family_offset", getattr(v, owner))
        yield v.case(
            f"a series of the {owner}",
            SERVED if owner in ("histogram", "gauge_family") else SKIPPED,
        )
    for kind in (0, 2, 3, 4, 9, 0xFFFF):
        v = Victim()
        L.put(v.data, L.SERIES, v.one, "kind", kind)
        L.put(v.data, L.SERIES, v.one, "mode", 1)
        yield v.case(f"a counter's series of kind {kind}")


def bits_of(value: float) -> int:
    return int(struct.unpack("=Q", struct.pack("=d", value))[0])


@damage_class
def cells() -> Iterator[Case]:
    doubles = {"nan": 0x7FF8 << 48, "-nan": 0xFFF8 << 48, "inf": 0x7FF0 << 48, "-inf": 0xFFF0 << 48}
    doubles |= {"-1": bits_of(-1.0), "-0": 1 << 63, "least": 1, "largest": 0x7FEFFFFFFFFFFFFF}
    for what in ("one", "observed"):
        for name, bits in doubles.items():
            v = Victim()
            v.set_word(L.get(v.data, L.SERIES, getattr(v, what), "cells_or_gauge") + 8, bits)
            yield v.case(f"{what}: a sum of {name}")
        v = Victim()
        for stripe in range(v.stripe_count):
            at = L.cell_offset(
                L.get(v.data, L.SERIES, getattr(v, what), "cells_or_gauge"), 0, stripe, 2
            )
            v.set_word(at, 2**64 - 1)
        yield v.case(f"{what}: counts that overflow")
    for what in ("one", "observed"):
        for shift in (1, 8, 15, -16, 16 << 10, 1 << 40):
            v = Victim()
            at = L.get(v.data, L.SERIES, getattr(v, what), "cells_or_gauge")
            L.put(v.data, L.SERIES, getattr(v, what), "cells_or_gauge", (at + shift) % 2**64)
            yield v.case(f"{what}: cells {shift} bytes further")
    v = Victim()
    for place in (v.series_root, v.one, v.slots, 512):
        w = Victim()
        L.put(w.data, L.SERIES, w.observed, "cells_or_gauge", place)
        yield w.case(f"cells at {place}, where something else is")


# ---- the index ----


@damage_class
def index() -> Iterator[Case]:
    v = Victim()
    places = {
        "the header": 0x40, "the slots": v.slots, "the roots": v.series_root, "a cell": v.tile,
        "the end": len(v.data), "the last line": len(v.data) - 64, "beyond": 1 << 40, "-64": 2**64 - 64,
        "half a line": v.one + 32, "inside a record": v.one + 64, "a text": v.one - 64, "1 byte": v.one + 2,
    }  # fmt: skip
    inside = {v.tile, v.one + 64, v.one - 64}  # as a node these may be seen as empty
    for name, offset in places.items():
        for tag in (0, L.NODE_TAG):
            for root in ("series_root", "family_root"):
                w = Victim()
                at = next(a for a in range(getattr(w, root), w.arena, 8) if w.word(a) == 0)
                w.set_word(at, offset | tag)
                yield w.case(
                    f"{root}: a word to {name}, tag {tag}", SERVED if offset in inside else SKIPPED
                )
    yield from cycles()
    for record, root in (
        ("one", "family_root"),
        ("counter", "series_root"),
        ("one", "series_root"),
    ):
        v = Victim()
        at = next(a for a in range(getattr(v, root), v.arena, 8) if v.word(a) == 0)
        v.set_word(at, getattr(v, record))
        yield v.case(f"{record} also in the {root}, in a wrong place")
    v = Victim()
    v.data[v.series_root : v.arena] = struct.pack(L.ORDER + "Q", v.one) * (1 << L.SERIES_ROOT_BITS)
    yield v.case("every word of the series root the same", CLEAR)


def cycles() -> Iterator[Case]:
    for depth in (1, 2, 8, 40):
        v = Victim()
        nodes = [v.node() for _ in range(depth)]
        for i, node in enumerate(nodes):
            v.set_word(node + 8 * (i % 16), nodes[(i + 1) % depth] | L.NODE_TAG)
        v.set_word(v.free_word(), nodes[0] | L.NODE_TAG)
        yield v.case(f"a cycle of {depth} nodes")
    v = Victim()
    v.set_word(v.free_word(), v.series_root | L.NODE_TAG)
    yield v.case("a word to the root")
    v = Victim()
    nodes = [v.node() for _ in range(200)]
    for node, following in zip(nodes, nodes[1:]):
        v.set_word(node, following | L.NODE_TAG)
    v.set_word(v.free_word(), nodes[0] | L.NODE_TAG)
    yield v.case("a chain of 200 nodes, longer than the hash")


def dag(depth: int, record: bool) -> Case:
    """Every word of a node leads to the next node: 16 ** depth ways, a few hundred bytes."""
    v = Victim()
    below = v.one if record else 0
    for _ in range(depth):
        below = v.node(*([below] * 16)) | L.NODE_TAG
    for at in range(v.series_root, v.arena, 8):
        if v.word(at) == 0:
            v.set_word(at, below)
    return v.case(
        f"{1024 * 16**depth:.0e} ways through {depth} nodes, {'with' if record else 'no'} record",
        CLEAR,
    )


@damage_class
def shared_nodes() -> Iterator[Case]:
    for depth in (2, 4, 5, 13, 14, 15):
        for record in (False, True):
            yield dag(depth, record)


# ---- keys ----

STRANGE: dict[str, bytes] = {
    "empty": b"",
    "NUL": b"a\0b",
    "newline": b"a\nb",
    "carriage return": b"a\rb",
    "quote": b'a"b',
    "backslash": b"a\\b",
    "injection": b'a"} 1\nhealthy_total{k="v',
    "lone byte": b"\xff",
    "half a character": b"a\xc3",
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "byte order mark": b"\xef\xbb\xbfa",
    "1,024 bytes": b"x" * 1024,
    "1,025 bytes": b"x" * 1025,
    "60,000 bytes": b"x" * 60000,
    "space": b"a b",
    "brace": b"a{b",
    "digit": b"1a",
    "hash": b"# TYPE healthy_total gauge",
    "separator": b'a,b="c"',
}


@damage_class
def texts() -> Iterator[Case]:
    """Names, labels, units and help that no writer would let in."""
    for name, text in STRANGE.items():
        v = Victim()
        v.add(v.series(v.counter, [text, "z"]), 0, 1, 0.0)
        yield v.case(f"label value: {name}")
        v = Victim()
        v.add(v.series(v.family(text, L.COUNTER)), 0, 1, 0.0)
        yield v.case(f"family name: {name}")
        v = Victim()
        v.add(v.series(v.family("strange", L.COUNTER, [text]), ["1"]), 0, 1, 0.0)
        yield v.case(f"label name: {name}")
        v = Victim()
        v.add(v.series(v.family("strange", L.COUNTER, unit=text, help=text)), 0, 1, 0.0)
        yield v.case(f"unit and help: {name}")
    reserved: dict[str, tuple[int, list[Text]]] = {
        "le of a histogram": (L.HISTOGRAM, ["le"]),
        "quantile": (L.COUNTER, ["quantile"]),
        "pid of a liveall gauge": (L.GAUGE, ["pid"]),
        "__name__": (L.COUNTER, ["__name__"]),
        "twice the same": (L.COUNTER, ["a", "a"]),
    }
    for name, (kind, labels) in reserved.items():
        v = Victim()
        bounds = [1.0] if kind == L.HISTOGRAM else []
        at = v.family("reserved", kind, labels, mode=1 if kind == L.GAUGE else 0, bounds=bounds)
        one = v.series(at, ["1"] * len(labels))
        if kind == L.GAUGE:
            v.set(0, L.get(v.data, L.SERIES, one, "cells_or_gauge"), 1.0)
        yield v.case(f"label name: {name}")


@damage_class
def keys() -> Iterator[Case]:
    """Keys that do not fit what they say of themselves."""
    for at in range(0, 20, 2):
        for value in (0, 1, 0x7FFF, 0xFFFF):
            v = Victim()
            struct.pack_into(L.ORDER + "H", v.data, v.counter + L.FAMILY_KEY + at, value)
            yield v.case(f"family key: {value:#x} at {at}")
    for at in (0, 2, 3, 5):
        for value in (0, 2, 0x7FFF, 0xFFFF):
            v = Victim()
            struct.pack_into(L.ORDER + "H", v.data, v.one + L.SERIES_KEY + at, value)
            yield v.case(f"series key: {value:#x} at {at}")
    for count in (31, 32, 33, 1000):
        v = Victim()
        at = v.family("wide", L.COUNTER, [f"l{i}" for i in range(count)])
        v.add(v.series(at, ["x"] * count), 0, 1, 0.0)
        yield v.case(f"{count} labels")
    v = Victim()
    v.add(v.series(v.counter, ["only one"]), 0, 1, 0.0)
    yield v.case("one label value of two", SKIPPED)
    v = Victim()
    v.add(v.series(v.counter, ["a", "b", "c"]), 0, 1, 0.0)
    yield v.case("three label values of two", SKIPPED)


@damage_class
def bounds() -> Iterator[Case]:
    infinite, nan = float("inf"), float("nan")
    lists: dict[str, list[float]] = {
        "none": [], "decreasing": [2.0, 1.0], "equal": [1.0, 1.0], "nan": [1.0, nan], "first nan": [nan, 1.0],
        "all nan": [nan] * 3, "+inf": [1.0, infinite], "-inf": [-infinite, 1.0], "-0 and 0": [-0.0, 0.0],
        "denormal": [5e-324, 1e-323], "1,000": [float(i) for i in range(1, 1001)],
        "1,001": [float(i) for i in range(1, 1002)], "8,000": [float(i) for i in range(1, 8001)],
        "neighbours": [1.0, 1.0000000000000002, 1.0000000000000004],
    }  # fmt: skip
    for name, list_ in lists.items():
        v = Victim(size_max=8 << 20)
        v.series(v.family("bounded", L.HISTOGRAM, ["a"], bounds=list_), ["x"])
        yield v.case(
            f"bounds: {name}", SERVED if name in ("denormal", "1,000", "neighbours") else SKIPPED
        )
    v = Victim()
    L.put(v.data, L.FAMILY, v.histogram, "table_offset", 2**32 - 2)
    L.put(v.data, L.FAMILY, v.histogram, "table_count", 2**32 - 1)
    yield v.case("a search table that runs over")


# ---- the same twice ----


@damage_class
def duplicates() -> Iterator[Case]:
    v = Victim()
    for i in range(1, 20):
        v.add(v.series(v.counter, ["x", "y"], hash=i << 54), 0, i, 0.0)
    yield v.case("one key, twenty records")
    v = Victim()
    v.add(v.series(v.counter, ["_overflow"] * 2), 0, 1, 0.0)
    yield v.case("a series with the labels of the overflow series")
    v = Victim()
    v.insert(v.series_root, L.SERIES_ROOT_BITS, v.overflow)
    yield v.case("the overflow series in the index as well")
    for count in (1, 30):
        v = Victim()
        for i in range(count):
            v.add(
                v.series(
                    v.family("victim_counter", L.COUNTER, ["a", "b"], hash=i << 50), ["x", "y"]
                ),
                0,
                1,
                0.0,
            )
        yield v.case(f"one family, {count + 1} records")
        v = Victim()
        for i in range(count):
            v.add(
                v.series(v.family("victim_counter", L.COUNTER, ["a", f"c{i}"]), ["x", "y"]),
                0,
                1,
                0.0,
            )
        yield v.case(f"one name, {count + 1} definitions")
    for name, kind in {"victim_seconds_count": L.GAUGE, "victim_seconds_sum": L.COUNTER}.items():
        v = Victim()
        v.series(v.family(name, kind, mode=2 if kind == L.GAUGE else 0))
        yield v.case(f"{name} beside the histogram")
    for name, kind in {
        "victim_seconds_bucket": L.GAUGE,
        "victim_counter_total": L.GAUGE,
        "victim_counter_created": L.GAUGE,
        "victim_gauge_total": L.COUNTER,
    }.items():
        v = Victim()
        one = v.series(v.family(name, kind, ["a"], mode=1 if kind == L.GAUGE else 0), ["x"])
        if kind == L.GAUGE:
            v.set(0, L.get(v.data, L.SERIES, one, "cells_or_gauge"), 2.0)
        yield v.case(f"{name}, a sample name of another family")
    v = Victim()
    at = v.family("victim_counter_total", L.COUNTER, ["a", "b"])
    v.add(v.series(at, ["x", "y"]), 0, 1, 0.0)
    yield v.case("victim_counter_total as a counter's name")


# ---- amplification: little in the file, much in the reader ----


@damage_class
def amplification() -> Iterator[Case]:
    v = Victim(size=2 << 20, size_max=64 << 20)
    wide = v.family("wide", L.HISTOGRAM, ["a"], bounds=[float(i) for i in range(1, 1001)])
    shared = v.cells(1001)
    for i in range(8000):
        v.series(wide, [f"{i}"], cells=shared)
    yield v.case("8,000 histograms of 1,001 buckets upon the same cells")
    v = Victim(size=2 << 20, size_max=64 << 20)
    shared = v.cells(1)
    for i in range(8000):
        v.series(v.counter, [f"{i}", ""], cells=shared)
    yield v.case("8,000 counters upon one cell")
    v = Victim(size=4 << 20, size_max=64 << 20)
    long = v.family("long_names", L.COUNTER, [f"l{i:02}{'x' * 240}" for i in range(32)])
    for i in range(4000):
        v.series(long, [str(i)] + [""] * 31)
    yield v.case("4,000 series of 32 long label names")
    v = Victim(size=1 << 20, size_max=64 << 20)
    for i in range(30_000):
        v.family(f"f{i}", L.COUNTER)
    yield v.case("30,000 families without a series")
    v = Victim(size=1 << 20, size_max=64 << 20)
    help = v.text("y" * L.HELP_MAX)
    for i in range(3000):
        L.put(v.data, L.FAMILY, v.family(f"helped_{i}", L.COUNTER), "help_offset", help)
    yield v.case("3,000 families with one long help")


# ---- noise ----


@damage_class
def noise() -> Iterator[Case]:
    generator = random.Random(20261123)
    for i in range(20):
        yield Case(f"random bytes {i}", generator.randbytes(32 << 10), REFUSED)
    for i in range(20):
        v = Victim()
        v.data[4096:] = generator.randbytes(len(v.data) - 4096)
        yield v.case(f"random bytes behind a header {i}", CLEAR)
    for i in range(20):
        v = Victim()
        v.data[v.arena : v.arena_next] = generator.randbytes(v.arena_next - v.arena)
        yield v.case(f"random bytes in the arena {i}", CLEAR)
    for byte in (0x00, 0x01, 0xFF):
        yield Case(f"only {byte:#x}", bytes([byte]) * (32 << 10), REFUSED)
        v = Victim()
        v.data[4096:] = bytes([byte]) * (len(v.data) - 4096)
        yield v.case(f"only {byte:#x} behind a header", CLEAR)
    yield Case("a text file", b"# HELP healthy_total Not damaged.\n" * 1000, REFUSED)
    other = bytearray(Victim().data)
    for name in ("magic", "byte_order"):
        field = L.HEADER[name]
        other[field.offset : field.offset + 8] = other[field.offset : field.offset + 8][::-1]
    yield Case("of the other byte order", other, REFUSED)


def cases(only: str | None = None) -> Iterator[Case]:
    for name, function in CLASSES.items():
        if only in (None, name):
            yield from function()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("damage_class", nargs="?", choices=CLASSES)
    arguments = parser.parse_args()
    arguments.directory.mkdir(exist_ok=True)
    for i, case in enumerate(cases(arguments.damage_class)):
        path = arguments.directory / f"{i:05}.smx1"
        path.write_bytes(case.data)
        path.chmod(0o600)
        print(f"{path.name} {case.expect} {case.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
