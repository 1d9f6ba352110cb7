# SPDX-License-Identifier: MIT
"""client_model - delimited protobuf as the protobuf library reads it

    for family in client_model.families(body): ...      messages; ValueError if one is malformed
    samples = client_model.samples(body)                 {(name, frozenset of labels): value}
    client_model.assert_agrees(text, body)               two renderings of one state

The description of the messages is Prometheus' metrics.proto. What is read is also written again, and
must be the same bytes: there is one way to write a message that every encoder takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import expocheck
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

ACCEPT = {
    "Accept": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
    "encoding=delimited,text/plain;q=0.5"
}
CONTENT_TYPE = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

# name, number, type; "+": repeated
MESSAGES = {
    "LabelPair": "name 1 string, value 2 string",
    "Timestamp": "seconds 1 int64, nanos 2 int32",
    "Exemplar": "label 1 +LabelPair, value 2 double, timestamp 3 Timestamp",
    "Gauge": "value 1 double",
    "Counter": "value 1 double, exemplar 2 Exemplar, start_timestamp 3 Timestamp",
    "Quantile": "quantile 1 double, value 2 double",
    "Summary": "sample_count 1 uint64, sample_sum 2 double, quantile 3 +Quantile,"
    " start_timestamp 4 Timestamp",
    "Untyped": "value 1 double",
    "Bucket": "cumulative_count 1 uint64, upper_bound 2 double, exemplar 3 Exemplar,"
    " cumulative_count_float 4 double",
    "BucketSpan": "offset 1 sint32, length 2 uint32",
    "Histogram": "sample_count 1 uint64, sample_sum 2 double, bucket 3 +Bucket,"
    " sample_count_float 4 double, schema 5 sint32, zero_threshold 6 double, zero_count 7 uint64,"
    " zero_count_float 8 double, negative_span 9 +BucketSpan, negative_delta 10 +sint64,"
    " negative_count 11 +double, positive_span 12 +BucketSpan, positive_delta 13 +sint64,"
    " positive_count 14 +double, start_timestamp 15 Timestamp, exemplars 16 +Exemplar",
    "Metric": "label 1 +LabelPair, gauge 2 Gauge, counter 3 Counter, summary 4 Summary,"
    " untyped 5 Untyped, timestamp_ms 6 int64, histogram 7 Histogram",
    "MetricFamily": "name 1 string, help 2 string, type 3 int32, metric 4 +Metric, unit 5 string",
}
COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM = range(5)
TYPES = ("counter", "gauge", "summary", "untyped", "histogram")


def _describe() -> Any:
    """The class of MetricFamily."""
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package="client_model")
    for name, fields in MESSAGES.items():
        described = file.message_type.add(name=name)
        for field in fields.split(","):
            field_name, number, kind = field.split()
            repeated, kind = kind.startswith("+"), kind.lstrip("+")
            added = described.field.add(name=field_name, number=int(number))
            added.label = added.LABEL_REPEATED if repeated else added.LABEL_OPTIONAL
            if kind in MESSAGES:
                added.type, added.type_name = added.TYPE_MESSAGE, f".client_model.{kind}"
            else:
                added.type = getattr(added, f"TYPE_{kind.upper()}")
                added.options.packed = repeated  # as Prometheus has them
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("client_model.MetricFamily"))


MetricFamily = _describe()


def _length(body: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = shift = 0
    while True:
        if at == len(body) or shift > 63:
            raise ValueError("a length is cut short")
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if byte == 0 and shift:
                raise ValueError("a length is longer than it need be")
            return value, at
        shift += 7


def families(body: bytes) -> Iterator[Any]:
    at = 0
    while at < len(body):
        size, at = _length(body, at)
        if size > len(body) - at:
            raise ValueError(f"a family of {size} bytes, and {len(body) - at} are left")
        family = MetricFamily()
        try:
            family.ParseFromString(body[at : at + size])
        except (message.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(str(error)) from error
        assert family.SerializeToString(deterministic=True) == body[at : at + size], family
        yield family
        at += size


def samples(body: bytes) -> expocheck.Samples:
    """What a Prometheus makes of it, with the names of text 0.0.4."""
    found: expocheck.Samples = {}
    names: set[str] = set()
    for family in families(body):
        assert family.name not in names, f"{family.name} twice"
        names.add(family.name)
        for metric in family.metric:
            for suffix, label, value in _values(family.type, metric):
                pairs = [(pair.name, pair.value) for pair in metric.label] + label
                assert len(dict(pairs)) == len(pairs), f"{family.name}: {pairs}"
                key = (family.name + suffix, frozenset(pairs))
                assert key not in found, f"{key} twice"
                found[key] = value
    return found


def _values(kind: int, metric: Any) -> Iterator[tuple[str, list[tuple[str, str]], float]]:
    """The samples of a metric: suffix, label besides, value."""
    name = TYPES[kind]
    assert [field.name for field, _ in metric.ListFields() if field.name != "label"] == [name]
    value = getattr(metric, name)
    if kind in (COUNTER, GAUGE, UNTYPED):
        assert value.HasField("value")
        yield "", [], value.value
        return
    if kind == HISTOGRAM:
        buckets = [(bucket.upper_bound, bucket.cumulative_count) for bucket in value.bucket]
        if not buckets or buckets[-1][0] != math.inf:
            buckets.append((math.inf, value.sample_count))
        for bound, count in buckets:
            yield "_bucket", [("le", expocheck.canonical_float(bound))], float(count)
    yield "_sum", [], value.sample_sum
    yield "_count", [], float(value.sample_count)


def assert_agrees(text: bytes, body: bytes) -> int:
    """That protobuf says what text 0.0.4 says, neither less nor more. Returns how many samples."""
    exposition = expocheck.check(text)
    found = samples(body)
    assert found.keys() == exposition.samples.keys()
    for key, value in found.items():
        expected = exposition.samples[key]
        assert value == expected or (math.isnan(value) and math.isnan(expected)), (
            f"{key}: {value} and {expected}"
        )
    # A carriage return would end the line of a text.
    described = {
        family.name: (TYPES[family.type], family.help.replace("\r", " ") or None)
        for family in families(body)
    }
    assert described == {
        name: (family.type, family.help) for name, family in exposition.families.items()
    }
    return len(found)
