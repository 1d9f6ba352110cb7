# SPDX-License-Identifier: MIT
"""Threads on one metric at once: on a free-threaded interpreter only the extension's own care helps."""

from __future__ import annotations

import asyncio
import sysconfig
import threading
from typing import Any, Callable

import pytest
from conftest import Run

import shmetrics
from shmetrics.asgi import Middleware

THREADS = 6
TURNS = 3000


def at_once(work: Callable[[int], None]) -> None:
    """Runs work(0) to work(THREADS - 1), all starting together; the first failure is the test's."""
    barrier = threading.Barrier(THREADS)
    failures: list[BaseException] = []

    def start(index: int) -> None:
        barrier.wait()
        try:
            work(index)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=start, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="a build that has the GIL")
def test_importing_leaves_the_gil_off(run: Run) -> None:
    run("import shmetrics, sys; assert not sys._is_gil_enabled()")


def test_children_are_found_made_and_forgotten_at_once(registry: shmetrics.CollectorRegistry) -> None:
    """The cache of children: hits, growth, eviction, all by several threads."""
    counter = shmetrics.Counter("x", "X.", ["a", "b"], registry=registry)

    def work(index: int) -> None:
        for turn in range(TURNS):
            counter.labels("same", "one").inc()
            counter.labels(str(turn % 700), str(turn % 7)).inc()
            counter.labels(a=str(index), b="".join(["k", str(turn % 3)])).inc()

    at_once(work)
    assert registry.get_sample_value("x_total", {"a": "same", "b": "one"}) == THREADS * TURNS
    total = sum(sample.value for family in registry.collect() for sample in family.samples)
    assert total == THREADS * TURNS * 3


def test_every_thread_gets_the_same_child(registry: shmetrics.CollectorRegistry) -> None:
    gauge = shmetrics.Gauge("g", "G.", ["a"], registry=registry)
    found: list[list[shmetrics.Gauge]] = [[] for _ in range(THREADS)]

    def work(index: int) -> None:
        found[index] = [gauge.labels(str(number)) for number in range(500)]

    at_once(work)
    for children in zip(*found):
        assert all(child is children[0] for child in children)


def test_an_object_is_defined_once() -> None:
    """__init__ of one object by several threads: one wins, the others are told."""
    for turn in range(100):
        counter = shmetrics.Counter.__new__(shmetrics.Counter)
        outcomes: list[str] = []

        def work(index: int) -> None:
            try:
                counter.__init__(f"x{turn}_{index}", "X.", registry=None)  # type: ignore[misc]
                outcomes.append("defined")
            except RuntimeError as error:
                assert "defined already" in str(error)
                outcomes.append("refused")

        at_once(work)
        assert sorted(outcomes) == ["defined"] + ["refused"] * (THREADS - 1)
        counter.inc()
        assert [sample.value for family in counter.collect() for sample in family.samples] == [1]


def test_a_child_is_defined_already(registry: shmetrics.CollectorRegistry) -> None:
    child = shmetrics.Counter("x", "X.", ["a"], registry=registry).labels("1")
    with pytest.raises(RuntimeError, match="defined already"):
        child.__init__("y", "Y.", registry=None)  # type: ignore[misc]


def test_recording_rendering_and_defining_at_once(registry: shmetrics.CollectorRegistry) -> None:
    histogram = shmetrics.Histogram("h", "H.", ["a"], registry=registry)

    def work(index: int) -> None:
        for turn in range(60):
            for number in range(40):
                histogram.labels(str(number)).observe(number)
            shmetrics.Gauge(f"g_{index}_{turn}", "G.", registry=registry).set(turn)
            assert b"h_count" in shmetrics.generate_latest(registry)

    at_once(work)
    counted = [registry.get_sample_value("h_count", {"a": str(number)}) for number in range(40)]
    assert counted == [THREADS * 60] * 40


def test_an_exemplar_may_change_meanwhile(registry: shmetrics.CollectorRegistry) -> None:
    counter = shmetrics.Counter("x", "X.", registry=registry)
    exemplar: dict[str, str] = {}

    def work(index: int) -> None:
        for turn in range(TURNS):
            if index % 2:
                counter.inc(1, exemplar)
            else:
                exemplar[f"k{turn % 5}"] = str(turn)
                exemplar.pop(f"k{(turn + 2) % 5}", None)

    at_once(work)
    assert registry.get_sample_value("x_total") == THREADS // 2 * TURNS


def test_one_middleware_serves_the_loops_of_all_threads(registry: shmetrics.CollectorRegistry) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def receive() -> Any:
        return {"type": "http.request"}

    async def sent(message: Any) -> None:
        assert message["type"].startswith("http.response.")

    application = Middleware(answer, registry=registry)

    async def ask(turns: int) -> None:
        for turn in range(turns):
            await application({"type": "http", "method": "GET", "path": f"/{turn}"}, receive, sent)

    at_once(lambda index: asyncio.run(ask(300)))
    metrics = {sample.name: sample.value for family in registry.collect() for sample in family.samples}
    assert metrics["http_requests_total"] == THREADS * 300
    assert metrics["http_request_duration_seconds_count"] == THREADS * 300
    assert metrics["http_requests_in_progress"] == 0
