# SPDX-License-Identifier: MIT
"""test_collector_http - shmetrics-collector and its clients: paths, methods, limits, malformed and slow ones

Attacks I12 (what is served is whole and parses) and what one client could do to another. Which
segments are served is in test_collector.py.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import independent  # noqa: E402
from collector import Answer, Collector, Writer, segment_folder, wait_until  # noqa: E402

TEXT_004 = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_100 = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"
MANY = 100_000  # series: an answer of megabytes, more than the kernel buffers for a connection


@pytest.fixture
def folder() -> Iterator[Path]:
    with segment_folder() as path:
        yield path


@pytest.fixture(scope="module")
def served() -> Iterator[Collector]:
    """A collector with one small segment, for tests that leave it as they found it."""
    with segment_folder() as path, Writer(path, "app", "--counters", "3") as writer:
        with Collector(path) as collector:
            writer.do("inc requests 5 path=/a")
            writer.do("observe latency_seconds 1.5")
            writer.do("gauge busy 1")
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


# ---- malformed requests ----

REFUSED: Dict[str, bytes] = {
    "nul_in_the_path": b"GET /metrics%00/x HTTP/1.1\r\n" + CLOSE,
    "nul_after_a_known_path": b"GET /-/healthy%00 HTTP/1.1\r\n" + CLOSE,
    "two_lengths_of_two_kinds": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    + CLOSE
    + b"0\r\n\r\n",
    "two_content_lengths": b"POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n" + CLOSE,
    "a_length_that_is_no_number": b"POST / HTTP/1.1\r\nContent-Length: +5x\r\n" + CLOSE,
    "a_length_that_is_negative": b"POST / HTTP/1.1\r\nContent-Length: -5\r\n" + CLOSE,
    "a_length_beyond_all": b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n"
    + CLOSE,
    "a_chunk_that_is_none": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    + CLOSE
    + b"zz\r\n",
    "a_get_with_a_body": b"GET /metrics HTTP/1.1\r\nContent-Length: 3\r\n" + CLOSE + b"abc",
    "a_get_with_chunks": b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
    + CLOSE
    + b"0\r\n\r\n",
    "two_hosts": b"GET /metrics HTTP/1.1\r\nHost: y\r\n" + CLOSE,
    "a_space_in_the_target": b"GET /-/healthy x HTTP/1.1\r\n" + CLOSE,
    "a_space_in_a_name": b"POST / HTTP/1.1\r\nContent-Length : 5\r\n" + CLOSE + b"abcde",
    "no_host": b"GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a_target_too_long": b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n" + CLOSE,
    "a_query_too_long": b"GET /metrics?" + b"a=b&" * 10000 + b" HTTP/1.1\r\n" + CLOSE,
    "a_header_too_long": b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 40000 + b"\r\n" + CLOSE,
    "too_many_headers": b"GET /metrics HTTP/1.1\r\n" + b"X: a\r\n" * 20000 + CLOSE,
    "an_endless_line": b"G" * 100000,
    "not_http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500 + b"\r\n\r\n",
    "binary": bytes(range(256)) * 100 + b"\r\n\r\n",
    "a_line_of_spaces": b"                \r\n\r\n",
    "only_a_method": b"GET\r\n\r\n",
    "another_version": b"GET /metrics HTTP/3.7\r\n" + CLOSE,
    "another_protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


# libmicrohttpd refuses these by itself, and sends the head of its answer twice before it hangs up.
TWO_HEADS = ("a_length_that_is_no_number", "a_length_that_is_negative", "a_length_beyond_all")


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_a_malformed_request_and_goes_on(served: Collector, name: str) -> None:
    answer = b""
    with served.connect() as connection:
        try:
            connection.sendall(REFUSED[name])
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            answer = b""  # it closed before it had read everything
    statuses = re.findall(rb"HTTP/1\.[01] (\d)\d\d", answer)
    assert set(statuses) <= {b"4", b"5"}, answer[:300]
    assert len(statuses) <= (2 if name in TWO_HEADS else 1), answer[:300]
    assert served.request("/-/healthy").status == 200


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_hangs_up_when_a_length_is_stated_twice(served: Collector, framing: bytes) -> None:
    """Two servers in a row could understand it differently, so nothing behind it is believed."""
    answer = served.exchange(b"POST /metrics HTTP/1.1\r\nHost: x\r\n" + framing)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close\r\n" in answer


def test_does_not_take_a_body_for_a_request(served: Collector) -> None:
    inner = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    for method in (b"GET", b"HEAD", b"OPTIONS", b"POST", b"DELETE"):
        for framing in (
            b"Content-Length: %d\r\n" % len(inner),
            b"Content-Length: 3\r\nContent-Length: %d\r\n" % len(inner),
        ):
            request = method + b" /metrics HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n" + inner
            answer = served.exchange(request + b"GET /nowhere HTTP/1.1\r\n" + CLOSE)
            assert b" is healthy." not in answer


def test_does_not_read_an_endless_body(served: Collector) -> None:
    with served.connect() as connection:
        connection.sendall(
            b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n"
        )
        with pytest.raises(OSError):
            for _ in range(10000):
                connection.sendall(b"a" * 65536)
    assert served.request("/-/healthy").status == 200


# ---- many clients, slow clients ----


def test_answers_200_connections_at_once(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", "200") as writer,
        Collector(folder, "--web.max-requests=0") as collector,
    ):
        writer.do("inc requests 5")
        collector.wait_for_value(5, "requests_total")
        connections = [collector.connect() for _ in range(200)]
        try:
            for connection in connections:
                connection.sendall(b"GET /metrics HTTP/1.1\r\n" + CLOSE)
            for connection in connections:
                response = http.client.HTTPResponse(connection)
                response.begin()
                answer = Answer(response)
                assert answer.status == 200
                assert expocheck.parse(answer.body)[("requests_total", frozenset())] == 5
        finally:
            for connection in connections:
                connection.close()


def test_serves_scrapes_in_parallel_while_counters_move(folder: Path) -> None:
    with Writer(folder, "app") as writer, Collector(folder) as collector:
        writer.do("inc requests 1")
        collector.wait_for_value(1, "requests_total")
        done = threading.Event()

        def count() -> None:
            while not done.is_set():
                writer.do("inc requests 1")
                writer.do("observe latency 1.5")

        def scrape(_: int) -> None:
            text, openmetrics = (
                expocheck.ScrapeHistory(),
                expocheck.ScrapeHistory(expocheck.OpenMetrics),
            )
            for _ in range(15):
                text.add(collector.request("/metrics").body)
                openmetrics.add(collector.request("/metrics", headers=independent.ACCEPT).body)

        counting = threading.Thread(target=count)
        counting.start()
        try:
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(scrape, range(8)))
        finally:
            done.set()
            counting.join()


def read_slowly(collector: Collector, path: str = "/metrics") -> socket.socket:
    """A scrape that reads the first line of an answer too large for the kernel's buffers."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", collector.port))
    connection.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(15) == b"HTTP/1.1 200 OK"
    return connection


