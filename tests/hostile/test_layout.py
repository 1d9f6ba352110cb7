# SPDX-License-Identifier: MIT
"""test_layout - the tables of layout.py say what include/shmetrics/layout.h asserts"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import layout

HEADER = Path(__file__).resolve().parents[2] / "include" / "shmetrics" / "layout.h"
TABLES = {
    "smx_layout_header": layout.HEADER,
    "smx_layout_slot": layout.SLOT,
    "smx_layout_text": layout.TEXT,
    "smx_layout_family": layout.FAMILY,
    "smx_layout_native": layout.NATIVE,
    "smx_layout_series": layout.SERIES,
    "smx_layout_exemplar": layout.EXEMPLAR,
    "smx_layout_outcome": layout.OUTCOME,
    "smx_layout_health": layout.HEALTH,
}
DEFINES = {
    "SMX_LAYOUT_": (
        "MAGIC", "VERSION_MAJOR", "VERSION_MINOR", "BYTE_ORDER", "HEADER_SIZE", "ALIGNMENT", "NAME_MAX",
        "LABEL_MAX", "LABEL_VALUE_MAX", "BOUND_MAX", "HELP_MAX", "STRIPE_MAX", "SLOT_MAX", "SIZE_MAX",
        "SIZE_MAX_LEAST", "FLAG_PRIVATE", "GAUGE_BLOCKS", "GAUGE_BLOCK_FIRST", "FAMILY_ROOT_BITS",
        "SERIES_ROOT_BITS", "NODE_BITS", "NODE_TAG", "TILE_SIZE", "TILE_CELLS", "FAMILY_KEY",
        "FAMILY_BOUNDS", "SERIES_KEY", "STATE_MAX", "INFO_MAX", "INFO_LABEL_MAX", "EXEMPLAR_CHARACTERS",
        "HEALTH_MAX", "HEALTH_NAME_MAX", "HEALTH_DETAIL_MAX", "PLACE_BITS",
        "NATIVE_SCHEMA_MIN", "NATIVE_SCHEMA_MAX", "NATIVE_BUCKET_MAX", "NATIVE_EXEMPLARS",
    ),
    "SMX_": (
        "LOCK_SLOTS", "LOCK_SLOT_SHIFT", "LOCK_LIFE", "SERIES_OVERFLOW", "HEALTH_UP", "WORD_REMOVED",
        "SLOT_KEEP", "KEPT_MAX", "TAG_FOLD_SHIFT", "TAG_INCARNATION_SHIFT", "FOLD_SUM", "FOLD_MIN",
        "FOLD_MAX", "NATIVE_NEGATIVE",
    ),
}  # fmt: skip


def asserted() -> list[tuple[str, str, int]]:
    found = re.findall(r"^SMX_LAYOUT_AT\((\w+), (\w+), (\d+)\);", HEADER.read_text(), re.MULTILINE)
    return [(struct, member, int(offset)) for struct, member, offset in found]


def defined(name: str) -> int:
    match = re.search(rf"#define {name}\s+(.+?)(?:/\*.*)?$", HEADER.read_text(), re.MULTILINE)
    assert match, f"{name} is not defined in layout.h"
    text = re.sub(r"UINT64_C\((\w+)\)|\b(0x[0-9a-fA-F]+|\d+)u\b", r"\1\2", match[1])
    return int(eval(text, {"__builtins__": {}}))  # a constant expression of our own header


def test_the_header_asserts_something() -> None:
    assert len(asserted()) > 60


@pytest.mark.parametrize("struct, member, offset", asserted(), ids=lambda value: str(value))
def test_every_asserted_offset_is_known(struct: str, member: str, offset: int) -> None:
    assert TABLES[struct][member].offset == offset


@pytest.mark.parametrize("name", [p + n for p, names in DEFINES.items() for n in names])
def test_every_constant_is_the_same(name: str) -> None:
    ours = name.removeprefix("SMX_LAYOUT_").removeprefix("SMX_")
    assert getattr(layout, ours) == defined(name)


def test_fields_do_not_overlap() -> None:
    for table in (*TABLES.values(), layout.RECORD, layout.TOC, layout.CELL, layout.GAUGE_CELL):
        end = 0
        for name, field in sorted(table.items(), key=lambda item: item[1].offset):
            assert field.offset >= end, name
            end = field.offset + field.size


def test_gauge_numbers_fill_the_blocks_without_a_gap() -> None:
    expected = [(block, index) for block in range(6) for index in range(64 << block)]
    assert [layout.gauge_place(gauge) for gauge in range(len(expected))] == expected


def test_cells_of_one_series_and_its_neighbours_never_meet() -> None:
    for stripes in (1, 2, 4, 16):
        for first in range(0, 512, 16):
            places = {
                layout.cell_offset(8192 + first, i, s, stripes)
                for i in range(70)
                for s in range(stripes)
            }
            assert len(places) == 70 * stripes
            assert layout.cell_offset(8192 + first, 0, 0, stripes) == 8192 + first
