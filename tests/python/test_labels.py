# SPDX-License-Identifier: MIT
"""labels(): any value, the same child for the same values, bounded memory, nothing kept alive by mistake."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import Any

import pytest

import shmetrics

# LABEL_ENTRIES_MAX and LABEL_RECENT_COUNT of lib/python/ext/labels.h.
CACHE_MAX = 16384 + 64


def counter(registry: Any, *labels: str) -> shmetrics.Counter:
    return shmetrics.Counter("x", "", labels or ("a",), registry=registry)


def test_equal_values_of_other_identity_are_the_same_child(registry: Any) -> None:
    metric = counter(registry, "a", "b")
    child = metric.labels("GET", "/items")
    for _ in range(3):
        assert metric.labels("".join(["G", "ET"]), "".join(["/it", "ems"])) is child
        assert metric.labels(b="".join(["/it", "ems"]), a="GET") is child


@pytest.mark.parametrize("width", [1, 2, 3, 7, 32])
def test_values_are_told_apart(registry: Any, width: int) -> None:
    metric = counter(registry, *(f"l{i}" for i in range(width)))
    expected: dict[tuple[str, ...], int] = {}
    texts = ["", "a", "ab", "ba", "b", "ü", "日本", "\U0001f600", "a\nb", "0", "00"]
    for turn in range(3 * len(texts)):
        values = tuple(texts[(turn + i * i) % len(texts)] for i in range(width))
        metric.labels(*values).inc()
        expected[values] = expected.get(values, 0) + 1
    for values, count in expected.items():
        labels = {f"l{i}": value for i, value in enumerate(values)}
        assert registry.get_sample_value("x_total", labels) == count


class Speaking:
    def __str__(self) -> str:
        return "spoken"


class Text(str):
    """A str with an equality and a hash of its own."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7


class TextSpeaking:
    def __str__(self) -> str:
        return Text("text")


@pytest.mark.parametrize(
    "value, text",
    [
        (200, "200"),
        (1.5, "1.5"),
        (None, "None"),
        (True, "True"),
        (b"raw", "b'raw'"),
        (Speaking(), "spoken"),
        (Text("plain"), "plain"),
        (TextSpeaking(), "text"),
    ],
)
def test_any_object_is_its_str(registry: Any, value: object, text: str) -> None:
    metric = counter(registry)
    metric.labels("other").inc(5)
    metric.labels(value).inc()
    assert metric.labels(value) is metric.labels(text)
    assert type(metric.labels(value)._labelvalues[0]) is str
    assert registry.get_sample_value("x_total", {"a": text}) == 1


def test_an_exception_in_str_is_passed_on(registry: Any) -> None:
    class Broken:
        def __str__(self) -> str:
            raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        counter(registry).labels(Broken())


def test_a_str_that_asks_for_labels_itself(registry: Any) -> None:
    metric = counter(registry)

    class Nested:
        def __str__(self) -> str:
            metric.labels("inner").inc()
            return "outer"

    metric.labels(Nested()).inc()
    assert registry.get_sample_value("x_total", {"a": "inner"}) == 1
    assert registry.get_sample_value("x_total", {"a": "outer"}) == 1


def test_lone_surrogates_are_replaced(registry: Any) -> None:
    counter(registry).labels("a\udcffb").inc()
    assert registry.get_sample_value("x_total", {"a": "a\ufffdb"}) == 1


@pytest.mark.parametrize("value", ["a" * 1025, "ü" * 513, "a\0b"])
def test_what_the_format_does_not_take_is_counted_as_overflow(registry: Any, value: str) -> None:
    metric = counter(registry)
    metric.labels(value).inc()
    metric.labels("a" * 1024).inc()
    assert registry.get_sample_value("x_total", {"a": "_overflow"}) == 1
    assert registry.get_sample_value("x_total", {"a": "a" * 1024}) == 1


def test_nothing_overflows_unless_it_must(registry: Any) -> None:
    for kind in (shmetrics.Counter, shmetrics.Gauge, shmetrics.Histogram):
        kind(kind.__name__, "", ["a"], registry=registry).labels("1")
    assert b"_overflow" not in shmetrics.generate_latest(registry)


