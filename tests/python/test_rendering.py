# SPDX-License-Identifier: MIT
"""Formats: what custom collectors yield is written as prometheus_client writes it.

What differs has tests of its own, further down: labels without a value, bounds, names by "dots", the order
of headers in OpenMetrics, OpenMetrics 2.0.
"""

from __future__ import annotations

import importlib
import math
from types import ModuleType
from typing import Any, Iterable, Iterator

import prometheus_client
import prometheus_client.exposition
import prometheus_client.openmetrics.exposition
import pytest

import shmetrics
import shmetrics.exposition
import shmetrics.openmetrics.exposition
import shmetrics.scraping.conflicts

SCHEMES = ["allow-utf-8", "underscores", "values"]


def families(library: ModuleType, colon: str = ":") -> Iterator[Any]:
    """One of each kind, with what is hard to write."""
    core = importlib.import_module(library.__name__ + ".core")
    yield core.CounterMetricFamily("c_total", 'A "c" \\ of\nit', value=1, created=1e9)
    counter = core.CounterMetricFamily("c.d", "", labels=["a.b", "c"], unit="seconds")
    exemplar = core.Exemplar({"trace_id": 'a"\\\n'}, 0.5, core.Timestamp(12, 34))
    counter.add_metric(["1", 'x"\\\ny'], 2.5, exemplar=exemplar, timestamp=1.5)
    yield counter
    yield core.GaugeMetricFamily("g", "G.", value=-0.0, unit="bytes")
    gauge = core.GaugeMetricFamily(f"größe_花火 😱{colon}x_1", "日本", labels=["l"])
    for number in (1e6, 1234567.25, 123456.0, 1e-7, 1e16, 1e300, math.inf, -math.inf, -2e9, 5):
        gauge.add_metric([repr(number)], number, timestamp=core.Timestamp(1, 5))
    gauge.add_metric(["nan"], math.nan, timestamp=3)
    yield gauge
    yield core.SummaryMetricFamily("s", "S.", count_value=3, sum_value=4.5)
    histogram = core.HistogramMetricFamily("h", "H.", labels=["b"])
    histogram.add_metric(["z"], [("1.0", 1, core.Exemplar({}, 0.5)), ("+Inf", 2)], sum_value=3)
    histogram.add_metric(["n"], [("-1.0", 1), ("+Inf", 2)], sum_value=3)
    yield histogram
    yield core.GaugeHistogramMetricFamily("gh", "", buckets=[("1.0", 4), ("+Inf", 5)], gsum_value=7)
    yield core.InfoMetricFamily("build", "B.", value={"version": "1", "a.b": "2"})
    yield core.StateSetMetricFamily("state", "", value={"on": True, "off": False})
    yield core.UnknownMetricFamily("u", "U.", value=9)
    native = core.Metric("n", "N.", "histogram")
    spans = [core.BucketSpan(0, 2), core.BucketSpan(1, 1)]
    histogram_value = core.NativeHistogram(
        24, 100, 0, 0.001, 4, spans, spans, (2, 1, -3), (1, 1, 1), [core.Exemplar({"a": "b"}, 1)]
    )
    native.add_sample("n", {"x": "y"}, None, None, None, histogram_value)
    yield native


class Families:
    def __init__(self, library: ModuleType, native: bool = False, colon: str = ":") -> None:
        self.families = [f for f in families(library, colon) if native or f.name != "n"]

    def collect(self) -> Iterable[Any]:
        return self.families


def registry_of(library: ModuleType, colon: str = ":") -> Any:
    registry = library.CollectorRegistry()
    registry.register(Families(library, colon=colon))
    return registry


@pytest.mark.parametrize("escaping", SCHEMES)
def test_the_text_is_theirs(escaping: str) -> None:
    ours, theirs = (
        library.generate_latest(registry_of(library), escaping)
        for library in (shmetrics, prometheus_client)
    )
    assert ours.decode() == theirs.decode()


def with_sorted_comments(text: bytes) -> list[str]:
    """The lines; of comments that stand together, in the order of their words."""
    lines: list[str] = []
    comments: list[str] = []
    for line in text.decode().splitlines():
        if line.startswith("# ") and line != "# EOF":
            if comments and line.split(" ", 2)[1] in [other.split(" ", 2)[1] for other in comments]:
                lines += sorted(comments)
                comments = []
            comments.append(line)
        else:
            lines += [*sorted(comments), line]
            comments = []
    return lines


