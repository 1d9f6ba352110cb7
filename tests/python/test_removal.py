# SPDX-License-Identifier: MIT
"""remove(), remove_by_labels(), clear() and reset(): as in prometheus_client, and across processes."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Any, Callable

import prometheus_client
import pytest
from conftest import Run

import shmetrics

KINDS: dict[str, tuple[Callable[..., Any], str]] = {
    "Summary": (lambda child: child.observe(2), "x_sum"),
    "Counter": (lambda child: child.inc(2), "x_total"),
    "Gauge": (lambda child: child.set(2), "x"),
    "Histogram": (lambda child: child.observe(2), "x_sum"),
}


def filled(library: ModuleType, kind: str) -> tuple[Any, Any, Callable[[str, str], Any]]:
    registry = library.CollectorRegistry()
    record, name = KINDS[kind]
    metric = getattr(library, kind)("x", "", ["a", "b"], registry=registry)
    for a in "12":
        for b in "34":
            record(metric.labels(a, b))
    return registry, metric, lambda a, b: registry.get_sample_value(name, {"a": a, "b": b})


@pytest.mark.parametrize("kind", KINDS)
def test_a_removed_series_is_gone(kind: str, library: ModuleType) -> None:
    registry, metric, value = filled(library, kind)
    metric.remove("1", "3")
    assert (value("1", "3"), value("1", "4"), value("2", "3")) == (None, 2, 2)
    metric.remove("1", "3")
    metric.remove("unknown", "3")


@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_from_nothing(kind: str, library: ModuleType) -> None:
    registry, metric, value = filled(library, kind)
    metric.remove("1", "3")
    child = metric.labels("1", "3")
    assert value("1", "3") == 0
    KINDS[kind][0](child)
    assert value("1", "3") == 2
    metric.remove("1", "3")
    KINDS[kind][0](metric.labels(a="1", b=3))
    assert value("1", "3") == 2


@pytest.mark.parametrize("kind", KINDS)
def test_some_labels_remove_all_that_have_them(kind: str, library: ModuleType) -> None:
    registry, metric, value = filled(library, kind)
    metric.remove_by_labels({"b": 3})
    assert [value(a, b) for a in "12" for b in "34"] == [None, 2, None, 2]
    metric.remove_by_labels({})
    metric.remove_by_labels({"a": "unknown"})
    metric.remove_by_labels({"a": "2", "b": "4"})
    assert [value(a, b) for a in "12" for b in "34"] == [None, 2, None, None]


@pytest.mark.parametrize("kind", KINDS)
def test_clearing_removes_all(kind: str, library: ModuleType) -> None:
    registry, metric, value = filled(library, kind)
    metric.clear()
    assert [value(a, b) for a in "12" for b in "34"] == [None] * 4
    plain = getattr(library, kind)("y", "", registry=registry)
    plain.clear()
    assert [sample.name for family in registry.collect() for sample in family.samples]


def test_a_counter_is_set_back(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    counter = library.Counter("x", "", registry=registry)
    counter.inc(3)
    counter.reset()
    assert registry.get_sample_value("x_total") == 0
    counter.inc()
    assert registry.get_sample_value("x_total") == 1


MISTAKES: dict[str, Callable[[Any], Any]] = {
    "remove without labels": lambda m: m.Counter("x", "", registry=None).remove(),
    "too few": lambda m: m.Counter("x", "", ["a", "b"], registry=None).remove("1"),
    "too many": lambda m: m.Counter("x", "", ["a"], registry=None).remove("1", "2"),
    "by labels without labels": lambda m: m.Counter("x", "", registry=None).remove_by_labels({}),
    "by no dict": lambda m: m.Counter("x", "", ["a"], registry=None).remove_by_labels(["a"]),
    "by unknown labels": lambda m: m.Counter("x", "", ["a"], registry=None).remove_by_labels(
        {"b": "1"}
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_the_same(mistake: str) -> None:
    raised = []
    for library in (shmetrics, prometheus_client):
        with pytest.raises((ValueError, TypeError)) as caught:
            MISTAKES[mistake](library)
        raised.append((caught.type, str(caught.value)))
    assert raised[0] == raised[1]


def test_unregistering_lets_the_name_start_anew(library: ModuleType) -> None:
    """What tests of applications do between two of them."""
    registry = library.CollectorRegistry()
    counter = library.Counter("x", "", registry=registry)
    labelled = library.Counter("y", "", ["a"], registry=registry)
    counter.inc(3)
    labelled.labels("1").inc(3)
    for metric in list(registry._collector_to_names):
        registry.unregister(metric)
    registry.register(counter)
    assert registry.get_sample_value("x_total") == 3
    registry.unregister(counter)
    library.Counter("x", "", registry=registry)
    library.Counter("y", "", ["a"], registry=registry)
    assert registry.get_sample_value("x_total") == 0
    assert registry.get_sample_value("y_total", {"a": "1"}) is None


def test_unregistering_frees_the_name_for_any_kind(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Gauge("y", "", registry=registry).set(4)
    summary = library.Summary("x", "", registry=registry)
    registry.unregister(summary)
    library.Gauge("x_count", "", registry=registry).set(5)
    library.Gauge("z", "", registry=registry).set(6)
    assert [registry.get_sample_value(name) for name in ("y", "x_count", "z")] == [4, 5, 6]
    assert registry.get_sample_value("x_sum") is None
    names = [line for line in library.generate_latest(registry).split() if line in (b"y", b"z")]
    assert sorted(set(names)) == [b"y", b"z"]
    with pytest.raises(ValueError):
        library.Gauge("y", "", registry=registry)


# ---- what is ours ----


def test_it_is_gone_for_all_processes(run: Run) -> None:
    run(
        """
        import os
        from shmetrics import Counter, REGISTRY
        counter = Counter("x", "", ["a"])
        counter.labels("1").inc(2)
        counter.labels("2").inc(2)
        if os.fork() == 0:
            counter.remove("1")
            os._exit(0)
        assert os.wait()[1] == 0
        assert REGISTRY.get_sample_value("x_total", {"a": "1"}) is None
        assert REGISTRY.get_sample_value("x_total", {"a": "2"}) == 2
        counter.labels("1").inc()
        assert REGISTRY.get_sample_value("x_total", {"a": "1"}) == 1
        """
    )


def test_a_function_goes_with_its_series(registry: Any) -> None:
    gauge = shmetrics.Gauge("x", "", ["a", "b"], registry=registry)
    called = []
    gauge.labels("1", "2").set_function(lambda: called.append(1) or 5)
    assert registry.get_sample_value("x", {"a": "1", "b": "2"}) == 5
    gauge.remove_by_labels({"b": "2"})
    count = len(called)
    assert registry.get_sample_value("x", {"a": "1", "b": "2"}) is None
    assert len(called) == count


def test_removing_and_making_leaves_nothing_behind(registry: Any) -> None:
    """The segment re-uses the cells; no reference is left in the process."""
    counter = shmetrics.Counter("x", "", ["a"], registry=registry)
    value = "a value that nobody else has"

    def rounds(count: int) -> None:
        for _ in range(count):
            counter.labels(value).inc()
            counter.remove(value)

    rounds(1_000)
    gc.collect()
    before = sys.getrefcount(value), len(gc.get_objects())
    rounds(20_000)
    gc.collect()
    assert sys.getrefcount(value) == before[0]
    assert abs(len(gc.get_objects()) - before[1]) < 50
    counter.labels(value).inc(7)
    assert registry.get_sample_value("x_total", {"a": value}) == 7


@pytest.mark.parametrize("remove", ["remove", "remove_by_labels", "clear"])
def test_a_child_is_made_anew_after_its_removal(remove: str, library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    gauge = library.Gauge("x", "", ["a"], registry=registry)
    old = gauge.labels("1")
    old.set_function(lambda: 7)
    arguments: dict[str, Any] = {"remove": ["1"], "remove_by_labels": [{"a": "1"}], "clear": []}
    getattr(gauge, remove)(*arguments[remove])
    new = gauge.labels("1")
    assert new is not old and gauge.labels("1") is new
    new.set(3)
    assert registry.get_sample_value("x", {"a": "1"}) == 3
