# SPDX-License-Identifier: MIT
"""NativeHistogram, which prometheus_client has not: what it takes, and what text shows of it (I5)."""

from __future__ import annotations

import math
from typing import Any

import pytest

import shmetrics
from shmetrics import CollectorRegistry, NativeHistogram
from shmetrics.native_histogram import _schema_of


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def lines(registry: CollectorRegistry) -> list[str]:
    text = shmetrics.generate_latest(registry).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_text_has_how_many_observations_there_were_and_their_sum(
    registry: CollectorRegistry,
) -> None:
    histogram = NativeHistogram("size", "Sizes.", registry=registry)
    for value in (0, 0.25, 1e6, -1):
        histogram.observe(value)
    assert lines(registry) == ['size_bucket{le="+Inf"} 4.0', "size_sum 999999.25", "size_count 4.0"]
    assert "# TYPE size histogram" in shmetrics.generate_latest(registry).decode()


def test_text_has_its_classic_buckets(registry: CollectorRegistry) -> None:
    histogram = NativeHistogram(
        "size", "Sizes.", ["kind"], registry=registry, buckets=[0.5, 1, "2.5", math.inf]
    )
    for value in (0.1, 0.5, 0.50001, 2.5, 99.0):
        histogram.labels("a").observe(value)
    assert lines(registry) == [
        'size_bucket{kind="a",le="0.5"} 2.0',
        'size_bucket{kind="a",le="1.0"} 3.0',
        'size_bucket{kind="a",le="2.5"} 4.0',
        'size_bucket{kind="a",le="+Inf"} 5.0',
        'size_sum{kind="a"} 102.60001',
        'size_count{kind="a"} 5.0',
    ]


def test_it_is_collected_as_a_histogram(registry: CollectorRegistry) -> None:
    NativeHistogram("size", "Sizes.", registry=registry).observe(2)
    (family,) = registry.collect()
    assert (family.name, family.type) == ("size", "histogram")
    assert registry.get_sample_value("size_count") == 1


def test_it_times_blocks_and_functions(registry: CollectorRegistry) -> None:
    histogram = NativeHistogram("took", "T.", ["code"], unit="seconds", registry=registry)

    @histogram.labels("200").time()
    def function() -> None:
        pass

    function()
    with histogram.time() as timer:
        timer.labels(code="500")
    for code in ("200", "500"):
        assert registry.get_sample_value("took_seconds_count", {"code": code}) == 1


def test_it_is_removed_and_made_again(registry: CollectorRegistry) -> None:
    histogram = NativeHistogram("size", "Sizes.", ["a"], registry=registry)
    histogram.labels("x").observe(1)
    histogram.remove("x")
    assert lines(registry) == []
    histogram.labels("x").observe(2)
    assert registry.get_sample_value("size_sum", {"a": "x"}) == 2


def test_an_exemplar_is_shown_with_all_observations(registry: CollectorRegistry) -> None:
    from shmetrics.openmetrics.exposition import generate_latest

    histogram = NativeHistogram("size", "Sizes.", registry=registry)
    histogram.observe(0.5, {"trace_id": "abc"})
    assert 'size_bucket{le="+Inf"} 1.0 # {trace_id="abc"} 0.5 ' in generate_latest(registry).decode()


@pytest.mark.parametrize(
    "growth, schema",
    [(65536, -4), (1e9, -4), (16, -2), (4, -1), (3.9, 0), (2, 0), (1.1, 3), (1.09, 4), (1.003, 8)],
)
def test_the_schema_is_the_coarsest_that_grows_no_faster(growth: float, schema: int) -> None:
    assert _schema_of(growth) == schema
    assert 2 ** (2.0**-schema) <= growth * (1 + 1e-9)


MISTAKES: dict[str, dict[str, Any]] = {
    "a schema too fine": {"schema": 9},
    "a schema too coarse": {"schema": -5},
    "a schema of many digits": {"schema": 10**30},
    "no growth": {"growth": 1},
    "a growth too small": {"growth": 1.001},
    "a growth of NaN": {"growth": math.nan},
    "an empty range": {"least": 1, "greatest": 1},
    "a range from zero": {"least": 0},
    "a range without end": {"greatest": math.inf},
    "too many buckets": {"schema": 8, "least": 1e-9, "greatest": 1e9},
    "buckets in no order": {"buckets": [2, 1]},
    "a bucket twice": {"buckets": [1, 1]},
    "a reserved label": {"labelnames": ["le"]},
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_and_leaves_the_name_free(
    mistake: str, registry: CollectorRegistry
) -> None:
    with pytest.raises(ValueError):
        NativeHistogram("size", "Sizes.", registry=registry, **MISTAKES[mistake])
    NativeHistogram("size", "Sizes.", registry=registry).observe(1)


@pytest.mark.parametrize("value", ["1", None, 1j])
def test_only_numbers_are_observed(value: Any, registry: CollectorRegistry) -> None:
    histogram = NativeHistogram("size", "Sizes.", registry=registry)
    with pytest.raises((TypeError, ValueError)):
        histogram.observe(value)
    assert registry.get_sample_value("size_count") == 0


def test_a_parent_observes_nothing(registry: CollectorRegistry) -> None:
    histogram = NativeHistogram("size", "Sizes.", ["a"], registry=registry)
    with pytest.raises(ValueError, match="missing label values"):
        histogram.observe(1)
