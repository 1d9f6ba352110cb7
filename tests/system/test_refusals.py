# SPDX-License-Identifier: MIT
"""test_refusals - no room, no descriptors, no permission: the application runs on (attacks I7)

Each test drives tests/hostile/refusals, a C program that goes on after every failure, under a limit of the
system. It must end by itself, with status 0: no signal, no error. What was refused is counted in the segment,
and no call is lost: what found no series of its own is in the overflow series. Needs root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Iterator, Optional, Sequence

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import decode  # noqa: E402
from collector import Collector, wait_until  # noqa: E402
from place import (  # noqa: E402
    Json,
    Place,
    gauge_values,
    message,
    overflow,
    series_count,
    status,
    tmpfs,
    total,
)

NOBODY = 65534
MANY = 20_000  # series, of about 200 bytes each with their cells: more than 2 MiB

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="mounts file systems and changes users: needs root"
)


@pytest.fixture
def place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="smx-refusals.", dir="/dev/shm"))
    try:
        yield Place(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def assert_the_collector_shows(place: Place, reason: str, requests: int) -> None:
    """What was refused, and that no call is missing: also in a scrape."""
    with Collector(place.seen) as collector:

        def dropped() -> Optional[float]:
            labels = {"segment": "refusals", "reason": reason}
            return collector.value("shmetrics_segment_dropped_total", **labels)

        wait_until(lambda: dropped() is not None, "the collector serves the segment")
        assert (dropped() or 0) > 0
        samples = collector.samples()
    found = [value for (name, _), value in samples.items() if name == "refused_requests_total"]
    assert sum(found) == requests


def assert_metrics_are_off(steps: Sequence[Json]) -> None:
    """After a failed open: definitions say so, recording goes on and is counted as not recorded."""
    assert all(step["status"] != "ok" for step in steps if step["step"].startswith("define"))
    recorded = [step for step in steps if step["step"] in ("counters", "histograms", "gauges")]
    assert recorded and recorded[-1]["unrecorded"] >= sum(step["count"] for step in recorded)
    assert [step["value"] for step in steps if step["step"] == "value"] == [0]


RECORD = ("define", "counters:10", "histograms:10", "gauges:10", "inc:5", "value", "close")


# ---- no room ----


def test_a_tmpfs_too_small_for_any_segment() -> None:
    with tmpfs("size=64k") as place:
        steps = place.refusals("open", *RECORD)
        assert status(steps, "open") == "full"
        assert "refusals.smx1" in message(steps, "open")
        assert_metrics_are_off(steps)
        assert list(place.seen.iterdir()) == []


def test_a_tmpfs_without_a_free_inode() -> None:
    with tmpfs("size=16m,nr_inodes=1") as place:
        steps = place.refusals("open", *RECORD)
        assert status(steps, "open") in ("full", "system")
        assert_metrics_are_off(steps)


def test_a_tmpfs_that_becomes_full_while_the_segment_grows() -> None:
    with tmpfs("size=2m") as place:
        steps = place.refusals(
            "open",
            "define",
            "inc:5",
            f"counters:{MANY}",
            f"histograms:{MANY}",
            "inc:7",
            f"counters:{MANY}",
            "value",
        )
        segment = place.read()
        assert_the_collector_shows(place, "no_space", 2 * MANY)
    assert status(steps, "open") == "ok"
    assert segment["dropped"]["no_space"] > 0
    assert total(segment, "refused_requests") == 2 * MANY
    assert total(segment, "refused_sizes") == MANY
    assert total(segment, "refused_calls") == 12 == steps[-1]["value"]
    assert 100 < series_count(segment, "refused_requests") < MANY
    assert overflow(segment, "refused_requests") > 0


def test_a_tmpfs_that_others_fill() -> None:
    with tmpfs("size=16m") as place:
        with place.waiting("open", "define", "inc:5", "counters:10") as steps:
            assert status(steps, "open") == "ok"
            with contextlib.suppress(OSError), open(place.seen / "others", "wb") as file:
                file.write(bytes(32 << 20))
            # The one that waits has its pages; one that comes now shares them.
            steps = place.refusals(
                "open", "define", "inc:7", "counters:10", f"histograms:{MANY}", "value"
            )
            assert status(steps, "open") == "ok"
            assert steps[-1]["value"] == 12
        segment = place.read()
    assert total(segment, "refused_requests") == 20
    assert total(segment, "refused_sizes") == MANY
    assert segment["dropped"]["no_space"] > 0


def test_a_file_size_limit_below_a_segment(place: Place) -> None:
    steps = place.refusals("limit-fsize:65536", "open", *RECORD)
    assert status(steps, "open") == "full"
    assert_metrics_are_off(steps)
    assert list(place.folder.iterdir()) == []


def test_a_file_size_limit_that_growth_meets(place: Place) -> None:
    steps = place.refusals(
        "open", "define", "limit-fsize:1048576", f"counters:{MANY}", "inc:5", "value"
    )
    segment = place.read()
    assert_the_collector_shows(place, "no_space", MANY)
    assert status(steps, "open") == "ok"
    assert segment["dropped"]["no_space"] > 0
    assert total(segment, "refused_requests") == MANY
    assert total(segment, "refused_calls") == 5


def test_a_segment_at_its_largest_size(place: Place) -> None:
    steps = place.refusals(
        "--size-max", str(1 << 20), "--slot-max", "16", "open", "define", f"counters:{MANY}",
        f"histograms:{MANY}",
        f"gauges:{MANY}", "inc:5", "value",
    )  # fmt: skip
    segment = place.read()
    assert_the_collector_shows(place, "segment_full", MANY)
    assert status(steps, "open") == "ok"
    assert segment["dropped"]["segment_full"] > 0
    assert total(segment, "refused_requests") == MANY
    assert total(segment, "refused_sizes") == MANY
    assert total(segment, "refused_calls") == 5
    assert (place.folder / "refusals.smx1").stat().st_size <= 1 << 20


def test_gauges_without_room_use_up_no_numbers(place: Place) -> None:
    """A later process has cells for every number given out: each would cost it 16 bytes."""
    place.refusals(
        "--size-max", str(1 << 20), "--slot-max", "16", "open", "define", f"counters:{MANY}",
        f"gauges:{MANY}",
    )  # fmt: skip
    header = decode.decode_file(place.folder / "refusals.smx1")["header"]
    assert header["dropped"]["segment_full"] > MANY
    assert header["gauge_next"] <= header["series_count"] + header["family_count"] + 100


def test_a_full_segment_refuses_a_family_with_a_status(place: Place) -> None:
    with place.waiting(
        "--size-max", str(1 << 20), "--slot-max", "16", "open", "define", f"counters:{MANY}"
    ):
        steps = place.refusals("open", "define", "inc:1", "value")
        # Families that exist are found, whatever the room.
        assert status(steps, "define total") == "ok"
        assert steps[-1]["value"] == 1


def test_a_family_cap_of_100(place: Place) -> None:
    steps = place.refusals(
        "--family-max", "100", "open", "define", "counters:1000", "counters:1000", "gauges:150"
    )
    segment = place.read()
    assert_the_collector_shows(place, "family_cap", 2000)
    assert status(steps, "open") == "ok"
    assert series_count(segment, "refused_requests") == 100
    assert total(segment, "refused_requests") == 2000
    assert overflow(segment, "refused_requests") == 1800
    assert segment["dropped"]["family_cap"] == 1800 + 50


def test_a_segment_cap_of_100(place: Place) -> None:
    place.refusals("--series-max", "100", "open", "define", "counters:1000", "histograms:1000")
    segment = place.read()
    assert_the_collector_shows(place, "series_cap", 1000)
    assert total(segment, "refused_requests") == total(segment, "refused_sizes") == 1000
    assert sum(series_count(segment, f["name"]) for f in segment["families"]) <= 100
    assert segment["dropped"]["series_cap"] >= 1900
    assert segment["dropped"]["family_cap"] == 0


def test_slots_run_out(place: Place) -> None:
    with place.waiting("--slot-max", "1", "open", "define", "gauges:1", "inc:2"):
        steps = place.refusals("open", "define", "counters:3", "gauges:3", "inc:5", "value")
        assert status(steps, "open") == "ok"
        assert steps[-1]["value"] == 7
        segment = place.read()
        assert segment["writers"] == 1
        assert total(segment, "refused_requests") == 3
        assert segment["dropped"]["no_slot"] >= 1
        assert segment["dropped"]["gauge"] >= 3


# ---- no descriptors ----


def test_no_descriptor_to_open_a_segment(place: Place) -> None:
    steps = place.refusals("limit-files", "open", *RECORD)
    assert status(steps, "open") == "system"
    assert [step["errno"] for step in steps if step["step"] == "open"] == [24]
    assert_metrics_are_off(steps)


def test_no_descriptor_to_extend_a_segment(place: Place) -> None:
    steps = place.refusals("open", "define", "limit-files", f"counters:{MANY}", "inc:5", "value")
    segment = place.read()
    assert status(steps, "define counters") == "ok"
    assert (
        segment["dropped"]["no_reopen"] > 0 or series_count(segment, "refused_requests") >= 10_000
    )
    assert total(segment, "refused_requests") == MANY
    assert total(segment, "refused_calls") == 5


def test_no_descriptor_in_a_forked_child(place: Place) -> None:
    steps = place.refusals(
        "open",
        "define",
        "inc:5",
        "limit-files",
        "fork",
        "counters:10",
        "gauges:1",
        "inc:7",
        "value",
    )
    assert steps[-1]["value"] == 12
    assert total(place.read(), "refused_requests") == 10


# ---- no folder, no permission ----


def test_a_folder_that_is_missing(place: Place) -> None:
    missing = Place(place.folder / "missing")
    steps = missing.refusals("open", *RECORD)
    assert status(steps, "open") in ("not_found", "system")
    assert str(missing.folder) in message(steps, "open")
    assert_metrics_are_off(steps)


def test_a_folder_that_is_a_file(place: Place) -> None:
    (place.folder / "file").touch()
    steps = Place(place.folder / "file").refusals("open", *RECORD)
    assert status(steps, "open") in ("not_found", "system", "invalid", "permission")
    assert_metrics_are_off(steps)


def test_a_read_only_folder() -> None:
    with tmpfs("size=16m,ro") as place:
        steps = place.refusals("open", *RECORD)
        assert status(steps, "open") in ("permission", "system")
        assert str(place.folder) in message(steps, "open")
        assert_metrics_are_off(steps)


def test_a_folder_of_somebody_else(place: Place) -> None:
    place.folder.chmod(0o755)
    steps = place.refusals(f"become:{NOBODY}", "open", *RECORD)
    assert status(steps, "open") == "permission"
    assert_metrics_are_off(steps)


def test_a_segment_of_somebody_else(place: Place) -> None:
    place.folder.chmod(0o777)
    with place.waiting("open", "define", "inc:5"):
        steps = place.refusals(f"become:{NOBODY}", "open", *RECORD)
        assert status(steps, "open") == "permission"
        assert_metrics_are_off(steps)
    assert total(place.read(), "refused_calls") == 5


def test_a_segment_that_a_stranger_left_is_not_trusted(place: Place) -> None:
    """Root must not record into a file that another user may change at will."""
    place.folder.chmod(0o777)
    with place.waiting(f"become:{NOBODY}", "open", "define", "inc:5") as steps:
        assert status(steps, "open") == "ok"
        steps = place.refusals("open", *RECORD)
        assert status(steps, "open") == "permission"
        assert_metrics_are_off(steps)


def test_every_umask_gives_the_same_mode(place: Place) -> None:
    for umask in (0o000, 0o022, 0o077, 0o777):
        before = os.umask(umask)
        try:
            place.refusals("--name", f"mask-{umask:o}", "open")
        finally:
            os.umask(before)
        assert (place.folder / f"mask-{umask:o}.smx1").stat().st_mode & 0o7777 == 0o660


def test_the_group_option(place: Place) -> None:
    steps = place.refusals("--group", "12345", "open", "define", "inc:1")
    found = (place.folder / "refusals.smx1").stat()
    assert status(steps, "open") == "ok"
    assert (found.st_gid, found.st_mode & 0o7777) == (12345, 0o660)


def test_a_group_that_may_not_be_given(place: Place) -> None:
    """Either clearly refused, or made without it: never a segment that others may open."""
    place.folder.chmod(0o777)
    steps = place.refusals("--group", "12345", f"become:{NOBODY}", "open", *RECORD)
    if status(steps, "open") == "ok":
        assert (place.folder / "refusals.smx1").stat().st_gid == NOBODY
    else:
        assert message(steps, "open")
        assert_metrics_are_off(steps)
        assert list(place.folder.iterdir()) == []


# ---- privileges dropped after the segment was opened ----


def test_privileges_dropped_in_a_forked_child(place: Place) -> None:
    """gunicorn's way: root opens and forks, the child becomes somebody who may not open the file."""
    place.folder.chmod(0o700)
    with place.waiting(
        "open",
        "define",
        "inc:5",
        "counters:5",
        "fork",
        f"become:{NOBODY}",
        "claim",
        "counters:10",
        "gauges:3",
        "inc:7",
    ) as steps:
        assert status(steps, "claim") == "ok"
        segment = place.read()
        assert segment["writers"] == 2
        assert total(segment, "refused_calls") == 12
        assert total(segment, "refused_requests") == 15
        assert series_count(segment, "refused_requests") == 10
        assert gauge_values(segment) == 3


