# SPDX-License-Identifier: MIT
"""hostile - what the tests of this folder share: where the programs are, a folder on tmpfs, held slots"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, Sequence

import layout as L

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))
import expocheck  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ.get("SMX_BUILD") or ROOT / "build" / "dev").resolve()


def program(name: str) -> str:
    """The path of a built test program; a test that needs one fails where it is missing."""
    path = BUILD / "tests" / "hostile" / name
    if not path.exists():
        raise FileNotFoundError(f"{path}: build it first, or let SMX_BUILD name the build folder")
    return str(path)


def is_sanitized() -> bool:
    cache = BUILD / "CMakeCache.txt"
    lines = cache.read_text().splitlines() if cache.exists() else []
    return any(line.startswith("SMX_SANITIZE") and line.split("=", 1)[1] for line in lines)


@contextlib.contextmanager
def shm_folder() -> Iterator[Path]:
    """A folder of its own in /dev/shm, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="smx-hostile.", dir="/dev/shm"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def held_slots(path: Path) -> Iterator[None]:
    """Holds the slots of a segment file, in the generations that it says, as live owners do."""
    with open(path, "r+b") as file:
        data = file.read()
        base = L.get(data, L.TOC, L.HEADER["toc"].offset, "offset")
        for number in range(L.get(data, L.HEADER, 0, "slots_used")):
            generation = L.get(data, L.SLOT, base + number * L.SLOT_SIZE, "generation")
            lock = struct.pack(
                "hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, L.slot_lock(number, generation), 1, 0
            )
            fcntl.fcntl(file.fileno(), fcntl.F_OFD_SETLK, lock)
        yield


def run_json_lines(
    command: Sequence[str], timeout: float = 300, **more: Any
) -> list[dict[str, Any]]:
    """Runs a program that prints a line of JSON a result; its status is not looked at."""
    done = subprocess.run(command, capture_output=True, timeout=timeout, check=False, **more)
    sys.stderr.write(done.stderr.decode("utf-8", "replace")[-8000:])
    return [json.loads(line) for line in done.stdout.decode("utf-8", "replace").splitlines()]


def complaints(text: bytes) -> list[str]:
    """What the strict checker says of an exposition in text 0.0.4: its first violation, or nothing.

    So of one in OpenMetrics, where it follows behind a line "---" (visit.h).
    """
    parts = re.split(rb"^---\n", text, maxsplit=1, flags=re.MULTILINE)
    found = []
    for part, parser in zip(parts, (expocheck.Text004, expocheck.OpenMetrics)):
        try:
            expocheck.check(part, parser)
        except expocheck.Violation as violation:
            found.append(f"{parser.__name__}: {violation}")
    return found