def test_answers_a_bounded_number_of_scrapes_at_once_and_every_probe(folder: Path) -> None:
    with Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)):
        with Collector(folder, "--web.max-requests=2") as collector:
            slow = [read_slowly(collector) for _ in range(2)]
            try:
                answer = collector.request("/metrics")
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "1"
                for path in ("/", "/-/healthy", "/-/ready", "/health", "/api/v1/segments"):
                    assert collector.request(path).status == 200
            finally:
                for connection in slow:
                    connection.close()
            wait_until(
                lambda: collector.request("/metrics").status == 200, "a scrape is answered again"
            )
            rejected = collector.value(
                "shmetrics_collector_scrapes_rejected_total", reason="requests"
            )
            assert rejected is not None and rejected >= 1


def test_hangs_up_on_a_client_that_dribbles(folder: Path) -> None:
    """libmicrohttpd's own timeout counts silence, and a byte now and then is none."""
    with Collector(folder) as collector:
        with collector.connect() as fresh, collector.connect() as kept:
            kept.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert kept.recv(65536).startswith(b"HTTP/1.1 200")
            fresh.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            dribbling = {fresh, kept}
            deadline = time.monotonic() + 60
            while dribbling and time.monotonic() < deadline:
                for connection in list(dribbling):
                    connection.settimeout(0.05)
                    try:
                        connection.send(b"G")
                        if connection.recv(1) == b"":
                            dribbling.discard(connection)
                    except socket.timeout:
                        pass
                    except OSError:
                        dribbling.discard(connection)
                assert collector.request("/-/healthy").status == 200
            assert not dribbling
        assert collector.value("shmetrics_collector_connections_reaped_total") == 2


