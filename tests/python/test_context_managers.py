# SPDX-License-Identifier: MIT
"""time(), track_inprogress(), count_exceptions(): as context managers, as decorators, on coroutines."""

from __future__ import annotations

import asyncio
import inspect
import time
from types import ModuleType
from typing import Any

import pytest

import shmetrics


def spin() -> None:
    """A millisecond at least."""
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end:
        pass


def test_a_block_is_timed(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    histogram = library.Histogram("h", "", registry=registry)
    gauge = library.Gauge("g", "", registry=registry)
    with histogram.time() as timer:
        with gauge.time():
            spin()
    assert registry.get_sample_value("h_sum") >= registry.get_sample_value("g") >= 0.001
    assert registry.get_sample_value("h_count") == 1
    assert library is not shmetrics or registry.get_sample_value("h_sum") == timer.duration


def test_a_timer_knows_its_duration_at_its_end(registry: Any) -> None:
    summary = shmetrics.Summary("s", "", registry=registry)
    timer = summary.time()
    assert timer.duration is None
    for total in (1, 2):
        with timer:
            spin()
        assert timer.duration and timer.duration >= 0.001
        assert registry.get_sample_value("s_count") == total


def test_a_block_that_fails_is_timed(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    with pytest.raises(KeyError):
        with library.Histogram("h", "", registry=registry).time():
            raise KeyError
    assert registry.get_sample_value("h_count") == 1


def test_labels_may_be_chosen_inside(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    histogram = library.Histogram("h", "", ["code"], registry=registry)
    with histogram.time() as timer:
        timer.labels("200")
    assert registry.get_sample_value("h_count", {"code": "200"}) == 1
    with pytest.raises(ValueError, match="missing label values"):
        with histogram.time():
            pass


def test_a_function_is_timed_each_call_for_itself(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    histogram = library.Histogram("h", "", registry=registry)

    @histogram.time()
    def count_down(number: int) -> int:
        spin()
        return number and count_down(number - 1)

    assert count_down(2) == 0
    assert registry.get_sample_value("h_count") == 3
    # Each call contains those after it.
    assert registry.get_sample_value("h_sum") >= 0.001 + 0.002 + 0.003


def test_in_progress_is_what_runs(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    gauge = library.Gauge("g", "", registry=registry)

    @gauge.track_inprogress()
    def inner() -> Any:
        return registry.get_sample_value("g")

    with gauge.track_inprogress():
        assert registry.get_sample_value("g") == 1
        assert inner() == 2
    with pytest.raises(ZeroDivisionError):
        with gauge.track_inprogress():
            raise ZeroDivisionError
    assert registry.get_sample_value("g") == 0


def test_exceptions_are_counted_by_type(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    counter = library.Counter("c", "", registry=registry)

    @counter.count_exceptions((KeyError, IndexError))
    def fail(exception: BaseException) -> None:
        raise exception

    for exception in (KeyError(), IndexError(), ValueError(), KeyboardInterrupt()):
        with pytest.raises(type(exception)):
            fail(exception)
    assert registry.get_sample_value("c_total") == 2
    for exception in (ValueError(), KeyboardInterrupt()):
        with pytest.raises(type(exception)):
            with counter.count_exceptions():
                raise exception
    with counter.count_exceptions():
        pass
    assert registry.get_sample_value("c_total") == 3


def test_a_decorated_function_keeps_its_looks(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    histogram = library.Histogram("h", "", registry=registry)
    gauge = library.Gauge("g", "", registry=registry)
    counter = library.Counter("c", "", registry=registry)

    def item(key: int, *, deep: bool = False) -> str:
        """Finds it."""
        return f"{key}{deep}"

    for decorate in (histogram.time(), gauge.track_inprogress(), counter.count_exceptions()):
        decorated = decorate(item)
        assert decorated(3, deep=True) == "3True"
        assert (decorated.__name__, decorated.__doc__) == ("item", "Finds it.")
        assert inspect.signature(decorated) == inspect.signature(item)


def test_a_coroutine_function_is_covered_while_it_awaits(registry: Any) -> None:
    histogram = shmetrics.Histogram("h", "", registry=registry)
    gauge = shmetrics.Gauge("g", "", registry=registry)
    counter = shmetrics.Counter("c", "", registry=registry)

    @histogram.time()
    @gauge.track_inprogress()
    @counter.count_exceptions()
    async def work() -> None:
        await asyncio.sleep(0)
        assert registry.get_sample_value("g") == 1
        spin()
        raise KeyError

    assert inspect.iscoroutinefunction(work)
    with pytest.raises(KeyError):
        asyncio.run(work())
    assert registry.get_sample_value("h_sum") >= 0.001
    assert registry.get_sample_value("g") == 0
    assert registry.get_sample_value("c_total") == 1
