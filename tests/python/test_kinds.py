# SPDX-License-Identifier: MIT
"""Summary, Info, Enum and exemplars: mistakes with them are prometheus_client's."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import shmetrics


def test_mistakes_with_a_summary(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    with pytest.raises(ValueError, match="Reserved label"):
        library.Summary("s", "", ["quantile"], registry=registry)
    summary = library.Summary("s", "", ["a"], registry=registry)
    with pytest.raises(ValueError, match="summary metric is missing label values"):
        summary.observe(1)
    with pytest.raises(TypeError):
        summary.labels("x").observe("1")
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        library.Counter("s_count", "", registry=registry)


def test_mistakes_with_an_info(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    info = library.Info("plugin", "", ["name"], registry=registry)
    with pytest.raises(ValueError, match="Overlapping labels for Info metric"):
        info.labels("a").info({"name": "b"})
    with pytest.raises(ValueError, match="Label value cannot be None"):
        info.labels("a").info({"version": None})
    with pytest.raises(AttributeError):
        info.labels("a").info("version")


def test_mistakes_with_an_enum(library: ModuleType) -> None:
    registry = library.CollectorRegistry()
    with pytest.raises(ValueError, match="Overlapping labels for Enum metric: task"):
        library.Enum("task", "", ["task"], registry=registry, states=["a"])
    for states in (None, []):
        with pytest.raises(ValueError, match="No states provided for Enum metric: task"):
            library.Enum("task", "", registry=registry, states=states)
    enum = library.Enum("task", "", ["name"], registry=registry, states=["a", "b"])
    with pytest.raises(ValueError, match="stateset metric is missing label values"):
        enum.state("a")
    with pytest.raises(ValueError):
        enum.labels("x").state("c")


def test_states_are_different_strings(registry: Any) -> None:
    with pytest.raises(ValueError):
        shmetrics.Enum("twice", "", registry=registry, states=["a", "a"])
    with pytest.raises(TypeError, match="state must be str, not int"):
        shmetrics.Enum("number", "", registry=registry, states=[1])  # type: ignore[list-item]


# ---- exemplars ----


@pytest.mark.parametrize(
    "exemplar, error",
    [
        ({"a" * 64: "b" * 65}, ValueError),
        ({"__reserved": "x"}, ValueError),
        ({"trace_id": 7}, TypeError),
        (["trace_id"], TypeError),
    ],
)
def test_wrong_exemplars_are_refused(registry: Any, exemplar: Any, error: type) -> None:
    counter = shmetrics.Counter("c", "", registry=registry)
    histogram = shmetrics.Histogram("h", "", registry=registry)
    with pytest.raises(error):
        counter.inc(1, exemplar)
    with pytest.raises(error):
        histogram.observe(1, exemplar=exemplar)
    assert registry.get_sample_value("c_total") == 0
    assert registry.get_sample_value("h_count") == 0


@pytest.mark.parametrize("exemplar", [None, {}, {"trace_id": "a" * 120}, {"\ud800": "\ud800"}])
def test_with_an_exemplar_it_is_recorded_as_without(registry: Any, exemplar: Any) -> None:
    counter = shmetrics.Counter("c", "", registry=registry)
    histogram = shmetrics.Histogram("h", "", registry=registry)
    counter.inc(exemplar=exemplar)
    counter.inc(2**54 + 1, exemplar)
    counter.inc(0.5, exemplar=exemplar)
    histogram.observe(3, exemplar)
    assert registry.get_sample_value("c_total") == 2**54 + 2 + 0.5
    assert registry.get_sample_value("h_sum") == 3
