# SPDX-License-Identifier: MIT
"""The judge of expositions in the other formats, of the HTTP around them, and of scrape after scrape."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

import expocheck  # noqa: E402
import expohttp  # noqa: E402
import wire  # noqa: E402
from expoparser import Text004  # noqa: E402
from malformed_expositions import MALFORMED  # noqa: E402
from malformed_formats import MALFORMED_FORMATS  # noqa: E402
from test_expocheck import CASES, OPENMETRICS_CASES  # noqa: E402


@pytest.mark.parametrize(
    "parser, rule, body",
    [case[1:] for case in MALFORMED_FORMATS],
    ids=[case[0] for case in MALFORMED_FORMATS],
)
def test_knows_what_is_wrong_with(parser: type[Text004], rule: str, body: bytes) -> None:
    if rule:
        with pytest.raises(expocheck.Violation) as caught:
            expocheck.parse(body, parser)
        assert caught.value.rule == rule, str(caught.value)
    else:
        expocheck.parse(body, parser)


def test_reads_names_in_quotes() -> None:
    body = '# TYPE "a.b\\n" gauge\n{"a.b\\n",x="1","y\\"z"="2"} 3\n'
    labels = frozenset({("x", "1"), ('y"z', "2")})
    assert expocheck.parse(body, expocheck.Text100) == {("a.b\n", labels): 3}


def test_reads_protobuf_as_a_prometheus_does() -> None:
    body = (
        wire.family("a_total", wire.COUNTER, wire.metric(wire.counter(7.0), x="1"), help="A.")
        + wire.family("s", wire.SUMMARY, wire.metric(wire.summary(2, -1.5)))
        + wire.family(
            "h",
            wire.HISTOGRAM,
            wire.metric(
                wire.histogram(9, 3.0, wire.bucket(4, 1.0), wire.timestamp(15, 5, 500_000_000)),
                x="1",
            ),
        )
    )
    x = frozenset({("x", "1")})
    exposition = expocheck.check(body, expocheck.Protobuf)
    assert exposition.samples == {
        ("a_total", x): 7,
        ("s_sum", frozenset()): -1.5,
        ("s_count", frozenset()): 2,
        ("h_bucket", x | {("le", "1.0")}): 4,
        ("h_bucket", x | {("le", "+Inf")}): 9,
        ("h_sum", x): 3,
        ("h_count", x): 9,
    }
    assert exposition.created == {("h", x): 5.5}
    assert [family.help for family in exposition.families.values()] == ["A.", "", ""]


def native(count: int, *more: bytes, schema: int = 3) -> bytes:
    value = wire.histogram(count, 1.0, wire.native(schema, 0.25, 1), *more)
    return wire.family("h", wire.HISTOGRAM, wire.metric(value))


TWO = native(
    9,
    wire.span(9, 1, 1),
    wire.deltas(10, 2),
    wire.span(12, -3, 2),
    wire.span(12, 4, 1),
    wire.deltas(13, 1, 1, 1),
)


def test_reads_native_histograms() -> None:
    found = expocheck.check(TWO, expocheck.Protobuf).natives["h", frozenset()]
    assert found == expocheck.Native(3, 0.25, 1, {-3: 1, -2: 2, 3: 3}, {1: 2})


SCRAPES = [
    ("went-back", TWO, native(9, wire.span(12, -3, 2), wire.deltas(13, 0, 8))),
    ("went-back", TWO, native(8, wire.span(12, -3, 1), wire.deltas(13, 7))),
    ("type-changed", native(1), native(1, schema=4)),
    ("series-flaps", native(1), wire.family("h", wire.HISTOGRAM, wire.metric(wire.histogram(1, 1.0)))),
]


def counter_since(seconds: int) -> bytes:
    return wire.family("a_total", wire.COUNTER, wire.metric(wire.counter(1.0, wire.timestamp(3, seconds))))


SCRAPES.append(("created-changed", counter_since(5), counter_since(6)))


@pytest.mark.parametrize("rule, before, after", SCRAPES)
def test_refuses_what_changes_in_protobuf(rule: str, before: bytes, after: bytes) -> None:
    history = expocheck.ScrapeHistory(expocheck.Protobuf)
    history.add(before)
    history.add(before)
    with pytest.raises(expocheck.Violation) as caught:
        history.add(after)
    assert caught.value.rule == rule
    history.restart()
    history.add(after)


def test_refuses_a_created_time_that_changes() -> None:
    body = "# TYPE a counter\na_total 1\na_created {}\n# EOF\n"
    history = expocheck.ScrapeHistory(expocheck.OpenMetrics)
    history.add(body.format(5))
    with pytest.raises(expocheck.Violation) as caught:
        history.add(body.format(6))
    assert caught.value.rule == "created-changed"


# ---- HTTP ----

BODY = b"# TYPE a gauge\n" + b"".join(b'a{b="%d"} 1\n' % number for number in range(200))
HEADERS = {
    "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    "Vary": "Accept, Accept-Encoding",
    "Content-Length": str(len(BODY)),
}
PACKED = gzip.compress(BODY)
GZIP = {**HEADERS, "Content-Encoding": "gzip", "Content-Length": str(len(PACKED))}
ASKED = {"accept-encoding": "deflate, gzip;q=0.5"}


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in HEADERS.items() if key != name}


def test_accepts_http_that_is_right() -> None:
    assert expohttp.judge("GET", {}, HEADERS, BODY) == (expocheck.Text004, BODY)
    assert expohttp.judge("HEAD", {}, HEADERS, b"") == (expocheck.Text004, b"")
    assert expohttp.judge("GET", ASKED, GZIP, PACKED) == (expocheck.Text004, BODY)
    chunked = {**without("Content-Length"), "Transfer-Encoding": "chunked"}
    assert expohttp.judge("GET", {}, chunked, BODY) == (expocheck.Text004, BODY)


HTTP = [
    ("content-type", "GET", {}, without("Content-Type"), BODY),
    ("content-type", "GET", {}, {**HEADERS, "Content-Type": "text/plain"}, BODY),
    ("content-type", "GET", {}, {**HEADERS, "Content-Type": "text/plain;version=0.0.4"}, BODY),
    ("content-type", "GET", {}, {**HEADERS, "Content-Type": HEADERS["Content-Type"] + " "}, BODY),
    ("vary", "GET", {}, without("Vary"), BODY),
    ("vary", "GET", {}, {**HEADERS, "Vary": "Accept"}, BODY),
    ("length", "GET", {}, without("Content-Length"), BODY),
    ("length", "GET", {}, HEADERS, BODY[:-10]),
    ("length", "GET", {}, {**HEADERS, "Transfer-Encoding": "chunked"}, BODY),
    ("length", "GET", {}, {**without("Content-Length"), "Transfer-Encoding": "gzip"}, BODY),
    ("head", "HEAD", {}, HEADERS, BODY),
    ("encoding", "GET", {}, GZIP, PACKED),
    ("encoding", "GET", {"Accept-Encoding": "gzip;q=0"}, GZIP, PACKED),
    ("encoding", "GET", {"Accept-Encoding": "*, gzip;q=0.000"}, GZIP, PACKED),
    ("encoding", "GET", {"Accept-Encoding": "br"}, GZIP, PACKED),
    ("encoding", "GET", ASKED, {**GZIP, "Content-Encoding": "br"}, PACKED),
    ("encoding", "GET", ASKED, {**GZIP, "Content-Length": str(len(PACKED) - 1)}, PACKED[:-1]),
    ("encoding", "GET", ASKED, {**GZIP, "Content-Length": str(len(BODY))}, BODY),
    ("encoding-size", "GET", ASKED, {**GZIP, "Content-Length": "20"}, gzip.compress(b"", mtime=0)[:20]),
]


@pytest.mark.parametrize("rule, method, request_headers, headers, body", HTTP)
def test_refuses_http(
    rule: str, method: str, request_headers: dict[str, str], headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(expocheck.Violation) as caught:
        expohttp.judge(method, request_headers, headers, body)
    assert caught.value.rule == rule, str(caught.value)


@pytest.mark.parametrize("name", ["a.b", ""])
def test_takes_utf8_names_only_where_they_were_asked_for(name: str) -> None:
    for scheme in ("underscores", "dots", "values"):
        assert expocheck.parser_of(f"{expohttp.PROTOBUF}; escaping={scheme}") is expocheck.Protobuf
    assert expocheck.parser_of(f"{expohttp.PROTOBUF}; escaping=allow-utf-8") is expocheck.ProtobufUtf8
    with pytest.raises(expocheck.Violation):
        expocheck.parser_of(f"{expohttp.PROTOBUF}; escaping=none")
    with pytest.raises(expocheck.Violation):
        expocheck.parser_of("text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8")


# ---- all rules ----


def test_every_rule_has_a_case_that_breaks_it() -> None:
    rules = {case[2] for case in (*MALFORMED, *MALFORMED_FORMATS)}
    rules |= {case[0] for case in (*CASES, *OPENMETRICS_CASES, *HTTP, *SCRAPES)}
    elsewhere = {"sum-alone", "family-flaps", "help-changed"}  # in test_expocheck.py
    elsewhere |= {"label-everywhere"}  # in test_judging.py
    assert expocheck.RULES.keys() - rules == elsewhere
    assert rules - expocheck.RULES.keys() == {""}


def test_every_rule_is_used_by_the_judge() -> None:
    paths = {*SUPPORT.glob("expo*.py"), SUPPORT / "judging.py"} - {SUPPORT / "exporules.py"}
    sources = "".join(path.read_text() for path in paths)
    named = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', sources))
    made = {f"histogram-{what}" for what in ("together", "count", "sum")}
    made |= {f"summary-{what}" for what in ("together", "count", "sum")}
    made |= {f"{word}-once" for word in ("help", "type", "unit")}
    words = {rule for rule in expocheck.RULES if "-" not in rule}
    assert expocheck.RULES.keys() - words <= named | made
    assert all(f'"{word}"' in sources for word in words)