def test_privileges_dropped_before_the_fork(place: Place) -> None:
    """The child cannot open the file to claim its slot: the inherited descriptor stands in."""
    place.folder.chmod(0o700)
    with place.waiting(
        "open",
        "define",
        "inc:5",
        f"become:{NOBODY}",
        "fork",
        "claim",
        "counters:10",
        "gauges:3",
        "inc:7",
    ) as steps:
        assert status(steps, "claim") == "ok"
        segment = place.read()
        assert segment["writers"] == 2
        assert total(segment, "refused_calls") == 12
        assert total(segment, "refused_requests") == 10
        assert gauge_values(segment) == 3
    assert place.read()["writers"] == 0


def test_privileges_dropped_and_the_segment_has_to_grow(place: Place) -> None:
    place.folder.chmod(0o700)
    steps = place.refusals(
        "open",
        "define",
        f"become:{NOBODY}",
        f"counters:{MANY}",
        f"histograms:{MANY}",
        "inc:5",
        "value",
    )
    segment = place.read()
    assert steps[-1]["value"] == 5
    assert total(segment, "refused_requests") == total(segment, "refused_sizes") == MANY
    grown = series_count(segment, "refused_requests") + series_count(segment, "refused_sizes")
    assert grown == 20_000 or segment["dropped"]["no_reopen"] > 0


