# SPDX-License-Identifier: MIT
"""The registry: names, samples, and that what it collects is what a scrape gets."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import prometheus_client
import prometheus_client.parser
import pytest
from conftest import Run

import shmetrics
from shmetrics.parser import text_string_to_metric_families


def fill(library: ModuleType) -> Any:
    registry = library.CollectorRegistry()
    calls = library.Counter("calls", "Calls.", ["method", "path"], registry=registry)
    calls.labels("GET", "/").inc(3)
    calls.labels("GET", 'a"b\\c\nd').inc(0.1)
    library.Gauge("level", "Level \\ of\nit.", registry=registry).set(-2.5)
    library.Gauge("empty", "", ["a"], registry=registry)
    sizes = library.Histogram(
        "size_bytes", "Sizes.", ["kind"], unit="bytes", buckets=[1, 10], registry=registry
    )
    for amount in (0.5, 5, 50):
        sizes.labels("x").observe(amount)
    return registry


def as_data(metrics: Any) -> Any:
    return sorted(
        (
            metric.name,
            metric.documentation,
            metric.type,
            sorted(
                (sample.name, sorted(sample.labels.items()), sample.value)
                for sample in metric.samples
                if not sample.name.endswith("_created")
            ),
        )
        for metric in metrics
        if metric.samples
    )


def test_collect_gives_what_theirs_gives() -> None:
    assert as_data(fill(shmetrics).collect()) == as_data(fill(prometheus_client).collect())


def test_the_exposition_is_read_alike_by_their_parser() -> None:
    registry = fill(shmetrics)
    text = shmetrics.generate_latest(registry).decode()
    theirs = prometheus_client.parser.text_string_to_metric_families(text)
    assert as_data(theirs) == as_data(registry.collect())


@pytest.mark.parametrize("name", ["LATEST", "PLAIN_0_0_4", "PLAIN_1_0_0"])
def test_the_content_types_are_theirs(name: str) -> None:
    name = "CONTENT_TYPE_" + name
    assert getattr(shmetrics, name) == getattr(prometheus_client, name)


def test_samples_are_tuples(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Counter("x", "Ex.", registry=registry).inc(2)
    (metric,) = registry.collect()
    assert (metric.name, metric.documentation, metric.type, metric.unit) == (
        "x",
        "Ex.",
        "counter",
        "",
    )
    name, labels, value, timestamp, exemplar = metric.samples[0][:5]
    assert (name, labels, value, timestamp, exemplar) == ("x_total", {}, 2.0, None, None)
    assert isinstance(value, float)


def test_the_unit_comes_back(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Gauge("age", "", unit="seconds", registry=registry).set(1)
    assert [(metric.name, metric.unit) for metric in registry.collect()] == [
        ("age_seconds", "seconds")
    ]


def test_a_sample_that_is_not_there_has_no_value(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Counter("x", "", ["a"], registry=registry).labels("1").inc()
    assert registry.get_sample_value("x_total") is None
    assert registry.get_sample_value("x", {"a": "1"}) is None
    assert registry.get_sample_value("x_total", {"a": "2"}) is None
    assert registry.get_sample_value("x_total", {"a": "1", "b": "2"}) is None


def test_an_empty_label_value_is_found(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Counter("x", "", ["a", "b"], registry=registry).labels("", "1").inc()
    assert registry.get_sample_value("x_total", {"a": "", "b": "1"}) == 1


def test_registries_are_apart(library: ModuleType) -> None:
    first, second = library.CollectorRegistry(), library.CollectorRegistry(auto_describe=True)
    library.Counter("x", "", registry=first).inc()
    library.Counter("x", "", registry=second).inc(2)
    assert (first.get_sample_value("x_total"), second.get_sample_value("x_total")) == (1, 2)


def test_a_duplicate_says_which(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Counter("x", "", registry=registry)
    with pytest.raises(ValueError, match="Duplicated timeseries in CollectorRegistry: {'x_total'}"):
        library.Gauge("x_total", "", registry=registry)


def test_an_unregistered_metric_is_gone_and_its_name_free(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    metric = library.Counter("x", "", registry=registry)
    other = library.Counter("y", "", registry=registry)
    registry.unregister(metric)
    assert registry.get_sample_value("x_total") is None
    assert [family.name for family in registry.collect()] == ["y"]
    with pytest.raises(KeyError):
        registry.unregister(metric)
    registry.register(metric)
    assert registry.get_sample_value("x_total") == 0
    registry.unregister(other)
    registry.unregister(metric)
    assert library.generate_latest(registry) == b""


def test_a_second_init_changes_nothing() -> None:
    registry = shmetrics.CollectorRegistry()
    metric = shmetrics.Counter("x", "", registry=registry)
    for name in ("x", "y", "no-name"):
        with pytest.raises(RuntimeError, match="counter:x is defined already"):
            metric.__init__(name, "", registry=registry)  # type: ignore[misc]
    shmetrics.Counter("y", "", registry=registry)
    registry.unregister(metric)
    assert [family.name for family in registry.collect()] == ["y"]


def test_a_registry_may_be_given_a_segment() -> None:
    segment = shmetrics.Segment.open_private()
    first = shmetrics.CollectorRegistry(segment=segment)
    shmetrics.Counter("x", "", registry=first).inc()
    second = shmetrics.CollectorRegistry(segment=segment)
    shmetrics.Counter("x", "", registry=second).inc()
    assert first.get_sample_value("x_total") == 2


def test_the_own_value_of_a_gauge_needs_no_pid(run: Run) -> None:
    run(
        """
        import os
        from shmetrics import Gauge, REGISTRY
        Gauge("level", "").set(3)
        Gauge("height", "", ["side"]).labels("left").set(4)
        pid = str(os.getpid())
        assert REGISTRY.get_sample_value("level") == 3
        assert REGISTRY.get_sample_value("level", {"pid": pid}) == 3
        assert REGISTRY.get_sample_value("height", {"side": "left"}) == 4
        assert REGISTRY.get_sample_value("height") is None
        if os.fork() == 0:
            assert REGISTRY.get_sample_value("level") is None
            os._exit(0)
        assert os.wait()[1] == 0
        """
    )


HOSTILE = [
    "",
    "\n\n",
    "# just a comment\nx 1",
    '# HELP x a\\nb\\\\c\\"d\n# TYPE x gauge\nx 1\n',
    '# TYPE x counter\nx_total{a="b}",c="\\"\\\\\\n"} 1e-05 1700000000000\n',
    'x{} +Inf\ny{a="1",} NaN\nz -Inf\n',
    '  x  {  a  =  "1"  ,  b = "" }   3  \n',
    '# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_sum 2\nh_count 1\nhx 1\n',
    '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 1\ns_count 1\n',
    "# TYPE u untyped\nu 1\n# HELP u2\nu2 1\n",
    'x{a="日本 \U0001f600"} 5\r\n',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_parser_reads_what_theirs_reads(text: str) -> None:
    theirs = [m for m in prometheus_client.parser.text_string_to_metric_families(text) if m.samples]
    ours = [m for m in text_string_to_metric_families(text) if m.samples]
    flat = [
        [(s.name, s.labels, repr(float(s.value)), s.timestamp) for m in metrics for s in m.samples]
        for metrics in (ours, theirs)
    ]
    assert flat[0] == flat[1]
    assert [(m.documentation, m.type) for m in ours] == [(m.documentation, m.type) for m in theirs]


@pytest.mark.parametrize(
    "text",
    ["x", "x{", 'x{a="1', "x{a=1} 2", "x{a} 1", "x one", "{} 1", "x 1_0", 'x{a="1" b="2"} 1'],
)
def test_the_parser_refuses_what_is_no_line(text: str) -> None:
    with pytest.raises(ValueError):
        list(text_string_to_metric_families(text))
