# SPDX-License-Identifier: MIT
"""test_mutation - real segments, changed at random and while they are read (attacks I8, I12)

100,000 changed segments in the ordinary run; with SMX_LONG=1 twenty times as many. A failure names
the seed and the iteration, and `mutate --seed S --only I` makes it again.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Iterator

import layout as L
import pytest
from damage_lives import Heir
from hostile import HERE, complaints, is_sanitized, program, run_json_lines, shm_folder

LONG = bool(os.environ.get("SMX_LONG"))
SEEDS = range(20) if LONG else range(4)
COUNT = 50_000 if LONG else 12_500
TEXTS_CHECKED = 1_500  # the strict checker takes about a millisecond for each


def inherited() -> bytes:
    """A segment with a removed series, another incarnation, and dead processes of every gauge mode."""
    heir = Heir()
    for series, changed in ((heir.other, L.WORD_REMOVED), (heir.observed, 5 << L.PLACE_BITS)):
        word = L.get(heir.data, L.SERIES, series, "cells_or_gauge")
        L.put(heir.data, L.SERIES, series, "cells_or_gauge", word | changed)
    heir.keep(0)
    return bytes(heir.data)


@pytest.fixture(scope="module", params=["golden", "inherited"])
def base(request: pytest.FixtureRequest) -> Iterator[Path]:
    """The golden segment, or a built one: of a fresh one no failure could be made again."""
    with shm_folder() as folder:
        path = folder / "base.smx1"
        if request.param == "golden":
            path.write_bytes(gzip.decompress((HERE / "golden" / "v1.smx1.gz").read_bytes()))
        else:
            path.write_bytes(inherited())
        yield path


def texts(path: Path) -> Iterator[tuple[int, bytes]]:
    """What mutate and scribble rendered: an iteration and its text."""
    with open(path, "rb") as file:
        while line := file.readline():
            iteration, size = map(int, line.split())
            yield iteration, file.read(size)


def all_complaints(path: Path) -> list[str]:
    """Of an even selection of the texts."""
    found = list(texts(path)) if path.exists() else []
    step = max(1, len(found) // TEXTS_CHECKED)
    return [
        f"iteration {i}: {complaint}" for i, text in found[::step] for complaint in complaints(text)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_changed_segments_are_survived(base: Path, seed: int) -> None:
    count = COUNT // 10 if is_sanitized() else COUNT
    with shm_folder() as folder:
        (result,) = run_json_lines(
            [program("mutate"), "--count", str(count), "--seed", str(seed), str(base), str(folder)],
            timeout=1800,
        )
        assert result["crashes"] == 0, f"seed {seed}: see the iterations above"
        assert result["ran"] == count
        # Otherwise it would have tested only the checks of the header.
        assert (
            result["open"]["ok"] > count / 3
            and result["damaged"] > count / 20
            and result["texts"] > 100
        )
        assert result["open"]["format"] > 0
        if not is_sanitized():
            assert result["max_rss_kib"] < 128 << 10
        assert all_complaints(folder / "texts")[:20] == []


def test_a_change_is_the_same_again(base: Path) -> None:
    outcomes = []
    for _ in range(2):
        with shm_folder() as folder:
            run_json_lines(
                [program("mutate"), "--count", "200", "--seed", "3", str(base), str(folder)]
            )
            outcomes.append(list(texts(folder / "texts")))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("truncating", [False, True], ids=["scribbling", "and truncating"])
@pytest.mark.parametrize("seed", range(8) if LONG else range(1))
def test_a_segment_that_changes_while_it_is_read_is_survived(
    base: Path, seed: int, truncating: bool
) -> None:
    rounds = str((200_000 if LONG else 20_000) // (20 if is_sanitized() else 1))
    more = ["--truncate"] if truncating else []
    with shm_folder() as folder:
        (result,) = run_json_lines(
            [
                program("scribble"),
                "--rounds",
                rounds,
                "--seed",
                str(seed),
                *more,
                str(base),
                str(folder),
            ],
            timeout=1800,
        )
        assert (result["signal"], result["exit"]) == (0, 0)
        assert result["rounds"] >= int(rounds) and result["scribbler_was_well"]
        assert result["served"] > 0 and result["scribbles"] > result["rounds"]
        assert all_complaints(folder / "texts")[:20] == []
