# SPDX-License-Identifier: MIT
"""sample_collectors(): what only a process can ask for reaches whoever reads the segment."""

from __future__ import annotations

import logging
import threading
from typing import Any, Iterable, Optional

import pytest
from conftest import Run, until

import shmetrics
from shmetrics.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from shmetrics.scraping.conflicts import left_out_count

NEVER = 3600.0


class Queue:
    def __init__(self, *families: Any) -> None:
        self.families = families
        self.error: Optional[BaseException] = None

    def collect(self) -> Iterable[Any]:
        if self.error:
            raise self.error
        return self.families


def text_of(registry: Any) -> str:
    """What others see: the segment alone."""
    text: bytes = registry._segment().render()
    return text.decode()


def test_what_collectors_say_is_in_the_segment(registry: Any) -> None:
    depth = GaugeMetricFamily("depth", "Depth of the queue.", labels=["queue"])
    depth.add_metric(["a"], 3)
    registry.register(
        Queue(depth, CounterMetricFamily("seen", "", 5), InfoMetricFamily("build", "", {"v": "1"}))
    )
    gauge = shmetrics.Gauge("level", "", registry=registry)
    gauge.set_function(lambda: 8)
    assert text_of(registry) == "# TYPE level gauge\nlevel 0\n"
    sampler = shmetrics.sample_collectors(NEVER, registry)
    try:
        sampler.sample()
        lines = text_of(registry).splitlines()
        for line in ('depth{queue="a"} 3', "seen_total 5", 'build_info{v="1"} 1', "level 8"):
            assert line in lines
        assert "# HELP depth Depth of the queue." in lines
        # The process itself shows each family once.
        text = shmetrics.generate_latest(registry).decode()
        assert text.count("# TYPE depth ") == text.count("# TYPE seen_total ") == 1
    finally:
        sampler.stop()


def test_what_is_copied_is_no_conflict(registry: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The process's own /metrics has it by the segment; only what another metric has is told."""
    shmetrics.Gauge("taken", "", registry=registry)
    families = [GaugeMetricFamily("depth.é", "", 1), CounterMetricFamily("seen", "", 5)]
    registry.register(Queue(*families))
    sampler = shmetrics.sample_collectors(NEVER, registry)
    try:
        sampler.sample()
        before = left_out_count()
        assert shmetrics.generate_latest(registry).count(b"seen_total 5.0\n") == 1
        for escaping in ("dots", "values", "allow-utf-8"):
            shmetrics.generate_latest(registry, escaping)
        assert left_out_count() == before and not caplog.records
        families.append(GaugeMetricFamily("taken", "", 9))
        registry.register(Queue(families[-1]))
        shmetrics.generate_latest(registry)
        assert left_out_count() == before + 1 and "taken is not served" in caplog.text
    finally:
        sampler.stop()


def test_samples_follow_the_interval(registry: Any) -> None:
    depth = GaugeMetricFamily("depth", "", value=1)
    registry.register(Queue(depth))
    sampler = shmetrics.sample_collectors(0.01, registry)
    try:
        for number in (2, 3):
            depth.samples[0] = depth.samples[0]._replace(value=number)
            until(lambda: f"depth {number}\n" in text_of(registry), f"depth {number}")
    finally:
        sampler.stop()


def test_one_thread_a_registry_and_none_without_being_asked(registry: Any) -> None:
    def samplers() -> list[threading.Thread]:
        return [t for t in threading.enumerate() if t.name == "shmetrics-sampler"]

    assert not samplers()
    shmetrics.sample_collectors(NEVER, registry)
    sampler = shmetrics.sample_collectors(NEVER, registry)
    assert len(samplers()) == 1 and samplers()[0].daemon
    sampler.stop()
    assert not samplers()


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_the_interval_is_positive(registry: Any, interval: float) -> None:
    with pytest.raises(ValueError, match="interval must be positive"):
        shmetrics.sample_collectors(interval, registry)


def test_a_collector_that_fails_is_said_once_and_holds_nobody_up(
    registry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Queue(GaugeMetricFamily("broken", "", value=1))
    broken.error = ZeroDivisionError("no queue")
    registry.register(broken)
    registry.register(Queue(GaugeMetricFamily("depth", "", value=2)))
    with caplog.at_level(logging.ERROR, logger="shmetrics"):
        sampler = shmetrics.sample_collectors(NEVER, registry)
        sampler.sample()
        sampler.sample()
        sampler.stop()
    assert len([record for record in caplog.records if "could not be sampled" in record.message]) == 1
    assert "depth 2\n" in text_of(registry)
    broken.error = None
    sampler.sample()
    assert "broken 1\n" in text_of(registry)


def test_a_collector_that_exits_does_not_end_the_sampling(registry: Any) -> None:
    leaving, depth = Queue(), GaugeMetricFamily("depth", "", value=1)
    leaving.error = SystemExit(3)
    registry.register(leaving)
    registry.register(Queue(depth))
    sampler = shmetrics.sample_collectors(0.01, registry)
    try:
        for number in (2, 3):
            depth.samples[0] = depth.samples[0]._replace(value=number)
            until(lambda: f"depth {number}\n" in text_of(registry), f"depth {number}")
    finally:
        sampler.stop()


def test_what_has_no_place_is_named(registry: Any, caplog: pytest.LogCaptureFixture) -> None:
    registry.register(Queue(HistogramMetricFamily("t", "", [("1", 2), ("+Inf", 3)], sum_value=4)))
    with caplog.at_level(logging.WARNING, logger="shmetrics"):
        sampler = shmetrics.sample_collectors(NEVER, registry)
        sampler.sample()
        sampler.stop()
    warnings = [record.message for record in caplog.records]
    assert len(warnings) == 1 and "t_bucket" in warnings[0] and '"le"' in warnings[0]
    assert "t_count 3\n" in text_of(registry) and "t_sum 4\n" in text_of(registry)


def test_every_worker_has_its_process_metrics_with_its_pid(run: Run) -> None:
    """Forked children go on sampling, and a dead one is forgotten."""
    run(
        """
        import os, shmetrics, time
        sampler = shmetrics.sample_collectors(0.01)
        segment = shmetrics.REGISTRY._segment()

        def until(condition, deadline=time.monotonic() + 30):
            while not condition():
                assert time.monotonic() < deadline, segment.render().decode()
                time.sleep(0.005)

        def shown(pid, name="process_resident_memory_bytes"):
            return f'{name}{{pid="{pid}"}} '.encode() in segment.render()

        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        for name in ("process_resident_memory_bytes", "process_cpu_seconds_total"):
            until(lambda: shown(os.getpid(), name) and shown(child, name))
        text = segment.render()
        assert text.count(b"python_info{") == 1, text
        assert b'python_gc_collections_total{generation="0",pid="' in text
        os.close(writer)
        assert os.wait()[1] == 0
        until(lambda: not shown(child))
        assert shown(os.getpid())
        """
    )


def test_the_mode_is_the_collectors(run: Run) -> None:
    run(
        """
        import shmetrics
        from shmetrics.core import GaugeMetricFamily
        class Depth:
            def collect(self):
                return [GaugeMetricFamily("depth", "", value=3)]
        depth = Depth()
        shmetrics.REGISTRY.register(depth)
        sampler = shmetrics.sample_collectors(3600, modes={depth: "livemax"})
        sampler.sample()
        assert b"\\ndepth 3\\n" in shmetrics.REGISTRY._segment().render()
        """
    )
