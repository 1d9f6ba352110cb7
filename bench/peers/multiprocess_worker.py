# SPDX-License-Identifier: MIT
"""multiprocess_worker.py - records what fixture.c does, in prometheus_client's multiprocess mode

usage: multiprocess_worker.py SERIES. Needs PROMETHEUS_MULTIPROC_DIR. Says "ready", and ends with
its standard input.
"""

from __future__ import annotations

import sys

from prometheus_client import Counter, Gauge, Histogram

FAMILIES = 10


def record(series: int) -> None:
    for family in range(FAMILIES):
        counter = Counter(f"app_events_{family}", "Events of one kind.", ["method", "endpoint"])
        for i in range(series * 6 // 10 // FAMILIES):
            counter.labels("GET", f"/api/v1/resource_{i}").inc(i + 1)
        histogram = Histogram(
            f"app_duration_{family}_seconds", "Durations of one kind.", ["method", "endpoint"]
        )
        for i in range(series * 3 // 10 // FAMILIES):
            child = histogram.labels("GET", f"/api/v1/resource_{i}")
            for k in range(3):
                child.observe(0.0031 * (1 << ((i + 4 * k) % 13)))
        gauge = Gauge(
            f"app_level_{family}", "A level of one kind.", ["pool"], multiprocess_mode="liveall"
        )
        for i in range(series // 10 // FAMILIES):
            gauge.labels(f"pool_{i}").set(i)


if __name__ == "__main__":
    record(int(sys.argv[1]))
    print("ready", flush=True)
    sys.stdin.read()
