# SPDX-License-Identifier: MIT
"""expoparser - the strict parser of expocheck: what all formats have, and text 0.0.4 and 1.0.0

expoopenmetrics.py has what OpenMetrics does otherwise, expoprotobuf.py what protobuf does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from exporules import Violation

Labels = frozenset[tuple[str, str]]
Samples = dict[tuple[str, Labels], float]

METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
LABEL_VALUE = re.compile(r'(?:[^"\\]|\\[\\"n])*')
SPECIAL = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
DIGITS = re.compile(r"[+-]?[0-9a-fA-FxXpP_.]*(_|[0-9][xX]|[pP])[0-9a-fA-FxXpP_.+-]*")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-][0-9]{2,})?")
# A name that the older formats cannot write stands in quotes, escaped as a label value is.
QUOTED_NAME = re.compile(r'"((?:[^"\\]|\\[\\"n])*)"')
ESCAPES = {"\\": "\\", '"': '"', "n": "\n"}


@dataclass
class Family:
    name: str
    headers: list[str] = field(default_factory=list)
    type: str = ""
    help: str | None = None
    line: int = 0
    samples: list[tuple[str, Labels]] = field(default_factory=list)
    label_names: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)  # seen on a sample
    label_order: dict[tuple[str, str], int] = field(default_factory=dict)
    series: list["Series"] = field(default_factory=list)
    unit: str = ""


@dataclass
class Series:
    """Of a histogram or summary: the lines from a first bucket or _sum to the next one's."""

    labels: Labels
    line: int
    buckets: list[tuple[float, float]] = field(default_factory=list)
    sum: float | None = None
    count: float | None = None
    created: float | None = None

    def is_whole(self) -> bool:
        return self.count is not None or self.created is not None


@dataclass
class Exposition:
    samples: Samples = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    # Of native histograms, by the name of the family and the labels: the buckets that hold something
    natives: dict[tuple[str, Labels], "Native"] = field(default_factory=dict)
    # Labels, value and time of the exemplar of a sample
    exemplars: dict[tuple[str, Labels], tuple[Labels, float, float]] = field(default_factory=dict)
    # When a series began, where the format has it beside the samples, in seconds
    created: Samples = field(default_factory=dict)


@dataclass
class Native:
    """The buckets of one native histogram: bucket i of a schema ends at 2 ** (i * 2 ** -schema)."""

    schema: int
    zero_threshold: float
    zero_count: int
    positive: dict[int, int] = field(default_factory=dict)
    negative: dict[int, int] = field(default_factory=dict)


def canonical_float(value: float) -> str:
    """The one form of a value of le, as Go and OpenMetrics write it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return repr(value)
    mantissa, exponent = _shortest_digits(value)
    digits = mantissa.lstrip("-")
    sign = mantissa[: len(mantissa) - len(digits)]
    if not -4 <= exponent < 6:
        fraction = "." + digits[1:] if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{exponent:+03d}"
    plain = f"{abs(value):.{max(1, len(digits) - 1 - exponent)}f}"
    return sign + plain


def _shortest_digits(value: float) -> tuple[str, int]:
    """The digits of the shortest decimal, with a sign, and the power of ten of the first."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    power = int(exponent or 0) + len(whole) - 1 - leading
    return sign + (digits.strip("0") or "0"), power


