# SPDX-License-Identifier: MIT
"""build - builds segments byte by byte, as include/shmetrics/layout.h says, without the library

The counterpart of decode.py: what it builds is valid, and damage.py then breaks it. It never checks its
input, so that it also builds what no writer would.
"""

from __future__ import annotations

import bisect
import hashlib
import struct
import uuid
from typing import Optional, Sequence, Union

import layout as L
from layout import put

try:
    import xxhash
except ImportError:  # readers need not verify hashes; the index only needs some spread
    xxhash = None  # type: ignore[assignment]

Text = Union[str, bytes]


def hash64(key: bytes, seed: int) -> int:
    if xxhash is not None:
        return int(xxhash.xxh3_64_intdigest(key, seed=seed % 2**64))
    digest = hashlib.blake2b(key, digest_size=8, key=struct.pack("<Q", seed % 2**64)).digest()
    return int.from_bytes(digest, "little")


def octets(text: Text) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def string(text: Text) -> bytes:
    return struct.pack(L.ORDER + "H", len(octets(text))) + octets(text)


class Builder:
    """A segment under construction. `data` may be changed at will between the calls."""

    def __init__(
        self,
        *,
        size: int = 64 << 10,
        size_max: int = 1 << 20,
        slot_max: int = 16,
        stripe_count: int = 2,
    ) -> None:
        self.data = bytearray(size)
        self.stripe_count = stripe_count
        self.seed = 0x5EED
        self.gauges = 0
        self.slots = L.HEADER_SIZE
        self.family_root = self.slots + slot_max * L.SLOT_SIZE
        self.series_root = self.family_root + (8 << L.FAMILY_ROOT_BITS)
        # Writers want it where their own are: on a multiple of a tile's stripe.
        self.arena = -(-(self.series_root + (8 << L.SERIES_ROOT_BITS)) // L.TILE_SIZE) * L.TILE_SIZE
        self.arena_next = self.arena
        self.tile = 0  # the tile in use, and how many of its cells are given out
        self.tile_used = 0
        values = {
            "magic": L.MAGIC,
            "version_major": L.VERSION_MAJOR,
            "version_minor": L.VERSION_MINOR,
            "byte_order": L.BYTE_ORDER,
            "header_size": L.HEADER_SIZE,
            "toc_count": 4,
            "generation_id": uuid.UUID(int=0x0123456789ABCDEF0123456789ABCDEF).bytes,
            "created_unix_ns": 1_700_000_000_000_000_000,
            "created_monotonic_ns": 1_000_000_000,
            "boot_id": uuid.UUID(int=0xFEDCBA9876543210FEDCBA9876543210).bytes,
            "size_max": size_max,
            "hash_seed": self.seed,
            "stripe_count": stripe_count,
            "tile_size": L.TILE_SIZE,
            "series_max": 1000,
            "family_series_max": 1000,
            "slot_max": slot_max,
            "size": size,
        }
        for name, value in values.items():
            put(self.data, L.HEADER, 0, name, value)
        self.toc(L.TOC_SLOTS, L.SLOT_SIZE, self.slots, slot_max)
        self.toc(L.TOC_FAMILY_ROOT, 8, self.family_root, 1 << L.FAMILY_ROOT_BITS)
        self.toc(L.TOC_SERIES_ROOT, 8, self.series_root, 1 << L.SERIES_ROOT_BITS)
        self.toc(L.TOC_ARENA, 1, self.arena, 0)

    def toc(self, index: int, record_size: int, offset: int, count: int) -> None:
        base = L.HEADER["toc"].offset + index * L.TOC_SIZE
        for name, value in zip(L.TOC, (index + 1, record_size, offset, count, 0)):
            put(self.data, L.TOC, base, name, value)

    def give(self, size: int, alignment: int = L.ALIGNMENT) -> int:
        """Hands out a piece of the arena; the file is made larger if need be."""
        base = -(-self.arena_next // alignment) * alignment
        self.arena_next = -(-(base + size) // L.ALIGNMENT) * L.ALIGNMENT
        if self.arena_next > len(self.data):
            self.data.extend(bytes(-(-(self.arena_next - len(self.data)) // 4096) * 4096))
            put(self.data, L.HEADER, 0, "size", len(self.data))
        put(self.data, L.HEADER, 0, "arena_next", self.arena_next)
        return base

    # -- the index --

    def word(self, at: int) -> int:
        return int(struct.unpack_from(L.ORDER + "Q", self.data, at)[0])

    def set_word(self, at: int, word: int) -> None:
        struct.pack_into(L.ORDER + "Q", self.data, at, word)

    def node(self, *words: int) -> int:
        base = self.give(L.NODE_SIZE)
        for i, word in enumerate(words):
            self.set_word(base + 8 * i, word)
        return base

    def insert(self, root: int, bits: int, base: int) -> int:
        """Puts the record at `base` into an index; returns where the word is that leads to it."""
        hash = L.get(self.data, L.RECORD, base, "hash")
        at, depth = root + 8 * (hash >> (64 - bits)), bits
        while self.word(at):
            old = self.word(at)
            if not old & L.NODE_TAG:
                node = self.node()
                step = L.get(self.data, L.RECORD, old, "hash") << depth >> (64 - L.NODE_BITS) & 15
                self.set_word(node + 8 * step, old)
                self.set_word(at, node | L.NODE_TAG)
                old = node | L.NODE_TAG
            at = old - L.NODE_TAG + 8 * (hash << depth >> (64 - L.NODE_BITS) & 15)
            depth += L.NODE_BITS
        self.set_word(at, base)
        return at

    def record(self, type: int, size: int, hash: int) -> int:
        size = -(-size // L.ALIGNMENT) * L.ALIGNMENT
        base = self.give(size)
        for name, value in zip(L.RECORD, (type, size, hash, base)):
            put(self.data, L.RECORD, base, name, value)
        return base

    # -- families --

    def text(self, text: Text) -> int:
        key = octets(text)
        base = self.record(L.RECORD_TEXT, L.TEXT_BYTES + len(key), hash64(key, self.seed + 1))
        put(self.data, L.TEXT, base, "text_size", len(key))
        self.data[base + L.TEXT_BYTES : base + L.TEXT_BYTES + len(key)] = key
        self.insert(self.family_root, L.FAMILY_ROOT_BITS, base)
        return base

    def family(
        self,
        name: Text,
        kind: int,
        labels: Sequence[Text] = (),
        *,
        mode: int = 0,
        bounds: Sequence[float] = (),
        native: Optional[tuple[int, int, int, int]] = None,
        states: Sequence[Text] = (),
        unit: Text = "",
        help: Optional[Text] = None,
        hash: Optional[int] = None,
    ) -> int:
        form = len(bounds) + len(states)
        head = struct.pack(L.ORDER + "4H", kind, mode, len(labels), form)
        key = head + struct.pack(f"{L.ORDER}{len(bounds)}d", *bounds)
        if native is not None:
            key += struct.pack(L.ORDER + "iiII", *native)
        key += b"".join(map(string, (*states, name, unit, *labels)))
        size = L.FAMILY_KEY + len(key)
        base = self.record(L.RECORD_FAMILY, size, hash64(key, self.seed) if hash is None else hash)
        values = {
            "kind": kind,
            "mode": mode,
            "label_count": len(labels),
            "bound_count": form,
            "key_size": len(key),
            "presence_gauge": self.gauge(),
            "help_offset": 0 if help is None else self.text(help),
            "series_max": 1000,
            "stripe_count": self.stripe_count,
            "created_unix_ns": 1_700_000_000_000_000_000,
        }
        if native is not None:
            schema, first, side, flags = native
            values.update(native_schema=schema, native_first=first, native_side=side)
            values.update(native_zero=side if flags & L.NATIVE_NEGATIVE else 0)
        for field, value in values.items():
            put(self.data, L.FAMILY, base, field, value)
        self.data[base + L.FAMILY_KEY : base + size] = key
        self.insert(self.family_root, L.FAMILY_ROOT_BITS, base)
        self.count("family_count")
        return base

    def count(self, name: str) -> None:
        put(self.data, L.HEADER, 0, name, L.get(self.data, L.HEADER, 0, name) + 1)

    # -- series --

    def series(
        self,
        family: int,
        labels: Sequence[Text] = (),
        *,
        overflow: bool = False,
        cells: Optional[int] = None,
        hash: Optional[int] = None,
    ) -> int:
        key = b"".join(map(string, labels))
        if hash is None:
            hash = hash64(struct.pack(L.ORDER + "Q", family) + key, self.seed)
        kind = L.get(self.data, L.FAMILY, family, "kind")
        if cells is None:
            bounds = L.get(self.data, L.FAMILY, family, "bound_count")
            cells = (
                self.gauge()
                if kind in (L.GAUGE, L.STATE_SET)
                else (
                    self.text(b"")
                    if kind == L.INFO
                    else self.cells(bounds + self.bucket_count(family))
                )
            )
        base = self.record(L.RECORD_SERIES, L.SERIES_KEY + len(key), hash)
        values = {
            "family_offset": family,
            "cells_or_gauge": cells,
            "stripe_mask": self.stripe_count - 1,
            "flags": L.SERIES_OVERFLOW if overflow else 0,
            "kind": kind,
            "mode": L.get(self.data, L.FAMILY, family, "mode"),
            "key_size": len(key),
            "created_unix_ns": 1_700_000_000_000_000_000,
        }
        for field, value in values.items():
            put(self.data, L.SERIES, base, field, value)
        self.data[base + L.SERIES_KEY : base + L.SERIES_KEY + len(key)] = key
        if overflow:
            put(self.data, L.FAMILY, family, "overflow_offset", base)
            return base
        self.insert(self.series_root, L.SERIES_ROOT_BITS, base)
        put(
            self.data,
            L.FAMILY,
            family,
            "series_count",
            L.get(self.data, L.FAMILY, family, "series_count") + 1,
        )
        self.count("series_count")
        return base

    def bucket_count(self, family: int) -> int:
        """How many cells a series has beside one a bound."""
        side, zero = (L.get(self.data, L.FAMILY, family, f"native_{n}") for n in ("side", "zero"))
        return int(side + zero + 1)

    def cells(self, count: int) -> int:
        """The offset of the first of `count` cells; they never straddle into a tile given out before."""
        if self.tile == 0 or self.tile_used + count > L.TILE_CELLS:
            tiles = -(-count // L.TILE_CELLS)
            self.tile = self.give(tiles * L.TILE_SIZE * self.stripe_count, L.TILE_SIZE)
            self.tile_used = 0
        first = self.tile + self.tile_used * L.CELL_SIZE
        self.tile_used += count
        return first

    def add(self, series: int, index: int, count: int, sum: float, stripe: int = 0) -> None:
        """Adds to cell `index` of a series, in one stripe."""
        first = L.get(self.data, L.SERIES, series, "cells_or_gauge")
        at = L.cell_offset(first, index, stripe, self.stripe_count)
        put(self.data, L.CELL, at, "count", (L.get(self.data, L.CELL, at, "count") + count) % 2**64)
        put(self.data, L.CELL, at, "sum", L.get(self.data, L.CELL, at, "sum") + sum)

    def observe(self, series: int, value: float, stripe: int = 0) -> None:
        family = L.get(self.data, L.SERIES, series, "family_offset")
        count = L.get(self.data, L.FAMILY, family, "bound_count")
        bounds = struct.unpack_from(f"{L.ORDER}{count}d", self.data, family + L.FAMILY_BOUNDS)
        self.add(series, bisect.bisect_left(bounds, value), 1, value, stripe)

    # -- slots and gauges --

    def gauge(self) -> int:
        self.gauges += 1
        put(self.data, L.HEADER, 0, "gauge_next", self.gauges)
        return self.gauges - 1

    def slot(self, number: int) -> int:
        return self.slots + number * L.SLOT_SIZE

    def claim(
        self, number: int, pid: int, generation: int = 1, claimed_ns: int = 2_000_000_000
    ) -> int:
        base = self.slot(number)
        values = (generation, claimed_ns, pid, 0, self.give(L.DIRECTORY_SIZE))
        for name, value in zip(L.SLOT, values):
            put(self.data, L.SLOT, base, name, value)
        used = max(number + 1, L.get(self.data, L.HEADER, 0, "slots_used"))
        put(self.data, L.HEADER, 0, "slots_used", used)
        return base

    def gauge_cell(self, number: int, gauge: int, first: int = 0) -> int:
        """Where a slot's cell of a gauge number lies; its block is made if need be."""
        directory = L.get(self.data, L.SLOT, self.slot(number), "directory_offset")
        block, index = L.gauge_place(gauge)
        word = directory + 8 * (first + block)
        if self.word(word) == 0:
            self.set_word(word, self.give((L.GAUGE_BLOCK_FIRST << block) * L.CELL_SIZE))
        return self.word(word) + index * L.CELL_SIZE

    def retired_cell(self, number: int, gauge: int) -> int:
        """The same, of the slot's dead owners together."""
        return self.gauge_cell(number, gauge, L.GAUGE_BLOCKS)

    def set(self, number: int, gauge: int, value: float, tag: Optional[int] = None) -> None:
        at = self.gauge_cell(number, gauge)
        put(self.data, L.GAUGE_CELL, at, "value", value)
        generation = L.get(self.data, L.SLOT, self.slot(number), "generation")
        put(self.data, L.GAUGE_CELL, at, "tag", generation if tag is None else tag)

    def define(self, number: int, family: int) -> None:
        """Says that the slot's process has defined the family."""
        self.set(number, L.get(self.data, L.FAMILY, family, "presence_gauge"), 1.0)
