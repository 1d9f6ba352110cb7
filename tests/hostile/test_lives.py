# SPDX-License-Identifier: MIT
"""test_lives - the reader takes words, incarnations and retired cells as layout.h says (attacks I4, I8)

The segments are built byte by byte, without the library, so that writer and reader cannot share a mistake.
"""

from __future__ import annotations

import subprocess
from typing import Any

import layout as L
import pytest
from damage_lives import LAST, Heir, word
from hostile import program, shm_folder
from victim import HEALTHY, Victim


def lines(segment: Victim) -> list[str]:
    """What is served of the segment in either format, nobody being alive: the same lines."""
    with shm_folder() as folder:
        path = folder / "built.smx1"
        path.write_bytes(segment.data)
        path.chmod(0o600)
        done = subprocess.run(
            [program("dumpjson"), "--text", path], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stderr
    assert HEALTHY in done.stdout.splitlines()
    return list(dict.fromkeys(line for line in done.stdout.splitlines() if line[:1] != "#"))


def value(segment: Victim, name: str) -> float:
    (found,) = [line for line in lines(segment) if line.split(" ")[0] == name]
    return float(found.split(" ")[1])


def test_a_removed_series_is_not_served() -> None:
    v = Victim()
    served = 'victim_counter_total{a="x",b="y"}'
    assert value(v, served) == 3.5
    place = L.get(v.data, L.SERIES, v.one, "cells_or_gauge")
    for removed in (word(place, removed=True), word(place, LAST, True)):
        L.put(v.data, L.SERIES, v.one, "cells_or_gauge", removed)
        assert not any(line.startswith(served) for line in lines(v))
        assert value(v, 'victim_counter_total{a="x",b="z"}') == 3.5
    L.put(v.data, L.SERIES, v.one, "cells_or_gauge", word(place, LAST))
    assert value(v, served) == 3.5
    other = v.cells(1)
    L.put(v.data, L.SERIES, v.one, "cells_or_gauge", word(other, 3))
    assert value(v, served) == 0


def test_an_overflow_series_is_never_removed() -> None:
    v = Victim()
    place = L.get(v.data, L.SERIES, v.overflow, "cells_or_gauge")
    L.put(v.data, L.SERIES, v.overflow, "cells_or_gauge", word(place, 0, True))
    v.set_word(v.free_word(), v.overflow)
    assert value(v, 'victim_counter_total{a="_overflow",b="_overflow"}') == 3.5


# What slot 0's retired cell and live cell hold, as (value, generation), and what is served of both slots.
FOLDS: list[tuple[str, Any, Any, float]] = [
    ("sum", None, (5, 1), 9),
    ("sum", (70, 1), (5, 2), 79),
    ("sum", (70, 2), (5, 2), 74),  # folded already
    ("sum", (70, 3), (5, 2), 74),
    ("sum", (70, 3), None, 74),
    ("min", (-70, 1), (5, 2), -70),
    ("min", (-70, 2), (-90, 2), -70),
    ("min", None, (3, 1), 3),
    ("max", (70, 1), (5, 2), 70),
    ("max", (7, 1), (90, 2), 90),
    ("max", (7, 2), (90, 2), 7),
]


@pytest.mark.parametrize("mode, retired, live, served", FOLDS)
def test_the_dead_count_once(mode: str, retired: Any, live: Any, served: float) -> None:
    v = Heir()
    number = next(n for n, name in L.MODES.items() if name == mode)
    fold = L.MODE_FOLDS[number] << L.TAG_FOLD_SHIFT
    at = v.gauge_cell(0, v.gauge_of(number))
    for cell, held in ((at, live), (v.retired_cell(0, v.gauge_of(number)), retired)):
        L.put(v.data, L.GAUGE_CELL, cell, "value", float(held[0]) if held else 0.0)
        L.put(v.data, L.GAUGE_CELL, cell, "tag", held[1] | fold if held else 0)
    assert value(v, f"victim_{mode}") == served


@pytest.mark.parametrize("mode", [7, 8, 9])
def test_cells_of_another_incarnation_or_mode_are_absent(mode: int) -> None:
    v = Heir()
    name = f"victim_{L.MODES[mode]}"
    assert value(v, name) == {7: 7, 8: 3, 9: 4}[mode]
    L.put(v.data, L.SERIES, v.heirs[mode], "cells_or_gauge", word(v.gauge_of(mode), 1))
    if mode == 7:
        assert value(v, name) == 0
    else:
        assert not any(line.startswith(name + " ") for line in lines(v))
    tag = 1 << L.TAG_INCARNATION_SHIFT | 9
    v.set(1, v.gauge_of(mode), 42.0, tag | L.MODE_FOLDS[mode] << L.TAG_FOLD_SHIFT)
    assert value(v, name) == 42
    v.set(1, v.gauge_of(mode), 42.0, tag)
    assert not any(line.startswith(name + " 42") for line in lines(v))


def test_the_most_recent_is_of_anybody_after_the_series_began() -> None:
    v = Heir()
    assert value(v, "victim_mostrecent") in (3, 4)
    v.set(1, v.gauge_of(10), 8.0, 4_000_000_000)
    assert value(v, "victim_mostrecent") == 8
    L.put(v.data, L.SERIES, v.heirs[10], "since_ns", 4_000_000_000)
    assert not any(line.startswith("victim_mostrecent") for line in lines(v))


def test_kept_processes_are_shown_by_their_pids() -> None:
    v = Heir()
    assert not any(line.startswith("victim_all") for line in lines(v))
    v.keep(0)
    assert value(v, 'victim_all{pid="1000"}') == 3
    v.keep(1)
    L.put(v.data, L.SLOT, v.slot(1), "pid", 1000)
    assert sorted(line for line in lines(v) if line.startswith("victim_all")) == [
        'victim_all{pid="1000"} 3',
        'victim_all{pid="1000-2"} 4',
    ]
    assert not any(line.startswith("victim_gauge") for line in lines(v))


def test_of_the_kept_the_newest_64_are_shown() -> None:
    v = Heir(slot_max=100)
    for number in range(80):
        if number > 1:
            v.claim(number, 1000 + number)
            v.hold(number, 6, 1.0)
        v.keep(number)
        L.put(v.data, L.SLOT, v.slot(number), "claimed_ns", 2_000_000_000 - number)
    shown = [line for line in lines(v) if line.startswith("victim_all")]
    assert len(shown) == L.KEPT_MAX
    assert not any('pid="1064"' in line for line in shown)