def test_the_cache_forgets_and_the_numbers_stay(registry: Any) -> None:
    class Tracked(shmetrics.Counter):
        pass

    metric = Tracked("x", "", ["a"], registry=registry)
    children: "weakref.WeakSet[Tracked]" = weakref.WeakSet()
    for turn in range(2):
        for number in range(CACHE_MAX + 4000):
            child = metric.labels(str(number))
            child.inc()
            children.add(child)
    del child
    assert 0 < len(children) <= CACHE_MAX
    # 10,000 series is the limit of a family; the others share one.
    assert registry.get_sample_value("x_total", {"a": "17"}) == 2
    total = sum(sample.value for sample in next(iter(registry.collect())).samples)
    assert total == 2 * (CACHE_MAX + 4000)


def test_long_values_are_not_kept(registry: Any) -> None:
    class Long(shmetrics.Counter):
        pass

    metric = Long("x", "", ["a"], registry=registry)
    child = weakref.ref(metric.labels("a" * 2000))
    assert child() is None


def test_a_child_outlives_all_that_led_to_it() -> None:
    registry = shmetrics.CollectorRegistry()
    child = counter(registry).labels("1")
    again = child.collect
    del registry
    gc.collect()
    child.inc()
    assert again()[0].samples[0].value == 1


def test_a_dropped_metric_and_its_children_are_freed() -> None:
    class Tracked(shmetrics.Counter):
        pass

    metric = Tracked("x", "", ["a"], registry=None)
    alive = [weakref.ref(metric), weakref.ref(metric.labels("1")), weakref.ref(metric.labels("2"))]
    del metric
    gc.collect()
    assert [reference() for reference in alive] == [None, None, None]


def test_calls_hold_no_references(registry: Any) -> None:
    metric = counter(registry, "a", "b")
    gauge = shmetrics.Gauge("g", "", registry=registry)
    histogram = shmetrics.Histogram("h", "", registry=registry)
    value, amount = "".join(["val", "ue"]), 1234.5
    metric.labels(value, "b")

    def use() -> None:
        metric.labels(value, "b").inc()
        metric.labels(b="b", a=value).inc(amount)
        metric.labels("".join(["val", "ue"]), "b").inc(amount=amount)
        gauge.set(amount)
        gauge.set("12.5")
        histogram.observe(amount)
        for wrong in (
            lambda: metric.labels(value),
            lambda: metric.labels(value, c="b"),
            lambda: metric.inc(),
            lambda: gauge.labels(value),
            lambda: metric.labels(value, "b").labels(value),
            lambda: histogram.observe(value),
            lambda: metric.labels(value, "b").inc(by=amount),
        ):
            with pytest.raises((ValueError, TypeError)):
                wrong()

    use()
    objects = (value, amount, metric, gauge, histogram, None, metric.labels(value, "b"))
    gc.collect()
    before = [sys.getrefcount(thing) for thing in objects]
    for _ in range(50):
        use()
    gc.collect()
    after = [sys.getrefcount(thing) for thing in objects]
    # None is shared with the interpreter; a leak of ours would show 50 times over.
    assert all(abs(now - then) < 25 for now, then in zip(after, before)), (before, after)


def test_threads_get_the_same_children_and_exact_totals() -> None:
    registry = shmetrics.CollectorRegistry()
    metric = counter(registry, "a", "b")
    thread_count, turns, values = 8, 2000, [str(number) for number in range(50)]
    children: list[dict[str, Any]] = [{} for _ in range(thread_count)]
    barrier = threading.Barrier(thread_count)

    def record(mine: dict[str, Any]) -> None:
        barrier.wait()
        for turn in range(turns):
            value = values[turn % len(values)]
            child = metric.labels("".join(["k", value]), value)
            child.inc()
            assert mine.setdefault(value, child) is child

    threads = [threading.Thread(target=record, args=(mine,)) for mine in children]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(mine == children[0] for mine in children)
    for value in values:
        count = registry.get_sample_value("x_total", {"a": "k" + value, "b": value})
        assert count == thread_count * turns / len(values)
