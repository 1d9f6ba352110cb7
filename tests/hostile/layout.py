# SPDX-License-Identifier: MIT
"""layout - the fields of the segment format by name, typed over from include/shmetrics/layout.h

Nothing here is generated, and nothing comes from the library: test_layout.py compares these tables with the
static asserts of the header, so that neither can drift.
"""

from __future__ import annotations

import mmap
import struct
import sys
from typing import Any, Mapping, NamedTuple, Union

Buffer = Union[bytes, bytearray, memoryview, mmap.mmap]


class Field(NamedTuple):
    """One member of a struct: where it is and how the struct module spells its type."""

    offset: int
    format: str

    @property
    def size(self) -> int:
        return struct.calcsize("=" + self.format)


Table = Mapping[str, Field]

MAGIC = 0x31434952544D4853
VERSION_MAJOR = 1
VERSION_MINOR = 1
BYTE_ORDER = 0x0102030405060708
HEADER_SIZE = 4096
ALIGNMENT = 64

NAME_MAX = 255
LABEL_MAX = 32
LABEL_VALUE_MAX = 1024
BOUND_MAX = 1000
HELP_MAX = 4096
NATIVE_SCHEMA_MIN = -4
NATIVE_SCHEMA_MAX = 8
NATIVE_BUCKET_MAX = 4096
NATIVE_EXEMPLARS = 9
NATIVE_NEGATIVE = 1
NATIVE_SIZE = 16
STATE_MAX = 128
INFO_MAX = 4096
INFO_LABEL_MAX = 64
EXEMPLAR_CHARACTERS = 128
HEALTH_MAX = 256
HEALTH_NAME_MAX = 128
HEALTH_DETAIL_MAX = 480
STRIPE_MAX = 16
SLOT_MAX = 32768
SIZE_MAX = 64 << 30
SIZE_MAX_LEAST = 1 << 20

TOC_SLOTS, TOC_FAMILY_ROOT, TOC_SERIES_ROOT, TOC_ARENA, TOC_LANES = range(5)
TOC_MAX = 16
TOC_SIZE = 32

FLAG_PRIVATE = 1

SLOT_SIZE = 64
GAUGE_BLOCKS = 16
GAUGE_BLOCK_FIRST = 64
GAUGE_MAX = GAUGE_BLOCK_FIRST * ((1 << GAUGE_BLOCKS) - 1)
DIRECTORY_SIZE = 256

LOCK_SLOTS = 1 << 60
LOCK_SLOT_SHIFT = 40
LOCK_LIFE = 1 << 61

FAMILY_ROOT_BITS = 4
SERIES_ROOT_BITS = 8
NODE_BITS = 4
NODE_TAG = 1
NODE_SIZE = 128

CELL_SIZE = 16
TILE_SIZE = 512
TILE_CELLS = 32

RECORD_FAMILY = 0x46585831
RECORD_SERIES = 0x53585831
RECORD_TEXT = 0x54585831
RECORD_HEALTH = 0x48585831

TEXT_BYTES = 32
FAMILY_SIZE = 120
FAMILY_KEY = 128
FAMILY_BOUNDS = 136
SERIES_SIZE = 88
SERIES_KEY = 96
SERIES_OVERFLOW = 1
PLACE_BITS = 36
PLACE_MASK = (1 << PLACE_BITS) - 1
LIFE_MASK = (1 << 27) - 1
WORD_REMOVED = 1 << 63
EXEMPLAR_SIZE = 256
OUTCOME_SIZE = 512
HEALTH_NAME = 1088
HEALTH_UP = 1

SLOT_KEEP = 1
KEPT_MAX = 64
TAG_FOLD_SHIFT = 40
TAG_INCARNATION_SHIFT = 42
FOLD_SUM, FOLD_MIN, FOLD_MAX = 1, 2, 3
MODE_FOLDS = {7: FOLD_SUM, 8: FOLD_MIN, 9: FOLD_MAX}

KINDS = {
    1: "counter", 2: "gauge", 3: "histogram", 4: "native_histogram", 5: "summary", 6: "info", 7: "stateset",
}  # fmt: skip
COUNTER, GAUGE, HISTOGRAM, NATIVE_HISTOGRAM, SUMMARY, INFO, STATE_SET = range(1, 8)
MODES = {
    1: "liveall", 2: "livesum", 3: "livemin", 4: "livemax", 5: "livemostrecent",
    6: "all", 7: "sum", 8: "min", 9: "max", 10: "mostrecent",
}  # fmt: skip
MOST_RECENT_MODES = (5, 10)

DROPS = (
    "series_cap", "family_cap", "segment_full", "no_space", "no_reopen", "no_slot",
    "gauge", "nan", "negative", "label", "family", "collision",
    "retired", "exemplar", "beyond_range",
)  # fmt: skip

HEADER: Table = {
    "magic": Field(0, "Q"),
    "version_major": Field(8, "I"),
    "version_minor": Field(12, "I"),
    "byte_order": Field(16, "Q"),
    "header_size": Field(24, "I"),
    "toc_count": Field(28, "I"),
    "generation_id": Field(32, "16s"),
    "created_unix_ns": Field(48, "Q"),
    "created_monotonic_ns": Field(56, "Q"),
    "boot_id": Field(64, "16s"),
    "size_max": Field(80, "Q"),
    "hash_seed": Field(88, "Q"),
    "stripe_count": Field(96, "I"),
    "tile_size": Field(100, "I"),
    "series_max": Field(104, "Q"),
    "family_series_max": Field(112, "Q"),
    "slot_max": Field(120, "I"),
    "flags": Field(124, "I"),
    "lane_count": Field(128, "I"),
    "lane_offset": Field(136, "Q"),
    "lane_stride": Field(144, "Q"),
    "size": Field(192, "Q"),
    "arena_next": Field(256, "Q"),
    "cell_next": Field(264, "Q"),
    "series_count": Field(320, "Q"),
    "family_count": Field(328, "Q"),
    "gauge_next": Field(336, "Q"),
    "slots_used": Field(344, "Q"),
    "claim_count": Field(352, "Q"),
    "removal_epoch": Field(384, "Q"),
    "successor": Field(392, "Q"),
    "removal_begun": Field(400, "Q"),
    "fold_blocks": Field(408, "Q"),
    "toc": Field(512, "512s"),
    "dropped": Field(1024, "32Q"),
}

