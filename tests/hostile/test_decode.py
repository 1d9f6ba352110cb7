# SPDX-License-Identifier: MIT
"""test_decode - what build.py puts in, decode.py takes out; and it finds what is wrong"""

from __future__ import annotations

import math
from typing import Any

import pytest

import layout as L
from build import Builder
from decode import Decoder, FormatError
from decode_native import Native, bound, cells


def built() -> Builder:
    b = Builder(stripe_count=4)
    requests = b.family("requests", L.COUNTER, ["method", "path"], help="Requests, by method.")
    one = b.series(requests, ["GET", "/a"])
    b.add(one, 0, 2**63, 0.0, stripe=0)
    b.add(one, 0, 5, 0.25, stripe=3)
    b.series(requests, ["POST", "/ü"])
    b.add(b.series(requests, ["_overflow"] * 2, overflow=True), 0, 3, 0.0)
    seconds = b.family(
        "latency_seconds", L.HISTOGRAM, bounds=[0.1 * i for i in range(1, 70)], unit="seconds"
    )
    histogram = b.series(seconds)
    for i in range(100):
        b.observe(histogram, i / 10 - 0.05, stripe=i % 4)
    connections = b.family("connections", L.GAUGE, ["state"], mode=2)
    recent = b.family("temperature", L.GAUGE, mode=5)
    open_, now = b.series(connections, ["open"]), b.series(recent)
    for number in (0, 1):
        b.claim(number, pid=100 + number, generation=1 + number)
        b.define(number, connections)
    b.set(0, L.get(b.data, L.SERIES, open_, "cells_or_gauge"), 1.5)
    b.set(1, L.get(b.data, L.SERIES, open_, "cells_or_gauge"), 9.0, tag=1)  # of the owner before
    b.set(
        0, L.get(b.data, L.SERIES, now, "cells_or_gauge"), 20.0, tag=1_999_999_999
    )  # before the claim
    b.set(1, L.get(b.data, L.SERIES, now, "cells_or_gauge"), 21.0, tag=3_000_000_000)
    return b


def decoded(b: Builder) -> dict[str, Any]:
    return Decoder(b.data).decode()


def family(segment: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [f for f in segment["families"] if f["name"] == name]
    return found


def test_a_built_segment_has_no_problems() -> None:
    assert decoded(built())["problems"] == []


def test_counters_add_up_over_the_stripes() -> None:
    requests = family(decoded(built()), "requests")
    assert requests["help"] == "Requests, by method."
    assert [(s["labels"], s["whole"], s["fraction"]) for s in requests["series"]] == [
        (["GET", "/a"], 2**63 + 5, 0.25),
        (["POST", "/ü"], 0, 0.0),
        (["_overflow", "_overflow"], 3, 0.0),
    ]
    assert [s["overflow"] for s in requests["series"]] == [False, False, True]


def test_histograms_of_more_than_one_tile_add_up() -> None:
    latency = family(decoded(built()), "latency_seconds")
    (series,) = latency["series"]
    assert len(series["buckets"]) == 70
    assert series["buckets"] == [2] + [1] * 68 + [30]
    assert math.isclose(series["sum"], sum(i / 10 - 0.05 for i in range(100)))


def test_a_gauge_cell_of_another_owner_is_absent() -> None:
    segment = decoded(built())
    (open_,) = family(segment, "connections")["series"]
    assert open_["cells"] == [{"slot": 0, "value": 1.5}]
    (now,) = family(segment, "temperature")["series"]
    assert now["cells"] == [{"slot": 1, "value": 21.0, "stamp_ns": 3_000_000_000}]
    assert family(segment, "connections")["defined_by"] == [0, 1]
    assert family(segment, "temperature")["defined_by"] == []


def test_ten_thousand_series_are_found_once_each() -> None:
    b = Builder(size_max=1 << 30)
    counter = b.family("many", L.COUNTER, ["i"])
    L.put(b.data, L.FAMILY, counter, "series_max", 10_000)
    for i in range(10_000):
        b.add(b.series(counter, [str(i)]), 0, i, 0.0)
    segment = decoded(b)
    assert segment["problems"] == []
    series = family(segment, "many")["series"]
    assert {int(s["labels"][0]): s["whole"] for s in series} == {i: i for i in range(10_000)}
    assert len(series) == 10_000


@pytest.mark.parametrize(
    "name, value",
    [("magic", 1), ("version_major", 2), ("byte_order", 1), ("stripe_count", 3), ("size", 1 << 40)],
)
def test_a_wrong_header_is_refused(name: str, value: int) -> None:
    b = built()
    L.put(b.data, L.HEADER, 0, name, value)
    with pytest.raises(FormatError):
        decoded(b)


def test_a_second_record_of_one_key_is_a_problem() -> None:
    b = built()
    counter = b.family("twice", L.COUNTER, ["i"])
    b.series(counter, ["1"])
    b.series(counter, ["1"], hash=12345)
    assert any("a second" in problem for problem in decoded(b)["problems"])


def test_a_cycle_in_the_index_is_a_problem_and_no_endless_loop() -> None:
    b = built()
    node = b.node()
    b.set_word(node, node | L.NODE_TAG)
    free = next(at for at in range(b.series_root, b.arena, 8) if b.word(at) == 0)
    b.set_word(free, node | L.NODE_TAG)
    assert any("twice" in problem for problem in decoded(b)["problems"])


def test_reserved_bytes_that_are_written_are_a_problem() -> None:
    b = built()
    b.data[160] = 1
    assert any("reserved" in problem for problem in decoded(b)["problems"])


@pytest.mark.parametrize("schema, first, side, flags", [(0, -1, 7, 1), (3, -20, 60, 0), (-2, -3, 6, 1)])
def test_a_cell_of_a_native_histogram_is_named_by_a_sum(
    schema: int, first: int, side: int, flags: int
) -> None:
    """What layout.h says, n + c, against all bounds in their order; values on bounds above all."""
    native = Native(schema, first, side, flags)
    bounds = [-8.0, -4.0, -3.0, -0.25, 0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 8.0]
    positive = [bound(first - 1 + i, schema) for i in range(side)]
    places = cells(native, bounds)
    assert len(places) == native.count + len(bounds)
    for near in (*bounds, *positive, *(-value for value in positive)):
        for value in (near, math.nextafter(near, -math.inf), math.nextafter(near, math.inf)):
            steps = sum(abs(value) > one for one in positive)
            n = native.zero + steps if value > 0 else max(0, native.zero - steps)
            c = sum(one < value for one in bounds)
            assert places[n + c] == (n, c), value
