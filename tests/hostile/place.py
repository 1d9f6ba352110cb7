# SPDX-License-Identifier: MIT
"""place - folders without room, descriptors or permission, and the program `refusals` in them"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator, Optional, Sequence

import pytest

import decode
from hostile import complaints, program

Json = dict[str, Any]

LIMIT_SECONDS = 60


class Place:
    """A folder for segments, perhaps in a mount namespace of its own."""

    def __init__(self, folder: Path, namespace: Optional[int] = None) -> None:
        self.folder = folder
        self.namespace = namespace

    @property
    def seen(self) -> Path:
        """The folder as this process can see it."""
        return Path(f"/proc/{self.namespace}/root{self.folder}") if self.namespace else self.folder

    def command(self, *command: str | Path) -> list[str]:
        inside = (
            ["nsenter", f"--mount=/proc/{self.namespace}/ns/mnt", "--"] if self.namespace else []
        )
        return [*inside, *map(str, command)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "SHMETRICS_DIR": str(self.folder)}

    def refusals(self, *arguments: str) -> list[Json]:
        """Runs the driver to its end; it must end well."""
        done = subprocess.run(
            self.command(program("refusals"), *arguments),
            env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=LIMIT_SECONDS,
        )  # fmt: skip
        assert (
            done.returncode == 0
        ), f"status {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextlib.contextmanager
    def waiting(self, *arguments: str) -> Iterator[list[Json]]:
        """The driver, which has come to its step `wait` and stays there until the end of the block."""
        process = subprocess.Popen(
            self.command(program("refusals"), *arguments, "wait"),
            env=self.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdin and process.stdout and process.stderr
        steps: list[Json] = []
        try:
            while not steps or steps[-1]["step"] != "wait":
                line = process.stdout.readline()
                assert line, f"it ended early: {steps} {process.stderr.read()}"
                steps.append(json.loads(line))
            yield steps
            process.stdin.close()
            assert process.wait(LIMIT_SECONDS) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()

    def read(self, name: str = "refusals") -> Json:
        """What the reader finds; decode.py must find the same file undamaged."""
        path = self.folder / f"{name}.smx1"
        done = subprocess.run(
            self.command(program("dumpjson"), path),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        assert done.returncode == 0, done.stderr
        assert decode.decode_file(self.seen / path.name)["problems"] == []
        text = subprocess.run(
            self.command(program("dumpjson"), "--text", path),
            capture_output=True,
            timeout=LIMIT_SECONDS,
        )
        assert complaints(text.stdout) == []
        return json.loads(done.stdout)


@contextlib.contextmanager
def tmpfs(options: str) -> Iterator[Place]:
    """A tmpfs in a mount namespace that ends with the process that holds it."""
    folder = Path(tempfile.mkdtemp(prefix="smx-refusals."))
    script = f"mount -t tmpfs -o {options} tmpfs {folder} && echo ready && read end"
    holder = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdin and holder.stdout
    try:
        if holder.stdout.readline() != "ready\n":
            pytest.skip("this system does not let root mount a tmpfs")
        yield Place(folder, holder.pid)
    finally:
        holder.stdin.close()
        holder.stdout.close()
        holder.wait(LIMIT_SECONDS)
        folder.rmdir()


# ---- what the driver said, and what a reader found ----


def status(steps: Sequence[Json], name: str) -> str:
    (found,) = [step["status"] for step in steps if step["step"] == name]
    return str(found)


def message(steps: Sequence[Json], name: str) -> str:
    """What a failed step said; it must be one line of text."""
    (found,) = [step["message"] for step in steps if step["step"] == name]
    assert all(character.isprintable() for character in found), repr(found)
    return str(found)


def total(segment: Json, family: str) -> int:
    """The sum over all series of a family, the overflow series included."""
    (found,) = [f for f in segment["families"] if f["name"] == family]
    return sum(s["whole"] if "whole" in s else sum(s["buckets"]) for s in found["series"])


def overflow(segment: Json, family: str) -> int:
    (found,) = [f for f in segment["families"] if f["name"] == family]
    return sum(
        s.get("whole", 0) + sum(s.get("buckets", [])) for s in found["series"] if s["overflow"]
    )


def series_count(segment: Json, family: str) -> int:
    (found,) = [f for f in segment["families"] if f["name"] == family]
    return sum(1 for s in found["series"] if not s["overflow"])


def gauge_values(segment: Json) -> int:
    """How many values live processes have in the series of the gauge."""
    (found,) = [f for f in segment["families"] if f["name"] == "refused_level"]
    return sum(len(s["values"]) for s in found["series"] if not s["overflow"])
