# SPDX-License-Identifier: MIT
"""Custom collectors, functions of gauges and what registries do with them: as in prometheus_client."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType
from typing import Any, Callable, Iterable

import prometheus_client
import pytest
from conftest import Run

import shmetrics
from shmetrics.core import CounterMetricFamily, GaugeMetricFamily


class Collector:
    """Yields what it was given; describe() is there if it is given too."""

    def __init__(self, *families: Any, describe: Any = None) -> None:
        self.families = families
        self.collected = 0
        if describe is not None:
            self.describe: Callable[[], Iterable[Any]] = lambda: describe

    def collect(self) -> Iterable[Any]:
        self.collected += 1
        return self.families


def core(library: ModuleType) -> Any:
    return importlib.import_module(library.__name__ + ".core")


# ---- what both libraries do ----


def test_a_collector_is_asked_whenever_the_registry_is(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    collector = Collector(core(library).GaugeMetricFamily("depth", "Depth.", value=7))
    registry.register(collector)
    assert collector.collected == 0
    assert registry.get_sample_value("depth") == 7
    assert b"# HELP depth Depth.\n# TYPE depth gauge\ndepth 7.0\n" in library.generate_latest(
        registry
    )
    assert collector.collected == 2


def test_metrics_and_collectors_are_served_together(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Gauge("a", "A.", registry=registry).set(1)
    registry.register(Collector(core(library).GaugeMetricFamily("b", "B.", value=2)))
    assert sorted(metric.name for metric in registry.collect()) == ["a", "b"]
    assert library.generate_latest(registry) == (
        b"# HELP a A.\n# TYPE a gauge\na 1.0\n# HELP b B.\n# TYPE b gauge\nb 2.0\n"
    )


def test_names_come_from_describe(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    family = core(library).CounterMetricFamily("jobs", "", value=1)
    registry.register(Collector(family, describe=[family]))
    for name in ("jobs", "jobs_total", "jobs_created"):
        with pytest.raises(core(library).DuplicateTimeseries):
            library.Gauge(name, "", registry=registry)


def test_names_come_from_collect_where_the_registry_says_so(library: ModuleType) -> None:
    registry = library.CollectorRegistry(auto_describe=True)
    registry.register(Collector(core(library).GaugeMetricFamily("depth", "", value=1)))
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        library.Gauge("depth", "", registry=registry)


def test_without_describe_no_names_are_taken(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    collector = Collector(core(library).GaugeMetricFamily("depth", "", value=1))
    registry.register(collector)
    library.Gauge("level", "", registry=registry)
    assert collector.collected == 0


def test_an_unregistered_collector_is_gone(library: ModuleType) -> None:
    registry = library.CollectorRegistry(auto_describe=True)
    collector = Collector(core(library).GaugeMetricFamily("depth", "", value=1))
    registry.register(collector)
    registry.unregister(collector)
    assert registry.get_sample_value("depth") is None
    library.Gauge("depth", "", registry=registry)
    with pytest.raises(KeyError):
        registry.unregister(collector)


def test_a_metric_may_be_in_two_registries(library: ModuleType) -> None:
    first, second = library.CollectorRegistry(), library.CollectorRegistry()
    counter = library.Counter("jobs", "Jobs.", registry=first)
    second.register(counter)
    counter.inc(3)
    assert first.get_sample_value("jobs_total") == second.get_sample_value("jobs_total") == 3
    assert b"jobs_total 3.0\n" in library.generate_latest(second)


def test_a_metric_of_no_registry_can_be_registered_later(library: ModuleType) -> None:
    counter = library.Counter("jobs", "Jobs.", registry=None)
    counter.inc(3)
    registry = library.CollectorRegistry()
    registry.register(counter)
    assert registry.get_sample_value("jobs_total") == 3
    with pytest.raises(core(library).DuplicateTimeseries):
        registry.register(counter)


def test_a_restricted_registry_has_the_samples_of_its_names(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    histogram = library.Histogram("t", "", ["a"], registry=registry, buckets=[1])
    histogram.labels('x{y="z"} 1').observe(0.5)
    histogram.labels("_count 3").observe(0.5)
    library.Gauge("a", "", registry=registry)
    collector = Collector(core(library).GaugeMetricFamily("b", "", value=1))
    registry.register(collector)
    restricted = registry.restricted_registry(["t_count", "none"])
    assert {sample.name for metric in restricted.collect() for sample in metric.samples} == {
        "t_count"
    }
    text = library.generate_latest(restricted).decode()
    samples = sorted(line for line in text.splitlines() if not line.startswith("#"))
    assert samples == ['t_count{a="_count 3"} 1.0', 't_count{a="x{y=\\"z\\"} 1"} 1.0']
    assert text.count("# TYPE") == 1
    assert collector.collected == 0


def test_target_info(library: ModuleType) -> None:
    registry = library.CollectorRegistry(target_info={"env": "test"})
    assert registry.get_target_info() == {"env": "test"}
    assert registry.get_sample_value("target_info", {"env": "test"}) == 1
    assert b'# TYPE target_info gauge\ntarget_info{env="test"} 1.0\n' in library.generate_latest(
        registry
    )
    with pytest.raises(ValueError):
        library.Gauge("target_info", "", registry=registry)
    registry.set_target_info(None)
    library.Gauge("target_info", "", registry=registry)
    with pytest.raises(ValueError, match="already contains a target_info"):
        registry.set_target_info({"env": "test"})


def test_what_a_collector_raises_is_raised(library: ModuleType) -> None:
    class Broken:
        def collect(self) -> Iterable[Any]:
            raise ZeroDivisionError

    registry = library.CollectorRegistry()
    registry.register(Broken())
    with pytest.raises(ZeroDivisionError):
        library.generate_latest(registry)


def test_a_function_gives_the_value(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    gauge = library.Gauge("depth", "", ["queue"], registry=registry)
    queue: list[int] = []
    gauge.labels("a").set_function(lambda: len(queue))
    gauge.labels("b").set(5)
    assert registry.get_sample_value("depth", {"queue": "a"}) == 0
    queue.append(1)
    assert registry.get_sample_value("depth", {"queue": "a"}) == 1
    gauge.labels("a").inc()
    gauge.labels("a").dec(7)
    gauge.labels("a").set(9)
    assert b'depth{queue="a"} 1.0\n' in library.generate_latest(registry)
    assert [sample.value for metric in gauge.collect() for sample in metric.samples] == [1, 5]


def test_a_function_needs_labels(library: ModuleType) -> None:
    gauge = library.Gauge("depth", "", ["queue"], registry=None)
    with pytest.raises(ValueError, match="missing label values"):
        gauge.set_function(lambda: 1)


def test_the_default_collectors_can_be_taken_away(library: ModuleType) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"""
import {library.__name__} as library
for collector in (library.PROCESS_COLLECTOR, library.PLATFORM_COLLECTOR, library.GC_COLLECTOR):
    assert collector in library.REGISTRY._collector_to_names
    assert list(collector.collect())
    library.REGISTRY.unregister(collector)
