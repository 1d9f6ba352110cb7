# SPDX-License-Identifier: MIT
"""bridge.py - how much faster is an unmodified prometheus_client with shmetrics.bridge?

Two processes on one processor, both in prometheus_client's multiprocess mode with files on tmpfs: one as
it is, one with `import shmetrics.bridge` before it. They run the same statements in blocks that take turns.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from harness import Case, Coprocess, emit, is_quick, pin

BLOCK_NS = 1e6
TARGETS = {"c.inc()": 6.0, "l.labels(m, e, s).inc()": 5.0}
CALLS = (*TARGETS, "h.observe(0.02)", "g.set(7.0)", "d.labels(m, e, s).observe(0.02)")


def loops() -> list[Callable[[int], None]]:
    from prometheus_client import Counter, Gauge, Histogram

    labels = ["method", "endpoint", "status_code"]
    names: dict[str, Any] = {
        "c": Counter("bench_plain", "A counter."),
        "l": Counter("bench_labelled", "A counter with labels.", labels),
        "g": Gauge("bench_level", "A gauge.", multiprocess_mode="livesum"),
        "h": Histogram("bench_duration_seconds", "Durations."),
        "d": Histogram("bench_labelled_seconds", "Durations with labels.", labels),
        "m": "GET",
        "e": "/api/v1/items/{item_id}",
        "s": "200",
    }
    return [Case(call, call, names).loop for call in CALLS]


def child() -> None:
    """Answers "CALL N" with the nanoseconds that N loops of this call take."""
    if sys.argv[1] == "bridged":
        import shmetrics.bridge  # noqa: F401
    pin(0)
    ready = loops()
    print("ready", flush=True)
    for line in sys.stdin:
        call, n = line.split()
        begin = time.thread_time_ns()
        ready[int(call)](int(n))
        print(time.thread_time_ns() - begin, flush=True)


def side_by_side(plain: Coprocess, bridged: Coprocess, call: int, rounds: int) -> list[list[float]]:
    """Nanoseconds of a statement, in both processes, round by round."""
    sides = [plain, bridged]
    repetitions, found = [], []
    for side in sides:
        n = 8
        while (ns := float(side.ask(f"{call} {n}"))) < BLOCK_NS / 4:
            n *= 2
        repetitions.append(max(1, round(n * BLOCK_NS / ns)))
    for number in range(rounds):
        pair = [0.0, 0.0]
        for index in (0, 1) if number % 2 else (1, 0):
            n = repetitions[index]
            pair[index] = float(sides[index].ask(f"{call} {n}")) / (n * 10)
        found.append(pair)
    return found


def main() -> None:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ["BENCH_MULTIPROC_DIR"]
    os.environ["SHMETRICS_SEGMENT"] = "bench-bridge"
    with contextlib.ExitStack() as stack:
        sides = []
        for kind in ("plain", "bridged"):
            sides.append(Coprocess(sys.executable, __file__, kind))
            stack.callback(sides[-1].close)
            sides[-1].read()
        found = [
            side_by_side(sides[0], sides[1], call, 11 if is_quick() else 41)
            for call in range(len(CALLS))
        ]
    for call, pairs in zip(CALLS, found, strict=True):
        emit(f"prometheus_client: {call}", median(plain for plain, _ in pairs), "ns")
        emit(f"bridged: {call}", median(bridged for _, bridged in pairs), "ns")
    for call, pairs in zip(CALLS, found, strict=True):
        ratio = median(plain / bridged for plain, bridged in pairs)
        emit(f"prometheus_client / bridged: {call}", ratio, "x", at_least=TARGETS.get(call))


if __name__ == "__main__":
    child() if len(sys.argv) > 1 else main()
