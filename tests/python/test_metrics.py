# SPDX-License-Identifier: MIT
"""Counter, Gauge and Histogram do what prometheus_client's do, for use and for mistakes alike."""

from __future__ import annotations

import copy
import decimal
import math
import pickle
from types import ModuleType
from typing import Any, Callable

import prometheus_client
import pytest

import shmetrics


def value(registry: Any, name: str, **labels: str) -> Any:
    return registry.get_sample_value(name, labels)


# ---- what both libraries do, each shown on both ----


def test_a_counter_adds_up(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    counter = library.Counter("jobs", "Jobs done.", registry=registry)
    assert value(registry, "jobs_total") == 0
    counter.inc()
    counter.inc(2)
    counter.inc(0.5)
    counter.inc(amount=1.25)
    counter.inc(True)
    counter.inc(0)
    assert value(registry, "jobs_total") == 5.75


def test_a_counter_named_total_is_the_same_counter(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Counter("jobs_total", "Jobs done.", registry=registry).inc()
    assert value(registry, "jobs_total") == 1
    assert value(registry, "jobs_total_total") is None


def test_a_gauge_goes_up_and_down(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    gauge = library.Gauge("level", "Level.", registry=registry)
    assert value(registry, "level") == 0
    gauge.set(10)
    gauge.inc()
    gauge.inc(2.5)
    gauge.dec()
    gauge.dec(amount=0.5)
    gauge.inc(-2)
    assert value(registry, "level") == 10
    gauge.set("2.5")
    assert value(registry, "level") == 2.5
    gauge.set(value=math.inf)
    assert value(registry, "level") == math.inf


def test_a_gauge_takes_the_time(library: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = library.CollectorRegistry()
    gauge = library.Gauge("last_run", "When.", registry=registry)
    monkeypatch.setattr("time.time", lambda: 1700000000.25)
    gauge.set_to_current_time()
    assert value(registry, "last_run") == 1700000000.25


@pytest.mark.parametrize("mode", ["liveall", "livesum", "livemin", "livemax", "livemostrecent"])
def test_every_live_mode_shows_the_own_value_in_a_registry_of_its_own(
    library: ModuleType, mode: str
) -> None:
    registry = library.CollectorRegistry()
    gauge = library.Gauge("level", "Level.", ["side"], registry=registry, multiprocess_mode=mode)
    gauge.labels("left").set(3)
    assert value(registry, "level", side="left") == 3
    assert library.generate_latest(registry).splitlines()[2:] in (
        [b'level{side="left"} 3'],
        [b'level{side="left"} 3.0'],
    )


@pytest.mark.parametrize("method", ["inc", "dec"])
def test_a_mostrecent_gauge_is_only_set(library: ModuleType, method: str) -> None:
    gauge = library.Gauge("level", "L.", registry=None, multiprocess_mode="livemostrecent")
    with pytest.raises(RuntimeError, match=f"{method} must not be used with the mostrecent mode"):
        getattr(gauge, method)()
    with pytest.raises(RuntimeError):
        getattr(gauge, method)(2)


def test_a_histogram_counts_in_buckets(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    histogram = library.Histogram("size", "Sizes.", buckets=[1, 2.5, "10"], registry=registry)
    for amount in (0.5, 1, 2, 2.5, 10, 11, -1):
        histogram.observe(amount)
    histogram.observe(amount=3)
    buckets = {le: value(registry, "size_bucket", le=le) for le in ("1.0", "2.5", "10.0", "+Inf")}
    assert buckets == {"1.0": 3, "2.5": 5, "10.0": 7, "+Inf": 8}
    assert value(registry, "size_count") == 8
    assert value(registry, "size_sum") == 29


def test_a_histogram_has_the_default_buckets(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Histogram("latency", "L.", registry=registry).observe(0.06)
    assert library.Histogram.DEFAULT_BUCKETS == prometheus_client.Histogram.DEFAULT_BUCKETS
    assert value(registry, "latency_bucket", le="0.05") == 0
    assert value(registry, "latency_bucket", le="0.075") == 1


@pytest.mark.parametrize(
    "arguments, name",
    [
        (dict(namespace="shop"), "shop_x"),
        (dict(subsystem="cart"), "cart_x"),
        (dict(namespace="shop", subsystem="cart"), "shop_cart_x"),
        (dict(unit="seconds"), "x_seconds"),
        (dict(namespace="shop", unit="x"), "shop_x"),
    ],
)
def test_names_are_put_together(library: ModuleType, arguments: dict[str, str], name: str) -> None:
    registry = library.CollectorRegistry()
    library.Gauge("x", "X.", registry=registry, **arguments).set(1)
    library.Counter("y", "Y.", registry=registry, **arguments).inc()
    library.Histogram("z", "Z.", registry=registry, **arguments).observe(1)
    assert value(registry, name) == 1


def test_arguments_go_by_position(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    counter = library.Counter("x", "X.", ("a", "b"), "space", "system", "bytes", registry)
    counter.labels("1", "2").inc()
    assert value(registry, "space_system_x_bytes_total", a="1", b="2") == 1


def test_labels_by_position_and_by_keyword_are_one_child(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    counter = library.Counter("calls", "Calls.", ["method", "code"], registry=registry)
    counter.labels("GET", "200").inc()
    counter.labels(code="200", method="GET").inc()
    counter.labels("GET", 200).inc()
    counter.labels(method="GET", code=200).inc()
    assert counter.labels("GET", 200) is counter.labels(code="200", method="GET")
    assert isinstance(counter.labels("GET", 200), library.Counter)
    assert value(registry, "calls_total", method="GET", code="200") == 4


def test_a_child_is_there_before_it_records(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Counter("calls", "Calls.", ["code"], registry=registry).labels("500")
    assert value(registry, "calls_total", code="500") == 0
    assert value(registry, "calls_total", code="404") is None


def test_metrics_without_a_registry_are_apart(library: ModuleType) -> None:
    first = library.Counter("x", "X.", registry=None)
    second = library.Counter("x", "X.", registry=None)
    first.inc()
    second.inc(2)
    assert [metric.collect()[0].samples[0].value for metric in (first, second)] == [1, 2]


def test_a_metric_says_what_it_is(library: ModuleType) -> None:
    counter = library.Counter("x_total", "X.", registry=None)
    assert str(counter) == "counter:x"
    assert repr(counter) == f"{library.__name__}.metrics.Counter(x)"


@pytest.mark.parametrize(
    "kind, method", [("Counter", "inc"), ("Gauge", "inc"), ("Histogram", "observe")]
)
def test_what_is_no_number_is_a_type_error(library: ModuleType, kind: str, method: str) -> None:
    metric = getattr(library, kind)("x", "X.", registry=None)
    for wrong in ("1", None, [], object()):
        with pytest.raises(TypeError):
            getattr(metric, method)(wrong)


Library = ModuleType
MISTAKES: dict[str, Callable[[Library, Any], Any]] = {
    "negative increment": lambda m, r: m.Counter("x", "", registry=r).inc(-1),
    "negative fraction": lambda m, r: m.Counter("x", "", registry=r).inc(-0.5),
    "negative beyond 64 bits": lambda m, r: m.Counter("x", "", registry=r).inc(-(2**70)),
    "amount beyond a double": lambda m, r: m.Counter("x", "", registry=r).inc(10**400),
    "no amount": lambda m, r: m.Histogram("x", "", registry=r).observe(),
    "unknown argument": lambda m, r: m.Counter("x", "", registry=r).inc(by=2),
    "an argument twice": lambda m, r: m.Counter("x", "", registry=r).inc(1, amount=2),
    "too many arguments": lambda m, r: m.Gauge("x", "", registry=r).set(1, 2),
    "set to no number": lambda m, r: m.Gauge("x", "", registry=r).set("high"),
    "no labels given": lambda m, r: m.Counter("x", "", ["a"], registry=r).inc(),
    "no labels to a gauge": lambda m, r: m.Gauge("x", "", ["a"], registry=r).set(1),
    "no labels to a histogram": lambda m, r: m.Histogram("x", "", ["a"], registry=r).observe(1),
    "no labels to count exceptions": lambda m, r: m.Counter(
        "x", "", ["a"], registry=r
    ).count_exceptions(),
    "no labels to track": lambda m, r: m.Gauge("x", "", ["a"], registry=r).track_inprogress(),
    "too few labels": lambda m, r: m.Counter("x", "", ["a", "b"], registry=r).labels("1"),
    "too many labels": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels("1", "2"),
    "labels() alone": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels(),
    "labels of a metric without": lambda m, r: m.Counter("x", "", registry=r).labels("1"),
    "labels of a child": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels("1").labels("1"),
    "labels by both": lambda m, r: m.Counter("x", "", ["a", "b"], registry=r).labels("1", b="2"),
    "unknown label": lambda m, r: m.Counter("x", "", ["a"], registry=r).labels(b="2"),
    "label missing": lambda m, r: m.Counter("x", "", ["a", "b"], registry=r).labels(a="2"),
    "reserved label": lambda m, r: m.Counter("x", "", ["__a"], registry=r),
    "le on a histogram": lambda m, r: m.Histogram("x", "", ["le"], registry=r),
    "empty name": lambda m, r: m.Counter("", "", registry=r),
    "unsorted buckets": lambda m, r: m.Histogram("x", "", buckets=[2, 1], registry=r),
    "no buckets": lambda m, r: m.Histogram("x", "", buckets=[], registry=r),
    "only +Inf": lambda m, r: m.Histogram("x", "", buckets=[math.inf], registry=r),
    "bucket that is no number": lambda m, r: m.Histogram("x", "", buckets=["a"], registry=r),
    "unknown mode": lambda m, r: m.Gauge("x", "", registry=r, multiprocess_mode="sometimes"),
    "the name twice": lambda m, r: [m.Counter("x", "", registry=r) for _ in range(2)],
    "a counter's sample": lambda m, r: [
        m.Counter("x", "", registry=r),
        m.Gauge("x_total", "", registry=r),
    ],
    "a histogram's sample": lambda m, r: [
        m.Gauge("x_sum", "", registry=r),
        m.Histogram("x", "", registry=r),
    ],
    "an exemplar too long": lambda m, r: m.Counter("x", "", registry=r).inc(1, {"a": "b" * 128}),
    "an exemplar's reserved label": lambda m, r: m.Histogram("x", "", registry=r).observe(
        1, {"__a": "b"}
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_the_same_exception(mistake: str) -> None:
    outcomes = []
    for library in (shmetrics, prometheus_client):
        with pytest.raises(Exception) as raised:
            MISTAKES[mistake](library, library.CollectorRegistry())
        outcomes.append(raised.value)
    ours, theirs = outcomes
    base = next(base for base in type(theirs).__mro__ if base.__module__ == "builtins")
    assert isinstance(ours, base), f"{ours!r}, theirs is {theirs!r}"


@pytest.mark.parametrize(
    "mistake",
    [
        "negative increment",
        "no labels given",
        "too few labels",
        "labels of a metric without",
        "labels of a child",
        "labels by both",
        "unknown label",
        "unsorted buckets",
        "no buckets",
        "unknown mode",
    ],
)
def test_a_mistake_is_the_same_message(mistake: str) -> None:
    messages = []
    for library in (shmetrics, prometheus_client):
        with pytest.raises(Exception) as raised:
            MISTAKES[mistake](library, library.CollectorRegistry())
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


# ---- what is ours ----


MODES = ["all", "sum", "min", "max", "mostrecent"]


@pytest.mark.parametrize("mode", MODES + ["live" + mode for mode in MODES])
def test_a_registry_of_its_own_shows_its_own_value(mode: str, library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Gauge("level", "L.", registry=registry, multiprocess_mode=mode).set(3)
    assert library.generate_latest(registry) == b"# HELP level L.\n# TYPE level gauge\nlevel 3.0\n"


@pytest.mark.parametrize("name", ["", "a\ud800", "a\0b", "a" * 256, "ä" * 128])
def test_a_name_prometheus_cannot_have_is_refused(name: str, registry: Any) -> None:
    with pytest.raises(ValueError, match="(?i)metric name|NUL"):
        shmetrics.Counter(name, "", registry=registry)


@pytest.mark.parametrize(
    "labels", [["a\ud800"], ["a", "a"], ["__ä"], [""], list(map("l{}".format, range(33)))]
)
def test_label_names_are_checked(labels: list[str], registry: Any) -> None:
    with pytest.raises(ValueError):
        shmetrics.Counter("x", "", labels, registry=registry)


@pytest.mark.parametrize("arguments", [(1, "d"), ("x", None), ("x", "d", [1]), ("x\0y", "d")])
def test_what_is_no_name_is_refused(arguments: tuple[Any, ...], registry: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        shmetrics.Counter(*arguments, registry=registry)
    assert shmetrics.generate_latest(registry) == b""


def test_a_refused_metric_gives_its_name_back(registry: Any) -> None:
    with pytest.raises(ValueError):
        shmetrics.Histogram("x", "", ["a", "a"], registry=registry)
    shmetrics.Histogram("x", "", ["a"], registry=registry)


def test_whole_increments_are_exact_beyond_a_double(registry: Any) -> None:
    counter = shmetrics.Counter("x", "", registry=registry)
    counter.inc(2**53)
    counter.inc()
    counter.inc(2)
    assert b"x_total 9007199254740995.0\n" in shmetrics.generate_latest(registry)
    huge = shmetrics.Counter("y", "", registry=registry)
    huge.inc(2**64 - 1)
    assert b"y_total 18446744073709551615.0\n" in shmetrics.generate_latest(registry)
    huge = shmetrics.Counter("z", "", registry=registry)
    huge.inc(2**70)
    assert value(registry, "z_total") == 2.0**70


def test_numbers_of_other_types_are_taken(registry: Any) -> None:
    class Index:
        def __index__(self) -> int:
            return 3

    counter = shmetrics.Counter("x", "", registry=registry)
    counter.inc(decimal.Decimal("0.5"))
    counter.inc(Index())
    assert value(registry, "x_total") == 3.5


def test_nan_is_not_recorded(registry: Any) -> None:
    counter = shmetrics.Counter("x", "", registry=registry)
    histogram = shmetrics.Histogram("y", "", registry=registry)
    for record in (counter.inc, histogram.observe):
        record(math.nan)
        record(1)
    assert value(registry, "x_total") == 1
    assert value(registry, "y_sum") == value(registry, "y_count") == 1


def test_exemplars_are_accepted(registry: Any) -> None:
    shmetrics.Counter("x", "", registry=registry).inc(1, exemplar={"trace_id": "abc"})
    shmetrics.Histogram("y", "", registry=registry).observe(1, exemplar={"trace_id": "abc"})
    with pytest.raises(TypeError):
        shmetrics.Counter("z", "", registry=registry).inc(1, exemplar={"trace_id": 3})


def test_a_subclass_records_and_has_children_of_its_type(registry: Any) -> None:
    class Requests(shmetrics.Counter):
        def twice(self) -> None:
            self.inc(2)

    counter = Requests("x", "", ["a"], registry=registry)
    counter.labels("1").twice()
    assert type(counter.labels("1")) is Requests
    assert value(registry, "x_total", a="1") == 2


def test_an_undefined_metric_is_an_error_not_a_crash() -> None:
    for kind in (shmetrics.Counter, shmetrics.Gauge, shmetrics.Histogram):
        bare: Any = kind.__new__(kind)
        for use in (lambda: bare.labels("a"), lambda: bare._name, lambda: str(bare)):
            with pytest.raises((RuntimeError, ValueError)):
                use()
    with pytest.raises(RuntimeError, match="not defined"):
        shmetrics.Counter.__new__(shmetrics.Counter).inc()


def test_a_metric_is_defined_once(registry: Any) -> None:
    counter = shmetrics.Counter("x", "", registry=registry)
    with pytest.raises(RuntimeError, match="defined already"):
        counter.__init__("y", "", registry=registry)  # type: ignore[misc]


@pytest.mark.parametrize("copy_of", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_metric_is_not_copied_into_one_that_records_nothing(
    registry: Any, copy_of: Callable[[Any], Any]
) -> None:
    counter = shmetrics.Counter("x", "", ["a"], registry=registry)
    for metric in (counter, counter.labels("1")):
        with pytest.raises(TypeError, match="cannot pickle"):
            copy_of(metric)


def test_a_registry_of_another_library_is_refused() -> None:
    with pytest.raises(TypeError, match="CollectorRegistry of shmetrics"):
        shmetrics.Counter("x", "", registry=prometheus_client.CollectorRegistry())  # type: ignore[arg-type]


def test_documentation_may_be_any_text(registry: Any) -> None:
    shmetrics.Counter("x", 'back\\slash "quoted"\nline \udc80 ü', registry=registry)
    assert next(iter(registry.collect())).documentation == 'back\\slash "quoted"\nline \ufffd ü'
