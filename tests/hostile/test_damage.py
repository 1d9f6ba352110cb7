# SPDX-License-Identifier: MIT
"""test_damage - the reader and the renderer survive every damaged segment of damage.py (attacks I8, I12)

No crash, no hang, no unbounded allocation; a clear status; what was not damaged is still served; and whatever
is served parses.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any, Iterator

import pytest

import damage
import layout as L
from hostile import complaints, is_sanitized, program, run_json_lines, shm_folder
from victim import CLASSES, HEALTHY, REFUSED, SERVED, SKIPPED, Case, Victim

Json = dict[str, Any]

MEMORY_MIB = 256  # what a reader may allocate for these files, the largest of which has 8 MiB
MEMORY_BASE_KIB = 8 << 10  # a small process
MEMORY_MULTIPLE = 32  # of the file's size, which the reader may have after its first walk
TEXT_MULTIPLE = 64  # of the file's size: what no writer's segment of this kind comes near
STEPS = ("open", "walk", "render")
STATUSES = {"ok", "format", "permission", "not_found", "no_memory", "system", "unsupported"}


def survive(files: list[Path], out: Path, *options: str) -> list[Json]:
    """One result a file, from processes of 500 files each."""
    limits = ["--cpu", "60"] if is_sanitized() else ["--memory", str(MEMORY_MIB)]
    results: list[Json] = []
    for i in range(0, len(files), 500):
        command = [
            program("survive"),
            "--out",
            str(out),
            *limits,
            *options,
            *map(str, files[i : i + 500]),
        ]
        results += run_json_lines(command)
    assert [Path(result["file"]) for result in results] == files
    return results


def is_served(result: Json) -> bool:
    return all(result.get(step) == "ok" for step in STEPS)


def verdict(case: Case, result: Json, text: bytes) -> Iterator[str]:
    """What is wrong with the outcome of a case."""
    if "signal" in result or "exit" in result:
        yield f"the reader died: {result}"
        return
    unknown = {result["open"], result["walk"], result["render"]} - STATUSES
    if unknown:
        yield f"no clear status: {unknown}"
    if not is_served(result) and not result["message"]:
        yield "it failed without a message"
    if case.expect == REFUSED and is_served(result):
        yield "it was not refused"
    if case.expect in (SERVED, SKIPPED):
        if not is_served(result):
            yield f"it was refused: {[result[step] for step in STEPS]}: {result['message']}"
        elif HEALTHY.encode() not in text.splitlines():
            yield "the healthy series is missing"
    if case.expect == SKIPPED and result["damaged"] == 0:
        yield "the damage was not counted"
    size_kib = len(case.data) >> 10
    if not is_sanitized() and result["walk_rss_kib"] > MEMORY_BASE_KIB + MEMORY_MULTIPLE * size_kib:
        yield f"{result['walk_rss_kib']} KiB of memory for a file of {size_kib} KiB"
    if len(text) > TEXT_MULTIPLE * len(case.data):
        yield f"{len(text)} bytes of text from a file of {len(case.data)}"
        return
    for complaint in complaints(text):
        yield complaint


@pytest.mark.parametrize("name", CLASSES)
def test_damaged_segments_are_survived(name: str) -> None:
    found = list(damage.cases(name))
    problems: list[str] = []
    with shm_folder() as folder:
        files = []
        for i, case in enumerate(found):
            files.append(folder / f"{i:05}.smx1")
            files[-1].write_bytes(case.data)
            files[-1].chmod(0o600)
        for case, file, result in zip(found, files, survive(files, folder)):
            rendered = folder / f"{file.name}.txt"
            text = rendered.read_bytes() if rendered.exists() else b""
            problems += [f"{case.name}: {problem}" for problem in verdict(case, result, text)]
    assert not problems, f"{len(problems)} problems in {len(found)} cases:\n" + "\n".join(
        problems[:60]
    )


def test_the_undamaged_segment_is_served_whole() -> None:
    with shm_folder() as folder:
        (folder / "whole.smx1").write_bytes(Victim().data)
        (folder / "whole.smx1").chmod(0o600)
        (result,) = survive([folder / "whole.smx1"], folder)
        text = (folder / "whole.smx1.txt").read_text()
    assert is_served(result)
    assert (result["families"], result["damaged"], result["writers"]) == (5, 0, 2)
    for line in (
        HEALTHY,
        'victim_counter_total{a="x",b="y"} 3.5',
        'victim_seconds_bucket{a="x",le="1.0"} 2',
        'victim_gauge{a="x",pid="1000"} 5',
        'victim_gauge{a="x",pid="1001"} 6',
        "victim_recent 1",
    ):
        assert f"\n{line}\n" in text


def test_a_file_truncated_while_it_is_mapped_is_survived() -> None:
    """Every page; the pages behind the cut raise SIGBUS, which the guard turns into zeros."""
    whole = bytes(Victim(size=256 << 10).data)
    problems = []
    for cut in range(0, len(whole), 4096):
        with shm_folder() as folder:
            file = folder / "cut.smx1"
            file.write_bytes(whole)
            file.chmod(0o600)
            (result,) = survive([file], folder, "--truncate", str(cut))
            rendered = folder / "cut.smx1.txt"
            text = rendered.read_bytes() if rendered.exists() else b""
        if "signal" in result or "exit" in result:
            problems.append(f"cut to {cut}: {result}")
        elif result["walk"] == "ok":
            problems.append(f"cut to {cut}: the walk did not notice")
        problems += [f"cut to {cut}: {complaint}" for complaint in complaints(text)]
    assert not problems, "\n".join(problems)


# ---- what is no segment file at all ----


def directory(path: Path) -> None:
    path.mkdir()


def fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def symbolic_link(path: Path) -> None:
    target = path.with_suffix(".target")
    target.write_bytes(Victim().data)
    target.chmod(0o600)
    path.symlink_to(target)


def dangling_link(path: Path) -> None:
    path.symlink_to(path.with_suffix(".nothing"))


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def zero_device(path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))


def null_device(path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))


def terminal_device(path: Path) -> None:
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(5, 0))


def empty_file(path: Path) -> None:
    path.touch(0o600)


def nothing(path: Path) -> None:
    del path


def writable_by_others(path: Path) -> None:
    path.write_bytes(Victim().data)
    path.chmod(0o666)


def of_another_user(path: Path) -> None:
    path.write_bytes(Victim().data)
    path.chmod(0o644)
    os.chown(path, 65534, 65534)


def sparse(path: Path) -> None:
    """All of it published, only the first page there: reading the rest would allocate it."""
    victim = Victim(size=32 << 10, size_max=1 << 30)
    L.put(victim.data, L.HEADER, 0, "size", 1 << 30)
    path.write_bytes(victim.data[:4096])
    os.truncate(path, 1 << 30)
    path.chmod(0o600)


def one_hole(path: Path) -> None:
    whole = Victim(size=1 << 20).data
    with open(path, "wb") as file:
        file.write(whole[: 512 << 10])
        file.seek(len(whole) - 4096)
        file.write(whole[-4096:])
    path.chmod(0o600)


SPECIAL = {
    directory: {"format", "permission", "system"},
    fifo: {"format", "permission", "system"},
    symbolic_link: {"format", "permission", "system"},
    dangling_link: {"format", "permission", "system", "not_found"},
    bound_socket: {"format", "permission", "system"},
    zero_device: {"format", "permission", "system"},
    null_device: {"format", "permission", "system"},
    terminal_device: {"format", "permission", "system"},
    empty_file: {"format"},
    nothing: {"not_found"},
    writable_by_others: {"permission"},
    of_another_user: {"permission"},
    sparse: {"format"},
    one_hole: {"format"},
}


@pytest.mark.parametrize("make", SPECIAL, ids=lambda make: make.__name__)
def test_what_is_no_segment_file_is_refused(make: Any) -> None:
    with shm_folder() as folder:
        path = folder / "special.smx1"
        try:
            make(path)
        except PermissionError:
            pytest.skip("needs root")
        blocks = path.lstat().st_blocks if path.exists() else 0
        (result,) = survive([path], folder)
        assert not (
            path.exists() and path.lstat().st_blocks > blocks
        ), "reading allocated memory of the file"
    assert result.get("open") in SPECIAL[make], result
    assert result["message"]
