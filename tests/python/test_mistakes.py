# SPDX-License-Identifier: MIT
"""The same mistake is the same exception here and in prometheus_client; beyond test_metrics.py."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Callable

import prometheus_client
import pytest

import shmetrics


class Unspeakable:
    __str__ = None  # type: ignore[assignment]


class Failing:
    def __str__(self) -> str:
        raise LookupError("no text")


def core(library: ModuleType) -> Any:
    return importlib.import_module(library.__name__ + ".core")


MISTAKES: dict[str, Callable[[Any, Any], Any]] = {
    "a label without text": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels(Unspeakable()),
    "a keyword without text": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels(
        a=Unspeakable()
    ),
    "a label whose text fails": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels(Failing()),
    "quantile on a summary": lambda m, r: m.Summary("x", "", ["quantile"], registry=r),
    "no labels to a summary": lambda m, r: m.Summary("x", "", ["a"], registry=r).observe(1),
    "no labels to a function": lambda m, r: m.Gauge("x", "", ["a"], registry=r).set_function(int),
    "adding to the most recent": lambda m, r: m.Gauge(
        "x", "", registry=r, multiprocess_mode="livemostrecent"
    ).inc(),
    "an info with a unit": lambda m, r: m.Info("x", "", unit="s", registry=r),
    "an info without a value": lambda m, r: m.Info("x", "", registry=r).info({"a": None}),
    "an info with its own label": lambda m, r: m.Info("x", "", ["a"], registry=r)
    .labels("1")
    .info({"a": "2"}),
    "an info of no labels": lambda m, r: m.Info("x", "", registry=r).info("version"),
    "an enum with a unit": lambda m, r: m.Enum("x", "", unit="s", states=["a"], registry=r),
    "an enum without states": lambda m, r: m.Enum("x", "", registry=r),
    "an enum of an empty list": lambda m, r: m.Enum("x", "", states=[], registry=r),
    "an enum with its own name": lambda m, r: m.Enum("x", "", ["x"], states=["a"], registry=r),
    "an unknown state": lambda m, r: m.Enum("x", "", states=["a"], registry=r).state("b"),
    "no labels to an enum": lambda m, r: m.Enum("x", "", ["a"], states=["b"], registry=r).state("b"),
    "a metric registered twice": lambda m, r: r.register(m.Counter("x", "", registry=r)),
    "a stranger unregistered": lambda m, r: r.unregister(m.Counter("x", "", registry=None)),
    "a summary's sample": lambda m, r: [
        m.Gauge("x_count", "", registry=r),
        m.Summary("x", "", registry=r),
    ],
    "an info's sample": lambda m, r: [
        m.Info("x", "", registry=r),
        m.Gauge("x_info", "", registry=r),
    ],
    "a family of no type": lambda m, r: m.Metric("x", "", "curve"),
    "a family without a name": lambda m, r: core(m).GaugeMetricFamily("", ""),
    "a value and labels": lambda m, r: core(m).GaugeMetricFamily("x", "", value=1, labels=["a"]),
    "a sum without a count": lambda m, r: core(m).SummaryMetricFamily("x", "", sum_value=1),
    "nanoseconds beyond a second": lambda m, r: core(m).Timestamp(1, 10**9),
    "a compression nobody knows": lambda m, r: m.push_to_gateway("h", "j", r, compression="br"),
    "compressing nothing": lambda m, r: m.delete_from_gateway("h", "j", compression="gzip"),
    "a gateway that is not there": lambda m, r: m.push_to_gateway("127.0.0.1:1", "j", r, timeout=9),
}

# Where the message is part of what users look for, it is the same too.
SAME_MESSAGE = [
    "no labels to a summary",
    "no labels to a function",
    "adding to the most recent",
    "an info without a value",
    "an info with its own label",
    "an enum without states",
    "an enum with its own name",
    "a metric registered twice",
    "a family of no type",
    "a family without a name",
    "a value and labels",
    "a sum without a count",
    "a compression nobody knows",
]


def outcomes(mistake: str) -> list[BaseException]:
    raised = []
    for library in (shmetrics, prometheus_client):
        with pytest.raises(Exception) as caught:
            MISTAKES[mistake](library, library.CollectorRegistry())
        raised.append(caught.value)
    return raised


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_the_same_exception(mistake: str) -> None:
    ours, theirs = outcomes(mistake)
    base = next(base for base in type(theirs).__mro__ if base.__module__[:10] != "prometheus")
    if type(theirs).__name__ == "DuplicateTimeseries":
        assert isinstance(ours, shmetrics.DuplicateTimeseries)
    assert isinstance(ours, base), f"{ours!r}, theirs is {theirs!r}"


@pytest.mark.parametrize("mistake", SAME_MESSAGE)
def test_a_mistake_is_the_same_message(mistake: str) -> None:
    ours, theirs = outcomes(mistake)
    sets = (str(ours), str(theirs))
    assert sorted(sets[0]) == sorted(sets[1])  # the names of a duplicate come in any order


HARMLESS: dict[str, Callable[[Any, Any], Any]] = {
    "no function of a gauge that is never asked": lambda m, r: m.Gauge(
        "x", "", registry=r
    ).set_function(lambda: 1 / 0),
    "numbers as labels": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels(1).inc(),
    "nothing as a label": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels(None).inc(),
    "an empty label": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels("").inc(),
    "an empty help": lambda m, r: m.Counter("x", "", registry=r),
    "an exemplar without labels": lambda m, r: m.Counter("x", "", registry=r).inc(1, {}),
    "no target info": lambda m, r: r.set_target_info({}),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_mistake_there_is_none_here(name: str, library: ModuleType) -> None:
    HARMLESS[name](library, library.CollectorRegistry())


# ---- the rule is named ----


@pytest.mark.parametrize("name", ["a\ud800", "ä" * 128, ""])
def test_a_bad_name_is_refused_by_its_rule(name: str, registry: Any) -> None:
    with pytest.raises(ValueError, match="(?i)name"):
        shmetrics.Counter(name, "", registry=registry)
    with pytest.raises(ValueError, match="name"):
        shmetrics.Counter("x", "", [name], registry=registry)
    assert shmetrics.generate_latest(registry) == b""


def test_huge_labels_are_counted_together(registry: Any) -> None:
    counter = shmetrics.Counter("x", "", ["a"], registry=registry)
    counter.labels("b" * 1024).inc()
    counter.labels("b" * 1025).inc()
    counter.labels("c" * 10**6).inc()
    assert registry.get_sample_value("x_total", {"a": "b" * 1024}) == 1
    assert registry.get_sample_value("x_total", {"a": "_overflow"}) == 2


def test_lone_surrogates_are_replaced(registry: Any) -> None:
    counter = shmetrics.Counter("x", "", ["a"], registry=registry)
    counter.labels("\ud800").inc()
    counter.labels(a="\udfff").inc()
    assert registry.get_sample_value("x_total", {"a": "\ufffd"}) == 2


@pytest.mark.parametrize("wrong", ["default", 1, object()])
def test_what_is_no_registry_is_named(wrong: Any) -> None:
    with pytest.raises(TypeError, match="registry must be a CollectorRegistry of shmetrics"):
        shmetrics.Counter("x", "", registry=wrong)


# ---- what tests of applications read, private as it is ----


def test_values_are_read_as_there(library: ModuleType) -> None:
    counter = library.Counter("x", "", ["a"], registry=None)
    assert counter.labels("b")._value.get() == 0
    counter.labels("b").inc(2)
    assert counter.labels("b")._value.get() == 2
    with pytest.raises(AttributeError):
        counter._value
    gauge = library.Gauge("x", "", registry=None)
    gauge.set(-3)
    assert gauge._value.get() == -3
    for kind in (library.Histogram, library.Summary):
        metric = kind("x", "", registry=None)
        metric.observe(0.5)
        metric.observe(2)
        assert metric._sum.get() == 2.5
    assert metric._count.get() == 2
