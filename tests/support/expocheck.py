#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""expocheck - a strict judge of what Prometheus scrapes: text 0.0.4 and 1.0.0, OpenMetrics, protobuf

    expocheck.py [--text-1.0.0 | --openmetrics[-utf-8|-2.0] | --protobuf[-utf-8]] FILE|- ...
                    exit 1 and one line FILE:LINE: RULE: MESSAGE at the first violation

It refuses more than a Prometheus does: a scrape accepts duplicate series, buckets that are not
cumulative, interleaved families and negative counters, and silently stores nonsense. It also
insists on one form where the format leaves a choice (one space, no timestamp, no blank line), so
that a change of form is noticed. It shares no code with what it judges. Several FILEs are
successive scrapes of one target. exporules.py has the rules by their names.

    samples = expocheck.parse(body)        {(name, frozenset of labels): value}
    samples = expocheck.parse(body, expocheck.OpenMetrics)
    samples = expocheck.parse(answer.body, expocheck.parser_of(answer.headers["Content-Type"]))
    history = expocheck.ScrapeHistory()
    samples = history.add(body)            the same; and nothing may go back or flap between adds
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from expohistory import ScrapeHistory
from expohttp import parser_of
from expoopenmetrics import OpenMetrics, OpenMetricsUtf8
from expoopenmetrics2 import OpenMetrics2, OpenMetrics2Utf8
from expoparser import (
    Exposition,
    Family,
    Labels,
    Native,
    Samples,
    Text004,
    Text100,
    canonical_float,
)
from expoprotobuf import Protobuf, ProtobufUtf8
from exporules import RULES, Violation

__all__ = [
    "Exposition",
    "Family",
    "Labels",
    "Native",
    "OpenMetrics",
    "OpenMetrics2",
    "OpenMetrics2Utf8",
    "OpenMetricsUtf8",
    "Protobuf",
    "ProtobufUtf8",
    "RULES",
    "Samples",
    "ScrapeHistory",
    "Text004",
    "Text100",
    "Violation",
    "canonical_float",
    "check",
    "parse",
    "parser_of",
]

FORMATS: dict[str, type[Text004]] = {
    "--text-1.0.0": Text100,
    "--openmetrics": OpenMetrics,
    "--openmetrics-utf-8": OpenMetricsUtf8,
    "--openmetrics-2.0": OpenMetrics2,
    "--protobuf": Protobuf,
    "--protobuf-utf-8": ProtobufUtf8,
}


def check(body: bytes | str, parser: type[Text004] = Text004) -> Exposition:
    """The exposition in all its parts. Raises Violation."""
    return parser().parse(body)


def parse(body: bytes | str, parser: type[Text004] = Text004) -> Samples:
    """The samples. Raises Violation."""
    return check(body, parser).samples


def main(arguments: Sequence[str]) -> int:
    if not arguments or any(argument in ("-h", "--help") for argument in arguments):
        print(__doc__)
        return 0 if arguments else 2
    parser = FORMATS.get(arguments[0], Text004)
    history = ScrapeHistory(parser)
    for name in arguments[parser is not Text004 :]:
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
