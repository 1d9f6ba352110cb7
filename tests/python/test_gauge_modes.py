# SPDX-License-Identifier: MIT
"""The ten gauge modes over births, deaths and re-used places: what prometheus_client serves (I4).

Four workers of each library do the same things. prometheus_client needs to be told of every death
(mark_process_dead), by the test; the segment needs no word.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Iterator

import prometheus_client.multiprocess
import pytest

import shmetrics

MODES = [
    prefix + mode
    for prefix in ("live", "")
    for mode in ("all", "sum", "min", "max", "mostrecent")
]

WORKER = """
    import os, sys
    from {library} import Gauge
    gauges = [Gauge(mode, "", ["a"], multiprocess_mode=mode) for mode in {modes}]
    print(os.getpid(), flush=True)
    for line in sys.stdin:
        for gauge in gauges:
            gauge.labels("x").set(float(line))
        print("done", flush=True)
"""

# What a scrape shows: by mode, the values by the worker that holds each ("" for one value of all).
Shown = dict[str, dict[str, float]]


class Workers:
    """Workers of one library, by name."""

    def __init__(self, library: str, environment: dict[str, str]) -> None:
        self.code = textwrap.dedent(WORKER).format(library=library, modes=MODES)
        self.environment = environment
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.names: dict[str, str] = {}

    def start(self, name: str) -> None:
        popen = subprocess.Popen(
            [sys.executable, "-c", self.code],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert popen.stdout is not None
        self.names[popen.stdout.readline().strip()] = name
        self.running[name] = popen

    def set(self, name: str, value: float) -> None:
        popen = self.running[name]
        assert popen.stdin is not None and popen.stdout is not None
        popen.stdin.write(f"{value}\n")
        popen.stdin.flush()
        assert popen.stdout.readline().strip() == "done"

    def end(self, name: str, kill: bool) -> int:
        popen = self.running.pop(name)
        if kill:
            popen.kill()
        popen.communicate()
        return popen.pid

    def shown(self, metrics: Any) -> Shown:
        return {
            metric.name: {
                self.names.get(sample.labels.get("pid", ""), ""): sample.value
                for sample in metric.samples
            }
            for metric in metrics
            if metric.name in MODES
        }

    def close(self) -> None:
        for name in list(self.running):
            self.end(name, kill=True)


class Both:
    """Does to both libraries the same, and compares what they show."""

    def __init__(self, ours: Workers, theirs: Workers, segment: Path, files: Path) -> None:
        self.ours = ours
        self.theirs = theirs
        self.files = files
        self.segment = segment

    def start(self, *names: str) -> None:
        for name in names:
            self.ours.start(name)
            self.theirs.start(name)

    def set(self, name: str, value: float) -> None:
        self.ours.set(name, value)
        self.theirs.set(name, value)

    def end(self, name: str, kill: bool) -> None:
        self.ours.end(name, kill)
        pid = self.theirs.end(name, kill)
        prometheus_client.multiprocess.mark_process_dead(pid, str(self.files))

    def shown(self) -> Shown:
        theirs = prometheus_client.CollectorRegistry()
        prometheus_client.multiprocess.MultiProcessCollector(theirs, str(self.files))
        segment = shmetrics.Segment.open(str(self.segment))
        ours = shmetrics.CollectorRegistry(segment=segment)
        shown = self.ours.shown(ours.collect())
        assert shown == self.theirs.shown(theirs.collect())
        return shown


@pytest.fixture
def both(environment: dict[str, str], segment_directory: Path, tmp_path: Path) -> Iterator[Both]:
    theirs = {**environment, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    pair = Both(
        Workers("shmetrics", environment),
        Workers("prometheus_client", theirs),
        segment_directory / "test",
        tmp_path,
    )
    yield pair
    pair.ours.close()
    pair.theirs.close()


def test_all_ten_modes_show_what_prometheus_client_documents(both: Both) -> None:
    both.start("a", "b", "c", "d")
    for name, value in (("a", 4.0), ("b", -2.5), ("c", 10.0), ("d", 1.0)):
        both.set(name, value)
    shown = both.shown()
    assert len(shown) == len(MODES)
    assert shown["all"] == shown["liveall"] == {"a": 4, "b": -2.5, "c": 10, "d": 1}
    for prefix in ("live", ""):
        assert shown[prefix + "sum"] == {"": 12.5}
        assert shown[prefix + "min"] == {"": -2.5}
        assert shown[prefix + "max"] == {"": 10}
        assert shown[prefix + "mostrecent"] == {"": 1}


@pytest.mark.parametrize("kill", [True, False], ids=["SIGKILL", "exit"])
def test_the_dead_are_in_five_modes_and_not_in_the_live_ones(both: Both, kill: bool) -> None:
    both.start("a", "b", "c", "d")
    for name, value in (("a", 4.0), ("b", -2.5), ("c", 10.0), ("d", 1.0)):
        both.set(name, value)
    for name in ("b", "c", "d"):
        both.end(name, kill)
    shown = both.shown()
    assert shown["liveall"] == {"a": 4}
    assert shown["all"] == {"a": 4, "b": -2.5, "c": 10, "d": 1}
    assert shown["livesum"] == {"": 4} and shown["sum"] == {"": 12.5}
    assert shown["livemin"] == {"": 4} and shown["min"] == {"": -2.5}
    assert shown["livemax"] == {"": 4} and shown["max"] == {"": 10}
    assert shown["livemostrecent"] == {"": 4} and shown["mostrecent"] == {"": 1}


def test_whoever_takes_a_dead_ones_place_leaves_its_values_in_the_five_modes(both: Both) -> None:
    both.start("a", "b")
    both.set("a", 1.0)
    both.set("b", 7.0)
    for round_number in range(6):
        both.end("b", kill=round_number % 2 == 0)
        both.theirs.names = {pid: name for pid, name in both.theirs.names.items() if name != "b"} | {
            pid: f"dead{round_number}" for pid, name in both.theirs.names.items() if name == "b"
        }
        both.ours.names = {pid: name for pid, name in both.ours.names.items() if name != "b"} | {
            pid: f"dead{round_number}" for pid, name in both.ours.names.items() if name == "b"
        }
        both.start("b")
        both.set("b", round_number + 0.5)
        shown = both.shown()
        assert shown["livesum"] == {"": 1 + round_number + 0.5}
        assert len(shown["all"]) == 3 + round_number
    assert shown["sum"] == {"": 1 + 7 + sum(number + 0.5 for number in range(6))}
    assert shown["max"] == {"": 7} and shown["livemax"] == {"": 5.5}
