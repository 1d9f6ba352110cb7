#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""expocheck - a strict judge of the Prometheus text format 0.0.4 and of OpenMetrics 1.0

    expocheck.py [--openmetrics] FILE|- ...
                    exit 1 and one line FILE:LINE: RULE: MESSAGE at the first violation

It refuses more than a Prometheus does: a scrape accepts duplicate series, buckets that are not
cumulative, interleaved families and negative counters, and silently stores nonsense. It also
insists on one form where the format leaves a choice (one space, no timestamp, no blank line), so
that a change of form is noticed. It shares no code with what it judges. Several FILEs are
successive scrapes of one target.

    samples = expocheck.parse(body)        {(name, frozenset of labels): value}
    samples = expocheck.parse(body, expocheck.OpenMetrics)
    samples = expocheck.parse(answer.body, expocheck.parser_of(answer.headers["Content-Type"]))
    history = expocheck.ScrapeHistory()
    samples = history.add(body)            the same; and nothing may go back or flap between adds
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from expoopenmetrics import OpenMetrics
from expoparser import Exposition, Family, Labels, Samples, Text004, Violation, canonical_float

__all__ = [
    "Exposition",
    "Family",
    "Labels",
    "OpenMetrics",
    "Samples",
    "ScrapeHistory",
    "Text004",
    "Violation",
    "canonical_float",
    "check",
    "parse",
    "parser_of",
]

CONTENT_TYPES = {
    "text/plain; version=0.0.4; charset=utf-8": Text004,
    "application/openmetrics-text; version=1.0.0; charset=utf-8": OpenMetrics,
}


def parser_of(content_type: str) -> type[Text004]:
    """The parser for what has this Content-Type, which must be exact. Raises Violation."""
    if content_type not in CONTENT_TYPES:
        raise Violation(0, "content-type", f"{content_type!r}")
    return CONTENT_TYPES[content_type]


def check(body: bytes | str, parser: type[Text004] = Text004) -> Exposition:
    """The exposition in all its parts. Raises Violation."""
    return parser().parse(body)


def parse(body: bytes | str, parser: type[Text004] = Text004) -> Samples:
    """The samples. Raises Violation."""
    return check(body, parser).samples


class ScrapeHistory:
    """Successive scrapes of one target: what grows never goes back, what stays never vanishes."""

    def __init__(self, parser: type[Text004] = Text004) -> None:
        self._parser = parser
        self._types: dict[str, str] = {}
        self._highest: Samples = {}

    def restart(self) -> None:
        """The next scrape is of a new generation: anything may have changed."""
        self._types.clear()
        self._highest.clear()

    def add(self, body: bytes | str) -> Samples:
        exposition = check(body, self._parser)
        for name, type_ in self._types.items():
            family = exposition.families.get(name)
            if family is None:
                raise Violation(0, "family-flaps", f"{name} was there and is not")
            if family.type != type_:
                raise Violation(
                    family.line, "family-flaps", f"{name} was a {type_} and is a {family.type}"
                )
        for key, before in self._highest.items():
            now = exposition.samples.get(key)
            if now is None:
                raise Violation(0, "series-flaps", f"{_show(key)} was there and is not")
            if now < before:
                raise Violation(0, "went-back", f"{_show(key)} went from {before} to {now}")
        self._types.update((family.name, family.type) for family in exposition.families.values())
        for family in exposition.families.values():
            for key in _growing(family):
                self._highest[key] = exposition.samples[key]
        return exposition.samples


def _growing(family: Family) -> Iterator[tuple[str, Labels]]:
    """What only grows. A sum does unless observations may be negative, as the bounds tell."""
    if family.type not in ("counter", "histogram", "summary"):
        return
    negative = any(not series.buckets or series.buckets[0][0] < 0 for series in family.series)
    for key in family.samples:
        is_sum = key[0] == family.name + "_sum" and family.type != "counter"
        if not (negative and is_sum) and not key[0].endswith("_created"):
            yield key


def _show(key: tuple[str, Labels]) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(key[1]))
    return f"{key[0]}{{{labels}}}" if labels else key[0]


def main(arguments: Sequence[str]) -> int:
    if not arguments or any(argument in ("-h", "--help") for argument in arguments):
        print(__doc__)
        return 0 if arguments else 2
    openmetrics = arguments[0] == "--openmetrics"
    history = ScrapeHistory(OpenMetrics if openmetrics else Text004)
    for name in arguments[openmetrics:]:
        try:
            if name == "-":
                body = sys.stdin.buffer.read()
            else:
                with open(name, "rb") as file:
                    body = file.read()
            history.add(body)
        except Violation as violation:
            print(f"{name}:{violation.line}: {violation.rule}: {violation.message}")
            return 1
        except OSError as error:
            print(f"expocheck: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