assert library.generate_latest() == b"", library.generate_latest()
""",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


NAMES = [
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_max_fds",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_process_shows_itself(name: str, library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.ProcessCollector(registry=registry)
    assert registry.get_sample_value(name) > 0
    assert library.ProcessCollector("own", registry=None) not in registry._collector_to_names


# ---- together with prometheus_client, which other packages of a program still use ----


def test_collectors_of_theirs_are_taken(registry: Any) -> None:
    theirs = prometheus_client.CollectorRegistry()
    prometheus_client.Counter("jobs", "Jobs.", registry=theirs).inc(2)
    registry.register(prometheus_client.ProcessCollector(registry=None))
    registry.register(theirs)
    assert registry.get_sample_value("jobs_total") == 2
    text = shmetrics.generate_latest(registry)
    assert b"\njobs_total 2.0\n" in text and b"\nprocess_open_fds " in text
    restricted = shmetrics.CollectorRegistry(auto_describe=True)
    restricted.register(theirs)
    restricted = restricted.restricted_registry(["jobs_total"])
    assert b"\njobs_total 2.0\n" in shmetrics.generate_latest(restricted)
    exposition = importlib.import_module("shmetrics.openmetrics.exposition")
    assert b"\njobs_total 2.0\n" in exposition.generate_latest(registry)


def test_ours_are_taken_by_theirs(registry: Any) -> None:
    counter = shmetrics.Counter("jobs", "Jobs.", ["a"], registry=registry)
    counter.labels("b").inc(2)
    theirs = prometheus_client.CollectorRegistry()
    theirs.register(counter)
    with pytest.raises(ValueError, match="Duplicated"):
        prometheus_client.Counter("jobs", "", registry=theirs)
    expected = b'# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{a="b"} 2.0\n'
    assert prometheus_client.generate_latest(theirs) == expected
    assert prometheus_client.generate_latest(registry) == expected
    assert theirs.get_sample_value("jobs_total", {"a": "b"}) == 2


# ---- what is ours ----


def test_a_family_is_served_once(registry: Any) -> None:
    """What the segment has wins over what a collector yields."""
    shmetrics.Counter("jobs", "", registry=registry).inc(2)
    shmetrics.Gauge("level", "", registry=registry).set(3)
    registry.register(
        Collector(
            CounterMetricFamily("jobs", "", value=9),
            GaugeMetricFamily("level", "", value=9),
            GaugeMetricFamily("depth", "", value=9),
        )
    )
    text = shmetrics.generate_latest(registry).decode()
    lines = [line for line in text.splitlines() if not line.startswith("# HELP")]
    assert [line for line in lines if line[0] != "#"] == ["jobs_total 2.0", "level 3.0", "depth 9.0"]
    assert len(lines) == 6
    assert [metric.name for metric in registry.collect()] == ["jobs", "level", "depth"]


def test_other_processes_see_the_last_value_of_a_function(run: Run) -> None:
    run(
        """
        import os
        from shmetrics import Gauge, REGISTRY, generate_latest
        gauge = Gauge("depth", "", multiprocess_mode="livemax")
        gauge.set_function(lambda: 4)
        generate_latest()
        if os.fork() == 0:
            assert b"depth 4.0\\n" in REGISTRY._segment().render().replace(b" 4\\n", b" 4.0\\n")
            os._exit(0)
        assert os.wait()[1] == 0
        """
    )


def test_a_function_keeps_its_child_though_the_cache_forgets_it(registry: Any) -> None:
    gauge = shmetrics.Gauge("depth", "", ["queue"], registry=registry)
    gauge.labels("a").set_function(lambda: 4)
    for number in range(40_000):  # more than the cache holds and the family's limit allows
        gauge.labels(str(number))
    assert registry.get_sample_value("depth", {"queue": "a"}) == 4


def test_the_default_collectors_are_on_the_default_registry_alone(run: Run) -> None:
    run(
        """
        from shmetrics import REGISTRY, generate_latest, CollectorRegistry
        text = generate_latest()
        for name in (b"process_open_fds ", b"python_info{", b"python_gc_collections_total{"):
            assert name in text, text
        assert REGISTRY.get_sample_value("process_open_fds") > 0
        assert generate_latest(CollectorRegistry()) == b""
        # They are this process's own: nothing of them is in the segment.
        assert REGISTRY._segment().render() == b""
        """
    )
