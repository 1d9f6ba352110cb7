# SPDX-License-Identifier: MIT
"""exporules - what an exposition must keep: each rule by its name, with the point it belongs to

The points are those of the list that the renderers are built by, numbered from 1 to 41: of HTTP (1-7),
of the text as such (8-12, 17-23, 31, 32), of what it says (13-16, 24-30, 33-38), of scrapes that follow
one another (26, 28, 34, 39, 40). What cannot be seen in one is not here: 4-7 and 36 have their own tests,
38 (nothing at all is legal) and 41 (one process_* of each, as of every family: 12) need no rule.
A rule that is not in this table cannot be broken: Violation refuses its name, and test_expocheck.py wants
a case of each.
"""

from __future__ import annotations

RULES = {
    # HTTP
    "content-type": 1,  # exactly one of the types there are
    "length": 2,  # a body is as long as it says, or in chunks
    "encoding": 3,  # gzip only for who takes it, and whole
    "encoding-size": 3,  # and not for what is small
    "vary": 1,  # a cache must know by what the answer was chosen
    "head": 4,  # an answer to HEAD has no body
    # the body as text
    "final-newline": 8,
    "lf-only": 8,
    "utf8": 9,
    "nul": 9,
    "label-escape": 10,
    "label-form": 10,
    "help-escape": 10,
    "help-once": 11,
    "type-once": 11,
    "unit-once": 11,
    "header-order": 11,
    "header-first": 11,
    "type-missing": 11,
    "contiguous": 12,
    "histogram-together": 12,
    "histogram-order": 12,
    "summary-together": 12,
    "stateset-together": 12,
    # identity
    "duplicate": 13,
    "label-duplicate": 14,
    "label-reserved": 14,
    "label-order": 15,
    "label-empty": 16,
    "empty-braces": 16,
    "metric-name": 17,
    "label-name": 17,
    "quoted-needlessly": 17,
    "quoted-name": 17,
    # numbers
    "value-special": 18,
    "value-comma": 19,
    "value-digits": 20,
    "value-shortest": 21,
    "le-canonical": 22,
    "le-inf": 23,
    # histograms and summaries
    "histogram-le": 24,
    "histogram-inf": 24,
    "histogram-ascending": 24,
    "histogram-cumulative": 24,
    "histogram-count": 24,
    "histogram-sum": 24,
    "summary-count": 24,
    "summary-sum": 24,
    "sum-negative": 25,
    "sum-value": 25,
    "sum-alone": 26,  # a sum that changed, and the count has not
    # kinds
    "counter-total": 27,
    "counter-value": 28,
    "went-back": 28,
    "type-known": 29,
    "info-value": 29,
    "stateset-label": 29,
    "stateset-value": 29,
    "stateset-one": 29,
    "unit-suffix": 30,
    "unit-type": 30,
    "eof": 31,
    "blank-line": 31,
    "comment": 31,
    "sample-form": 31,
    "value-form": 31,
    "timestamp": 32,
    "exemplar-place": 33,
    "exemplar-form": 33,
    "exemplar-size": 33,
    "exemplar-time": 33,
    "exemplar-bucket": 33,
    "created-together": 34,
    "created-value": 34,
    "created-changed": 34,
    "name-collision": 35,
    # protobuf
    "proto-length": 37,  # a message as long as its prefix says
    "proto-varint": 37,
    "proto-wire": 37,
    "proto-field": 37,
    "proto-once": 37,
    "proto-missing": 37,
    "proto-kind": 37,  # a metric has the one value that its family's type names
    "native-schema": 37,
    "native-zero": 37,
    "native-span": 37,
    "native-delta": 37,
    "native-count": 37,
    "native-noop": 37,
    # from scrape to scrape
    "family-flaps": 39,
    "series-flaps": 39,
    "type-changed": 39,
    "help-changed": 39,
    "label-everywhere": 40,
}


class Violation(ValueError):
    """What breaks which rule on which line (from 1; 0: the exposition as a whole).

    In protobuf, which has no lines, a line is a family.
    """

    def __init__(self, line: int, rule: str, message: str) -> None:
        self.number = RULES[rule]
        super().__init__(f"line {line}: {rule} (point {self.number}): {message}")
        self.line = line
        self.rule = rule
        self.message = message
