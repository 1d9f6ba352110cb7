# SPDX-License-Identifier: MIT
"""expoprotobuf - the strict parser of delimited protobuf (io.prometheus.client.MetricFamily)

Its samples are those that a Prometheus makes of it, named as in text 0.0.4: what both formats have to
keep is judged by the same code, and the samples of both can be compared. A native histogram is in
`Exposition.natives` besides. Where other formats have lines this one has families, counted from 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from expoparser import (
    LABEL_NAME,
    METRIC_NAME,
    Exposition,
    Family,
    Labels,
    Native,
    Text004,
    canonical_float,
)
from expowire import FAMILY, Message, decode, split_delimited
from exporules import Violation

TYPES = ("counter", "gauge", "summary", "untyped", "histogram")  # by their number
EXEMPLAR_CHARACTERS_MAX = 128
SCHEMA_MIN, SCHEMA_MAX = -4, 8
NATIVE_FIELDS = ("schema", "zero_threshold", "zero_count", "positive_span", "negative_span")

Pairs = list[tuple[str, str]]


class Protobuf(Text004):
    UTF8_NAMES = False

    def parse(self, body: bytes | str) -> Exposition:
        assert isinstance(body, bytes)
        try:
            for data in split_delimited(body):
                self.line += 1
                self._add_family(decode(FAMILY, data))
        except Violation as violation:
            if violation.line:
                raise
            raise self.fail(violation.rule, violation.message) from None
        self._end_family()
        self._check_names()
        return self.exposition

    def _name(self, rule: str, name: str) -> str:
        plain = METRIC_NAME if rule == "metric-name" else LABEL_NAME
        if not name or not (self.UTF8_NAMES or plain.fullmatch(name)):
            raise self.fail(rule, f"{name!r}")
        return name

    # ---- a family ----

    def _add_family(self, message: Message) -> None:
        name = self._name("metric-name", message.one("name", ""))
        self._begin_family(name)
        assert self.family is not None
        family = self.family
        number = message.one("type")
        if number is None:
            raise self.fail("type-missing", f"{name} has no type")
        if number >= len(TYPES):
            raise self.fail("type-known", f"{name} has the type {number}")
        self._check_type(family, TYPES[number])
        family.type = TYPES[number]
        family.help = message.one("help")
        family.unit = message.one("unit", "")
        if family.unit:
            self._check_unit(family)
        for metric in message.all("metric"):
            self._add_metric(family, metric)

    def _check_unit(self, family: Family) -> None:
        name = family.name.removesuffix("_total") if family.type == "counter" else family.name
        if not name.endswith("_" + family.unit):
            raise self.fail("unit-suffix", f"{family.name} does not end in _{family.unit}")

    def _check_label_names(self, family: Family, name: str, names: Sequence[str]) -> None:
        for label in names:
            self._name("label-name", label)
        super()._check_label_names(family, name, names)

    # ---- a metric ----

    def _add_metric(self, family: Family, metric: Message) -> None:
        if "timestamp_ms" in metric:
            raise self.fail("timestamp", f"on {family.name}")
        kinds = [kind for kind in TYPES if kind in metric]
        if kinds != [family.type]:
            raise self.fail("proto-kind", f"the {family.type} {family.name} has {kinds or 'no value'}")
        labels = [(label.one("name", ""), label.one("value", "")) for label in metric.all("label")]
        for label, _ in labels:
            if label == "le" or label == "quantile":
                raise self.fail("label-reserved", f"{label} on {family.name}")
        value = metric.one(family.type)
        self._check_created(family, labels, value)
        if family.type == "histogram":
            self._add_histogram(family, labels, value)
        elif family.type == "summary":
            self._add_summary(family, labels, value)
        else:
            self._one(family, value, "value")
            self._sample(family, "", labels, value.one("value"))
            self._add_exemplar(family, value.one("exemplar"))

    def _one(self, family: Family, message: Message, *names: str) -> None:
        for name in names:
            if name not in message:
                raise self.fail("proto-missing", f"a {family.type} of {family.name} without {name}")

    def _sample(self, family: Family, suffix: str, labels: Pairs, value: float) -> None:
        name = family.name + suffix
        self._check_labels(family, name, labels)
        self._add(family, name, labels, float(value))

    def _check_created(self, family: Family, labels: Pairs, value: Message) -> None:
        stamp = value.one("start_timestamp")
        if stamp is not None:
            key = (family.name, frozenset(labels))
            self.exposition.created[key] = self._seconds("created-value", stamp)

    def _seconds(self, rule: str, stamp: Message) -> float:
        seconds, nanos = stamp.one("seconds", 0), stamp.one("nanos", 0)
        if not (0 <= seconds < 1e11 and 0 <= nanos < 1_000_000_000 and seconds + nanos > 0):
            raise self.fail(rule, f"{seconds} s and {nanos} ns")
        return float(seconds) + nanos / 1e9

    def _add_summary(self, family: Family, labels: Pairs, summary: Message) -> None:
        self._one(family, summary, "sample_count", "sample_sum")
        self._sample(family, "_sum", labels, summary.one("sample_sum"))
        self._sample(family, "_count", labels, summary.one("sample_count"))

    # ---- histograms ----

    def _add_histogram(self, family: Family, labels: Pairs, histogram: Message) -> None:
        """The bucket +Inf may be left out: who reads it makes it of the count."""
        self._one(family, histogram, "sample_count", "sample_sum")
        count = histogram.one("sample_count")
        last = -math.inf
        for bucket in histogram.all("bucket"):
            self._one(family, bucket, "cumulative_count", "upper_bound")
            bound = bucket.one("upper_bound")
            if math.isnan(bound):
                raise self.fail("le-canonical", f"a bound of {family.name} is NaN")
            self._sample(
                family,
                "_bucket",
                [*labels, ("le", canonical_float(bound))],
                bucket.one("cumulative_count"),
            )
            self._add_exemplar(family, bucket.one("exemplar"), last, bound)
            last = bound
        if last != math.inf:
            self._sample(family, "_bucket", [*labels, ("le", "+Inf")], count)
        self._sample(family, "_sum", labels, histogram.one("sample_sum"))
        self._sample(family, "_count", labels, count)
        if any(name in histogram for name in NATIVE_FIELDS):
            self._add_native(family, labels, histogram)
        elif "exemplars" in histogram:
            raise self.fail("exemplar-place", f"{family.name} is not native")

    def _add_native(self, family: Family, labels: Pairs, histogram: Message) -> None:
        schema = histogram.one("schema", 0)
        if not SCHEMA_MIN <= schema <= SCHEMA_MAX:
            raise self.fail("native-schema", f"{family.name} has the schema {schema}")
        native = Native(schema, histogram.one("zero_threshold", 0.0), histogram.one("zero_count", 0))
        if not 0 <= native.zero_threshold < math.inf:
            raise self.fail("native-zero", f"the zero bucket ends at {native.zero_threshold}")
        self._add_side(native.positive, histogram, "positive")
        self._add_side(native.negative, histogram, "negative")
        total = native.zero_count + sum(native.positive.values()) + sum(native.negative.values())
        if total != histogram.one("sample_count"):
            raise self.fail(
                "native-count",
                f"{family.name} counts {histogram.one('sample_count')}, its buckets {total}",
            )
        spans = histogram.all("positive_span") + histogram.all("negative_span")
        if not spans and native.zero_threshold == 0 and native.zero_count == 0:
            raise self.fail("native-noop", f"{family.name} is taken for one without native buckets")
        for exemplar in histogram.all("exemplars"):
            self._read_exemplar(exemplar)
        self.exposition.natives[family.name, frozenset(labels)] = native

    def _add_side(self, counts: dict[int, int], histogram: Message, side: str) -> None:
        deltas = histogram.all(f"{side}_delta")
        spans = histogram.all(f"{side}_span")
        lengths = [span.one("length", 0) for span in spans]
        if sum(lengths) != len(deltas):
            raise self.fail("native-span", f"{side} spans of {lengths} buckets, {len(deltas)} deltas")
        index = at = count = 0
        for number, span in enumerate(spans):
            if number and span.one("offset", 0) < 0:
                raise self.fail("native-span", f"{side} span {number + 1} begins before its place")
            if lengths[number] == 0 and (len(spans) > 1 or span.one("offset", 0) != 0):
                raise self.fail("native-span", f"{side} span {number + 1} is empty")
            index += span.one("offset", 0)
            for _ in range(lengths[number]):
                count += deltas[at]
                if count < 0:
                    raise self.fail("native-delta", f"{side} bucket {index} holds {count}")
                counts[index] = count
                index, at = index + 1, at + 1

    # ---- exemplars ----

    def _add_exemplar(
        self,
        family: Family,
        exemplar: Message | None,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        """Of the sample that was added last."""
        if exemplar is None:
            return
        told = self._read_exemplar(exemplar)
        if not (low < told[1] <= high or told[1] == low == -math.inf):
            raise self.fail("exemplar-bucket", f"{told[1]} is not in the bucket of {high}")
        self.exposition.exemplars[family.samples[-1]] = told

    def _read_exemplar(self, exemplar: Message) -> tuple[Labels, float, float]:
        labels = [(label.one("name", ""), label.one("value", "")) for label in exemplar.all("label")]
        names = [self._name("label-name", name) for name, _ in labels]
        if len(set(names)) != len(names):
            raise self.fail("label-duplicate", f"{names} in an exemplar")
        if not all(value for _, value in labels):
            raise self.fail("label-empty", f"{labels} in an exemplar")
        size = sum(len(name) + len(value) for name, value in labels)
        if size > EXEMPLAR_CHARACTERS_MAX:
            raise self.fail("exemplar-size", f"{size} characters in its labels")
        if "value" not in exemplar:
            raise self.fail("exemplar-form", "no value")
        if "timestamp" not in exemplar:
            raise self.fail("exemplar-time", "no time")
        time = self._seconds("exemplar-time", exemplar.one("timestamp"))
        return frozenset(labels), exemplar.one("value"), time


class ProtobufUtf8(Protobuf):
    """For who asked for escaping=allow-utf-8: names of any UTF-8."""

    UTF8_NAMES = True