TOC: Table = {
    "type": Field(0, "I"),
    "record_size": Field(4, "I"),
    "offset": Field(8, "Q"),
    "count": Field(16, "Q"),
    "reserved": Field(24, "Q"),
}

SLOT: Table = {
    "generation": Field(0, "Q"),
    "claimed_ns": Field(8, "Q"),
    "pid": Field(16, "I"),
    "flags": Field(20, "I"),
    "directory_offset": Field(24, "Q"),
}

RECORD: Table = {
    "type": Field(0, "I"),
    "size": Field(4, "I"),
    "hash": Field(8, "Q"),
    "self_offset": Field(16, "Q"),
}

TEXT: Table = {**RECORD, "text_size": Field(24, "I")}

FAMILY: Table = {
    **RECORD,
    "kind": Field(24, "H"),
    "mode": Field(26, "H"),
    "label_count": Field(28, "H"),
    "bound_count": Field(30, "H"),
    "key_size": Field(32, "I"),
    "presence_gauge": Field(36, "I"),
    "help_offset": Field(40, "Q"),
    "overflow_offset": Field(48, "Q"),
    "series_count": Field(56, "Q"),
    "series_max": Field(64, "Q"),
    "table_offset": Field(72, "I"),
    "table_count": Field(76, "I"),
    "table_low": Field(80, "I"),
    "stripe_count": Field(84, "I"),
    "created_unix_ns": Field(88, "Q"),
    "native_schema": Field(96, "i"),
    "native_first": Field(100, "i"),
    "native_side": Field(104, "I"),
    "native_zero": Field(108, "I"),
}

NATIVE: Table = {
    "schema": Field(0, "i"),
    "first": Field(4, "i"),
    "side": Field(8, "I"),
    "flags": Field(12, "I"),
}

SERIES: Table = {
    **RECORD,
    "family_offset": Field(24, "Q"),
    "cells_or_gauge": Field(32, "Q"),
    "stripe_mask": Field(40, "I"),
    "flags": Field(44, "I"),
    "kind": Field(48, "H"),
    "mode": Field(50, "H"),
    "key_size": Field(52, "I"),
    "created_unix_ns": Field(56, "Q"),
    "since_ns": Field(64, "Q"),
    "exemplar_offset": Field(72, "Q"),
    "spares": Field(80, "Q"),
}

EXEMPLAR: Table = {
    "checksum": Field(0, "Q"),
    "life": Field(8, "Q"),
    "unix_ns": Field(16, "Q"),
    "value": Field(24, "d"),
    "label_size": Field(32, "I"),
    "labels": Field(40, "216s"),
}

OUTCOME: Table = {
    "checksum": Field(0, "Q"),
    "reported_ns": Field(8, "Q"),
    "duration_seconds": Field(16, "d"),
    "flags": Field(24, "I"),
    "detail_size": Field(28, "H"),
    "detail": Field(32, "480s"),
}

HEALTH: Table = {
    **RECORD,
    "name_size": Field(32, "I"),
    "presence_gauge": Field(36, "I"),
    "ttl_seconds": Field(40, "d"),
    "outcomes": Field(64, "1024s"),
}

CELL: Table = {"count": Field(0, "Q"), "sum": Field(8, "d")}
GAUGE_CELL: Table = {"value": Field(0, "d"), "tag": Field(8, "Q")}

ORDER = "<" if sys.byteorder == "little" else ">"


def get(data: Buffer, table: Table, base: int, name: str, order: str = ORDER) -> Any:
    """The value of a field of the struct at `base`; a tuple where the field has several values."""
    field = table[name]
    values = struct.unpack_from(order + field.format, data, base + field.offset)
    return values[0] if len(values) == 1 else values


def put(data: Any, table: Table, base: int, name: str, value: Any, order: str = ORDER) -> None:
    """Stores a field of the struct at `base`."""
    field = table[name]
    values = value if isinstance(value, tuple) else (value,)
    struct.pack_into(order + field.format, data, base + field.offset, *values)


def cell_offset(offset: int, index: int, stripe: int, stripe_count: int) -> int:
    """Where cell `index` of the series whose first cell is at `offset` lies in a stripe."""
    tile = offset & ~(TILE_SIZE - 1)
    n = (offset & (TILE_SIZE - 1)) // CELL_SIZE + index
    within = (n % TILE_CELLS) * CELL_SIZE
    return tile + (n // TILE_CELLS) * TILE_SIZE * stripe_count + stripe * TILE_SIZE + within


def gauge_place(gauge: int) -> tuple[int, int]:
    """The block that holds a gauge number, and the index within it."""
    block = (gauge // GAUGE_BLOCK_FIRST + 1).bit_length() - 1
    return block, gauge - GAUGE_BLOCK_FIRST * ((1 << block) - 1)


def slot_lock(slot: int, generation: int) -> int:
    """The byte of the file whose write lock says that the slot is held in this generation."""
    return LOCK_SLOTS + (slot << LOCK_SLOT_SHIFT) + generation