# In OpenMetrics theirs writes other names in the samples than in TYPE, where a name has a colon or
# the scheme is "values".
@pytest.mark.parametrize("escaping", ["allow-utf-8", "underscores"])
def test_the_openmetrics_text_is_theirs_but_for_the_order_of_headers(escaping: str) -> None:
    ours, theirs = (
        importlib.import_module(library.__name__ + ".openmetrics.exposition").generate_latest(
            Families(library, native=True, colon=""), escaping
        )
        for library in (shmetrics, prometheus_client)
    )
    # The comments of a native histogram stand there without a sample.
    assert with_sorted_comments(ours) == with_sorted_comments(theirs)
    assert ours.endswith(b"# EOF\n")
    assert b"# TYPE g_bytes gauge\n# UNIT g_bytes bytes\n# HELP g_bytes G.\n" in ours


OPENMETRICS = "application/openmetrics-text"


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "text/html,*/*;q=0.1",
        "text/plain",
        "text/plain; version=0.0.4",
        "text/plain; version=1.0.0",
        "text/plain;version=1.0.0;escaping=allow-utf-8",
        "text/plain; version=1.0.0; escaping=nonsense",
        OPENMETRICS,
        f"{OPENMETRICS}; escaping=allow-utf-8",
        f"{OPENMETRICS}; version=0.0.1",
        f"{OPENMETRICS}; version=1.0.0",
        f"{OPENMETRICS}; version=1.0.0; escaping=dots",
        f"{OPENMETRICS}; version=2.0.0; escaping=dots",
        # What Prometheus 2.42, 3.14 and vmagent send.
        f"{OPENMETRICS};version=1.0.0,{OPENMETRICS};version=0.0.1;q=0.75,"
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        f"{OPENMETRICS};version=1.0.0;escaping=allow-utf-8;q=0.6,{OPENMETRICS};version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,"
        "*/*;q=0.2",
        "text/plain;version=0.0.4;q=1,*/*;q=0.1",
    ],
)
def test_who_serves_by_itself_chooses_what_theirs_would(accept: str) -> None:
    answers = []
    for library in (shmetrics, prometheus_client):
        encoder, content_type = library.exposition.choose_encoder(accept)
        answers.append((content_type, encoder(registry_of(library, colon=""))))
    (ours, our_text), (theirs, their_text) = answers
    assert ours == theirs
    if "dots" not in (accept or ""):
        assert with_sorted_comments(our_text) == with_sorted_comments(their_text)


@pytest.mark.parametrize("version", ["3.0.0", "1.1.0", "2.0.1"])
def test_no_version_is_promised_that_there_is_not(version: str) -> None:
    """Theirs says of the same bytes that they are of whatever version was asked for."""
    encoder, content_type = shmetrics.exposition.choose_encoder(f"{OPENMETRICS};version={version}")
    assert content_type.startswith(f"{OPENMETRICS}; version=1.0.0;")
    assert encoder(registry_of(shmetrics)).endswith(b"# EOF\n")


@pytest.mark.parametrize("escaping", [*SCHEMES, "dots"])
def test_an_openmetrics_sample_has_the_name_of_its_family(escaping: str) -> None:
    registry = registry_of(shmetrics)
    text = shmetrics.openmetrics.exposition.generate_latest(registry, escaping).decode()
    family = ""
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            family = line.split(" ", 2)[2].rpartition(" ")[0].strip('"')
        elif line[0] != "#":
            assert line.lstrip('{"').startswith(family)


@pytest.mark.parametrize(
    "accept, expected",
    [
        (f"text/plain;version=0.0.4;q=0.9,{OPENMETRICS};version=1.0.0;q=0.3", "text/plain"),
        (f"text/plain;version=0.0.4;q=0.3,{OPENMETRICS};version=1.0.0;q=0.9", OPENMETRICS),
        (f"{OPENMETRICS};version=1.0.0;q=0", "text/plain"),
    ],
)
def test_preferences_count(accept: str, expected: str) -> None:
    """Theirs takes no notice of q."""
    assert shmetrics.exposition.choose_encoder(accept)[1].split(";")[0] == expected