class Text004:
    """The parser of text 0.0.4; its attributes and the methods of few lines are what differs."""

    TYPES = {
        "counter": ("",),
        "gauge": ("",),
        "untyped": ("",),
        "histogram": ("_bucket", "_sum", "_count"),
        "summary": ("_sum", "_count"),
    }
    HEADERS = ("HELP", "TYPE")
    HELP_ESCAPES = "\\n"
    QUOTED_NAMES = False  # whether names may be any UTF-8, in quotes where they must

    def __init__(self) -> None:
        self.exposition = Exposition()
        self.family: Family | None = None
        self.line = 0

    def fail(self, rule: str, message: str) -> Violation:
        return Violation(self.line, rule, message)

    # ---- the body as a whole ----

    def parse(self, body: bytes | str) -> Exposition:
        text = self._decode(body)
        if text and not text.endswith("\n"):
            self.line = text.count("\n") + 1
            raise self.fail("final-newline", "the last line does not end in a line feed")
        self._parse_lines(text.split("\n")[:-1])
        self._end_family()
        self._check_names()
        return self.exposition

    def _parse_lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.line += 1
            self._parse_line(line)

    def _decode(self, body: bytes | str) -> str:
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogatepass")
        if body.startswith(b"\xef\xbb\xbf"):
            raise Violation(1, "utf8", "a byte order mark")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError as error:
            line = body.count(b"\n", 0, error.start) + 1
            raise Violation(line, "utf8", f"byte {error.start} is no UTF-8") from None
        if "\0" in text:
            raise Violation(text[: text.index("\0")].count("\n") + 1, "nul", "a NUL byte")
        return text

    def _parse_line(self, line: str) -> None:
        if line.endswith("\r"):
            raise self.fail("lf-only", "the line ends in CR LF")
        if not line.strip():
            raise self.fail("blank-line", "an empty line")
        if line.startswith("#"):
            self._parse_comment(line)
        else:
            self._parse_sample(line)

    # ---- the header of a family ----

    def _parse_comment(self, line: str) -> None:
        match = re.fullmatch(r'# ([A-Z]+) ("(?:[^"\\]|\\.)*"|[^ ]+) (.*)', line, re.DOTALL)
        if not match or match.group(1) not in self.HEADERS:
            raise self.fail("comment", f"none of {', '.join(self.HEADERS)}: {line!r}")
        word, name, rest = match.groups()
        if self.QUOTED_NAMES and name.startswith('"'):
            name = self._unquote(name, METRIC_NAME)
        elif not METRIC_NAME.fullmatch(name):
            raise self.fail("metric-name", f"{name!r}")
        if self.family is None or self.family.name != name:
            self._begin_family(name)
        assert self.family is not None
        if self.family.samples:
            raise self.fail("header-first", f"{word} of {name} after its samples")
        if word in self.family.headers:
            raise self.fail(f"{word.lower()}-once", f"a second {word} of {name}")
        for later in self.HEADERS[self.HEADERS.index(word) :]:
            if later in self.family.headers:
                raise self.fail("header-order", f"{word} of {name} after its {later}")
        self.family.headers.append(word)
        if word == "HELP":
            self._parse_help(self.family, rest)
        elif word == "TYPE":
            self._parse_type(self.family, rest)
        else:
            self._parse_unit(self.family, rest)

    def _begin_family(self, name: str) -> None:
        self._end_family()
        if name in self.exposition.families:
            raise self.fail(
                "contiguous",
                f"{name} was there before, from line {self.exposition.families[name].line}",
            )
        self.family = Family(name, line=self.line)
        self.exposition.families[name] = self.family

    def _parse_help(self, family: Family, text: str) -> None:
        if re.search(rf"\\(?![{re.escape(self.HELP_ESCAPES)}])", text.replace("\\\\", "")):
            raise self.fail("help-escape", f"a backslash before none of {self.HELP_ESCAPES}")
        if "\r" in text:
            raise self.fail("lf-only", "a CR in a HELP text")
        family.help = re.sub(r"\\(.)", lambda escape: ESCAPES[escape.group(1)], text)

    def _parse_type(self, family: Family, text: str) -> None:
        if text not in self.TYPES:
            raise self.fail("type-known", f"{text!r} is no type")
        self._check_type(family, text)
        family.type = text

    def _check_type(self, family: Family, text: str) -> None:
        if text == "counter" and not family.name.endswith("_total"):
            raise self.fail("counter-total", f"the counter {family.name} does not end in _total")

    def _parse_unit(self, family: Family, text: str) -> None:
        raise NotImplementedError

    # ---- samples ----

    def _unquote(self, text: str, plain: re.Pattern[str]) -> str:
        """The name in quotes `text`, which must need them."""
        match = QUOTED_NAME.fullmatch(text)
        if not match or not match.group(1):
            raise self.fail("quoted-name", f"{text!r} is no name in quotes")
        name = re.sub(r"\\(.)", lambda escape: ESCAPES[escape.group(1)], match.group(1))
        if plain.fullmatch(name):
            raise self.fail("quoted-needlessly", f"{name} needs no quotes")
        return name

    def _parse_sample(self, line: str) -> None:
        labels: list[tuple[str, str]] = []
        if self.QUOTED_NAMES and line.startswith("{"):
            match = QUOTED_NAME.match(line, 1)
            if not match or line[match.end() : match.end() + 1] not in (",", "}"):
                raise self.fail("quoted-name", f"no name in quotes begins {line!r}")
            name, at = self._unquote(match.group(), METRIC_NAME), match.end() + 1
            if line[at - 1] == ",":
                labels, at = self._parse_labels(line, at)
        else:
            match = METRIC_NAME.match(line)
            if not match:
                raise self.fail("metric-name", f"no metric name begins {line!r}")
            name, at = match.group(), match.end()
            if line[at : at + 1] == "{":
                labels, at = self._parse_labels(line, at + 1)
        if line[at : at + 1] != " ":
            raise self.fail("sample-form", f"no single space before the value: {line!r}")
        self._parse_rest(name, labels, line[at + 1 :])

    def _parse_rest(self, name: str, labels: list[tuple[str, str]], rest: str) -> None:
        """What stands behind the name and the labels of a sample."""
        text, exemplar = self._split_exemplar(rest)
        value = self._parse_value(text)
        family = self._owner(name)
        self._check_labels(family, name, labels)
        self._add(family, name, labels, value)
        if exemplar:
            self._parse_exemplar(family, name, dict(labels), exemplar)

    def _split_exemplar(self, text: str) -> tuple[str, str]:
        return text, ""

    def _parse_exemplar(
        self, family: Family, name: str, labels: dict[str, str], text: str
    ) -> None:
        raise NotImplementedError

    def _parse_labels(self, line: str, at: int) -> tuple[list[tuple[str, str]], int]:
        labels: list[tuple[str, str]] = []
        if line[at : at + 1] == "}":
            raise self.fail("empty-braces", "braces without labels")
        while True:
            pattern = LABEL_NAME
            if self.QUOTED_NAMES and line[at : at + 1] == '"':
                pattern = QUOTED_NAME
            match = pattern.match(line, at)
            if not match or line[match.end() : match.end() + 2] != '="':
                raise self.fail("label-name", f'no name=" at column {at + 1} of {line!r}')
            name = match.group()
            if pattern is QUOTED_NAME:
                name = self._unquote(name, LABEL_NAME)
            value, at = self._parse_label_value(line, match.end() + 2)
            labels.append((name, value))
            if line[at : at + 1] == "}":
                return labels, at + 1
            if line[at : at + 1] != ",":
                raise self.fail(
                    "label-form", f"neither comma nor brace at column {at + 1} of {line!r}"
                )
            at += 1

    def _parse_label_value(self, line: str, at: int) -> tuple[str, int]:
        match = LABEL_VALUE.match(line, at)
        assert match is not None  # it matches the empty text
        value, at = match.group(), match.end()
        if line[at : at + 1] == "\\":
            raise self.fail("label-escape", f"{line[at : at + 2]} in {line!r}")
        if line[at : at + 1] != '"':
            raise self.fail(
                "label-form", f"a label value without an end (a raw line feed?): {line!r}"
            )
        if "\\" in value:
            value = re.sub(r"\\(.)", lambda escape: ESCAPES[escape.group(1)], value)
        return value, at + 1

    def _parse_value(self, text: str) -> float:
        if text in ("+Inf", "-Inf", "NaN"):
            return float(text)
        if not NUMBER.fullmatch(text):
            if re.match(r"\S+ +-?[0-9.]+$", text):
                raise self.fail("timestamp", f"{text!r}")
            if SPECIAL.fullmatch(text):
                raise self.fail("value-special", f"{text!r} is none of +Inf, -Inf, NaN")
            if re.fullmatch(r"[+-]?[0-9]*,[0-9]*", text):
                raise self.fail("value-comma", f"{text!r} has the decimal comma of a locale")
            if DIGITS.fullmatch(text):
                raise self.fail("value-digits", f"{text!r} is not written in decimal digits alone")
            raise self.fail("value-form", f"{text!r} is no number in the form of this format")
        value = float(text)
        if "." in text or "e" in text:
            digits = re.sub(r"e.*|[-.]", "", text).lstrip("0")
            shortest = _shortest_digits(value)[0].lstrip("-")
            if digits != shortest:
                raise self.fail("value-shortest", f"{text} could be {value!r}")
        return value

    def _owner(self, name: str) -> Family:
        family = self.family
        if family is None or not family.type:
            raise self.fail("type-missing", f"no TYPE before the sample {name}")
        if not any(name == family.name + suffix for suffix in self.TYPES[family.type]):
            raise self.fail(
                "contiguous", f"the sample {name} among those of the {family.type} {family.name}"
            )
        return family

    def _check_labels(self, family: Family, name: str, labels: Sequence[tuple[str, str]]) -> None:
        for label, value in labels:
            if value == "":
                raise self.fail("label-empty", f"{label} is empty, which means absent")
        names = tuple(label for label, _ in labels)
        if (name, names) not in family.label_names:
            self._check_label_names(family, name, names)
            family.label_names.add((name, names))

    def _check_label_names(self, family: Family, name: str, names: Sequence[str]) -> None:
        own = {"histogram": "le", "summary": "quantile"}.get(family.type)
        for label in names:
            if names.count(label) > 1:
                raise self.fail("label-duplicate", f"{label} twice")
            if label.startswith("__") or (label in ("le", "quantile") and label != own):
                raise self.fail("label-reserved", f"{label} on a {family.type}")
        self._check_label_order(family, names)
        if family.type == "histogram" and ("le" in names) != (name == family.name + "_bucket"):
            raise self.fail("histogram-le", f"{name} {'with' if 'le' in names else 'without'} le")

    def _check_label_order(self, family: Family, names: Sequence[str]) -> None:
        """The same for all samples of a family, and le last."""
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                line = family.label_order.get((second, first))
                if line is not None:
                    raise self.fail(
                        "label-order", f"{first} before {second}, on line {line} behind it"
                    )
                family.label_order.setdefault((first, second), self.line)
        if "le" in names and names[-1] != "le":
            raise self.fail("label-order", "le is not the last label")

    def _add(self, family: Family, name: str, labels: list[tuple[str, str]], value: float) -> None:
        key = (name, frozenset(labels))
        if key in self.exposition.samples:
            raise self.fail("duplicate", f"{name}{dict(labels)} twice")
        self.exposition.samples[key] = value
        family.samples.append(key)
        suffix = name[len(family.name) :]
        if family.type == "counter" and suffix != "_created" and not value >= 0:
            raise self.fail("counter-value", f"{name} is {value}")
        if family.type in ("histogram", "summary"):
            rest = frozenset(label for label in labels if label[0] != "le")
            self._add_to_series(family, name, rest, dict(labels).get("le", ""), value)

    # ---- histograms and summaries ----

    def _add_to_series(
        self, family: Family, name: str, labels: Labels, bound: str, value: float
    ) -> None:
        suffix = name[len(family.name) :]
        series = family.series[-1] if family.series else None
        if series is None or self._begins_series(series, suffix):
            self._end_series(family)
            series = Series(labels, self.line)
            family.series.append(series)
        if series.labels != labels:
            raise self.fail(
                f"{family.type}-together", f"{name} of another series before the last one's _count"
            )
        if suffix in ("_bucket", "_count") and not (value >= 0 and value.is_integer()):
            raise self.fail(f"{family.type}-count", f"{name} is {value}")
        if suffix == "_bucket":
            self._add_bucket(series, bound, value)
        elif family.type == "histogram" and not (
            series.buckets and math.isinf(series.buckets[-1][0])
        ):
            raise self.fail("histogram-inf", f'{name} without a last bucket le="+Inf"')
        elif suffix == "_sum":
            self._add_sum(family, series, name, value)
        elif suffix == "_count":
            self._add_count(family, series, name, value)
        else:
            self._add_created(series, name, value)

    def _begins_series(self, last: Series, suffix: str) -> bool:
        return last.is_whole()

    def _end_series(self, family: Family) -> None:
        if family.series and family.series[-1].count is None:
            raise self.fail(f"{family.type}-count", f"a series of {family.name} has no _count")

    def _add_sum(self, family: Family, series: Series, name: str, value: float) -> None:
        if series.sum is not None:
            raise self.fail("duplicate", f"a second {name}")
        series.sum = value

    def _add_created(self, series: Series, name: str, value: float) -> None:
        raise NotImplementedError

    def _add_bucket(self, series: Series, text: str, value: float) -> None:
        try:
            bound = float(text)
        except ValueError:
            raise self.fail("le-canonical", f"le={text!r} is no number") from None
        if math.isinf(bound) and text != canonical_float(bound):
            raise self.fail("le-inf", f"le={text!r} is infinite and not {canonical_float(bound)}")
        if text != canonical_float(bound) or math.isnan(bound):
            raise self.fail("le-canonical", f"le={text!r} is not {canonical_float(bound)!r}")
        if series.sum is not None:
            raise self.fail("histogram-order", "a bucket after the _sum")
        if series.buckets and bound <= series.buckets[-1][0]:
            raise self.fail("histogram-ascending", f"le={text!r} after {series.buckets[-1][0]}")
        if series.buckets and value < series.buckets[-1][1]:
            raise self.fail(
                "histogram-cumulative", f"{value} at le={text!r} after {series.buckets[-1][1]}"
            )
        series.buckets.append((bound, value))

    def _add_count(self, family: Family, series: Series, name: str, value: float) -> None:
        if series.sum is None:
            raise self.fail(f"{family.type}-sum", f"{name} without a _sum before it")
        if series.count is not None:
            raise self.fail("duplicate", f"a second {name}")
        if series.buckets and value != series.buckets[-1][1]:
            raise self.fail(
                "histogram-count", f'{name} is {value}, le="+Inf" is {series.buckets[-1][1]}'
            )
        series.count = value

    def _end_family(self) -> None:
        family = self.family
        if family is None:
            return
        if not family.type:
            raise self.fail("type-missing", f"{family.name} has no TYPE")
        self._end_series(family)

    def _check_names(self) -> None:
        """Two families must not share a sample name, whether or not a sample of it is there."""
        taken: dict[str, str] = {}
        for family in sorted(self.exposition.families.values(), key=lambda family: family.line):
            suffixes = self.TYPES[family.type]
            for name in {family.name, *(family.name + suffix for suffix in suffixes)}:
                if name in taken:
                    self.line = family.line
                    raise self.fail(
                        "name-collision", f"{name} of {family.name} is a name of {taken[name]}"
                    )
                taken[name] = family.name


class Text100(Text004):
    """Text 1.0.0: text 0.0.4 with names of any UTF-8."""

    QUOTED_NAMES = True
