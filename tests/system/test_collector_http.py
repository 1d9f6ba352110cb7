# SPDX-License-Identifier: MIT
"""test_collector_http - shmetrics-collector over HTTP: paths, methods, formats, pages, addresses

Attacks I12 (what is served is whole and parses). Which segments are served is in test_collector.py, what is
refused in test_collector_requests.py, and what clients do to each other in test_collector_clients.py.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import sys
from pathlib import Path
from typing import Iterator, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from collector import Answer, Collector, small_segment_served, wait_until  # noqa: E402

TEXT_004 = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_100 = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def served() -> Iterator[Collector]:
    """A collector with one small segment, for tests that leave it as they found it."""
    with small_segment_served() as collector:
        yield collector


# ---- paths and methods ----


def test_serves_the_metrics_under_both_paths(served: Collector) -> None:
    for path in ("/metrics", "/api/v1/metrics"):
        answer = served.request(path)
        assert answer.status == 200
        assert answer.headers["Content-Type"] == TEXT_004
        assert answer.headers["Vary"] == "Accept, Accept-Encoding"
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert expocheck.parse(answer.body)[("latency_seconds_count", frozenset())] == 1


def test_serves_the_metrics_where_it_is_told(folder: Path) -> None:
    with Collector(folder, "--web.telemetry-path=/deep/down") as collector:
        assert collector.request("/deep/down").headers["Content-Type"] == TEXT_004
        assert collector.request("/api/v1/metrics").status == 200
        assert collector.request("/metrics").status == 404
        assert 'href="/deep/down"' in collector.request("/").text


@pytest.mark.parametrize(
    "accept, content_type",
    [
        (None, TEXT_004),
        ("*/*", TEXT_004),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", TEXT_004),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OPENMETRICS_100,
        ),
        ("application/openmetrics-text;version=1.0.0;q=0.4,text/plain;q=0.5", TEXT_004),
        ("image/png", TEXT_004),
        (";;;q=,,", TEXT_004),
    ],
)
def test_answers_in_a_format_it_has_whatever_is_asked(
    served: Collector, accept: str, content_type: str
) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = served.request("/metrics", headers={**headers, "Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    expocheck.parse(answer.content, expocheck.parser_of(content_type))


def test_takes_several_accept_headers_for_one_list(served: Collector) -> None:
    with served.connect() as client:
        client.sendall(
            b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
            b"Accept: text/plain;q=0.5\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n"
        )
        with client.makefile("rb") as file:
            assert OPENMETRICS_100.encode() in file.read()


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/-/healthy", "/-/ready", "/health", "/api/v1/segments", "/nowhere"]
)
def test_answers_head_as_get_without_the_body(served: Collector, path: str) -> None:
    get, head = served.request(path), served.request(path, "HEAD")
    assert head.status == get.status
    assert head.body == b""
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    # The numbers about the collector itself move between two scrapes.
    assert abs(int(head.headers["Content-Length"]) - len(get.body)) < 64
    assert int(head.headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/api/v1/segments"])
def test_tells_which_methods_there_are(served: Collector, path: str) -> None:
    answer = served.request(path, "OPTIONS")
    assert (answer.status, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")
    for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECTED", "get"):
        answer = served.request(path, method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS"), method


@pytest.mark.parametrize(
    "path", ["/nowhere", "/metrics/", "//metrics", "/Metrics", "/api/v1", "/..", "/%2e%2e/metrics"]
)
def test_has_no_other_paths(served: Collector, path: str) -> None:
    assert served.request(path).status == 404
    assert served.request(path, "POST").status == 404


def test_understands_an_absolute_target(served: Collector) -> None:
    answer = served.exchange(b"GET http://example.org/-/healthy HTTP/1.1\r\n" + CLOSE)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b" is healthy." in answer


def test_serves_a_client_of_http_1_0(served: Collector) -> None:
    answer = served.exchange(b"GET /-/healthy HTTP/1.0\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 200 ", answer)
    assert b"Content-Length:" in answer


def test_keeps_a_connection_for_many_requests(served: Collector) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.connect()
    port = connection.sock.getsockname()[1]
    for _ in range(20):
        connection.request("GET", "/metrics")
        assert Answer(connection.getresponse()).status == 200
        assert connection.sock.getsockname()[1] == port
    connection.close()


def test_answers_pipelined_requests_in_order(served: Collector) -> None:
    first, second, third = (
        b"GET %s HTTP/1.1\r\n" % path for path in (b"/-/healthy", b"/nowhere", b"/")
    )
    answers = served.exchange(
        first + b"Host: x\r\n\r\n" + second + b"Host: x\r\n\r\n" + third + CLOSE
    )
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"200", b"404", b"200"]


# ---- name[] ----


def names_of(collector: Collector, query: str) -> List[str]:
    return sorted({name for name, _ in collector.samples("/metrics?" + query)})


def test_serves_only_the_families_that_are_named(served: Collector) -> None:
    assert names_of(served, "name[]=busy") == ["busy"]
    assert names_of(served, "name%5B%5D=busy&name[]=requests_total") == ["busy", "requests_total"]
    assert "latency_seconds_bucket" in names_of(served, "name[]=latency_seconds_count")
    assert names_of(served, "name[]=shmetrics_segment_up") == ["shmetrics_segment_up"]
    assert names_of(served, "name[]=shmetrics_segment_dropped_total") == [
        "shmetrics_segment_dropped_total"
    ]
    assert len(names_of(served, "other=busy")) > 20


def test_serves_nothing_for_a_name_that_is_unknown(served: Collector) -> None:
    for query in (
        "name[]=absent",
        "name[]=",
        "name[]=bus",
        "name[]=busyy",
        "name[]=busy%00",
        "name[]",
    ):
        answer = served.request("/metrics?" + query)
        assert (answer.status, answer.body) == (200, b""), query
        assert answer.headers["Content-Type"] == TEXT_004


def test_takes_a_bounded_number_of_names(served: Collector) -> None:
    assert served.request("/metrics?" + "&".join(["name[]=a"] * 256)).status == 200
    for count in (257, 500, 1000, 3000):
        assert served.request("/metrics?" + "&".join(["name[]=a"] * count)).status == 400


def test_takes_any_number_of_arguments_that_mean_nothing(served: Collector) -> None:
    """libmicrohttpd has room for some four hundred, and hangs up on a request with more."""
    for count in (256, 400, 500, 1000, 5000, 15000):
        query = "&".join(["a"] * count + ["name[]=busy"])
        assert names_of(served, query) == ["busy"]
    assert served.request("/metrics?" + "a&" * 20000).status == 414


@pytest.mark.parametrize("size", [1000, 4000, 8000, 16000, 31000, 32000, 33000, 40000, 100000])
def test_answers_whatever_the_length_of_the_target(served: Collector, size: int) -> None:
    answer = served.exchange(b"GET /metrics?" + b"a" * size + b" HTTP/1.1\r\n" + CLOSE)
    assert answer.split(b" ", 2)[1] in (b"200", b"414", b"431")


# ---- pages and probes ----


def test_describes_itself_and_its_segments(served: Collector) -> None:
    page = served.request("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert ">app</a>" in page.text and 'href="/metrics"' in page.text
    assert not re.search(r"(src|href)=\"?(https?:)?//", page.text)
    (segment,) = json.loads(served.request("/api/v1/segments").body)["segments"]
    assert segment["name"] == "app" and segment["up"] and segment["current"]
    assert segment["writers"] == {"live": 1, "dead": 0}
    assert segment["bytes"]["used"] <= segment["bytes"]["size"] <= segment["bytes"]["limit"]


def test_reports_its_own_health(served: Collector) -> None:
    for path in ("/health", "/api/v1/health/live"):
        answer = served.request(path)
        assert answer.headers["Content-Type"] == "application/json"
        report = json.loads(answer.body)
        assert report["status"] == "healthy"
        assert report["segments"] == {"up": 1, "down": 0}
        assert 0 <= report["uptime_seconds"] < 86400


# ---- listening ----


def test_listens_on_every_address_it_is_given(folder: Path) -> None:
    with Collector(
        folder, "--web.listen-address=[::1]:0", "--web.listen-address=localhost:0"
    ) as collector:
        wait_until(
            lambda: len(collector.log_lines("msg=listening")) == 3,
            "three addresses are listened on",
        )
        for line in collector.log_lines("msg=listening"):
            address = re.search(r'address="?(\[::1\]|127\.0\.0\.1|::1):(\d+)', line)
            assert address, line
            host = address.group(1).strip("[]")
            with socket.create_connection((host, int(address.group(2))), timeout=30) as connection:
                connection.sendall(b"GET /-/healthy HTTP/1.1\r\n" + CLOSE)
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
