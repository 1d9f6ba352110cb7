# SPDX-License-Identifier: MIT
"""A real Prometheus 3 stores names of any UTF-8 as they were recorded (I6, I12).

In protobuf it does not ask for them, and gets them escaped.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector, segment_folder, wait_until  # noqa: E402
from prometheus import Edition, Prometheus, parameters, scraping  # noqa: E402

CLASSIC, PROTOBUF, OPENMETRICS2 = Edition(3, False), Edition(3, True), Edition(3, True, openmetrics2=True)
PROCESSES = 2
ROUTE = '/ä "b" \\\n😀'
TRACE = {"trace_id": "4bf92f3577b34da6"}
ADDED = ("up", "scrape_", "shmetrics_")  # by Prometheus, and of its segments by the collector

RECORD = """
import os, sys
sys.path.insert(0, sys.argv[1])
from test_prometheus_utf8 import PROCESSES, ROUTE, TRACE, spread
from shmetrics import Counter, Enum, Gauge, Histogram, Info, NativeHistogram, Summary

jobs = Counter("my.jobs", "Jobs.", ["my label"]).labels("x")
# Escaped, the name before is this one.
plain = Counter("my_jobs", "Others.", ["my_label"]).labels("x")
level = Gauge("größe", "How much.", multiprocess_mode="sum")
took = Histogram("took.seconds", "How long.", ["http.route"], buckets=[0.5, 1]).labels(ROUTE)
native = NativeHistogram("spread ✓", "Fine.", ["my label"]).labels("x")
size = Summary("size/bytes", "How large.", ["1st"]).labels("a")
Info("build.x", "What runs.").info({"service.name": "shop"})
Enum("door.x", "The door.", states=["open", "shut"]).state("shut")
for process in range(PROCESSES):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        continue
    jobs.inc(2, TRACE)
    plain.inc(5)
    level.set(1.25)
    took.observe(0.75, TRACE)
    size.observe(12)
    for value in spread(process):
        native.observe(value)
    native.observe(1.5, TRACE)
    os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""

QUERIES = {
    '{"my.jobs_total", "my label"="x"}': 4,
    'my_jobs_total{my_label="x"}': 10,
    '{"größe"}': 2.5,
    '{"took.seconds_bucket", "http.route"="/ä \\"b\\" \\\\\\n😀", le="1.0"}': 2,
    '{"size/bytes_sum", "1st"="a"}': 24,
    'sum by ("my label") (rate({"my.jobs_total"}[1m]))': 0,
}

METADATA = {
    CLASSIC: {"my.jobs": "counter", "build.x": "info", "door.x": "stateset"},
    OPENMETRICS2: {"my.jobs_total": "counter", "build.x_info": "info", "door.x": "stateset"},
}


def spread(process: int) -> list[float]:
    draw = random.Random(process).lognormvariate
    return [draw(-2, 1) for _ in range(1000)]


