# SPDX-License-Identifier: MIT
"""Names of any UTF-8: recorded here as in prometheus_client, and written as it writes them (I6, I12)."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any, Iterator

import prometheus_client
import prometheus_client.openmetrics.exposition
import prometheus_client.validation
import pytest

import shmetrics
import shmetrics.openmetrics.exposition
import shmetrics.validation

LIBRARIES = (shmetrics, prometheus_client)


def record(library: ModuleType) -> Any:
    """A registry with one of most kinds. No labels and names that escaping would make one."""
    registry = library.CollectorRegistry()
    requests = library.Counter("http.requests", "R.", ["http.method", "code"], registry=registry)
    requests.labels("GET", "200").inc(3)
    library.Gauge("größe 花火", "G.", ["l.1"], registry=registry, **MODES[library]).labels("x").set(2)
    times = library.Histogram("times.s", "T.", ["p q"], buckets=[1], registry=registry)
    times.labels('a"b\\c\n').observe(0.5)
    library.Counter("plain", "P.", ["q"], registry=registry).labels("1").inc()
    return registry


MODES = {shmetrics: {"multiprocess_mode": "livesum"}, prometheus_client: {}}


def values(text: bytes, openmetrics: bool) -> dict[Any, float]:
    """As prometheus_client reads it, without what only one of the two exports."""
    module = importlib.import_module(
        "prometheus_client.openmetrics.parser" if openmetrics else "prometheus_client.parser"
    )
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in module.text_string_to_metric_families(text.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@pytest.mark.parametrize("escaping", ["allow-utf-8", "underscores"])
@pytest.mark.parametrize("openmetrics", [False, True])
def test_what_is_recorded_is_written_as_theirs(escaping: str, openmetrics: bool) -> None:
    ours, theirs = (
        values(
            importlib.import_module(
                library.__name__ + (".openmetrics.exposition" if openmetrics else "")
            ).generate_latest(record(library), escaping),
            openmetrics,
        )
        for library in LIBRARIES
    )
    assert len(ours) == 7
    assert ours == theirs


def test_values_are_written_so_that_they_can_be_told_back() -> None:
    text = shmetrics.generate_latest(record(shmetrics), "values").decode()
    assert 'U__http_2e_requests__total{U__http_2e_method="GET",code="200"} 3.0\n' in text
    assert "# TYPE U__gr_f6__df_e_20__82b1__706b_ gauge\n" in text


def test_labels_stand_in_the_order_of_their_names(registry: Any) -> None:
    """As prometheus_client has them, whatever has to be quoted."""
    shmetrics.Counter("x.y", "", ["b", "a.c", "a"], registry=registry).labels("1", "2", "3").inc()
    text = shmetrics.generate_latest(registry, "allow-utf-8")
    assert b'\n{"x.y_total",a="3","a.c"="2",b="1"} 1.0\n' in text


def test_a_registry_reads_back_what_is_recorded(registry: Any) -> None:
    counter = shmetrics.Counter("x.y", "", ["a.b"], registry=registry)
    counter.labels("1").inc(2)
    assert registry.get_sample_value("x.y_total", {"a.b": "1"}) == 2
    assert [family.name for family in registry.collect()] == ["x.y"]
    assert [family.name for family in counter.collect()] == ["x.y"]
    restricted = registry.restricted_registry(["x.y_total"])
    assert b'{"x.y_total","a.b"="1"} 2.0' in shmetrics.generate_latest(restricted, "allow-utf-8")
    assert b'x_y_total{a_b="1"} 2.0' in shmetrics.generate_latest(restricted)
    counter.remove("1")
    assert registry.get_sample_value("x.y_total", {"a.b": "1"}) is None


def test_infos_take_labels_of_any_name(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    library.Info("target.x", "", registry=registry).info({"service.name": "shop", "a": "1"})
    text = library.generate_latest(registry, "allow-utf-8").decode()
    assert '\n{"target.x_info",a="1","service.name"="shop"} 1.0\n' in text


class Custom:
    """x_y, beside the x.y of the segment."""

    def collect(self) -> Iterator[Any]:
        yield shmetrics.metrics_core.CounterMetricFamily("x_y", "Custom.", value=7)


@pytest.mark.parametrize("name", ["x.y", "x-y"])
def test_a_family_is_served_once_though_names_come_out_alike(name: str, registry: Any) -> None:
    shmetrics.Counter(name, "", registry=registry).inc()
    registry.register(Custom())
    for escaping in ("underscores", "nonsense"):
        text = shmetrics.generate_latest(registry, escaping)
        assert text.count(b"# TYPE x_y_total counter\n") == 1 and b"x_y_total 1.0\n" in text
    both = shmetrics.generate_latest(registry, "allow-utf-8").decode()
    assert f'{{"{name}_total"}} 1.0\n' in both and "\nx_y_total 7.0\n" in both


# ---- the older rules, for who asks for them ----


@pytest.fixture
def legacy(library: ModuleType) -> Iterator[ModuleType]:
    validation = importlib.import_module(library.__name__ + ".validation")
    validation.enable_legacy_validation()
    yield library
    validation.disable_legacy_validation()


@pytest.mark.parametrize(
    ("name", "labels"),
    [("x.y", []), ("9x", []), ("größe", []), ("x", ["a.b"]), ("x", ["a:b"]), ("x", ["9"])],
)
def test_legacy_validation_refuses_what_it_did(
    name: str, labels: list[str], legacy: ModuleType
) -> None:
    registry = legacy.CollectorRegistry()
    with pytest.raises(ValueError):
        legacy.Counter(name, "", labels, registry=registry)
    assert legacy.generate_latest(registry) == b""
    legacy.Counter("x:y_9", "", ["a_9"], registry=registry)