def test_a_raw_fork_claims_at_its_next_chance(place: Place) -> None:
    with place.waiting(
        "open", "define", "inc:5", "raw-fork", "inc:7", "claim", "gauges:1", "counters:3"
    ) as steps:
        assert status(steps, "claim") == "ok"
        segment = place.read()
        assert segment["writers"] == 2
        assert total(segment, "refused_calls") == 12
        assert total(segment, "refused_requests") == 3


# ---- names and options ----


@pytest.mark.parametrize("name", [".hidden", "a b", "x" * 129, "name\n", "é"])
def test_a_name_that_breaks_the_rule(place: Place, name: str) -> None:
    steps = place.refusals("--name", name, "open", *RECORD)
    assert status(steps, "open") == "invalid"
    assert message(steps, "open")
    assert_metrics_are_off(steps)
    assert list(place.folder.iterdir()) == []


@pytest.mark.parametrize(
    "option, value",
    [
        ("--size-max", "65536"),
        ("--size-max", str((64 << 30) + 1)),
        ("--series-max", "16777217"),
        ("--slot-max", "32769"),
    ],
)
def test_an_option_beyond_its_limit(place: Place, option: str, value: str) -> None:
    steps = place.refusals(option, value, "open", *RECORD)
    assert status(steps, "open") == "invalid"
    assert_metrics_are_off(steps)
    assert list(place.folder.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"not a segment", bytes(1 << 20)], ids=["empty", "text", "zeros"]
)
def test_a_foreign_file_of_that_name(place: Place, content: bytes) -> None:
    """Nobody holds a slot of it, so either a new generation takes its place or it is clearly refused."""
    (place.folder / "refusals.smx1").write_bytes(content)
    steps = place.refusals("open", *RECORD)
    if status(steps, "open") == "ok":
        assert total(place.read(), "refused_calls") == 5
    else:
        assert status(steps, "open") == "format"
        assert_metrics_are_off(steps)


@pytest.mark.parametrize("kind", ["directory", "fifo", "link"])
def test_something_else_of_that_name(place: Place, kind: str) -> None:
    path = place.folder / "refusals.smx1"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/etc/passwd")
    steps = place.refusals("open", *RECORD)
    assert status(steps, "open") != "ok"
    assert message(steps, "open")
    assert_metrics_are_off(steps)
