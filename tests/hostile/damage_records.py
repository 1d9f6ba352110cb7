# SPDX-License-Identifier: MIT
"""damage_records - broken headers, slots, records, cells and indexes, and noise"""

from __future__ import annotations

import random
import struct
from typing import Iterator

import layout as L
from victim import CLEAR, REFUSED, SERVED, SKIPPED, Case, Victim, damage_class, poke

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
