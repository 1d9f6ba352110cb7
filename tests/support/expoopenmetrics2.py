# SPDX-License-Identifier: MIT
"""expoopenmetrics2 - what the strict parser does otherwise for OpenMetrics 2.0 (release candidate 0)

A histogram or a summary is one sample, whose value has fields; its samples are those that the older formats
have of it, so that all formats can be compared. A native one is in `Exposition.natives` besides.
"""

from __future__ import annotations

import math
import re

from expoopenmetrics import OpenMetrics
from expoparser import Family, Labels, Native, canonical_float

COMPOSITE = re.compile(r"\{((?:[a-z_]+:(?:\[[^]]*\]|[^][{},]+),?)+)\}")
FIELD = re.compile(r"([a-z_]+):(\[[^]]*\]|[^][{},]+)(?:,|$)")
WHOLE = re.compile(r"0|[1-9][0-9]*")
SIGNED = re.compile(r"-?(?:0|[1-9][0-9]*)")
NATIVE = ["schema", "zero_threshold", "zero_count"]
SIDES = ["negative_spans", "negative_buckets", "positive_spans", "positive_buckets"]
SCHEMA_MIN, SCHEMA_MAX = -4, 8

Pairs = list[tuple[str, str]]


class OpenMetrics2(OpenMetrics):
    TYPES = {
        "counter": ("",),
        "gauge": ("",),
        "unknown": ("",),
        "histogram": ("", "_bucket", "_sum", "_count"),
        "summary": ("", "_sum", "_count"),
        "info": ("",),
        "stateset": ("",),
    }
    SUFFIXES = {"counter": "_total", "info": "_info"}  # of the family's own name

    def _check_type(self, family: Family, text: str) -> None:
        if not family.name.endswith(self.SUFFIXES.get(text, "")):
            raise self.fail("counter-total", f"the {text} {family.name} has no {self.SUFFIXES[text]}")

    def _parse_unit(self, family: Family, text: str) -> None:
        name = family.name
        if family.type == "counter":
            family.name = name.removesuffix("_total")
        try:
            super()._parse_unit(family, text)
        finally:
            family.name = name

    def _begins_series(self, last: object, suffix: str) -> bool:
        return getattr(last, "count") is not None

    # ---- the line of a sample ----

    def _parse_rest(self, name: str, labels: Pairs, rest: str) -> None:
        family = self._owner(name)
        if name != family.name:
            raise self.fail("contiguous", f"{name} is not {family.name}")
        text, mark, exemplars = rest.partition(" # ")
        text, started, start = text.partition(" st@")
        self._check_labels(family, name, labels)
        if text.startswith("{"):
            self._add_composite(family, labels, self._fields(text))
        elif family.type in ("histogram", "summary"):
            raise self.fail("value-form", f"{text!r} is no composite value")
        else:
            self._add(family, name, labels, self._parse_value(text))
        if started:
            self._add_start(family, labels, start)
        while mark:
            exemplars = self._take_exemplar(family, labels, exemplars)
            mark = exemplars

    def _add_start(self, family: Family, labels: Pairs, text: str) -> None:
        if family.type not in ("counter", "histogram", "summary"):
            raise self.fail("created-together", f"a start of a {family.type}")
        value = self._parse_value(text)
        self._check_created(family.name, value)
        self.exposition.created[family.name, frozenset(labels)] = value

    def _take_exemplar(self, family: Family, labels: Pairs, text: str) -> str:
        """Returns those behind it."""
        if family.type not in ("counter", "histogram"):
            raise self.fail("exemplar-place", f"on {family.name} of a {family.type}")
        told, rest = self._read_exemplar(text)
        if rest and (family.type == "counter" or not rest.startswith("# ") or rest == "# "):
            raise self.fail("exemplar-form", f"{rest!r} behind an exemplar")
        if family.type == "counter":
            self.exposition.exemplars[family.name, frozenset(labels)] = told
        else:
            for bound, _ in family.series[-1].buckets:
                if told[1] <= bound:
                    key = (family.name + "_bucket", frozenset([*labels, ("le", canonical_float(bound))]))
                    self.exposition.exemplars[key] = told
                    break
        return rest[2:]

    # ---- composite values ----

    def _fields(self, text: str) -> dict[str, str]:
        match = COMPOSITE.fullmatch(text)
        if not match or match.group(1).endswith(","):
            raise self.fail("value-form", f"{text!r} is no composite value")
        return dict(FIELD.findall(match.group(1)))

    def _list(self, text: str) -> list[str]:
        if not (text.startswith("[") and text.endswith("]")):
            raise self.fail("value-form", f"{text!r} is no list")
        return text[1:-1].split(",") if len(text) > 2 else []

    def _pairs(self, text: str) -> list[tuple[str, str]]:
        pairs = [tuple(item.split(":")) for item in self._list(text)]
        if any(len(pair) != 2 for pair in pairs):
            raise self.fail("value-form", f"{text!r} is no list of pairs")
        return [(pair[0], pair[1]) for pair in pairs]

    def _whole(self, text: str, pattern: re.Pattern[str] = WHOLE) -> int:
        if not pattern.fullmatch(text):
            raise self.fail("value-form", f"{text!r} is no whole number")
        return int(text)

    def _add_composite(self, family: Family, labels: Pairs, fields: dict[str, str]) -> None:
        histogram = family.type == "histogram"
        native = "schema" in fields
        wanted = ["count", "sum", *(NATIVE if native else []), *(name for name in SIDES if name in fields)]
        wanted += ["quantile"] if not histogram else ["bucket"] if "bucket" in fields or not native else []
        if family.type not in ("histogram", "summary") or list(fields) != wanted:
            raise self.fail("value-form", f"a {family.type} with the fields {list(fields)}")
        count = self._whole(fields["count"])
        if histogram:
            buckets = self._pairs(fields["bucket"]) if "bucket" in fields else [("+Inf", fields["count"])]
            for bound, number in buckets:
                self._add_part(family, "_bucket", [*labels, ("le", bound)], self._whole(number))
        elif fields["quantile"] != "[]":
            raise self.fail("value-form", f"quantiles: {fields['quantile']}")
        self._add_part(family, "_sum", labels, self._parse_value(fields["sum"]))
        self._add_part(family, "_count", labels, count)
        if native:
            self._add_native(family, frozenset(labels), fields)

    def _add_part(self, family: Family, suffix: str, labels: Pairs, value: float) -> None:
        self._check_labels(family, family.name + suffix, labels)
        self._add(family, family.name + suffix, labels, float(value))

    def _add_sum(self, family: Family, series: object, name: str, value: float) -> None:
        """Of a histogram it may be anything."""
        if family.type == "summary" and not value >= 0:
            raise self.fail("sum-value", f"{name} is {value}")
        setattr(series, "sum", value)

    def _add_native(self, family: Family, labels: Labels, fields: dict[str, str]) -> None:
        native = Native(
            self._whole(fields["schema"], SIGNED),
            self._parse_value(fields["zero_threshold"]),
            self._whole(fields["zero_count"]),
        )
        if not SCHEMA_MIN <= native.schema <= SCHEMA_MAX:
            raise self.fail("native-schema", f"{family.name} has the schema {native.schema}")
        if not 0 <= native.zero_threshold < math.inf:
            raise self.fail("native-zero", f"the zero bucket ends at {native.zero_threshold}")
        self._add_side(native.negative, fields, "negative")
        self._add_side(native.positive, fields, "positive")
        total = native.zero_count + sum(native.negative.values()) + sum(native.positive.values())
        if total != self._whole(fields["count"]):
            raise self.fail("native-count", f"count:{fields['count']}, the buckets hold {total}")
        self.exposition.natives[family.name, labels] = native

    def _add_side(self, counts: dict[int, int], fields: dict[str, str], side: str) -> None:
        if (f"{side}_spans" in fields) != (f"{side}_buckets" in fields):
            raise self.fail("native-span", f"{side} spans and buckets go together")
        spans = self._pairs(fields.get(f"{side}_spans", "[]"))
        numbers = [self._whole(number) for number in self._list(fields.get(f"{side}_buckets", "[]"))]
        index = at = 0
        for number, (offset, length) in enumerate(spans):
            skipped, size = self._whole(offset, SIGNED), self._whole(length)
            if size == 0 or (number and skipped < 0):
                raise self.fail("native-span", f"{side} span {offset}:{length}")
            index += skipped
            for count in numbers[at : at + size]:
                counts[index] = count
                index += 1
            at += size
        if at != len(numbers):
            raise self.fail("native-span", f"{side} spans of {at} buckets, {len(numbers)} counts")


class OpenMetrics2Utf8(OpenMetrics2):
    QUOTED_NAMES = True
