# SPDX-License-Identifier: MIT
"""All formats say the same of one state, as independent parsers read them (I12)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import client_model  # noqa: E402
import independent  # noqa: E402
import openmetrics2  # noqa: E402
from collector import BUILD  # noqa: E402

PRINT_EXPOSITION = BUILD / "tests" / "unit" / "print_exposition"
SCRAPES = 10

# (name of the sample, labels): (labels, value, seconds)
Exemplars = dict[tuple[str, frozenset[tuple[str, str]]], tuple[dict[str, str], float, float]]


@pytest.mark.parametrize("seed", range(1000, 1100))
def test_random_families_have_the_same_values_in_every_format(seed: int) -> None:
    """Of readers that hold anything at all; each seed prints some ten scrapes of some ten families."""
    printed = subprocess.run(
        [PRINT_EXPOSITION, str(seed), str(SCRAPES)], stdout=subprocess.PIPE, check=True
    )
    bodies = printed.stdout.split(b"---\n")[:-1]
    assert len(bodies) == 4 * SCRAPES
    count = 0
    for text, openmetrics, digits, openmetrics2_body in zip(*(bodies[i::4] for i in range(4))):
        protobuf = bytes.fromhex(digits.decode())
        newer = openmetrics2.parse(openmetrics2_body)
        natives = {name for name, _ in newer.natives}
        count += independent.assert_agrees(text, openmetrics, natives)
        client_model.assert_agrees(text, protobuf)
        openmetrics2.assert_agrees(text, openmetrics2_body)
        assert natives_of_protobuf(protobuf) == newer.natives
        assert exemplars_of_protobuf(protobuf) == exemplars_of_openmetrics(openmetrics)
        assert [e for all_of in newer.exemplars.values() for e in all_of] == [
            (frozenset(labels.items()), value, time)
            for labels, value, time in exemplars_of_openmetrics(openmetrics).values()
        ]
        starts = {
            key: seconds
            for key, seconds in independent.parse(openmetrics).items()
            if key[0].endswith("_created")
        }
        if starts:
            assert starts == starts_of_protobuf(protobuf)
            # A summary that 2.0 cannot have has no start either.
            left_out = starts.keys() - starts_of_openmetrics2(newer).keys()
            assert starts_of_openmetrics2(newer).items() == {
                key: start for key, start in starts.items() if key not in left_out
            }.items()
            names = {name.removesuffix("_created") for name, _ in left_out}
            assert all(newer.types[name][0] == "summary" for name in names)
    assert count > SCRAPES


def natives_of_protobuf(
    body: bytes,
) -> dict[tuple[str, frozenset[tuple[str, str]]], openmetrics2.Native]:
    """Deltas added up: OpenMetrics 2.0 has the counts."""
    found = {}
    for family in client_model.families(body):
        for metric in family.metric:
            histogram = metric.histogram
            if not histogram.HasField("schema"):
                continue
            buckets = {}
            for sign in ("negative", "positive"):
                deltas = iter(getattr(histogram, sign + "_delta"))
                index = count = 0
                for span in getattr(histogram, sign + "_span"):
                    index += span.offset
                    for _ in range(span.length):
                        count += next(deltas)
                        buckets[sign, index] = count
                        index += 1
                assert next(deltas, None) is None
            labels = frozenset((pair.name, pair.value) for pair in metric.label)
            found[family.name, labels] = openmetrics2.Native(
                histogram.schema, histogram.zero_threshold, histogram.zero_count, buckets
            )
    return found


def starts_of_openmetrics2(
    exposition: openmetrics2.Exposition,
) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Under the names that OpenMetrics 1.0 has for them."""
    return {
        (
            (name.removesuffix("_total") if exposition.types[name][0] == "counter" else name)
            + "_created",
            labels,
        ): start
        for (name, labels), start in exposition.starts.items()
    }


def exemplars_of_openmetrics(body: bytes) -> Exemplars:
    return {
        (sample.name, frozenset(sample.labels.items())): (
            sample.exemplar.labels,
            sample.exemplar.value,
            float(sample.exemplar.timestamp),
        )
        for family in independent.families(body)
        for sample in family.samples
        if sample.exemplar
    }


def exemplars_of_protobuf(body: bytes) -> Exemplars:
    found: Exemplars = {}
    for family in client_model.families(body):
        for metric in family.metric:
            labels = {pair.name: pair.value for pair in metric.label}
            if metric.counter.HasField("exemplar"):
                key = (family.name, frozenset(labels.items()))
                found[key] = exemplar(metric.counter.exemplar)
            for bucket in metric.histogram.bucket:
                if bucket.HasField("exemplar"):
                    le = client_model.expocheck.canonical_float(bucket.upper_bound)
                    key = (family.name + "_bucket", frozenset({**labels, "le": le}.items()))
                    found[key] = exemplar(bucket.exemplar)
    return found


def exemplar(message: Any) -> tuple[dict[str, str], float, float]:
    labels = {pair.name: pair.value for pair in message.label}
    return labels, message.value, seconds(message.timestamp)


def seconds(timestamp: Any) -> float:
    return float((timestamp.seconds * 10**9 + timestamp.nanos) / 1e9)


def starts_of_protobuf(body: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Under the names that OpenMetrics has for them."""
    found = {}
    for family in client_model.families(body):
        kind = client_model.TYPES[family.type]
        for metric in family.metric:
            value = getattr(metric, kind)
            if kind in ("counter", "histogram", "summary") and value.HasField("start_timestamp"):
                labels = frozenset((pair.name, pair.value) for pair in metric.label)
                name = family.name.removesuffix("_total") if kind == "counter" else family.name
                found[name + "_created", labels] = seconds(value.start_timestamp)
    return found
