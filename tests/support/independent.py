# SPDX-License-Identifier: MIT
"""independent - OpenMetrics as prometheus_client's parser reads it

    samples = independent.parse(body)                   {(name, frozenset of labels): value}
    independent.assert_agrees(text, openmetrics)        two renderings of one state
"""

from __future__ import annotations

import math
from collections.abc import Collection

import expocheck
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

ACCEPT = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}


TYPES_IN_TEXT = {"info": "gauge", "stateset": "gauge", "unknown": "untyped"}


def families(body: bytes) -> list[Metric]:
    return list(text_string_to_metric_families(body.decode()))


def parse(body: bytes) -> expocheck.Samples:
    """The samples. ValueError if the parser refuses any of it."""
    samples: expocheck.Samples = {}
    for family in families(body):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, f"{key} twice"
            samples[key] = float(sample.value)
    return samples


def judge(body: bytes) -> expocheck.Samples:
    """The samples of OpenMetrics that both the strict checker and the parser here accept."""
    samples = expocheck.parse(body, expocheck.OpenMetrics)
    assert_equal(samples, parse(body))
    return samples


def assert_equal(one: expocheck.Samples, other: expocheck.Samples) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        same = value == other[key] or (math.isnan(value) and math.isnan(other[key]))
        assert same, f"{key}: {value} and {other[key]}"


def assert_agrees(text: bytes, openmetrics: bytes, natives: Collection[str] = ()) -> int:
    """That text 0.0.4 and OpenMetrics say the same, but for what OpenMetrics must leave out.

    natives: families that may have native buckets for negative values, which neither shows.
    Returns how many samples there were.
    """
    exposition = expocheck.check(text)
    other = expocheck.check(openmetrics, expocheck.OpenMetrics)
    samples = {
        key: value for key, value in judge(openmetrics).items() if not key[0].endswith("_created")
    }
    left_out = {key: exposition.samples[key] for key in exposition.samples.keys() - samples.keys()}
    for name, labels in left_out:
        family = other.families[name.rpartition("_")[0]]
        assert family.type in ("histogram", "summary") and name.endswith(("_sum", "_count"))
        bounds = [
            float(dict(sample)["le"])
            for bucket, sample in family.samples
            if bucket.endswith("_bucket")
        ]
        total = exposition.samples[family.name + "_sum", labels]
        may_be_negative = min(bounds, default=0) < 0 or family.name in natives
        assert not total >= 0 or may_be_negative, f"{name} is missing"
    assert_equal({key: exposition.samples[key] for key in samples}, samples)
    described = {name: (family.type, family.help) for name, family in exposition.families.items()}
    assert described == {
        _in_text(family.name, family.type): (TYPES_IN_TEXT.get(family.type, family.type), family.help)
        for family in other.families.values()
    }
    for metric in families(openmetrics):
        family = other.families[metric.name]
        help_text = (family.help or "").lstrip(" ")  # that parser takes them for separators
        told = (metric.type, metric.documentation.lstrip(" "), metric.unit)
        assert told == (family.type, help_text, family.unit), metric.name
    return len(samples)


def _in_text(name: str, type_: str) -> str:
    return name + {"counter": "_total", "info": "_info"}.get(type_, "")