def recorded() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every series but those of the native histogram."""

    def labels(**more: str) -> frozenset[tuple[str, str]]:
        return frozenset(more.items())

    route = {"http.route": ROUTE}
    return {
        ("my.jobs_total", labels(**{"my label": "x"})): 4,
        ("my_jobs_total", labels(my_label="x")): 10,
        ("größe", labels()): 2.5,
        ("took.seconds_bucket", labels(le="0.5", **route)): 0,
        ("took.seconds_bucket", labels(le="1.0", **route)): 2,
        ("took.seconds_bucket", labels(le="+Inf", **route)): 2,
        ("took.seconds_count", labels(**route)): 2,
        ("took.seconds_sum", labels(**route)): 1.5,
        ("size/bytes_count", labels(**{"1st": "a"})): 2,
        ("size/bytes_sum", labels(**{"1st": "a"})): 24,
        ("build.x_info", labels(**{"service.name": "shop"})): 1,
        ("door.x", labels(**{"door.x": "open"})): 0,
        ("door.x", labels(**{"door.x": "shut"})): 1,
    }


@pytest.fixture
def folder() -> Iterator[Path]:
    with segment_folder() as path:
        environment = {**os.environ, "SHMETRICS_DIR": str(path), "SHMETRICS_SEGMENT": "utf8"}
        with subprocess.Popen(
            [sys.executable, "-c", RECORD, str(Path(__file__).parent)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout and process.stdin
            assert process.stdout.readline() == "ready\n"
            yield path
            process.stdin.close()


@pytest.fixture(params=parameters(CLASSIC, OPENMETRICS2))
def edition(request: pytest.FixtureRequest) -> Edition:
    found: Edition = request.param
    return found


@pytest.fixture
def prometheus(folder: Path, tmp_path: Path, edition: Edition) -> Iterator[Prometheus]:
    with Collector(folder, "--web.disable-exporter-metrics") as collector, scraping(
        collector, tmp_path, edition
    ) as server:
        yield server


def stored(server: Prometheus) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every series that is one number, but those of the histogram that may be native."""
    found = {}
    for series in server.vector('{job="kinds"}'):
        labels = {k: v for k, v in series["metric"].items() if k not in ("job", "instance")}
        name = labels.pop("__name__")
        if not name.startswith((*ADDED, "spread")):
            found[name, frozenset(labels.items())] = float(series["value"][1])
    return found


def test_what_is_stored_is_what_was_recorded(prometheus: Prometheus, edition: Edition) -> None:
    assert stored(prometheus) == recorded()
    metadata = {entry["metric"]: entry["type"] for entry in prometheus.ask("targets/metadata")}
    assert {name: metadata.get(name) for name in METADATA[edition]} == METADATA[edition]


def underscores(name: str) -> str:
    """As the escaping of this name has it."""
    return re.sub("^[0-9]|[^a-zA-Z0-9_:]", "_", name)


@pytest.mark.parametrize("edition", parameters(PROTOBUF))
def test_names_are_escaped_for_a_scraper_that_does_not_ask_for_them(prometheus: Prometheus) -> None:
    hidden = ("my_jobs_total", frozenset({("my_label", "x")}))  # my.jobs came first
    expected = {
        (underscores(name), frozenset((underscores(label), value) for label, value in labels)): number
        for (name, labels), number in recorded().items()
        if (name, labels) != hidden
    }
    assert stored(prometheus) == expected
    assert prometheus.value('histogram_count(spread__{my_label="x"})') == PROCESSES * 1001


def test_names_are_found_by_queries(prometheus: Prometheus) -> None:
    rate = next(query for query in QUERIES if "rate" in query)
    wait_until(lambda: prometheus.vector(rate), "there is a rate: a second scrape")
    assert {query: prometheus.value(query) for query in QUERIES} == QUERIES
    exemplars = {
        query: prometheus.exemplars(query)
        for query in ('{"my.jobs_total"}', '{"took.seconds_bucket", "http.route"!=""}')
    }
    assert exemplars == dict(zip(exemplars, ([("2", TRACE)], [("0.75", TRACE)])))


def test_a_native_histogram_has_its_name(prometheus: Prometheus, edition: Edition) -> None:
    values = sorted([v for p in range(PROCESSES) for v in spread(p)] + [1.5] * PROCESSES)
    name = '"spread ✓{}", "my label"="x"'
    if not edition.native:
        assert prometheus.value(f"{{{name.format('_count')}}}") == len(values)
        assert prometheus.value(f"{{{name.format('_bucket')}, le=\"+Inf\"}}") == len(values)
        return
    series = f"{{{name.format('')}}}"
    assert prometheus.value(f"histogram_count({series})") == len(values)
    assert prometheus.value(f"histogram_sum({series})") == pytest.approx(sum(values))
    for quantile in (0.01, 0.5, 0.9, 0.99):
        found = prometheus.value(f"histogram_quantile({quantile}, {series})")
        true = values[int(quantile * len(values))]
        assert found is not None and 2 ** (-1 / 8) <= found / true <= 2 ** (1 / 8), (found, true)
    assert prometheus.exemplars(series) == [("1.5", TRACE)]
