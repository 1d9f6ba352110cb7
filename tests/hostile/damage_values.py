# SPDX-License-Identifier: MIT
"""damage_values - values that are texts, broken: infos, states, exemplars, health checks

What has a checksum is broken twice: as a killed writer leaves it, and, with a checksum that is right, as a
hostile one writes it.
"""

from __future__ import annotations

import struct
from typing import Iterator, Optional, Sequence

import layout as L
from build import Text, hash64, octets, string
from victim import SERVED, SKIPPED, Case, Victim, boundary_values, damage_class

INJECTION = b'a"} 1\nhealthy_total{k="v'
BAD_NAMES: dict[str, Text] = {
    "injected": INJECTION,
    "empty": "",
    "of a digit": "1a",
    "with two underscores": "__name__",
    "with a NUL": b"a\0b",
    "of bad UTF-8": b"a\xff",
    "with a space": "a b",
}
BAD_TEXTS: dict[str, Text] = {
    "injected": INJECTION,
    "empty": "",
    "with a NUL": b"a\0b",
    "of bad UTF-8": b"\xff\xfe",
    "of half a character": "ö".encode()[:1],
    "of a surrogate": b"\xed\xa0\x80",
    "of lines": b"a\n# EOF\nb\r\n",
}
Labels = Sequence[tuple[Text, Text]]


def encode(labels: Labels) -> bytes:
    return b"".join(string(name) + string(value) for name, value in labels)


class Values(Victim):
    """A victim that also has an info, a state set, exemplars and a health check."""

    def __init__(self) -> None:
        super().__init__()
        self.info_family = self.family("victim_build", L.INFO, ["a"])
        self.info = self.series(self.info_family, ["x"])
        self.inform(self.info, [("version", "1")])
        self.phase_family = self.family("victim_phase", L.STATE_SET, mode=5, states=["on", "off"])
        self.phase = self.series(self.phase_family)
        self.traced = self.exemplars(self.observed, 4)
        self.exemplar(self.traced, 0.05, [("trace_id", "abc")])
        self.check = self.health("database")
        self.outcome(self.check, 0, 1_000)
        self.outcome(self.check, 1, 2_000, detail="refused")
        for number in (0, 1):
            for family in (self.info_family, self.phase_family):
                self.define(number, family)

    def inform(self, series: int, labels: Labels) -> None:
        L.put(self.data, L.SERIES, series, "cells_or_gauge", self.text(encode(labels)))

    def exemplars(self, series: int, count: int) -> int:
        base = self.give(count * L.EXEMPLAR_SIZE)
        L.put(self.data, L.SERIES, series, "exemplar_offset", base)
        return base

    def seal(self, base: int, size: int) -> None:
        L.put(self.data, L.EXEMPLAR, base, "checksum", hash64(self.data[base + 8 : base + size], 0))

    def exemplar(
        self, base: int, value: float, labels: Labels, size: Optional[int] = None, life: int = 0
    ) -> None:
        key = encode(labels)
        values = {
            "life": life,
            "unix_ns": 1_700_000_000_000_000_000,
            "value": value,
            "label_size": len(key) if size is None else size,
            "labels": key[:216],
        }
        for name, field in values.items():
            L.put(self.data, L.EXEMPLAR, base, name, field)
        self.seal(base, L.EXEMPLAR_SIZE)

    def health(self, name: Text, *, ttl: float = 15.0, hash: Optional[int] = None) -> int:
        key = octets(name)
        hash = hash64(key, self.seed + 2) if hash is None else hash
        base = self.record(L.RECORD_HEALTH, L.HEALTH_NAME + len(key), hash)
        L.put(self.data, L.HEALTH, base, "name_size", len(key))
        L.put(self.data, L.HEALTH, base, "presence_gauge", self.gauge())
        L.put(self.data, L.HEALTH, base, "ttl_seconds", ttl)
        self.data[base + L.HEALTH_NAME : base + L.HEALTH_NAME + len(key)] = key
        self.insert(self.family_root, L.FAMILY_ROOT_BITS, base)
        return base

    def outcome(
        self,
        check: int,
        index: int,
        reported_ns: int,
        *,
        detail: Text = "",
        duration: float = 0.5,
        size: Optional[int] = None,
    ) -> int:
        base = check + L.HEALTH["outcomes"].offset + index * L.OUTCOME_SIZE
        values = {
            "reported_ns": reported_ns,
            "duration_seconds": duration,
            "flags": L.HEALTH_UP,
            "detail_size": len(octets(detail)) if size is None else size,
            "detail": octets(detail)[: L.HEALTH_DETAIL_MAX],
        }
        for name, field in values.items():
            L.put(self.data, L.OUTCOME, base, name, field)
        self.seal(base, L.OUTCOME_SIZE)
        return base


