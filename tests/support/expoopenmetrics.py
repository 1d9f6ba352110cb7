# SPDX-License-Identifier: MIT
"""expoopenmetrics - what the strict parser does otherwise for OpenMetrics 1.0"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from expoparser import Family, Labels, Series, Text004

EXEMPLAR_CHARACTERS_MAX = 128
# An exemplar's time is in seconds: in milliseconds it would be in the distant future.
SECONDS_MAX = 1e11


class OpenMetrics(Text004):
    TYPES = {
        "counter": ("_total", "_created"),
        "gauge": ("",),
        "unknown": ("",),
        "histogram": ("_bucket", "_sum", "_count", "_created"),
        "summary": ("_sum", "_count", "_created"),
        "info": ("_info",),
        "stateset": ("",),
    }
    HEADERS = ("TYPE", "UNIT", "HELP")
    HELP_ESCAPES = '\\n"'

    def __init__(self) -> None:
        super().__init__()
        self.last: tuple[str, Labels] = ("", frozenset())  # the sample on the line before
        self.states: list[Labels] = []  # the series of a state set so far
        self.states_present = 0  # states of its last that are 1

    # ---- the body as a whole ----

    def _parse_lines(self, lines: Sequence[str]) -> None:
        if "# EOF" not in lines:
            self.line = len(lines)
            raise self.fail("eof", "there is no # EOF")
        end = lines.index("# EOF")
        super()._parse_lines(lines[:end])
        if end + 1 != len(lines):
            self.line = end + 2
            raise self.fail("eof", f"behind # EOF: {lines[end + 1]!r}")

    # ---- the header of a family ----

    def _parse_help(self, family: Family, text: str) -> None:
        super()._parse_help(family, text)
        if '"' in re.sub(r"\\.", "", text):
            raise self.fail("help-escape", "a quote that is not escaped")

    def _check_type(self, family: Family, text: str) -> None:
        pass  # the name of a counter has no _total here: its samples tell

    def _parse_unit(self, family: Family, text: str) -> None:
        if not text or not family.name.endswith("_" + text):
            raise self.fail("unit-suffix", f"{family.name} does not end in _{text}")
        if family.type in ("info", "stateset"):
            raise self.fail("unit-type", f"the {family.type} {family.name} has a unit")
        family.unit = text

    # ---- samples ----

    def _check_label_names(self, family: Family, name: str, names: Sequence[str]) -> None:
        super()._check_label_names(family, name, names)
        if family.type == "stateset" and names[-1:] != (family.name,):
            raise self.fail("stateset-label", f"the last label is not {family.name}")

    def _add(self, family: Family, name: str, labels: list[tuple[str, str]], value: float) -> None:
        super()._add(family, name, labels, value)
        here = frozenset(labels)
        if family.type == "info" and value != 1:
            raise self.fail("info-value", f"{name} is {value}")
        if family.type == "stateset":
            self._add_state(name, frozenset(labels[:-1]), value)
        if family.type == "counter" and name.endswith("_created"):
            if self.last != (family.name + "_total", here):
                raise self.fail("created-together", f"{name} is not behind its _total")
            self._check_created(name, value)
        self.last = (name, here)

    def _add_state(self, name: str, series: Labels, value: float) -> None:
        if value not in (0, 1):
            raise self.fail("stateset-value", f"{name} is {value}")
        if self.states[-1:] != [series]:
            self._end_states()
            if series in self.states:
                raise self.fail("stateset-together", f"{dict(series)} was there before")
            self.states.append(series)
            self.states_present = 0
        self.states_present += int(value)

    def _end_states(self) -> None:
        if self.states and self.states_present != 1:
            raise self.fail("stateset-one", f"{self.states_present} states are 1")

    def _end_family(self) -> None:
        self._end_states()
        self.states = []
        super()._end_family()

    def _check_created(self, name: str, value: float) -> None:
        if not (math.isfinite(value) and 0 < value < SECONDS_MAX):
            raise self.fail("created-value", f"{name} is {value}")

    # ---- histograms and summaries ----

    def _begins_series(self, last: Series, suffix: str) -> bool:
        if last.created is not None:
            return True
        if last.buckets:  # a histogram
            return suffix == "_bucket" and math.isinf(last.buckets[-1][0])
        return suffix == "_sum" or (suffix == "_count" and last.count is not None)

    def _end_series(self, family: Family) -> None:
        series = family.series[-1] if family.series else None
        if series is None:
            return
        if family.type == "summary":
            if series.count is None:
                raise self.fail("summary-count", f"a series of {family.name} has no _count")
            return
        if not series.buckets or not math.isinf(series.buckets[-1][0]):
            raise self.fail("histogram-inf", f'a series of {family.name} has no le="+Inf"')
        if (series.sum is None) != (series.count is None):
            raise self.fail("histogram-count", f"_sum and _count of {family.name} go together")

    def _add_sum(self, family: Family, series: Series, name: str, value: float) -> None:
        super()._add_sum(family, series, name, value)
        if not value >= 0:
            raise self.fail("sum-value", f"{name} is {value}")
        if series.buckets and series.buckets[0][0] < 0:
            raise self.fail("sum-negative", f"{name}, and a bound is negative")

    def _add_count(self, family: Family, series: Series, name: str, value: float) -> None:
        if family.type == "summary" and series.sum is None:
            series.count = value  # a sum that is negative is left out
        else:
            super()._add_count(family, series, name, value)

    def _add_created(self, series: Series, name: str, value: float) -> None:
        self._check_created(name, value)
        series.created = value

    # ---- exemplars ----

    def _split_exemplar(self, text: str) -> tuple[str, str]:
        value, mark, exemplar = text.partition(" # ")
        if mark and not exemplar:
            raise self.fail("exemplar-form", "nothing behind the #")
        return value, exemplar

    def _parse_exemplar(
        self, family: Family, name: str, labels: dict[str, str], text: str
    ) -> None:
        self._check_exemplar_place(family, name)
        told, rest = self._read_exemplar(text)
        if rest:
            raise self.fail("exemplar-time", f"{rest!r} behind the time in seconds")
        self._check_exemplar_value(family, labels, told[1])
        self.exposition.exemplars[name, frozenset(labels.items())] = told

    def _check_exemplar_place(self, family: Family, name: str) -> None:
        if not (name == family.name + "_total" and family.type == "counter") and (
            not name.endswith("_bucket") or family.type != "histogram"
        ):
            raise self.fail("exemplar-place", f"on {name} of a {family.type}")

    def _read_exemplar(self, text: str) -> tuple[tuple[Labels, float, float], str]:
        """Labels, value and time, and what stands behind them."""
        if not text.startswith("{"):
            raise self.fail("exemplar-form", f"no labels: {text!r}")
        exemplar: list[tuple[str, str]] = []
        at = 2
        if not text.startswith("{}"):
            exemplar, at = self._parse_labels(text, 1)
        self._check_exemplar_labels(exemplar)
        value, _, rest = text[at + 1 :].partition(" ")
        time, _, rest = rest.partition(" ")
        if text[at : at + 1] != " ":
            raise self.fail("exemplar-form", f"no single space before the value: {text!r}")
        number = self._parse_value(value)
        if not time or not 0 < self._parse_value(time) < SECONDS_MAX:
            raise self.fail("exemplar-time", f"{time!r} is no time in seconds")
        return (frozenset(exemplar), number, self._parse_value(time)), rest

    def _check_exemplar_labels(self, labels: list[tuple[str, str]]) -> None:
        names = [name for name, _ in labels]
        if len(set(names)) != len(names):
            raise self.fail("label-duplicate", f"{names} in an exemplar")
        if not all(value for _, value in labels):
            raise self.fail("label-empty", f"{labels} in an exemplar")
        size = sum(len(name) + len(value) for name, value in labels)
        if size > EXEMPLAR_CHARACTERS_MAX:
            raise self.fail("exemplar-size", f"{size} characters in its labels")

    def _check_exemplar_value(self, family: Family, labels: dict[str, str], value: float) -> None:
        if "le" not in labels:
            return
        bounds = [bound for bound, _ in family.series[-1].buckets]
        low = bounds[-2] if len(bounds) > 1 else -math.inf
        if not (low < value <= bounds[-1] or value == low == -math.inf):
            raise self.fail("exemplar-bucket", f"{value} is not in the bucket of {bounds[-1]}")


class OpenMetricsUtf8(OpenMetrics):
    """OpenMetrics 1.0 for who asked for escaping=allow-utf-8: names of any UTF-8."""

    QUOTED_NAMES = True
