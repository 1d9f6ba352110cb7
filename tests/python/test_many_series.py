# SPDX-License-Identifier: MIT
"""A million label sets: memory is bounded, references are even, a full segment counts what it refuses."""

from __future__ import annotations

import pytest
from conftest import SANITIZED, Run

LABEL_SETS = 100_000 if SANITIZED else 1_000_000


@pytest.fixture
def bounded(environment: dict[str, str]) -> dict[str, str]:
    """AddressSanitizer keeps what was freed, 256 MB of it, which here would look like a leak."""
    options = environment.get("ASAN_OPTIONS", "")
    return {
        **environment,
        "ASAN_OPTIONS": f"{options}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0",
    }


PROLOGUE = """
    import gc, os, sys
    import shmetrics

    count = int(sys.argv[1])

    def anonymous_bytes():
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) * 1024

    def segment_bytes(segment):
        return os.stat(segment.path).st_blocks * 512

    def held(*things):
        gc.collect()
        return [sys.getrefcount(thing) for thing in things]
"""


def test_label_sets_made_and_removed_in_a_bounded_segment(run: Run, bounded: dict[str, str]) -> None:
    """The series outnumber the segment's memory by far: what has no room goes to the overflow series."""
    code = """
    MAXIMUM = 16 << 20
    segment = shmetrics.Segment.open(
        "test", size_max_bytes=MAXIMUM, series_max=2 * count, family_series_max=2 * count
    )
    registry = shmetrics.CollectorRegistry(segment=segment)
    metric = shmetrics.Counter("made", "", ["first", "second"], registry=registry)
    value = registry.get_sample_value
    status = "OK"

    def make_and_remove(begin, end):
        for number in range(begin, end):
            metric.labels("same", str(number)).inc()
            metric.remove("same", str(number))

    quarter = count // 4
    make_and_remove(0, quarter)
    before, memory = held(metric, status, None.__class__, shmetrics.Counter), anonymous_bytes()
    blocks = sys.getallocatedblocks()
    make_and_remove(quarter, count)
    assert held(metric, status, None.__class__, shmetrics.Counter) == before
    assert sys.getallocatedblocks() - blocks < 1000, sys.getallocatedblocks() - blocks
    assert anonymous_bytes() - memory < 4 << 20, anonymous_bytes() - memory

    assert segment_bytes(segment) <= MAXIMUM
    refused = value("made_total", {"first": "_overflow", "second": "_overflow"})
    assert 0 < refused < count, refused
    """
    run(PROLOGUE + code, str(LABEL_SETS), env=bounded)


def test_one_label_set_made_and_removed_for_ever_takes_no_more_memory(
    run: Run, bounded: dict[str, str]
) -> None:
    code = """
    metric = shmetrics.Histogram("again", "", ["a"])
    segment = metric._segment

    def again(times):
        for _ in range(times):
            metric.labels("x").observe(1)
            metric.remove("x")

    again(1000)
    before, size, memory = held(metric, "x"), segment_bytes(segment), anonymous_bytes()
    again(count - 1000)
    assert held(metric, "x") == before
    assert segment_bytes(segment) == size, (segment_bytes(segment), size)
    assert anonymous_bytes() - memory < 1 << 20, anonymous_bytes() - memory
    assert shmetrics.REGISTRY.get_sample_value("again_count", {"a": "x"}) is None
    metric.labels("x").observe(2)
    assert shmetrics.REGISTRY.get_sample_value("again_sum", {"a": "x"}) == 2
    """
    run(PROLOGUE + code, str(LABEL_SETS), env=bounded)