def test_lets_a_kept_connection_be_silent_for_longer_than_a_header_may_take(folder: Path) -> None:
    with Collector(folder) as collector, collector.connect() as kept, collector.connect() as silent:
        request = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
        kept.sendall(request)
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")
        # The one that never said anything is hung up on, which tells that the other has had the time.
        assert silent.recv(1) == b""
        kept.sendall(request)
        assert kept.recv(65536).startswith(b"HTTP/1.1 200")


def test_does_not_blame_clients_for_its_own_delay(folder: Path) -> None:
    """Stopped for longer than a header may take, it answers what was sent to it meanwhile."""
    with Collector(folder) as collector:
        connections = [collector.connect() for _ in range(50)]
        try:
            assert collector.request("/-/healthy").status == 200  # so it has accepted the others
            collector.process.send_signal(signal.SIGSTOP)
            threads = Path(f"/proc/{collector.process.pid}/task")
            wait_until(
                lambda: all(") T " in (t / "stat").read_text() for t in threads.iterdir()),
                "all its threads are stopped",
            )
            for connection in connections:
                connection.sendall(b"GET /-/healthy HTTP/1.1\r\n" + CLOSE)
            connections[0].settimeout(6)
            with pytest.raises(socket.timeout):
                connections[0].recv(1)
            collector.process.send_signal(signal.SIGCONT)
            for connection in connections:
                connection.settimeout(30)
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        finally:
            collector.process.send_signal(signal.SIGCONT)
            for connection in connections:
                connection.close()


def test_250_dribbling_clients_do_not_keep_others_out(folder: Path) -> None:
    with Collector(folder) as collector:
        dribbling = [collector.connect() for _ in range(250)]
        try:
            for connection in dribbling:
                connection.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            assert collector.request("/metrics").status == 200
            for connection in dribbling:
                try:
                    assert connection.recv(1) == b""
                except ConnectionResetError:
                    pass
            assert collector.value("shmetrics_collector_connections_reaped_total") == 250
        finally:
            for connection in dribbling:
                connection.close()


def test_hangs_up_when_the_scraper_has_given_up(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder) as collector,
    ):
        collector.samples()  # later scrapes render faster than the first
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", collector.port))
        connection.sendall(
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 2\r\n\r\n"
        )
        reaped = "shmetrics_collector_connections_reaped_total"
        wait_until(lambda: collector.value(reaped) == 1, "the connection is shut down")
        connection.close()


def test_answers_503_rather_than_too_late(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder) as collector,
    ):
        answer = collector.request(
            "/metrics", headers={"X-Prometheus-Scrape-Timeout-Seconds": "0.0001"}
        )
        assert answer.status == 503
        assert collector.value("shmetrics_collector_scrapes_failed_total") == 1
        for nonsense in ("", "abc", "-1", "1e99", "nan"):
            assert (
                collector.request(
                    "/-/healthy", headers={"X-Prometheus-Scrape-Timeout-Seconds": nonsense}
                ).status
                == 200
            )


# ---- listening and ending ----


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


def test_finishes_a_slow_answer_before_it_ends(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder) as collector,
    ):
        connection = read_slowly(collector)
        collector.process.send_signal(signal.SIGTERM)
        collector.wait_for_line("msg=stopping")

        def refuses() -> bool:
            try:
                collector.connect().close()
            except ConnectionRefusedError:
                return True
            return False

        wait_until(refuses, "nothing new is accepted")
        assert collector.process.poll() is None
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(4096)
        header, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", header)
        assert length
        while len(body) < int(length.group(1)):
            piece = connection.recv(1 << 20)
            assert piece, f"cut off after {len(body)} of {int(length.group(1))} bytes"
            body += piece
        expocheck.parse(body)
        connection.close()
        assert collector.stop() == 0
        assert not collector.log_lines("cut off")


def test_ends_although_a_client_does_not_read(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder) as collector,
    ):
        connection = read_slowly(collector)
        assert collector.stop() == 0
        assert collector.log_lines("cut off at the end of the grace period")
        connection.close()


def test_ends_while_connections_are_idle_or_half_a_request(folder: Path) -> None:
    with Collector(folder) as collector:
        connections = [collector.connect() for _ in range(20)]
        for connection in connections[:10]:
            connection.sendall(b"GET /metrics HTT")
        assert collector.request("/-/healthy").status == 200
        assert collector.stop() == 0
        assert not collector.log_lines("cut off")
        for connection in connections:
            connection.close()
