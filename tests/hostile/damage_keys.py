# SPDX-License-Identifier: MIT
"""damage_keys - broken segments whose records are in order but not what they say: keys, bounds, duplicates

Also those that are small in the file and large, or slow, in the reader. test_damage.py runs them
with the classes of damage_records.py.
"""

from __future__ import annotations

import itertools
import struct
from typing import Iterator

import layout as L
from build import Text
from victim import SERVED, SKIPPED, Case, Victim, damage_class

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


NATIVES: dict[str, tuple[int, int, int, int]] = {
    "schema -5": (-5, 0, 4, 0),
    "schema 9": (9, 0, 4, 0),
    "schema of all bits": (-(2**31), 0, 4, 0),
    "no buckets": (3, 0, 0, 0),
    "one bucket": (3, 0, 1, 0),
    "4,096 buckets": (3, 0, 4096, 0),
    "2,048 buckets of each sign": (3, 0, 2048, 1),
    "all buckets": (3, 0, 2**32 - 1, 0),
    "all buckets of each sign": (3, 0, 2**32 - 1, 1),
    "half of all buckets of each sign": (0, 0, 2**31, 1),
    "unknown flags": (3, 0, 4, 2),
    "of the first index": (3, -(2**31), 4, 0),
    "of the last index": (3, 2**31 - 1, 4, 0),
    "below the least number": (0, -1022, 4, 0),
    "beyond the greatest": (0, 1022, 5, 0),
    "beyond the greatest, coarse": (-4, 64, 3, 0),
    "beyond the greatest, fine": (8, 262_143, 4, 0),
}
SOUND_NATIVES: dict[str, tuple[int, int, int, int]] = {
    "down to the least number": (0, -1021, 4, 0),
    "up to the greatest": (0, 1022, 4, 0),
    "up to the greatest, coarse": (-4, 64, 2, 0),
    "up to the greatest, fine": (8, 262_143, 3, 0),
    "4,096 in all": (8, -2047, 4095, 0),
    "4,095 of both signs": (8, -1024, 2047, 1),
}


@damage_class
def natives() -> Iterator[Case]:
    """Native buckets that no writer would define, and the outermost that one could."""
    for bounds in ([], [0.5, 1.0, 2.0]):
        for name, native in {**NATIVES, **SOUND_NATIVES}.items():
            v = Victim()
            at = v.family("native", L.NATIVE_HISTOGRAM, ["a"], native=native, bounds=bounds)
            sound = name in SOUND_NATIVES
            series = v.series(at, ["x"], cells=None if sound else v.cells(8))
            for i in range(4):
                v.add(series, i, 2**63, 1.0)
            yield v.case(f"native buckets: {name}, {len(bounds)} bounds", SERVED if sound else SKIPPED)
        for at in range(0, 16, 4):
            for value in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
                v = Victim()
                family = v.family("native", L.NATIVE_HISTOGRAM, native=(3, 0, 20, 0), bounds=bounds)
                v.observe(v.series(family), 0.25)
                place = family + L.FAMILY_BOUNDS + 8 * len(bounds) + at
                struct.pack_into(L.ORDER + "I", v.data, place, value)
                yield v.case(f"native buckets: {value:#x} at {at}")
    v = Victim()
    family = v.family("native", L.NATIVE_HISTOGRAM, native=(3, 0, 2000, 0))
    v.series(family, cells=v.arena_next - v.arena_next % 512 - 512)
    yield v.case("native buckets: cells beyond the end", SKIPPED)
    v = Victim()
    v.family("histogram", L.HISTOGRAM, native=(3, 0, 20, 0), bounds=[1.0])
    yield v.case("native buckets of a histogram")


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


def colliding_names(count: int, table_size: int) -> Iterator[str]:
    """Names that met in a sixteenth of the reader's table of names while its hash had no key.

    60,000 of them, 14 MiB, kept it busy for more than a minute.
    """

    def mix(x: int) -> int:
        x = (x ^ x >> 31) * 0x9E3779B97F4A7C15 & (1 << 64) - 1
        return x ^ x >> 29

    for prefix in itertools.product("abcdefghijklmnop", repeat=7):
        state = 8
        for character in prefix:
            state = mix(state ^ ord(character))
        for last in "abcdefghijklmnopqrstuvwxyz0123456789":
            if mix(state ^ ord(last)) & table_size - 1 < table_size // 16:
                yield "".join(prefix) + last
                count -= 1
                if count == 0:
                    return


@damage_class
def collisions() -> Iterator[Case]:
    v = Victim(size=16 << 20, size_max=64 << 20)
    for name in colliding_names(60_000, 1 << 17):
        v.family(name, L.COUNTER)
    yield v.case("60,000 names that collide")
