# SPDX-License-Identifier: MIT
"""A process's own /metrics: what the collector would serve, whatever is asked for and in every format.

The strict checker judges each answer (tests/support/applications.py).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

import pytest

import shmetrics
from shmetrics import _core
from shmetrics.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from shmetrics.scraping.conflicts import left_out_count

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from applications import Answer, Application, Asgi, Port, Wsgi  # noqa: E402

OPENMETRICS = "application/openmetrics-text"
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.fixture
def created() -> Iterator[None]:
    shmetrics.enable_created_metrics()
    yield
    shmetrics.disable_created_metrics()


@pytest.fixture(params=[Asgi, Wsgi, Port], ids=["asgi", "wsgi", "server"])
def serve(request: pytest.FixtureRequest) -> Iterator[Callable[[Any], Application]]:
    servers = []

    def of(registry: Any) -> Application:
        if request.param is Asgi:
            return Asgi(shmetrics.make_asgi_app(registry))
        if request.param is Wsgi:
            return Wsgi(shmetrics.make_wsgi_app(registry))
        server, thread = shmetrics.start_http_server(0, addr="127.0.0.1", registry=registry)
        servers.append((server, thread))
        return Port(server.server_port)

    yield of
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join(30)


class Collector:
    def __init__(self, *families: Metric) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        yield from self.families


def ask(registry: Any, accept: str = "", query: str = "") -> Answer:
    headers = {"Accept": accept} if accept else {}
    return Wsgi(shmetrics.make_wsgi_app(registry)).request(f"/metrics{query}", headers=headers)


def lines(registry: Any, accept: str = "", query: str = "") -> list[str]:
    text = ask(registry, accept, query).content.decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


# ---- what is recorded is rendered in C, whatever is asked for (1) ----


def test_dots_serve_what_the_collector_serves(registry: Any) -> None:
    """Native histograms, starts and whole numbers beyond 2^53 were lost on a way through Python."""
    big = 2**53 + 1
    counter = shmetrics.Counter("a_b.c", "", registry=registry)
    counter.inc(2**53)
    counter.inc()
    shmetrics.NativeHistogram("took", "", registry=registry).observe(0.5)
    assert f"a__b_dot_c__total {big}.0" in lines(registry, f"{OPENMETRICS};version=1.0.0;escaping=dots")
    answer = ask(registry, f"{PROTOBUF};escaping=dots")
    exposition = expocheck.check(answer.content, expocheck.Protobuf)
    assert [name for name, _ in exposition.natives] == ["took"] and len(exposition.created) == 2
    direct = registry._segment().render(
        format=_core.FORMAT_PROTOBUF, escaping=_core.ESCAPING_DOTS
    )
    assert answer.content == direct


@pytest.mark.parametrize("scheme", ["underscores", "dots", "values", "allow-utf-8"])
@pytest.mark.parametrize("accept", [f"{OPENMETRICS};version=1.0.0", "text/plain;version=1.0.0", PROTOBUF])
def test_names_that_become_one_are_told_apart(scheme: str, accept: str, registry: Any) -> None:
    for name in ("x.y", "x-y", "x_y"):
        shmetrics.Counter(name, "", ["a.b", "a_b", "a-b"], registry=registry).labels(1, 2, 3).inc()
    answer = ask(registry, f"{accept};escaping={scheme}")  # the checker finds what is there twice
    parser = expocheck.parser_of(answer.headers["Content-Type"])
    if issubclass(parser, expocheck.Protobuf):
        shown = len(expocheck.parse(answer.content, parser))
        assert shown == {"underscores": 1, "dots": 3, "values": 3, "allow-utf-8": 3}[scheme]


def test_a_name_of_utf8_filters_in_c(registry: Any) -> None:
    big = 2**53 + 1
    counter = shmetrics.Counter("x.y", "", registry=registry)
    counter.inc(2**53)
    counter.inc()
    shmetrics.Gauge("other", "", registry=registry)
    shmetrics.NativeHistogram("took.s", "", registry=registry).observe(0.5)
    for name in ("x.y", "x.y_total", "x_y_total"):  # as it is, and as it is written
        assert lines(registry, query=f"?name[]={name}") == [f"x_y_total {big}.0"]
    registry.unregister(shmetrics.Gauge("given_back", "", registry=registry))
    for name in ("x.y", "x.y_total", "x_y_total"):  # nor does it matter what is no longer shown
        assert lines(registry, query=f"?name[]={name}") == [f"x_y_total {big}.0"]
    answer = ask(registry, PROTOBUF, "?name[]=took.s")
    exposition = expocheck.check(answer.content, expocheck.Protobuf)
    assert len(exposition.natives) == 1 and list(exposition.families) == ["took_s"]


def test_negative_buckets_keep_their_sum_in_text(registry: Any, created: None) -> None:
    shmetrics.Histogram("level.m", "", buckets=[-1, 1], registry=registry).observe(-3)
    for accept in ("", "text/plain;version=1.0.0;escaping=dots"):
        head = "level_dot_m" if accept else "level_m"
        found = lines(registry, accept)
        assert f"{head}_sum -3.0" in found and f"{head}_count 1.0" in found
        assert any(line.startswith(f"{head}_created 1") for line in found)


def test_created_times_do_not_cost_exactness(registry: Any, created: None) -> None:
    counter = shmetrics.Counter("jobs", "Jobs.", ["a"], registry=registry)
    counter.labels("x").inc(2**53)
    counter.labels("x").inc()
    text = ask(registry).content.decode()
    assert f'\njobs_total{{a="x"}} {2**53 + 1}.0\n' in text
    assert '# HELP jobs_created Jobs.\n# TYPE jobs_created gauge\njobs_created{a="x"} 1' in text


@pytest.mark.parametrize("scheme", ["underscores", "dots", "values", "allow-utf-8"])
def test_a_restricted_registry_keeps_its_samples_in_every_escaping(scheme: str, registry: Any) -> None:
    big = 2**53 + 1
    counter = shmetrics.Counter("x.y", "", ["a"], registry=registry)
    counter.labels('x_y 1 {"').inc(2**53)
    counter.labels('x_y 1 {"').inc()
    histogram = shmetrics.Histogram("h.i", "", buckets=[1], registry=registry)
    histogram.observe(2)
    restricted = registry.restricted_registry(["x.y_total", "h.i_count", "none"])
    text = shmetrics.generate_latest(restricted, scheme).decode()
    samples = [line for line in text.splitlines() if line[0] != "#"]
    assert len(samples) == 2 and text.count("# TYPE") == 2
    assert any(line.endswith(f" {big}.0") for line in samples)
    assert any(line.startswith(("h", "U__h", '{"h')) and "_count" in line for line in samples)


# ---- OpenMetrics 2.0 (2) ----


def test_openmetrics_2_is_ours(registry: Any) -> None:
    shmetrics.Counter("jobs", "", registry=registry).inc(2, {"trace_id": "ab"})
    shmetrics.Histogram("h", "", buckets=[1], registry=registry).observe(0.5)
    shmetrics.NativeHistogram("n", "", registry=registry).observe(0.5)
    custom = HistogramMetricFamily("custom", "C.", [("1", 2), ("+Inf", 3)], 4.5)
    registry.register(Collector(custom, SummaryMetricFamily("s", "S.", 3, 4)))
    accept = f"{OPENMETRICS};version=2.0.0"
    answer = ask(registry, accept)
    assert answer.headers["Content-Type"] == _core.choose_format(accept)[2]
    assert "version=2.0.0" in answer.headers["Content-Type"]
    parser = expocheck.parser_of(answer.headers["Content-Type"])
    exposition = expocheck.check(answer.content, parser)
    assert [name for name, _ in exposition.natives] == ["n"]
    assert {name for name, _ in exposition.created} >= {"jobs_total", "h", "n"}
    assert b"custom {count:3,sum:4.5,bucket:[1.0:2,+Inf:3]}\n" in answer.content
    assert answer.content.count(b"# EOF\n") == 1 and answer.content.endswith(b"# EOF\n")


# ---- no name twice (3) ----


def conflicting(registry: Any, recorded: Callable[[Any], None], *families: Metric) -> list[str]:
    recorded(registry)
    registry.register(Collector(*families))
    for accept in ("", f"{OPENMETRICS};version=1.0.0", f"{OPENMETRICS};version=2.0.0", PROTOBUF):
        ask(registry, accept)  # judged
    return lines(registry)


@pytest.mark.parametrize(
    "recorded, custom",
    [
        ("Histogram", CounterMetricFamily("x_count", "", value=9)),
        ("Histogram", GaugeMetricFamily("x_count", "", value=9)),
        ("Histogram", GaugeMetricFamily("x_created", "", value=9)),
        ("Summary", GaugeMetricFamily("x_sum", "", value=9)),
        ("Counter", GaugeMetricFamily("x_total", "", value=9)),
        ("Gauge", HistogramMetricFamily("x", "", [("+Inf", 9)], 9)),
        ("Info", GaugeMetricFamily("x_info", "", value=9)),
    ],
)
def test_a_sample_name_is_the_segments_if_it_has_it(
    recorded: str, custom: Metric, registry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    before = left_out_count()
    kind = getattr(shmetrics, recorded)
    served = conflicting(registry, lambda registry: kind("x", "", registry=registry), custom)
    names = [line.partition(" ")[0].partition("{")[0] for line in served]
    if isinstance(custom, CounterMetricFamily):  # x_count_total is nobody else's, but x_count is
        assert "x_count_total" not in names
    assert not any(line.endswith(" 9.0") for line in served)
    assert left_out_count() == before + 5
    assert [family.name for family in registry.collect()] == ["x"]


@pytest.mark.parametrize("name", ['say "x"', "back\\slash", "two\nlines", "größe", "a b"])
@pytest.mark.parametrize("scheme", ["underscores", "dots", "values", "allow-utf-8"])
def test_a_name_is_the_segments_however_a_text_writes_it(name: str, scheme: str, registry: Any) -> None:
    shmetrics.Gauge(name, "", registry=registry).set(1)
    registry.register(Collector(GaugeMetricFamily(name, "", value=9)))
    before = left_out_count()
    for accept in (f"{OPENMETRICS};version=1.0.0", "text/plain;version=1.0.0", PROTOBUF):
        ask(registry, f"{accept};escaping={scheme}")  # judged
    assert left_out_count() == before + 3


def test_it_is_said_once(registry: Any, caplog: pytest.LogCaptureFixture) -> None:
    conflicting(
        registry,
        lambda registry: shmetrics.Gauge("said_once", "", registry=registry),
        GaugeMetricFamily("said_once", "", value=9),
    )
    said = [record.getMessage() for record in caplog.records if "said_once" in record.getMessage()]
    assert len(said) == 1 and "a metric of the segment has one of its names" in said[0]


@pytest.mark.parametrize("query", ["", "?name[]=x_count", "?name[]=x"])
def test_what_is_asked_for_does_not_decide_it(query: str, registry: Any) -> None:
    """Or a family would be there in one scrape and not in the next."""
    shmetrics.Gauge("x_sum", "", registry=registry).set(1)
    collector = Collector(SummaryMetricFamily("x", "", 9, 9))
    collector.describe = collector.collect  # type: ignore[attr-defined]
    other = shmetrics.CollectorRegistry(segment=registry._segment())
    other.register(collector)
    assert not any(line.startswith("x_count") for line in lines(other, query=query))


def test_families_that_are_one_are_served_as_one(registry: Any) -> None:
    first = GaugeMetricFamily("depth", "Depth.", labels=["queue"])
    second = GaugeMetricFamily("depth", "Depth.", labels=["queue"])
    first.add_metric(["a"], 1)
    second.add_metric(["b"], 2)
    second.add_metric(["a"], 9)
    registry.register(Collector(first, GaugeMetricFamily("between", "", value=0)))
    registry.register(Collector(second))
    text = ask(registry).content.decode()
    assert text.count("# TYPE depth gauge\n") == 1
    assert [line for line in lines(registry) if "depth" in line] == [
        'depth{queue="a"} 1.0',
        'depth{queue="b"} 2.0',
    ]


def test_of_two_families_of_one_name_the_first_is_served(registry: Any) -> None:
    registry.register(
        Collector(
            GaugeMetricFamily("x", "", value=1),
            CounterMetricFamily("x", "", value=9),
            SummaryMetricFamily("x", "", 9, 9),
            GaugeMetricFamily("y_sum", "", value=2),
            SummaryMetricFamily("y", "", 9, 9),
        )
    )
    assert lines(registry) == ["x 1.0", "y_sum 2.0"]


@pytest.mark.parametrize("scheme, count", [("underscores", 1), ("dots", 3), ("allow-utf-8", 3)])
def test_custom_names_that_become_one_are_served_once(scheme: str, count: int, registry: Any) -> None:
    shmetrics.Counter("a.b", "", registry=registry).inc()
    registry.register(
        Collector(CounterMetricFamily("a_b", "", value=9), CounterMetricFamily("a-b", "", value=9))
    )
    assert len(lines(registry, f"text/plain;version=1.0.0;escaping={scheme}")) == count


@pytest.mark.parametrize("scheme", ["underscores", "dots", "values", "allow-utf-8"])
@pytest.mark.parametrize("accept", [f"{OPENMETRICS};version=1.0.0", "text/plain;version=1.0.0", PROTOBUF])
def test_a_name_that_is_no_utf8_does_not_cost_the_others(scheme: str, accept: str, registry: Any) -> None:
    shmetrics.Counter("jobs", "", registry=registry).inc(2)
    family = GaugeMetricFamily("x", "", value=1)
    family.add_sample("x\udc80", {"a\udc80": "v", "a?": "w"}, 2)  # one label, once it is written
    served = Wsgi(shmetrics.make_wsgi_app(registry), judged=False)
    registry.register(Collector(family))
    answer = served.request("/metrics", headers={"Accept": f"{accept};escaping={scheme}"})
    assert answer.status == 200 and b"jobs" in answer.content


def test_labels_that_become_one_are_told_apart_or_not_served(registry: Any) -> None:
    gauge = GaugeMetricFamily("x", "", labels=["a.b", "a_b"])
    gauge.add_metric(["1", "2"], 3)
    hidden = GaugeMetricFamily("y", "", labels=["__x"])
    hidden.add_metric(["1"], 9)
    registry.register(Collector(gauge, hidden))
    assert lines(registry) == ['x{U__a_2e_b="1",a_b="2"} 3.0']


# ---- HTTP (4) ----


def test_head_has_the_headers_of_get(serve: Callable[[Any], Application], registry: Any) -> None:
    shmetrics.Counter("jobs", "J" * 2000, registry=registry).inc(2)
    served = serve(registry)
    volatile = ("Date", "Server")
    for headers in ({}, {"Accept-Encoding": "gzip"}, {"Accept": PROTOBUF}):
        get, head = (served.request(method=method, headers=headers) for method in ("GET", "HEAD"))
        assert head.status == get.status == 200 and head.body == b"" and get.body
        assert [pair for pair in head.headers.items() if pair[0] not in volatile] == [
            pair for pair in get.headers.items() if pair[0] not in volatile
        ]
        assert int(head.headers["Content-Length"]) == len(get.body) > 0
        assert head.headers["Vary"] == "Accept, Accept-Encoding"


def test_what_is_small_is_not_compressed(serve: Callable[[Any], Application], registry: Any) -> None:
    shmetrics.Counter("jobs", "", registry=registry).inc(2)
    served = serve(registry)
    assert served.request(headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] is None
    shmetrics.Counter("large", "L" * 2000, registry=registry)
    assert served.request(headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "query, expected",
    [
        ("name[]=t_count", {"t"}),  # the family as a whole
        ("name[]=t&name[]=none", {"t"}),
        ("name%5B%5D=jobs_total", {"jobs"}),
        ("name[]=jobs", {"jobs"}),
        ("name[]=custom", {"custom"}),
        ("name[]=custom_total", {"custom"}),
        ("name[]=none", set()),
        ("name[]=", set()),  # a name like any other, of nothing
        ("name=jobs", {"jobs", "t", "custom"}),
        ("name[]=gr%C3%B6%C3%9Fe", set()),
    ],
)
def test_names_choose_families(
    query: str, expected: set[str], serve: Callable[[Any], Application], registry: Any
) -> None:
    """As at the collector: collector/README.md."""
    shmetrics.Counter("jobs", "", registry=registry).inc(2)
    shmetrics.Histogram("t", "", buckets=[1], registry=registry).observe(2)
    collector = Collector(CounterMetricFamily("custom", "", value=1))
    collector.describe = collector.collect  # type: ignore[attr-defined]
    registry.register(collector)
    answer = serve(registry).request(f"/metrics?{query}")
    samples = expocheck.parse(answer.content.replace(b".0\n", b"\n"))
    assert {name.partition("_")[0] for name, _ in samples} == expected
    if expected == {"t"}:
        assert {name for name, _ in samples} == {"t_bucket", "t_sum", "t_count"}


def test_too_many_names_are_refused(serve: Callable[[Any], Application], registry: Any) -> None:
    served = serve(registry)
    assert served.request("/metrics?" + "&".join(["name[]=a"] * 256)).status == 200
    answer = served.request("/metrics?" + "&".join(["name[]=a"] * 257))
    assert (answer.status, answer.body) == (400, b"at most 256 name[] are taken\n")


def test_numbers_have_one_form_beside_exemplars_too(registry: Any) -> None:
    shmetrics.Counter("jobs", "", ["b", "a"], registry=registry).labels('} # {x="', "y").inc(
        2, {"trace_id": '" 3 # {a="b"} 4'}
    )
    histogram = shmetrics.Histogram("t", "", buckets=[2, 4], registry=registry)
    histogram.observe(3, {"trace_id": "ab"})
    found = lines(registry, f"{OPENMETRICS};version=1.0.0")  # the checker knows no 2 in this form
    start = r'jobs_total{a="y",b="} # {x=\""} 2.0 # {trace_id="\" 3 # {a=\"b\"} 4"} 2.0 '
    assert any(line.startswith(start) for line in found)
    assert any(line.startswith('t_bucket{le="4.0"} 1.0 # {trace_id="ab"} 3.0 ') for line in found)


def test_an_info_has_no_label_that_nobody_would_see(registry: Any) -> None:
    for label in ("le", "quantile"):
        with pytest.raises(ValueError, match=f'"{label}" is reserved'):
            shmetrics.Info("build", "", registry=None).info({label: "1"})


# ---- one negotiator (5) ----


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        OPENMETRICS,
        f"{OPENMETRICS};version=1.0.0",
        f"{OPENMETRICS};version=3.0.0",
        f"{OPENMETRICS};version=2.0.0;q=0.1,text/plain;q=0.2",
        f"{OPENMETRICS};version=0.0.1;q=0.9,{PROTOBUF};q=0.8",
        "text/plain;version=1.0.0;escaping=values",
        "text/*;q=0.1, application/json",
        'application/openmetrics-text; version="1.0.0"; escaping="dots"',
    ],
)
def test_an_application_chooses_what_the_collector_does(
    accept: Optional[str], serve: Callable[[Any], Application], registry: Any
) -> None:
    answer = serve(registry).request(headers={} if accept is None else {"Accept": accept})
    assert answer.headers["Content-Type"] == _core.choose_format(accept)[2]


@pytest.mark.parametrize("accept", ["text/plain\0;version=1.0.0", "\0", "\xff\xe9", "*/*;q=\xb2"])
def test_no_header_makes_an_error(accept: str, registry: Any) -> None:
    for app in (Asgi(shmetrics.make_asgi_app(registry)), Wsgi(shmetrics.make_wsgi_app(registry))):
        answer = app.request(headers={"Accept": accept, "Accept-Encoding": accept})
        assert (answer.status, answer.headers["Content-Type"]) == (200, _core.CONTENT_TYPE_TEXT_004)
