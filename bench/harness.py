# SPDX-License-Identifier: MIT
"""harness.py - what the benchmark programs in Python share; harness.h says how they measure."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat
from statistics import median
from typing import Any

UNROLLED = 10


def emit(
    name: str,
    value: float,
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> None:
    """Prints one line of output. A target is checked by `run`, on the median of the launches."""
    line: dict[str, Any] = {"name": name, "value": value, "unit": unit}
    if at_most is not None:
        line["at_most"] = at_most
    if at_least is not None:
        line["at_least"] = at_least
    print(json.dumps(line), flush=True)


def fail(message: str) -> None:
    print(f"{os.path.basename(sys.argv[0])}: {message}", file=sys.stderr)
    sys.exit(2)


def is_quick() -> bool:
    return os.environ.get("BENCH_QUICK", "0") not in ("", "0")


def pin(index: int) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {allowed[index % len(allowed)]})


class Coprocess:
    """A child that answers a line with a line, and ends when its standard input does."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def read(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            fail(f"{self.process.args!r} ended with status {self.process.wait()}")
        return line.strip()

    def ask(self, line: str) -> str:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        return self.read()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


@dataclass
class Case:
    """A statement to be timed; `names` are its local variables."""

    name: str
    statement: str
    names: dict[str, Any]
    loop: Callable[[int], None] = field(init=False)
    rounds: list[float] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        # Unrolled, so that what a loop costs is a tenth of itself. The names are arguments with
        # defaults: local variables, the cheapest there are.
        arguments = "".join(f", {name}={name}" for name in self.names)
        body = f"        {self.statement}\n" * UNROLLED
        source = f"def loop(n{arguments}):\n    for _ in repeat(None, n):\n{body}"
        scope = {**self.names, "repeat": repeat}
        exec(compile(source, self.name, "exec"), scope)
        self.loop = scope["loop"]

    @property
    def ns(self) -> float:
        return median(self.rounds)

    def ratio(self, reference: Case) -> float:
        """The median of the rounds' ratios: each round measured both, one after the other."""
        return median(
            mine / theirs for mine, theirs in zip(self.rounds, reference.rounds, strict=True)
        )


def _block(case: Case, n: int) -> float:
    begin = time.thread_time_ns()
    case.loop(n)
    return time.thread_time_ns() - begin


def side_by_side(cases: list[Case], rounds: int, block_ns: float) -> None:
    """Measures the cases in turn, every other round backwards."""
    repetitions = {}
    for case in cases:
        n = 8
        while (ns := _block(case, n)) < block_ns / 4:
            n *= 2
        repetitions[case.name] = max(1, round(n * block_ns / ns))
    gc.disable()
    for index in range(rounds):
        for case in reversed(cases) if index % 2 else cases:
            n = repetitions[case.name]
            case.rounds.append(_block(case, n) / (n * UNROLLED))
    gc.enable()