@damage_class
def words() -> Iterator[Case]:
    """Every number of the new records, and the words that lead to them."""
    places = {
        "exemplar": (L.EXEMPLAR, lambda v: v.traced),
        "outcome": (L.OUTCOME, lambda v: v.check + L.HEALTH["outcomes"].offset),
        "health": (L.HEALTH, lambda v: v.check),
    }
    for what, (table, find) in places.items():
        for name, field in table.items():
            if field.format not in "HIQ":
                continue
            now = L.get(Values().data, table, find(Values()), name)
            for value in boundary_values(field.format, now, len(Values().data)):
                v = Values()
                L.put(v.data, table, find(v), name, value)
                yield v.case(f"{what}.{name}={value:#x}")
                if what != "health" and name != "checksum":
                    v.seal(find(v), L.EXEMPLAR_SIZE if what == "exemplar" else L.OUTCOME_SIZE)
                    yield v.case(f"{what}.{name}={value:#x}, with its checksum")
    for series in ("info", "phase", "observed", "one"):
        for name in ("cells_or_gauge", "exemplar_offset"):
            now = L.get(Values().data, L.SERIES, getattr(Values(), series), name)
            for value in boundary_values("Q", now, len(Values().data)):
                v = Values()
                L.put(v.data, L.SERIES, getattr(v, series), name, value)
                yield v.case(f"{series}.{name}={value:#x}")


@damage_class
def infos() -> Iterator[Case]:
    for what, name in BAD_NAMES.items():
        v = Values()
        v.inform(v.info, [(name, "1")])
        yield v.case(f"a label name {what}")
    for what, text in BAD_TEXTS.items():
        v = Values()
        v.inform(v.info, [("version", text)])
        yield v.case(f"a label value {what}")
    cases: dict[str, Labels] = {
        "not in order": [("b", "1"), ("a", "1")],
        "one twice": [("b", "1"), ("b", "2")],
        "the family's own": [("a", "1")],
        "the sample's own": [("le", "1"), ("quantile", "2")],
        "65 of them": [(f"l{i:02}", "") for i in range(65)],
        "a value of 1,025 bytes": [("b", "x" * 1025)],
        "a name of 256 bytes": [("b" * 256, "x")],
        "5,000 bytes": [(f"l{i:02}", "x" * 500) for i in range(10)],
    }
    for what, labels in cases.items():
        v = Values()
        v.inform(v.info, labels)
        yield v.case(f"labels: {what}")
    for cut in range(1, 12):
        v = Values()
        text = L.get(v.data, L.SERIES, v.info, "cells_or_gauge")
        L.put(v.data, L.TEXT, text, "text_size", cut)
        yield v.case(f"labels cut after {cut} bytes")
    v = Values()
    text = v.text(encode([(f"l{i:02}", "x" * 90) for i in range(40)]))
    for i in range(500):
        v.series(v.info_family, [f"{i}"], cells=text)
    yield v.case("500 infos of one text")


@damage_class
def states() -> Iterator[Case]:
    for what, text in BAD_TEXTS.items():
        v = Values()
        v.series(v.family("victim_mode", L.STATE_SET, mode=5, states=["a", text]))
        yield v.case(f"a state {what}", SERVED if what in ("injected", "of lines") else SKIPPED)
    cases: dict[str, tuple[int, list[Text]]] = {
        "none": (5, []),
        "one twice": (5, ["a", "b", "a"]),
        "129 of them": (5, [f"{i}" for i in range(129)]),
        "of a mode that keeps the dead": (10, ["a"]),
        "of no mode": (0, ["a"]),
    }
    for what, (mode, names) in cases.items():
        v = Values()
        v.series(v.family("victim_mode", L.STATE_SET, mode=mode, states=names))
        yield v.case(f"states: {what}", SKIPPED)
    v = Values()
    v.series(v.family("victim_mode", L.STATE_SET, ["victim_mode"], mode=5, states=["a"]), ["x"])
    yield v.case("a label of the family's name")
    for bits in (0xFFF0 << 48, 0x7FF8 << 48, 0x7FF0 << 48, 1, 0x4000 << 48, 0x43E0 << 48, 0x8000 << 48):
        v = Values()
        gauge = L.get(v.data, L.SERIES, v.phase, "cells_or_gauge")
        v.set(0, gauge, struct.unpack("=d", struct.pack("=Q", bits))[0], 3_000_000_000)
        yield v.case(f"a state of the bits {bits:#x}")


