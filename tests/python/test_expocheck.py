# SPDX-License-Identifier: MIT
"""The judge of expositions refuses what it says it refuses, on the right line, and nothing else."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

import expocheck  # noqa: E402
from malformed_expositions import MALFORMED  # noqa: E402
from prometheus_client.openmetrics.parser import (  # noqa: E402
    text_string_to_metric_families as parse_openmetrics,
)

GOOD = """\
# HELP app_jobs_total Jobs that were "done", and \\\\ or\\nnot.
# TYPE app_jobs_total counter
app_jobs_total{queue="a \\"b\\" \\\\ c\\nd",host="ä€😀"} 18446744073709551615
app_jobs_total{queue="x\ry"} 0.30000000000000004
# TYPE app_load gauge
app_load +Inf
app_load{cpu="0"} -Inf
app_load{cpu="1"} NaN
app_load{cpu="2"} -1.5e-07
app_load{cpu="3"} 1e+16
app_load{cpu="4"} -0
# HELP app_seconds How long.
# TYPE app_seconds histogram
app_seconds_bucket{path="/",le="-1.0"} 0
app_seconds_bucket{path="/",le="1e-05"} 1
app_seconds_bucket{path="/",le="0.1"} 1
app_seconds_bucket{path="/",le="1.0"} 3
app_seconds_bucket{path="/",le="10.0"} 3
app_seconds_bucket{path="/",le="1e+06"} 4
app_seconds_bucket{path="/",le="+Inf"} 4
app_seconds_sum{path="/"} 1.25
app_seconds_count{path="/"} 4
# HELP app_state Nothing yet.
# TYPE app_state gauge
"""


def histogram(*lines: str) -> str:
    return "# TYPE h histogram\n" + "".join(f"h_{line}\n" for line in lines)


def test_accepts_what_is_right() -> None:
    samples = expocheck.parse(GOOD)
    assert len(samples) == 17
    labels = frozenset({("queue", 'a "b" \\ c\nd'), ("host", "ä€😀")})
    assert samples["app_jobs_total", labels] == 2.0**64
    assert samples["app_load", frozenset()] == math.inf
    assert samples["app_seconds_bucket", frozenset({("path", "/"), ("le", "+Inf")})] == 4


def test_accepts_nothing_at_all() -> None:
    assert expocheck.parse(b"") == {}


def test_keeps_families_and_help() -> None:
    families = expocheck.check(GOOD).families
    assert [family.type for family in families.values()] == [
        "counter",
        "gauge",
        "histogram",
        "gauge",
    ]
    assert families["app_state"].help == "Nothing yet."
    assert families["app_load"].help is None


CASES = [
    # the body as a whole
    ("final-newline", 2, "# TYPE a gauge\na 4"),
    ("lf-only", 1, "# TYPE a gauge\r\na 4\r\n"),
    ("lf-only", 2, "# TYPE a gauge\na 4\r\n"),
    ("lf-only", 1, "# HELP a one\rtwo\n# TYPE a gauge\n"),
    ("utf8", 2, b'# TYPE a gauge\na{b="\xe9"} 4\n'),
    ("utf8", 1, b"# HELP a \xc0\x80\n# TYPE a gauge\n"),
    ("utf8", 2, b'# TYPE a gauge\na{b="\xed\xa0\x80"} 4\n'),
    ("utf8", 1, b"\xef\xbb\xbf# TYPE a gauge\na 4\n"),
    ("nul", 2, b'# TYPE a gauge\na{b="\x00"} 4\n'),
    ("blank-line", 2, "# TYPE a gauge\n\na 4\n"),
    ("blank-line", 1, "  \n"),
    ("blank-line", 1, "\n"),
    # comments
    ("comment", 1, "# a remark\n"),
    ("comment", 3, "# TYPE a gauge\na 4\n# EOF\n"),
    ("comment", 1, "#TYPE a gauge\n"),
    ("comment", 1, "# TYPE  a gauge\n"),
    ("comment", 1, "# TYPE a\n"),
    ("metric-name", 1, "# TYPE a.b gauge\n"),
    ("metric-name", 1, "# HELP 4a Help.\n# TYPE 4a gauge\n"),
    ("help-once", 2, "# HELP a One.\n# HELP a Two.\n# TYPE a gauge\n"),
    ("header-order", 2, "# TYPE a gauge\n# HELP a One.\na 4\n"),
    ("help-escape", 1, "# HELP a C:\\temp\n# TYPE a gauge\n"),
    ("help-escape", 1, "# HELP a three \\\\\\\n# TYPE a gauge\n"),
    ("header-first", 3, "# TYPE a gauge\na 4\n# HELP a Help.\n"),
    ("header-first", 3, "# TYPE a gauge\na 4\n# TYPE a gauge\n"),
    ("type-once", 2, "# TYPE a gauge\n# TYPE a untyped\n"),
    ("type-known", 1, "# TYPE a unknown\n"),
    ("type-known", 1, "# TYPE a Gauge\n"),
    ("type-known", 1, "# TYPE a gauge \n"),
    ("type-missing", 1, "a 4\n"),
    ("type-missing", 2, "# HELP a Help.\na 4\n"),
    ("type-missing", 2, "# HELP a Help.\n# TYPE b gauge\n"),
    ("contiguous", 4, "# TYPE a gauge\na 4\n# TYPE b gauge\na 4\n"),
    ("contiguous", 3, "# TYPE a gauge\n# TYPE b gauge\n# HELP a Help.\n"),
    ("contiguous", 2, "# TYPE a gauge\nb 4\n"),
    ("name-collision", 2, "# TYPE h histogram\n# TYPE h_count gauge\n"),
    ("name-collision", 2, "# TYPE h_sum gauge\n# TYPE h histogram\n"),
    # samples
    ("metric-name", 2, "# TYPE a gauge\n4a 4\n"),
    ("metric-name", 2, '# TYPE a gauge\n{"a"} 4\n'),
    ("metric-name", 2, "# TYPE a gauge\n a 4\n"),
    ("sample-form", 2, "# TYPE a gauge\na\t4\n"),
    ("sample-form", 2, "# TYPE a gauge\na\n"),
    ("sample-form", 2, '# TYPE a gauge\na{b="c"}4\n'),
    ("value-form", 2, "# TYPE a gauge\na  4\n"),
    ("value-form", 2, "# TYPE a gauge\na 4 \n"),
    ("value-form", 2, "# TYPE a gauge\na +4\n"),
    ("value-comma", 2, "# TYPE a gauge\na 4,5\n"),
    ("value-form", 2, "# TYPE a gauge\na .5\n"),
    ("value-digits", 2, "# TYPE a gauge\na 0x10\n"),
    ("value-digits", 2, "# TYPE a gauge\na 4_000\n"),
    ("value-form", 2, "# TYPE a gauge\na 04\n"),
    ("value-form", 2, "# TYPE a gauge\na 4E+16\n"),
    ("value-special", 2, "# TYPE a gauge\na nan\n"),
    ("value-special", 2, "# TYPE a gauge\na -NaN\n"),
    ("value-special", 2, "# TYPE a gauge\na Inf\n"),
    ("value-special", 2, "# TYPE a gauge\na infinity\n"),
    ("value-form", 2, "# TYPE a gauge\na \n"),
    ("value-form", 2, '# TYPE a gauge\na 4 # {b="c"} 4\n'),
    ("value-shortest", 2, "# TYPE a gauge\na 0.1000000000000000055\n"),
    ("value-shortest", 2, "# TYPE a gauge\na 0.30\n"),
    ("value-shortest", 2, "# TYPE a gauge\na 4.0\n"),
    ("timestamp", 2, "# TYPE a gauge\na 4 1700000000000\n"),
    # labels
    ("empty-braces", 2, "# TYPE a gauge\na{} 4\n"),
    ("label-name", 2, '# TYPE a gauge\na{b="c",} 4\n'),
    ("label-name", 2, '# TYPE a gauge\na{b:c="d"} 4\n'),
    ("label-name", 2, '# TYPE a gauge\na{4b="c"} 4\n'),
    ("label-name", 2, '# TYPE a gauge\na{b="c", d="e"} 4\n'),
    ("label-name", 2, "# TYPE a gauge\na{b='c'} 4\n"),
    ("label-form", 2, '# TYPE a gauge\na{b="c" d="e"} 4\n'),
    ("label-form", 2, '# TYPE a gauge\na{b="c\n"} 4\n'),
    ("label-escape", 2, '# TYPE a gauge\na{b="\\t"} 4\n'),
    ("label-escape", 2, '# TYPE a gauge\na{b="\\\n'),
    ("label-duplicate", 2, '# TYPE a gauge\na{b="c",b="c"} 4\n'),
    ("label-empty", 2, '# TYPE a gauge\na{b="",c="d"} 4\n'),
    ("label-reserved", 2, '# TYPE a gauge\na{__name__="b"} 4\n'),
    ("label-reserved", 2, '# TYPE a gauge\na{le="1.0"} 4\n'),
    ("label-reserved", 2, histogram('bucket{quantile="1.0",le="+Inf"} 4')),
    ("label-order", 3, '# TYPE a gauge\na{b="1",c="1"} 4\na{c="2",b="2"} 4\n'),
    ("label-order", 2, histogram('bucket{le="+Inf",a="b"} 4')),
    ("duplicate", 3, "# TYPE a gauge\na 4\na 4\n"),
    ("duplicate", 3, '# TYPE a gauge\na{b="\\\\n"} 4\na{b="\\\\n"} 5\n'),
    # counters
    ("counter-total", 1, "# TYPE a counter\na 4\n"),
    ("counter-value", 2, "# TYPE a_total counter\na_total -4\n"),
    ("counter-value", 2, "# TYPE a_total counter\na_total NaN\n"),
    ("counter-value", 2, "# TYPE a_total counter\na_total -Inf\n"),
    # histograms and summaries
    ("summary-sum", 2, "# TYPE s summary\ns_count 4\n"),
    ("contiguous", 2, "# TYPE h histogram\nh 4\n"),
    ("contiguous", 2, "# TYPE h histogram\nh_total 4\n"),
    ("histogram-le", 2, histogram("bucket 4")),
    ("histogram-le", 3, histogram('bucket{le="+Inf"} 4', 'sum{le="+Inf"} 4')),
    ("le-canonical", 2, histogram('bucket{le="1"} 4')),
    ("le-canonical", 2, histogram('bucket{le="1000000.0"} 4')),
    ("le-canonical", 2, histogram('bucket{le="1e+010"} 4')),
    ("le-canonical", 2, histogram('bucket{le="0.10"} 4')),
    ("le-inf", 2, histogram('bucket{le="Inf"} 4')),
    ("le-canonical", 2, histogram('bucket{le="NaN"} 4')),
    ("le-canonical", 2, histogram('bucket{le="one"} 4')),
    ("histogram-ascending", 3, histogram('bucket{le="2.0"} 4', 'bucket{le="1.0"} 4')),
    ("histogram-ascending", 3, histogram('bucket{le="0.0"} 4', 'bucket{le="-0.0"} 4')),
    ("histogram-cumulative", 3, histogram('bucket{le="1.0"} 4', 'bucket{le="+Inf"} 3')),
    ("histogram-inf", 3, histogram('bucket{le="1.0"} 4', "sum 4")),
    ("histogram-inf", 2, histogram("sum 4")),
    ("histogram-inf", 2, histogram("count 4")),
    ("histogram-sum", 3, histogram('bucket{le="+Inf"} 4', "count 4")),
    ("histogram-order", 4, histogram('bucket{le="+Inf"} 4', "sum 4", 'bucket{le="2.0"} 4')),
    ("histogram-count", 4, histogram('bucket{le="+Inf"} 4', "sum 4", "count 5")),
    ("histogram-count", 3, histogram('bucket{le="+Inf"} 4', "sum 4")),
    ("histogram-count", 2, histogram('bucket{le="+Inf"} 4.5')),
    ("histogram-count", 2, histogram('bucket{le="+Inf"} -4')),
    ("histogram-count", 2, histogram('bucket{le="+Inf"} +Inf')),
    ("histogram-together", 3, histogram('bucket{a="b",le="+Inf"} 4', 'sum{a="c"} 4')),
    ("histogram-together", 3, histogram('bucket{a="b",le="1.0"} 4', 'bucket{a="c",le="+Inf"} 4')),
]


@pytest.mark.parametrize("rule, line, body", CASES)
def test_refuses(rule: str, line: int, body: str | bytes) -> None:
    with pytest.raises(expocheck.Violation) as caught:
        expocheck.parse(body)
    assert (caught.value.rule, caught.value.line) == (rule, line), str(caught.value)


OPENMETRICS = """\
# TYPE app_build info
# HELP app_build What runs.
app_build_info{version="1.0"} 1
# TYPE app_door stateset
app_door{room="a",app_door="open"} 1
app_door{room="a",app_door="shut"} 0
app_door{room="b",app_door="open"} 0
app_door{room="b",app_door="shut"} 1
# TYPE app_jobs counter
# HELP app_jobs Jobs that were \\"done\\", and \\\\ or\\nnot.
app_jobs_total{queue="a"} 7 # {trace_id="ä 1"} 0.5 1700000000.125
app_jobs_created{queue="a"} 1700000000
app_jobs_total{queue="b"} 7 # {} 1 1700000000
app_jobs_created{queue="b"} 1700000000
# TYPE app_load gauge
app_load NaN
# TYPE app_seconds histogram
# UNIT app_seconds seconds
# HELP app_seconds How long.
app_seconds_bucket{path="/",le="0.1"} 1 # {a="b",c="d"} 0.1 1.5
app_seconds_bucket{path="/",le="+Inf"} 4 # {} 0.2 1.5
app_seconds_sum{path="/"} 1.25
app_seconds_count{path="/"} 4
app_seconds_created{path="/"} 1700000000.5
app_seconds_bucket{path="/b",le="0.1"} 1
app_seconds_bucket{path="/b",le="+Inf"} 1
app_seconds_bucket{path="/c",le="0.1"} 1
app_seconds_bucket{path="/c",le="+Inf"} 1
# TYPE app_signed histogram
app_signed_bucket{le="-1.0"} 1
app_signed_bucket{le="+Inf"} 1
app_signed_created 1700000000.5
# TYPE app_size summary
app_size_sum{a="b"} 1
app_size_count{a="b"} 2
app_size_count{a="c"} 2
app_size_created{a="c"} 1700000000
# TYPE app_thing unknown
app_thing 3
# EOF
"""


def eof(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines) + "# EOF\n"


def exemplar(text: str) -> str:
    return eof("# TYPE a counter", f"a_total 5 # {text}")


def test_accepts_openmetrics_that_is_right() -> None:
    exposition = expocheck.check(OPENMETRICS, expocheck.OpenMetrics)
    assert len(exposition.samples) == 27
    assert exposition.families["app_seconds"].unit == "seconds"
    assert exposition.families["app_jobs"].type == "counter"
    assert expocheck.parse("# EOF\n", expocheck.OpenMetrics) == {}
    assert {family.name for family in parse_openmetrics(OPENMETRICS)} == set(exposition.families)


OPENMETRICS_CASES = [
    # the body as a whole
    ("eof", 0, ""),
    ("eof", 2, "# TYPE a gauge\na 4\n"),
    ("final-newline", 1, "# EOF"),
    ("eof", 2, "# EOF\n# EOF\n"),
    ("eof", 3, "# TYPE a gauge\n# EOF\na 4\n"),
    ("lf-only", 1, eof("# TYPE a gauge\r")),
    ("blank-line", 1, eof("", "# TYPE a gauge")),
    ("comment", 1, eof("# hello")),
    # headers
    ("header-order", 2, eof("# HELP a Help.", "# TYPE a gauge")),
    ("header-order", 3, eof("# TYPE a_b gauge", "# HELP a_b Help.", "# UNIT a_b b")),
    ("unit-once", 3, eof("# TYPE a_b gauge", "# UNIT a_b b", "# UNIT a_b b")),
    ("unit-suffix", 2, eof("# TYPE a_b gauge", "# UNIT a_b seconds")),
    ("unit-suffix", 2, eof("# TYPE ab gauge", "# UNIT ab b")),
    ("unit-suffix", 2, eof("# TYPE a_ gauge", "# UNIT a_ ")),
    ("unit-type", 2, eof("# TYPE a_b info", "# UNIT a_b b")),
    ("unit-type", 2, eof("# TYPE a_b stateset", "# UNIT a_b b")),
    ("help-escape", 2, eof("# TYPE a gauge", '# HELP a Say "a".')),
    ("help-escape", 2, eof("# TYPE a gauge", "# HELP a C:\\temp")),
    ("type-known", 1, eof("# TYPE a untyped")),
    ("type-missing", 1, eof("a 4")),
    ("name-collision", 2, eof("# TYPE a counter", "# TYPE a_created gauge")),
    ("name-collision", 2, eof("# TYPE a info", "# TYPE a_info gauge")),
    # samples
    ("contiguous", 2, eof("# TYPE a counter", "a 4")),
    ("contiguous", 2, eof("# TYPE a_total counter", "a_total 4")),
    ("contiguous", 2, eof("# TYPE a info", "a 1")),
    ("counter-value", 2, eof("# TYPE a counter", "a_total -4")),
    ("counter-value", 2, eof("# TYPE a counter", "a_total NaN")),
    ("timestamp", 2, eof("# TYPE a gauge", "a 4 1700000000000")),
    ("timestamp", 2, eof("# TYPE a gauge", "a 4 1700000000.5")),
    ("duplicate", 3, eof("# TYPE a gauge", "a 4", "a 4")),
    ("info-value", 2, eof("# TYPE a info", "a_info 2")),
    ("stateset-label", 2, eof("# TYPE a stateset", "a 1")),
    ("stateset-label", 2, eof("# TYPE a stateset", 'a{a="x",b="y"} 1')),
    ("stateset-value", 2, eof("# TYPE a stateset", 'a{a="x"} 0.5')),
    ("stateset-one", 4, eof("# TYPE a stateset", 'a{a="x"} 1', 'a{a="y"} 1', "# TYPE b gauge")),
    ("stateset-one", 2, eof("# TYPE a stateset", 'a{a="x"} 0')),
    ("stateset-one", 3, eof("# TYPE a stateset", 'a{b="1",a="x"} 0', 'a{b="2",a="x"} 1')),
    (
        "stateset-together",
        4,
        eof("# TYPE a stateset", 'a{b="1",a="x"} 1', 'a{b="2",a="x"} 1', 'a{b="1",a="y"} 1'),
    ),
    ("created-together", 2, eof("# TYPE a counter", "a_created 5")),
    ("created-together", 3, eof("# TYPE a counter", 'a_total{b="c"} 5', 'a_created{b="d"} 5')),
    ("created-value", 3, eof("# TYPE a counter", "a_total 5", "a_created 0")),
    ("created-value", 3, eof("# TYPE a counter", "a_total 5", "a_created 1700000000000")),
    # histograms and summaries
    ("le-canonical", 2, eof("# TYPE h histogram", 'h_bucket{le="1"} 4')),
    ("histogram-inf", 2, eof("# TYPE h histogram", 'h_bucket{le="1.0"} 4')),
    ("histogram-count", 3, eof("# TYPE h histogram", 'h_bucket{le="+Inf"} 4', "h_sum 4")),
    ("histogram-sum", 3, eof("# TYPE h histogram", 'h_bucket{le="+Inf"} 4', "h_count 4")),
    ("sum-value", 3, eof("# TYPE h histogram", 'h_bucket{le="+Inf"} 4', "h_sum -4")),
    ("sum-value", 3, eof("# TYPE h histogram", 'h_bucket{le="+Inf"} 4', "h_sum NaN")),
    (
        "sum-negative",
        4,
        eof("# TYPE h histogram", 'h_bucket{le="-1.0"} 0', 'h_bucket{le="+Inf"} 4', "h_sum 4"),
    ),
    ("created-value", 3, eof("# TYPE h histogram", 'h_bucket{le="+Inf"} 4', "h_created NaN")),
    ("sum-value", 2, eof("# TYPE s summary", "s_sum -4", "s_count 4")),
    ("summary-count", 2, eof("# TYPE s summary", "s_sum 4")),
    ("summary-count", 3, eof("# TYPE s summary", "s_sum 4", 's_sum{a="b"} 4')),
    ("summary-count", 3, eof("# TYPE s summary", "s_sum 4", "s_count 4.5")),
    ("summary-together", 3, eof("# TYPE s summary", "s_sum 4", 's_count{a="b"} 4')),
    # exemplars
    ("exemplar-place", 2, eof("# TYPE a gauge", 'a 4 # {b="c"} 4 1.5')),
    ("exemplar-place", 3, eof("# TYPE a counter", "a_total 4", "a_created 4 # {} 4 1.5")),
    ("exemplar-form", 2, exemplar("")),
    ("exemplar-form", 2, exemplar("4 1.5")),
    ("exemplar-form", 2, exemplar("{}4 1.5")),
    ("exemplar-time", 2, exemplar("{} 4")),
    ("exemplar-time", 2, exemplar("{} 4 1700000000125")),
    ("exemplar-size", 2, exemplar('{b="' + "ä" * 128 + '"} 4 1.5')),
    ("label-duplicate", 2, exemplar('{b="c",b="d"} 4 1.5')),
    ("label-empty", 2, exemplar('{b="",c="d"} 4 1.5')),
    ("label-name", 2, exemplar('{b="c",} 4 1.5')),
    ("exemplar-bucket", 2, eof("# TYPE h histogram", 'h_bucket{le="1.0"} 4 # {} 1.5 1.5')),
    (
        "exemplar-bucket",
        3,
        eof("# TYPE h histogram", 'h_bucket{le="1.0"} 4', 'h_bucket{le="2.0"} 4 # {} 1 1.5'),
    ),
]


@pytest.mark.parametrize("rule, line, body", OPENMETRICS_CASES)
def test_refuses_in_openmetrics(rule: str, line: int, body: str) -> None:
    with pytest.raises(expocheck.Violation) as caught:
        expocheck.parse(body, expocheck.OpenMetrics)
    assert (caught.value.rule, caught.value.line) == (rule, line), str(caught.value)


def test_takes_exemplars_of_128_characters() -> None:
    expocheck.parse(exemplar('{b="' + "ä" * 127 + '"} 4 1.5'), expocheck.OpenMetrics)


@pytest.mark.parametrize("name, format, rule, body", MALFORMED)
def test_knows_what_is_wrong_with(name: str, format: str, rule: str, body: bytes) -> None:
    parser = {"T": expocheck.Text004, "O": expocheck.OpenMetrics}[format]
    if rule:
        with pytest.raises(expocheck.Violation) as caught:
            expocheck.parse(body, parser)
        assert caught.value.rule == rule, str(caught.value)
    else:
        expocheck.parse(body, parser)


def test_knows_the_parser_of_a_content_type() -> None:
    assert expocheck.parser_of("text/plain; version=0.0.4; charset=utf-8") is expocheck.Text004
    with pytest.raises(expocheck.Violation):
        expocheck.parser_of("application/openmetrics-text; version=1.0.0")


@pytest.mark.parametrize(
    "value, text",
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (10.0, "10.0"),
        (0.1, "0.1"),
        (0.005, "0.005"),
        (2.5, "2.5"),
        (0.0001, "0.0001"),
        (1e-05, "1e-05"),
        (123456.5, "123456.5"),
        (100000.0, "100000.0"),
        (1e6, "1e+06"),
        (1234567.5, "1.2345675e+06"),
        (1e10, "1e+10"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (5e-324, "5e-324"),
        (-1e6, "-1e+06"),
        (-2.5, "-2.5"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_knows_the_canonical_form_of_bounds(value: float, text: str) -> None:
    assert expocheck.canonical_float(value) == text


def test_accepts_scrapes_that_grow() -> None:
    history = expocheck.ScrapeHistory()
    history.add("# TYPE a_total counter\na_total 1\n# TYPE g gauge\ng 5\n")
    history.add(
        "# TYPE a_total counter\na_total 1\n# TYPE b_total counter\nb_total 3\n# TYPE g gauge\n"
    )
    history.add(
        "# TYPE a_total counter\na_total 2.5\n"
        "# TYPE b_total counter\nb_total 3\n# TYPE g gauge\ng 1\n"
    )


def scrape_of(first: int, second: int, total: float) -> str:
    return histogram(
        f'bucket{{le="1.0"}} {first}',
        f'bucket{{le="+Inf"}} {second}',
        f"sum {total}",
        f"count {second}",
    )


@pytest.mark.parametrize(
    "rule, before, after",
    [
        ("went-back", "# TYPE a_total counter\na_total 2\n", "# TYPE a_total counter\na_total 1\n"),
        ("went-back", scrape_of(2, 3, 4), scrape_of(1, 3, 4)),
        ("went-back", scrape_of(2, 3, 4), scrape_of(2, 2, 4)),
        ("went-back", scrape_of(2, 3, 4), scrape_of(2, 4, 3)),
        ("series-flaps", '# TYPE a_total counter\na_total{b="c"} 2\n', "# TYPE a_total counter\n"),
        ("series-flaps", scrape_of(2, 3, 4), "# TYPE h histogram\n"),
        ("family-flaps", "# TYPE a gauge\na 2\n", ""),
        ("type-changed", "# TYPE a gauge\na 2\n", "# TYPE a untyped\na 2\n"),
        ("help-changed", "# HELP a b\n# TYPE a gauge\n", "# HELP a c\n# TYPE a gauge\n"),
        ("sum-alone", scrape_of(2, 3, 4), scrape_of(2, 3, 5)),
    ],
)
def test_refuses_what_goes_back_or_flaps(rule: str, before: str, after: str) -> None:
    history = expocheck.ScrapeHistory()
    history.add(before)
    with pytest.raises(expocheck.Violation) as caught:
        history.add(after)
    assert caught.value.rule == rule
    history.restart()
    history.add(after)


def test_remembers_the_highest_of_all_scrapes() -> None:
    history = expocheck.ScrapeHistory()
    for value in (1, 5, 5):
        history.add(f"# TYPE a_total counter\na_total {value}\n")
    with pytest.raises(expocheck.Violation):
        history.add("# TYPE a_total counter\na_total 4\n")


def test_lets_a_sum_fall_where_observations_may_be_negative() -> None:
    history = expocheck.ScrapeHistory()
    for count, total in ((4, 4), (5, -4)):
        lines = ['bucket{le="-1.0"} 0', f'bucket{{le="+Inf"}} {count}']
        history.add(histogram(*lines, f"sum {total}", f"count {count}"))


def run(arguments: list[str], body: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, str(SUPPORT / "expocheck.py"), *arguments]
    return subprocess.run(
        command, input=body, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60
    )


def test_is_a_command(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("# TYPE a_total counter\na_total 3\n")
    bad.write_text("# TYPE a_total counter\na_total 2\n")
    assert run([str(good)]).returncode == 0
    assert run(["-"], good.read_bytes()).stdout == b""
    assert run([str(bad), str(good)]).returncode == 0
    backwards = run([str(good), str(bad)])
    assert backwards.returncode == 1
    assert backwards.stdout.decode() == f"{bad}:0: went-back: a_total went from 3.0 to 2.0\n"
    result = run(["-"], b"# TYPE a gauge\na nan\n")
    assert result.returncode == 1
    assert result.stdout == b"-:2: value-special: 'nan' is none of +Inf, -Inf, NaN\n"
    good.write_text("# EOF\n")
    assert run(["--openmetrics", str(good)]).returncode == 0
    assert run([str(good)]).stdout.decode().startswith(f"{good}:1: comment: ")
    missing = run([str(tmp_path / "missing")])
    assert missing.returncode == 2 and b"missing" in missing.stderr
    assert run([]).returncode == 2
