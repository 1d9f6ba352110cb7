# SPDX-License-Identifier: MIT
"""openmetrics2 - a strict reader of OpenMetrics 2.0, by the grammar of its release candidate 0

    exposition = openmetrics2.parse(body)     its samples, named as in text 0.0.4; ValueError
    openmetrics2.assert_agrees(text, body)    two renderings of one state

It insists on what we write where the grammar leaves a choice: TYPE first, one space, no timestamp.
It shares no code with what it reads.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import expocheck

ACCEPT = {"Accept": "application/openmetrics-text;version=2.0.0,text/plain;q=0.5"}

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_LABELS = rf"\{{(?:{_LABEL}(?:,{_LABEL})*)?\}}"
_REAL = r"-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?"
_NUMBER = rf"(?:{_REAL}|[+-]Inf|NaN)"
_EXEMPLAR = rf" # {_LABELS} {_NUMBER} {_REAL}"
_SAMPLE = re.compile(
    rf"(?P<name>{_NAME})(?P<labels>{_LABELS})? (?:(?P<number>{_NUMBER})|\{{(?P<composite>[^{{}}\s]+)\}})"
    rf"(?: st@(?P<start>{_REAL}))?(?P<exemplars>(?:{_EXEMPLAR})*)"
)
_BUCKETS = rf"bucket:\[(?P<bucket>(?:{_REAL}:[0-9]+,)*\+Inf:[0-9]+)\]"
_SIDES = "".join(
    rf"(?:,{sign}_spans:\[(?P<{sign}_spans>-?[0-9]+:[1-9][0-9]*(?:,[0-9]+:[1-9][0-9]*)*)\]"
    rf",{sign}_buckets:\[(?P<{sign}_buckets>[0-9]+(?:,[0-9]+)*)\])?"
    for sign in ("negative", "positive")
)
_NATIVE = (
    rf"schema:(?P<schema>-?[0-9]+),zero_threshold:(?P<zero_threshold>{_REAL})"
    rf",zero_count:(?P<zero_count>[0-9]+){_SIDES}"
)
_TOTALS = rf"count:(?P<count>[0-9]+),sum:(?P<sum>{_NUMBER}),"
_HISTOGRAM = re.compile(f"{_TOTALS}(?:{_BUCKETS}|{_NATIVE}(?:,{_BUCKETS.replace('<bucket>', '<also>')})?)")
_SUMMARY = re.compile(rf"{_TOTALS}quantile:\[\]")
_TYPES = ("counter", "gauge", "histogram", "stateset", "info", "summary", "unknown")

Exemplar = tuple[expocheck.Labels, float, float]


@dataclass
class Native:
    schema: int
    zero_threshold: float
    zero_count: int
    buckets: dict[tuple[str, int], int]  # by sign and index


@dataclass
class Exposition:
    types: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # type, unit, help
    samples: expocheck.Samples = field(default_factory=dict)
    natives: dict[tuple[str, expocheck.Labels], Native] = field(default_factory=dict)
    starts: dict[tuple[str, expocheck.Labels], float] = field(default_factory=dict)
    exemplars: dict[tuple[str, expocheck.Labels], list[Exemplar]] = field(default_factory=dict)

    def add(self, name: str, labels: expocheck.Labels, value: str) -> None:
        if (name, labels) in self.samples:
            raise ValueError(f"{name} {labels} twice")
        self.samples[name, labels] = float(value)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def _labels(text: str) -> expocheck.Labels:
    pairs = []
    for label in re.findall(_LABEL, text):
        name, _, value = label.partition("=")
        pairs.append((name, _unescape(value[1:-1])))
    if len(dict(pairs)) != len(pairs):
        raise ValueError(f"a label twice: {text}")
    return frozenset(pairs)


def parse(body: bytes) -> Exposition:
    text = body.decode()  # UTF-8, or UnicodeDecodeError, which is a ValueError
    if not text.endswith("# EOF\n"):
        raise ValueError("it does not end in # EOF")
    exposition = Exposition()
    family = ""
    for line in text.split("\n")[:-2]:
        if line.startswith("#"):
            family = _metadata(exposition, family, line)
        else:
            _sample(exposition, family, line)
    return exposition


def _metadata(exposition: Exposition, family: str, line: str) -> str:
    mark, word, name, rest = line.split(" ", 3)
    if mark != "#" or not re.fullmatch(_NAME, name):
        raise ValueError(line)
    if word == "TYPE":
        if name in exposition.types or rest not in _TYPES:
            raise ValueError(line)
        exposition.types[name] = (rest, "", "")
        return name
    kind, unit, help_text = exposition.types[name]
    if name != family or help_text or word not in ("UNIT", "HELP") or word == "UNIT" and unit:
        raise ValueError(line)
    if word == "UNIT":
        exposition.types[name] = (kind, rest, "")
        stem = name.removesuffix("_total") if kind == "counter" else name
        if not stem.endswith("_" + rest) or kind in ("info", "stateset"):
            raise ValueError(line)
    else:
        exposition.types[name] = (kind, unit, _unescape(rest))
    return name


def _sample(exposition: Exposition, family: str, line: str) -> None:
    found = _SAMPLE.fullmatch(line)
    if not found or found["name"] != family:
        raise ValueError(line)
    labels = _labels(found["labels"] or "")
    kind = exposition.types[family][0]
    if (kind in ("histogram", "summary")) != (found["composite"] is not None):
        raise ValueError(line)
    if found["start"]:
        if kind not in ("counter", "histogram", "summary"):
            raise ValueError(line)
        exposition.starts[family, labels] = float(found["start"])
    if found["exemplars"]:
        if kind not in ("counter", "histogram"):
            raise ValueError(line)
        exposition.exemplars[family, labels] = [
            (_labels(labels_text), float(value), float(time))
            for labels_text, value, time in re.findall(
                rf" # ({_LABELS}) ({_NUMBER}) ({_REAL})", found["exemplars"]
            )
        ]
    if kind not in ("histogram", "summary"):
        exposition.add(family, labels, found["number"])
        return
    value = (_HISTOGRAM if kind == "histogram" else _SUMMARY).fullmatch(found["composite"])
    if not value:
        raise ValueError(line)
    exposition.add(family + "_sum", labels, value["sum"])
    exposition.add(family + "_count", labels, value["count"])
    if kind == "histogram":
        _histogram(exposition, family, labels, value)


def _histogram(
    exposition: Exposition, family: str, labels: expocheck.Labels, value: re.Match[str]
) -> None:
    count = int(value["count"])
    buckets = value["bucket"] or value["also"]
    last, last_bound = 0, -math.inf
    for bucket in buckets.split(",") if buckets else ():
        le, _, number = bucket.partition(":")
        if int(number) < last or not float(le) > last_bound:
            raise ValueError(bucket)
        if le != expocheck.canonical_float(float(le)):
            raise ValueError(bucket)
        last, last_bound = int(number), float(le)
        exposition.add(family + "_bucket", labels | {("le", le)}, number)
    if buckets and last != count:
        raise ValueError(f"{family}: {last} and {count}")
    if not buckets:  # as a scraper without native histograms makes it
        exposition.add(family + "_bucket", labels | {("le", "+Inf")}, value["count"])
    if not value["schema"]:
        return
    native = Native(int(value["schema"]), float(value["zero_threshold"]), int(value["zero_count"]), {})
    for sign in ("negative", "positive"):
        counts = [int(number) for number in (value[sign + "_buckets"] or "").split(",") if number]
        index, at, first = 0, 0, True
        for span in (value[sign + "_spans"] or "").split(","):
            if not span:
                continue
            offset, _, length = span.partition(":")
            if not first and offset == "0":
                raise ValueError(span)
            index, first = index + int(offset), False
            for _ in range(int(length)):
                native.buckets[sign, index] = counts[at]
                index, at = index + 1, at + 1
        if at != len(counts):
            raise ValueError(f"{family}: {at} buckets in spans, {len(counts)} counts")
    if sum(native.buckets.values()) + native.zero_count != count or not -4 <= native.schema <= 8:
        raise ValueError(f"{family}: {native}")
    exposition.natives[family, labels] = native


def assert_agrees(text: bytes, body: bytes) -> int:
    """That OpenMetrics 2.0 says what text 0.0.4 says. Returns how many samples there were."""
    expected = expocheck.check(text)
    found = parse(body)
    for name, labels in expected.samples.keys() - found.samples.keys():
        family = expected.families[name.rpartition("_")[0]]
        total = expected.samples[family.name + "_sum", labels]
        # A summary's may not be negative or NaN, and it may not be without.
        assert family.type == "summary" and not total >= 0, f"{name} is missing"
    for key, value in found.samples.items():
        other = expected.samples[key]
        assert value == other or math.isnan(value) and math.isnan(other), f"{key}: {value}, {other}"
    types = {"info": "gauge", "stateset": "gauge", "unknown": "untyped"}
    described = {
        name: (types.get(kind, kind), help_text or None)
        for name, (kind, _, help_text) in found.types.items()
    }
    assert described == {
        name: (family.type, family.help) for name, family in expected.families.items()
    }
    return len(found.samples)
