# SPDX-License-Identifier: MIT
"""expohistory - scrapes that follow one another: what grows never goes back, what stays never vanishes

    history = ScrapeHistory(parser)
    samples = history.add(body)            judged by itself and against the ones before
    history.restart()                      a new generation has begun: anything may have changed
"""

from __future__ import annotations

from collections.abc import Iterator

from expoparser import Exposition, Family, Labels, Native, Samples, Text004
from exporules import Violation


class ScrapeHistory:
    """Successive scrapes of one target in one format. Not to be used by two threads at once."""

    def __init__(self, parser: type[Text004] = Text004) -> None:
        self._parser = parser
        self._described: dict[str, tuple[str, str | None]] = {}  # type and help
        self._highest: Samples = {}
        self._sums: dict[tuple[str, Labels], tuple[float, float]] = {}  # count and sum
        self._natives: dict[tuple[str, Labels], Native] = {}
        self._created: Samples = {}

    def restart(self) -> None:
        """The next scrape is of a new generation: anything may have changed."""
        self.__init__(self._parser)  # type: ignore[misc]

    def add(self, body: bytes | str) -> Samples:
        exposition = self._parser().parse(body)
        self.add_exposition(exposition)
        return exposition.samples

    def add_exposition(self, exposition: Exposition) -> None:
        self._check_families(exposition)
        self._check_growing(exposition)
        self._check_sums(exposition)
        self._check_natives(exposition)
        self._check_created(exposition)

    def _check_families(self, exposition: Exposition) -> None:
        for name, (type_, help_) in self._described.items():
            family = exposition.families.get(name)
            if family is None:
                raise Violation(0, "family-flaps", f"{name} was there and is not")
            if family.type != type_:
                raise Violation(
                    family.line, "type-changed", f"{name} was a {type_} and is a {family.type}"
                )
            if family.help != help_:
                raise Violation(
                    family.line, "help-changed", f"{name} was {help_!r} and is {family.help!r}"
                )
        for family in exposition.families.values():
            self._described[family.name] = (family.type, family.help)

    def _check_growing(self, exposition: Exposition) -> None:
        for key, before in self._highest.items():
            now = exposition.samples.get(key)
            if now is None:
                raise Violation(0, "series-flaps", f"{show(key)} was there and is not")
            if now < before:
                raise Violation(0, "went-back", f"{show(key)} went from {before} to {now}")
        for family in exposition.families.values():
            for key in _growing(family):
                self._highest[key] = exposition.samples[key]

    def _check_sums(self, exposition: Exposition) -> None:
        """A sum belongs to exactly the observations that are counted."""
        for family in exposition.families.values():
            for series in family.series:
                if series.sum is None or series.count is None:
                    continue
                key = (family.name, series.labels)
                before = self._sums.get(key)
                if before and before[0] == series.count and _differ(before[1], series.sum):
                    raise Violation(
                        series.line,
                        "sum-alone",
                        f"{show(key)} counts {series.count}, its sum went from {before[1]} to {series.sum}",
                    )
                self._sums[key] = (series.count, series.sum)

    def _check_natives(self, exposition: Exposition) -> None:
        for key, before in self._natives.items():
            now = exposition.natives.get(key)
            if now is None:
                raise Violation(0, "series-flaps", f"{show(key)} was native and is not")
            if (now.schema, now.zero_threshold) != (before.schema, before.zero_threshold):
                raise Violation(
                    0, "type-changed", f"{show(key)} had the schema {before.schema}, has {now.schema}"
                )
            counts = [(before.zero_count, now.zero_count)]
            for old, new in ((before.positive, now.positive), (before.negative, now.negative)):
                counts += [(count, new.get(index, 0)) for index, count in old.items()]
            if any(new < old for old, new in counts):
                raise Violation(0, "went-back", f"{show(key)} went from {before} to {now}")
        self._natives.update(exposition.natives)

    def _check_created(self, exposition: Exposition) -> None:
        """When a series began does not change, whichever way the format tells of it."""
        told = dict(exposition.created)
        for family in exposition.families.values():
            told.update((key, exposition.samples[key]) for key in _created(family))
        for key, now in told.items():
            before = self._created.setdefault(key, now)
            if before != now:
                raise Violation(0, "created-changed", f"{show(key)} went from {before} to {now}")


def _created(family: Family) -> Iterator[tuple[str, Labels]]:
    for key in family.samples:
        if key[0] == family.name + "_created" and family.type in ("counter", "histogram", "summary"):
            yield key


def _differ(one: float, other: float) -> bool:
    return one != other and not (one != one and other != other)


def _growing(family: Family) -> Iterator[tuple[str, Labels]]:
    """What only grows. A sum does unless observations may be negative, as the bounds tell."""
    if family.type not in ("counter", "histogram", "summary"):
        return
    negative = any(not series.buckets or series.buckets[0][0] < 0 for series in family.series)
    for key in family.samples:
        is_sum = key[0] == family.name + "_sum" and family.type != "counter"
        if not (negative and is_sum) and not key[0].endswith("_created"):
            yield key


def show(key: tuple[str, Labels]) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(key[1]))
    return f"{key[0]}{{{labels}}}" if labels else key[0]