@pytest.mark.parametrize(
    "header, accepted",
    [
        (None, False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("br", False),
        # As the collector does.
        ("x-gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=nonsense", False),
        ("gzip;q=0, x-gzip;q=0.1", True),
    ],
)
def test_compression_is_taken_where_it_is_accepted(header: str, accepted: bool) -> None:
    assert shmetrics.exposition.gzip_accepted(header) is accepted


@pytest.mark.parametrize(
    "module, escaping", [("", "underscores"), ("", "values"), (".openmetrics", "underscores")]
)
def test_metrics_are_escaped_like_collectors(module: str, escaping: str) -> None:
    texts = []
    for library in (shmetrics, prometheus_client):
        registry = library.CollectorRegistry()
        library.Gauge("a_b_c", "Level.", ["d_e"], registry=registry).labels("f").set(2)
        exposition = importlib.import_module(library.__name__ + module + ".exposition")
        texts.append(exposition.generate_latest(registry, escaping))
    assert with_sorted_comments(texts[0]) == with_sorted_comments(texts[1])


def test_a_collector_that_is_no_registry_is_rendered_too() -> None:
    text = shmetrics.generate_latest(Families(shmetrics))  # type: ignore[arg-type]
    assert text == prometheus_client.generate_latest(Families(prometheus_client))


@pytest.mark.parametrize("label", ["lone \ud800 surrogate"])
def test_what_is_no_utf8_does_not_spoil_the_scrape(label: str, registry: Any) -> None:
    shmetrics.Gauge("a", label, ["l"], registry=registry).labels(label).set(1)
    family = shmetrics.core.GaugeMetricFamily("b", "", labels=["l"])
    family.add_metric([label], 2)
    collector = Families(shmetrics)
    collector.collect = lambda: [family]  # type: ignore[method-assign]
    registry.register(collector)
    text = shmetrics.generate_latest(registry).decode("utf-8")
    assert len([line for line in text.splitlines() if line[0] != "#"]) == 2


@pytest.mark.parametrize(
    "number",
    [0, 1, -1, 0.1, 123456, 1e6, 1e7, 12345678.5, 1e16, 1e22, 5e-324, math.inf, -math.inf, math.nan]
    + ["3", True, 2**60],
)
def test_numbers_are_written_like_theirs(number: Any) -> None:
    from prometheus_client.utils import floatToGoString as theirs
    from shmetrics.utils import floatToGoString as ours

    assert ours(number) == theirs(number)


LABELS = ["x", 'a"b', "a\\", "\\", 'a",z="b', "a}b", "a,b", "a\nb", "1", "{", "=", '}"} 5']


@pytest.mark.parametrize("value", LABELS)
def test_labels_are_in_the_order_of_their_names(value: str) -> None:
    """As the tests of many applications expect of a text."""
    texts = []
    for library in (shmetrics, prometheus_client):
        registry = library.CollectorRegistry()
        names = ["path", "method", "le2", "a", "aa", "_b"]
        values = [value, "GET", value, "1", value + value, "2"]
        library.Counter("c", "", names, registry=registry).labels(*values).inc(3)
        library.Gauge("g", "", ["b", "a"], registry=registry).labels(value, "y").set(0.5)
        buckets = library.Histogram("h", "", ["z"], registry=registry, buckets=[1])
        buckets.labels(value).observe(2)
        lines = library.generate_latest(registry).decode().splitlines()
        texts.append(sorted(line for line in lines if line[0] != "#" and "_created" not in line))
    assert texts[0] == texts[1]


ODD_TEXTS = {
    b"": b"",
    b"a": b"a",
    b"a 1": b"a 1.0",
    b'a{b="c': b'a{b="c',
    b'a{b="c"} 1 # {': b'a{b="c"} 1.0 # {',
    b'a 1 # {x="} 1\n': b'a 1.0 # {x="} 1\n',
    b"a 1 1 1 1 1 1 1 1\n": b"a 1.0 1.0 1.0 1 1 1 1 1\n",  # a sample has three numbers at most
    b'a{c="\\"} 2",b="{"} 5 # {a="}"} 1 2.5\n': b'a{b="{",c="\\"} 2"} 5.0 # {a="}"} 1.0 2.5\n',
}


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_a_text_that_is_none_is_left_as_it_is(text: bytes) -> None:
    assert shmetrics._core.client_text(text) == ODD_TEXTS[text]


# ---- what differs from theirs ----


def written(family: Any, module: str = "", escaping: str = "underscores", **more: Any) -> str:
    collector = Families(shmetrics)
    collector.families = [family]
    exposition = importlib.import_module("shmetrics" + module + ".exposition")
    text: bytes = exposition.generate_latest(collector, escaping, **more)
    return text.decode()


def test_an_empty_label_is_an_absent_one_and_a_bound_has_one_form() -> None:
    core = shmetrics.core
    gauge = core.GaugeMetricFamily("g", "", labels=["a", "b"])
    gauge.add_metric(["", "x"], 1)
    assert 'g{b="x"} 1.0\n' in written(gauge)
    histogram = core.HistogramMetricFamily("h", "", [("1", 1), ("1e6", 1), ("inf", 2)], 3)
    for module in ("", ".openmetrics"):
        bounds = [line.split('"')[1] for line in written(histogram, module).splitlines() if "le=" in line]
        assert bounds == ["1.0", "1e+06", "+Inf"]


@pytest.mark.parametrize("module", ["", ".openmetrics"])
def test_dots_leave_names_of_the_older_set_alone(module: str) -> None:
    """As Prometheus' own libraries do, and the collector: rules for such a name go on finding it."""
    counter = shmetrics.core.CounterMetricFamily("a_b", "", labels=["c_d", "e.f"])
    counter.add_metric(["1", "2"], 3)
    assert '\na_b_total{c_d="1",e_dot_f="2"} 3.0\n' in written(counter, module, "dots")
    dotted = shmetrics.core.CounterMetricFamily("a.b", "", value=3)
    assert "\na_dot_b__total 3.0\n" in written(dotted, module, "dots")


def test_openmetrics_2_has_a_sample_a_series() -> None:
    core = shmetrics.core
    exemplar, timeless = core.Exemplar({"t": "1"}, 2, 5.5), core.Exemplar({"t": "2"}, 1)
    counter = core.CounterMetricFamily("c_seconds", "C.", labels=["a"], unit="seconds")
    counter.add_metric(["x"], 3, created=1.5, exemplar=exemplar)
    histogram = core.HistogramMetricFamily("h", "", labels=["a"])
    histogram.add_metric(["x"], [("1", 1, timeless), ("+Inf", 4, exemplar)], 2**53)
    summary = core.SummaryMetricFamily("s", "", count_value=3, sum_value=1.5)
    summary.add_sample("s", {"quantile": "0.5"}, 7)
    gauges = core.GaugeHistogramMetricFamily("q", "", [("+Inf", 2)], gsum_value=-3)
    info = core.InfoMetricFamily("i", "", {"v": "1"})
    assert [
        [line for line in written(family, ".openmetrics", version="2.0.0").splitlines()]
        for family in (counter, histogram, summary, gauges, info)
    ] == [
        [
            "# TYPE c_seconds_total counter",
            "# UNIT c_seconds_total seconds",
            "# HELP c_seconds_total C.",
            'c_seconds_total{a="x"} 3 st@1.5 # {t="1"} 2 5.5',
            "# EOF",
        ],
        [
            "# TYPE h histogram",
            "# HELP h ",
            'h{a="x"} {count:4,sum:9.007199254740992e+15,bucket:[1.0:1,+Inf:4]} # {t="1"} 2 5.5',
            "# EOF",
        ],
        ["# TYPE s summary", "# HELP s ", "s {count:3,sum:1.5,quantile:[0.5:7]}", "# EOF"],
        ["# TYPE q gaugehistogram", "# HELP q ", "q {gcount:2,gsum:-3,bucket:[+Inf:2]}", "# EOF"],
        ["# TYPE i_info info", "# HELP i_info ", 'i_info{v="1"} 1', "# EOF"],
    ]


def test_in_openmetrics_2_a_sample_is_a_start_only_of_what_has_one() -> None:
    family = shmetrics.core.GaugeMetricFamily("depth", "", value=1)
    family.add_sample("depth_created", {}, 5)
    lines = written(family, ".openmetrics", version="2.0.0").splitlines()
    assert lines[2:] == ["depth 1", "depth_created 5", "# EOF"]


def test_openmetrics_2_has_native_histograms_with_absolute_counts() -> None:
    *_, native = families(shmetrics)
    assert written(native, ".openmetrics", version="2.0.0").splitlines()[2] == (
        'n{x="y"} {count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,'
        "negative_spans:[0:2,1:1],negative_buckets:[1,2,3],"
        "positive_spans:[0:2,1:1],positive_buckets:[2,3,0]}"
    )


def test_what_openmetrics_2_cannot_say_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    core = shmetrics.core
    before = shmetrics.scraping.conflicts.left_out_count()
    negative = core.HistogramMetricFamily("below_zero", "", [("-1", 1), ("+Inf", 2)], -3)
    summary = core.SummaryMetricFamily("went_back", "", count_value=3, sum_value=-1)
    for family in (negative, summary):
        lines = written(family, ".openmetrics", version="2.0.0").splitlines()
        assert [line for line in lines if line[0] != "#"] == []
        assert family.name in caplog.text
    assert shmetrics.scraping.conflicts.left_out_count() == before + 2