@damage_class
def exemplars() -> Iterator[Case]:
    for what, name in BAD_NAMES.items():
        v = Values()
        v.exemplar(v.traced, 0.05, [(name, "1")])
        yield v.case(f"a label name {what}")
    for what, text in BAD_TEXTS.items():
        v = Values()
        v.exemplar(v.traced, 0.05, [("trace_id", text)])
        yield v.case(f"a label value {what}")
    sets: dict[str, Labels] = {
        "one twice": [("a", "1"), ("a", "2")],
        "129 characters": [("a", "x" * 128)],
        "45 of them": [(f"{'abcdefghij'[i % 10]}{i}", "") for i in range(45)],
        "216 bytes": [("a", "x" * 211)],
    }
    for what, labels in sets.items():
        v = Values()
        v.exemplar(v.traced, 0.05, labels)
        yield v.case(f"labels: {what}")
    for size in (1, 3, 215, 217, 256, 2**32 - 1):
        v = Values()
        v.exemplar(v.traced, 0.05, [("trace_id", "abc")], size=size)
        yield v.case(f"labels of {size} bytes")
    for bucket in range(4):
        for value in (-1.0, 0.0, 0.1, 0.5, 10.0, 1e9, float("inf"), float("-inf"), float("nan")):
            v = Values()
            v.exemplar(v.traced + bucket * L.EXEMPLAR_SIZE, value, [])
            yield v.case(f"{value} in bucket {bucket}")
    for value in (-1.0, float("nan"), float("inf")):
        v = Values()
        v.exemplar(v.exemplars(v.one, 1), value, [])
        yield v.case(f"{value} of a counter")
    v = Values()
    v.exemplar(v.traced, 0.05, [], life=1)
    yield v.case("of another life")
    v = Values()
    L.put(v.data, L.SERIES, v.info, "exemplar_offset", v.traced)
    L.put(v.data, L.SERIES, v.one, "exemplar_offset", v.traced)
    yield v.case("of an info, and of two series")


@damage_class
def native_exemplars() -> Iterator[Case]:
    """Those of a native histogram are of any bucket without bounds, of their own with them."""
    for bounds in ([], [0.5, 2.0]):
        for place in range(L.NATIVE_EXEMPLARS + 1):
            for value in (-1.0, 0.0, 1.0, 1e300, float("inf"), float("nan")):
                v = Values()
                family = v.family("native", L.NATIVE_HISTOGRAM, native=(0, 0, 8, 0), bounds=bounds)
                series = v.series(family)
                for bucket in range(9 + len(bounds)):
                    v.add(series, bucket, 1, 1.0)
                base = v.exemplars(series, L.NATIVE_EXEMPLARS + 1)
                v.exemplar(base + place * L.EXEMPLAR_SIZE, value, [("trace_id", "abc")])
                yield v.case(f"{value} at {place}, {len(bounds)} bounds")
        v = Values()
        family = v.family("native", L.NATIVE_HISTOGRAM, native=(0, 0, 8, 0), bounds=bounds)
        series = v.series(family)
        end = len(v.data) - 2 * L.EXEMPLAR_SIZE
        L.put(v.data, L.SERIES, series, "exemplar_offset", end - end % L.ALIGNMENT)
        yield v.case(f"native exemplars beyond the end, {len(bounds)} bounds")


@damage_class
def health() -> Iterator[Case]:
    for what, name in BAD_TEXTS.items():
        v = Values()
        v.health(name)
        yield v.case(f"a name {what}", SERVED if what in ("injected", "of lines") else SKIPPED)
    v = Values()
    v.health("database", hash=1 << 63)
    yield v.case("a second of one name", SKIPPED)
    v = Values()
    v.health("x" * 129)
    yield v.case("a name of 129 bytes", SKIPPED)
    v = Values()
    for i in range(300):
        v.health(f"check {i}")
    yield v.case("300 checks", SKIPPED)
    for what, text in BAD_TEXTS.items():
        v = Values()
        v.outcome(v.check, 0, 3_000, detail=text)
        yield v.case(f"a detail {what}")
    for number in (-1.0, float("nan"), float("inf")):
        v = Values()
        v.outcome(v.check, 0, 3_000, duration=number)
        L.put(v.data, L.HEALTH, v.check, "ttl_seconds", number)
        yield v.case(f"{number} seconds")
    for size in (1, 479, 481, 65535):
        v = Values()
        v.outcome(v.check, 0, 3_000, size=size)
        yield v.case(f"a detail of {size} bytes")
    v = Values()
    v.outcome(v.check, 0, 2**64 - 1)
    yield v.case("reported when time ends")
    v = Values()
    v.set_word(v.free_word(), v.check)
    yield v.case("a second word, among the series, to one")
