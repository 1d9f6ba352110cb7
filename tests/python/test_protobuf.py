# SPDX-License-Identifier: MIT
"""A registry in delimited protobuf, as the protobuf library reads it (I12)."""

from __future__ import annotations

import math
import struct
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest
import shmetrics
from shmetrics import protobuf
from shmetrics.exposition import choose_encoder, make_wsgi_app
from shmetrics.metrics_core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
    SummaryMetricFamily,
    UnknownMetricFamily,
)
from shmetrics.samples import BucketSpan, Exemplar, NativeHistogram, Timestamp
from shmetrics.scraping.conflicts import left_out_count

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import client_model  # noqa: E402

ACCEPT = client_model.ACCEPT["Accept"]


class Collector:
    def __init__(self, *families: Metric) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        yield from self.families


def registry_of(*families: Metric) -> shmetrics.CollectorRegistry:
    registry = shmetrics.CollectorRegistry()
    registry.register(Collector(*families))
    return registry


def families_of(registry: shmetrics.CollectorRegistry, **arguments: str) -> list[Any]:
    return list(client_model.families(protobuf.generate_latest(registry, **arguments)))


def test_every_type_has_the_samples_that_were_collected() -> None:
    counter = CounterMetricFamily("jobs", "Jobs.", labels=["queue", "empty"])
    counter.add_metric(["a", ""], 2.5, created=1700000000.25)
    counter.add_metric(["b\n", ""], 0)
    histogram = HistogramMetricFamily("run_seconds", "Runs.", labels=["x"], unit="seconds")
    histogram.add_metric(["1"], [("0.5", 1), ("+Inf", 3)], 4.5)
    histogram.add_metric(["2"], [("0.5", 0), ("+Inf", 0)], 0)
    summary = SummaryMetricFamily("size", "Sizes.", count_value=3, sum_value=-0.5)
    states = StateSetMetricFamily("door", "Door.", labels=["room"])
    states.add_metric(["1"], {"open": True, "shut": False})
    families = [
        counter,
        histogram,
        summary,
        states,
        GaugeMetricFamily("level", "", value=math.inf),
        InfoMetricFamily("build", "Build.", {"version": "1"}),
        UnknownMetricFamily("what", "What.", value=math.nan),
    ]
    body = protobuf.generate_latest(registry_of(*families))
    expected = {
        (sample.name, frozenset((k, v) for k, v in sample.labels.items() if v)): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
    # le in its one form
    expected = {
        (name, frozenset((k, "0.5" if v == "0.5" else v) for k, v in labels)): value
        for (name, labels), value in expected.items()
    }
    found = client_model.samples(body)
    assert found.keys() == expected.keys()
    for key, value in found.items():
        assert value == expected[key] or math.isnan(value) and math.isnan(expected[key]), key
    described = {f.name: (f.type, f.help, f.unit) for f in client_model.families(body)}
    assert described["jobs_total"] == (client_model.COUNTER, "Jobs.", "")
    assert described["run_seconds"] == (client_model.HISTOGRAM, "Runs.", "seconds")
    assert described["build_info"] == (client_model.GAUGE, "Build.", "")
    assert described["what"] == (client_model.UNTYPED, "What.", "")
    start = next(client_model.families(body)).metric[0].counter.start_timestamp
    assert (start.seconds, start.nanos) == (1700000000, 250000000)


def test_a_gauge_histogram_is_a_type_of_its_own() -> None:
    family = GaugeHistogramMetricFamily("queue", "Q.", [("1.0", 2), ("+Inf", 5)], gsum_value=7)
    [message] = families_of(registry_of(family))
    assert message.type == 5
    histogram = message.metric[0].histogram
    assert (histogram.sample_count, histogram.sample_sum) == (5, 7)
    assert [bucket.cumulative_count for bucket in histogram.bucket] == [2, 5]


def test_exemplars_and_timestamps_are_served() -> None:
    family = Metric("jobs", "Jobs.", "counter")
    exemplar = Exemplar({"trace_id": "é"}, 0.5, Timestamp(3, 5))
    family.add_sample("jobs_total", {}, 1, 12.5, exemplar)
    times = Metric("run", "Runs.", "histogram")
    times.add_sample("run_bucket", {"le": "+Inf"}, 1, 7, Exemplar({}, 2))
    times.add_sample("run_count", {}, 1, 7)
    counter, histogram = families_of(registry_of(family, times))
    assert counter.metric[0].timestamp_ms == 12500
    found = counter.metric[0].counter.exemplar
    assert [(pair.name, pair.value) for pair in found.label] == [("trace_id", "é")]
    assert (found.value, found.timestamp.seconds) == (0.5, 3)
    assert histogram.metric[0].timestamp_ms == 7000
    bucket = histogram.metric[0].histogram.bucket[0]
    assert bucket.exemplar.value == 2 and not bucket.exemplar.HasField("timestamp")


@pytest.mark.parametrize(
    "spans, deltas", [([BucketSpan(-3, 2), BucketSpan(1, 1)], [5, -2, 1]), (None, None)]
)
def test_a_native_histogram_is_served_and_is_never_without_a_span(
    spans: Any, deltas: Any
) -> None:
    native = NativeHistogram(12, 1.5, -2, 0.001, 3, spans, spans, deltas, deltas)
    family = Metric("run", "Runs.", "histogram")
    family.samples.append(shmetrics.Sample("run", {"a": "b"}, 0, native_histogram=native))
    [message] = families_of(registry_of(family))
    histogram = message.metric[0].histogram
    assert (histogram.sample_count, histogram.sample_sum) == (12, 1.5)
    assert (histogram.schema, histogram.zero_threshold, histogram.zero_count) == (-2, 0.001, 3)
    expected = [tuple(span) for span in spans or [(0, 0)]]
    assert [(span.offset, span.length) for span in histogram.positive_span] == expected
    assert list(histogram.positive_delta) == list(histogram.negative_delta) == (deltas or [])
    assert len(histogram.negative_span) == len(spans or [])


def test_what_a_text_takes_for_a_number_is_one() -> None:
    """What comes from a database is often a str."""
    text: Any = str
    registry = registry_of(
        GaugeMetricFamily("depth", "", value=text(3)),
        SummaryMetricFamily("s", "", text(2), text(0.5)),
        CounterMetricFamily("jobs", "", value=text(4), created=text(1.5)),
        HistogramMetricFamily("run", "", [("+Inf", text(5))], text(7)),
    )
    found = [message.metric[0] for message in families_of(registry)]
    assert found[0].gauge.value == 3
    assert (found[1].summary.sample_count, found[1].summary.sample_sum) == (2, 0.5)
    assert (found[2].counter.value, found[2].counter.start_timestamp.nanos) == (4, 500000000)
    assert (found[3].histogram.sample_count, found[3].histogram.sample_sum) == (5, 7)
    assert found[3].histogram.bucket[0].cumulative_count == 5


@pytest.mark.parametrize(
    "count, labels",
    [
        (math.nan, {"le": "+Inf"}),
        (math.inf, {"le": "+Inf"}),
        (1, {"le": "many"}),
        (1, {"le": ""}),
        (1, {}),
    ],
)
def test_a_family_that_is_none_in_protobuf_does_not_cost_the_others(
    count: float, labels: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    family = Metric(f"unsayable_{count}_{len(str(labels))}", "", "histogram")
    family.add_sample(f"{family.name}_bucket", labels, count)
    before = left_out_count()
    [message] = families_of(registry_of(family, GaugeMetricFamily("other", "", value=1)))
    assert message.name == "other"
    assert left_out_count() == before + 1 and family.name in caplog.text


def test_there_is_one_nan() -> None:
    """0x7ff0000000000002 tells a Prometheus that the series has ended."""
    ended = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
    body = protobuf.generate_latest(registry_of(GaugeMetricFamily("a", "", value=ended)))
    assert body.endswith(struct.pack("<Q", 0x7FF8000000000001))


def test_what_the_segment_has_and_what_collectors_yield_are_served_once() -> None:
    registry = shmetrics.CollectorRegistry()
    shmetrics.Counter("a", "Of the segment.", registry=registry).inc(3)
    shmetrics.Histogram("b" * 200, "Long.", registry=registry).observe(1)
    twice = CounterMetricFamily("a", "Of the collector.", value=4)
    registry.register(Collector(twice, GaugeMetricFamily("c", "C.", value=5)))
    messages = families_of(registry)
    assert [message.name for message in messages] == ["a_total", "b" * 200, "c"]
    assert messages[0].help == "Of the segment." and messages[0].metric[0].counter.value == 3
    restricted = registry.restricted_registry(["a_total"])
    assert [message.name for message in families_of(restricted)] == ["a_total"]


def test_names_are_escaped_as_the_scraper_asks() -> None:
    registry = registry_of(GaugeMetricFamily("a.b", "", labels=["c.d"]))
    [family] = registry.collect()
    family.add_metric(["1"], 2)
    names = {}
    for escaping in ("underscores", "dots", "values", "allow-utf-8"):
        [message] = families_of(registry, escaping=escaping)
        names[escaping] = message.name, message.metric[0].label[0].name
    assert names == {
        "underscores": ("a_b", "c_d"),
        "dots": ("a_dot_b", "c_dot_d"),
        "values": ("U__a_2e_b", "U__c_2e_d"),
        "allow-utf-8": ("a.b", "c.d"),
    }


def test_a_prometheus_with_native_histograms_is_answered_in_protobuf() -> None:
    registry = registry_of(GaugeMetricFamily("a", "A.", value=1))
    answered: list[Any] = []
    [body] = make_wsgi_app(registry)(
        {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "HTTP_ACCEPT": ACCEPT},
        lambda status, headers: answered.extend([status, dict(headers)]),
    )
    assert answered[0] == "200 OK"
    assert answered[1]["Content-Type"] == client_model.CONTENT_TYPE
    assert client_model.samples(body) == {("a", frozenset()): 1}


@pytest.mark.parametrize(
    "accept, expected",
    [
        (f"{ACCEPT};q=0.1", client_model.CONTENT_TYPE),
        (
            ACCEPT.replace("delimited", "delimited;escaping=allow-utf-8"),
            client_model.CONTENT_TYPE + "; escaping=allow-utf-8",
        ),
        (ACCEPT.replace("delimited", "text"), "text/plain; version=0.0.4; charset=utf-8"),
        (ACCEPT.replace("delimited", "delimited;q=0.4"), "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_protobuf_is_given_to_whom_likes_it_best(accept: str, expected: str) -> None:
    assert choose_encoder(accept)[1] == expected
