# SPDX-License-Identifier: MIT
"""test_collector_scrapes - how scrapes are made: compressed, shared, bounded, apart from what must not wait

Attacks I12 (what is served is whole, in every coding) and Q1 to Q4 of collector/renderer.h, G7 of
collector/scrape.h, M1 and M2 of collector/body.h.
"""

from __future__ import annotations

import gzip
import http.client
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from collector import Answer, Collector, Writer, segment_folder, wait_until  # noqa: E402
from freeze import Frozen, FrozenIdle  # noqa: E402

MANY = 100_000  # series: an answer of megabytes, more than the kernel buffers for a connection
PROBES = ("/-/healthy", "/-/ready", "/health", "/api/v1/health/live", "/api/v1/health/ready")


@pytest.fixture(scope="module")
def served() -> Iterator[Collector]:
    """A collector with one small segment, for tests that leave it as they found it."""
    with segment_folder() as path, Writer(path, "app", "--counters", "100") as writer:
        with Collector(path) as collector:
            writer.do("gauge busy 1")
            yield collector


# ---- gzip ----

CODINGS: List[Tuple[str, bool]] = [
    ("gzip", True),
    ("GZip", True),
    ("x-gzip", True),
    ("deflate, gzip;q=1.0, *;q=0.5", True),
    ("gzip, deflate, br, zstd", True),
    ("*", True),
    ("*;q=0.1", True),
    ("gzip;q=0.001", True),
    ("gzip ; q=0.5", True),
    ("identity;q=0.5, gzip;q=0.5", True),
    ("identity;q=0, *", True),
    ("br, , ,gzip", True),
    ("gzip;q=0, x-gzip", True),
    ("", False),
    ("identity", False),
    ("deflate, br", False),
    ("gzip;q=0", False),
    ("gzip;q=0.0", False),
    ("gzip;q=0.000", False),
    ("*, gzip;q=0", False),
    ("*;q=0", False),
    ("gzip;q=0.5, identity", False),
    ("gzip;q=2", False),
    ("gzip;q=-1", False),
    ("gzip;q=x", False),
    ("gzip;q=", False),
    ("gzip;q=0.12345", False),
    ("gzipp", False),
    ("gzi", False),
]


@pytest.mark.parametrize("accept, packed", CODINGS)
def test_compresses_for_those_who_accept_it(served: Collector, accept: str, packed: bool) -> None:
    answer = served.request("/metrics", headers={"Accept-Encoding": accept})
    assert answer.status == 200
    assert answer.headers["Content-Encoding"] == ("gzip" if packed else None)
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert (len(answer.body) < len(answer.content) / 3) == packed
    assert expocheck.parse(answer.content)[("busy", frozenset())] == 1


def test_takes_several_accept_encoding_headers_for_one_list(served: Collector) -> None:
    answer = served.exchange(
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        b"Accept-Encoding: gzip;q=0.5\r\nAccept-Encoding: identity\r\n\r\n"
    )
    assert b"\r\nContent-Encoding:" not in answer


def test_compresses_no_answer_that_is_small_already(served: Collector) -> None:
    packed = {"Accept-Encoding": "gzip"}
    small = served.request("/metrics?name[]=busy", headers=packed)
    assert small.headers["Content-Encoding"] is None
    assert small.headers["Vary"] == "Accept, Accept-Encoding"
    assert expocheck.parse(small.body) == {("busy", frozenset()): 1}
    empty = served.request("/metrics?name[]=absent", headers=packed)
    assert (empty.headers["Content-Encoding"], empty.body) == (None, b"")
    large = served.request("/metrics?name[]=writer_steps_total", headers=packed)
    assert large.headers["Content-Encoding"] == "gzip"


def test_answers_head_as_get_with_the_length_of_the_coding(served: Collector) -> None:
    """name[]: the numbers about the collector itself move between two scrapes."""
    path = "/metrics?name[]=writer_steps_total"
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        get, head = served.request(path, headers=headers), served.request(path, "HEAD", headers)
        assert head.body == b"" and get.body != b""
        drop = {"Date"}
        assert {k: v for k, v in head.headers.items() if k not in drop} == {
            k: v for k, v in get.headers.items() if k not in drop
        }
        assert int(head.headers["Content-Length"]) == len(get.body)


def test_counts_what_it_compresses_and_sends(folder: Path) -> None:
    with Writer(folder, "app", "--counters", "1000"), Collector(folder) as collector:
        answer = collector.request("/metrics", headers={"Accept-Encoding": "gzip"})
        wait_until(
            lambda: (collector.value("shmetrics_collector_sent_bytes_total") or 0)
            >= len(answer.body),
            "the bytes are counted as sent",
        )
        samples = collector.samples()
        count = lambda name: samples[(f"shmetrics_collector_{name}", frozenset())]  # noqa: E731
        assert count("gzip_input_bytes_total") == len(answer.content)
        assert count("gzip_output_bytes_total") == len(answer.body)


# ---- whole answers only ----


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-9"},
        {"Range": "bytes=-1", "If-Range": '"x"'},
        {"If-None-Match": "*"},
        {"If-None-Match": '"x"'},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"Cache-Control": "only-if-cached"},
    ],
)
def test_serves_the_whole_whatever_part_is_asked_for(
    served: Collector, headers: Dict[str, str]
) -> None:
    for path in ("/metrics", "/", "/-/healthy"):
        answer = served.request(path, headers=headers)
        assert answer.status == 200
        assert int(answer.headers["Content-Length"]) == len(answer.body) > 0
        assert answer.headers["Accept-Ranges"] == "none"
        assert answer.headers["Cache-Control"] == "no-store"
        assert {"ETag", "Last-Modified", "Content-Range"}.isdisjoint(answer.headers)
    expocheck.parse(served.request("/metrics", headers=headers).body)


# ---- what must not wait ----


def send(
    collector: Collector, path: str = "/metrics", headers: str = "", port: Optional[int] = None
) -> socket.socket:
    """A request whose answer is not waited for."""
    connection = collector.connect(port)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    return connection


def receive(connection: socket.socket) -> Answer:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return Answer(response)


def wait_until_read(connections: List[socket.socket]) -> None:
    """Until the collector has taken the requests out of the kernel's buffers."""

    def unread() -> int:
        clients = {connection.getsockname()[1] for connection in connections}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(
            int(row[4].split(":")[1], 16)
            for row in rows
            if int(row[2].split(":")[1], 16) in clients
        )

    wait_until(lambda: unread() == 0, "the requests are read")


@pytest.mark.races
def test_answers_probes_and_pages_while_nothing_is_rendered(folder: Path) -> None:
    with Writer(folder, "app"), Collector(folder) as collector:
        collector.samples()
        with FrozenIdle(collector.process.pid, "renderer"):
            waiting = send(collector)
            wait_until_read([waiting])
            for path in (*PROBES, "/", "/api/v1/segments"):
                assert collector.request(path).status == 200, path
            assert collector.request("/metrics", "POST").status == 405
            assert collector.request("/metrics", "OPTIONS").status == 204
            waiting.setblocking(False)
            with pytest.raises(BlockingIOError):
                waiting.recv(1)
        waiting.settimeout(30)
        assert receive(waiting).status == 200
        waiting.close()


def is_answered(collector: Collector, path: str) -> bool:
    with collector.connect() as connection:
        connection.settimeout(2)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        try:
            return receive(connection).status == 200
        except socket.timeout:
            return False


def test_tells_readiness_in_the_middle_of_a_rendering(folder: Path) -> None:
    """Which holds all readers. The thread is frozen again a little later each time, until it is in it."""
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder) as collector,
    ):
        collector.samples()
        for attempt in range(40):
            with FrozenIdle(collector.process.pid, "renderer"):
                waiting = send(collector)
                wait_until_read([waiting])
            for _ in range(attempt * 1000):
                pass
            with Frozen(collector.process.pid, "renderer") as renderers:
                computes = renderers.one_computes()
                answered = computes and all(is_answered(collector, path) for path in PROBES)
            assert receive(waiting).status == 200
            waiting.close()
            if answered:
                return
        raise AssertionError("no probe is answered while a scrape is rendered")


@pytest.mark.races
def test_renders_once_for_all_who_wait_for_the_same(folder: Path) -> None:
    with Writer(folder, "app", "--counters", "100") as writer, Collector(folder) as collector:
        collector.samples()
        with FrozenIdle(collector.process.pid, "renderer"):
            same = [send(collector) for _ in range(10)]
            other = [
                send(collector, "/metrics?name[]=busy"),
                send(collector, headers="Accept-Encoding: gzip\r\n"),
                send(collector, headers="Accept: application/openmetrics-text;version=1.0.0\r\n"),
            ]
            wait_until_read(same + other)
            assert collector.request("/-/healthy").status == 200  # the HTTP thread is behind them
            writer.do("gauge busy 7")
        bodies = {receive(connection).body for connection in same}
        assert len(bodies) == 1
        assert expocheck.parse(bodies.pop())[("busy", frozenset())] == 7
        named, packed, openmetrics = [receive(connection) for connection in other]
        assert expocheck.parse(named.body) == {("busy", frozenset()): 7}
        assert expocheck.parse(gzip.decompress(packed.body))[("busy", frozenset())] == 7
        assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text")
        for connection in same + other:
            connection.close()
        assert collector.value("shmetrics_collector_scrapes_shared_total") == 9


@pytest.mark.races
def test_renders_once_for_all_listeners(folder: Path) -> None:
    """Each has a thread of its own: any of them may be the last to have taken the answer."""
    with (
        Writer(folder, "app", "--counters", "100"),
        Collector(folder, "--web.listen-address=127.0.0.1:0") as collector,
    ):
        collector.samples()
        ports = collector.ports(2)
        for _ in range(10):
            with FrozenIdle(collector.process.pid, "renderer"):
                same = [send(collector, port=port) for _ in range(20) for port in ports]
                wait_until_read(same)
                for port in ports:
                    with send(collector, "/-/healthy", port=port) as behind:
                        assert receive(behind).status == 200
            bodies = {receive(connection).body for connection in same}
            assert len(bodies) == 1
            expocheck.parse(bodies.pop())
            for connection in same:
                connection.close()
        assert collector.value("shmetrics_collector_scrapes_shared_total") == 10 * 39


@pytest.mark.races
def test_serves_nothing_older_than_the_request_for_it(folder: Path) -> None:
    """With others rendering the same all the time, which must not be shared with who comes later."""
    with Writer(folder, "app", "--counters", "2000") as writer, Collector(folder) as collector:
        done = threading.Event()

        def scrape() -> None:
            while not done.is_set():
                assert collector.request("/metrics?name[]=requests").status == 200

        with ThreadPoolExecutor(6) as pool:
            noise = [pool.submit(scrape) for _ in range(6)]
            try:
                for count in range(1, 301):
                    writer.do("inc requests 1")
                    answer = collector.request("/metrics?name[]=requests")
                    assert expocheck.parse(answer.body)[("requests_total", frozenset())] == count
            finally:
                done.set()
            for one in noise:
                one.result()


@pytest.mark.races
def test_forgets_those_who_leave_while_they_wait(folder: Path) -> None:
    with Writer(folder, "app"), Collector(folder, "--web.max-requests=12") as collector:
        collector.samples()
        with FrozenIdle(collector.process.pid, "renderer"):
            leaving = [send(collector) for _ in range(10)]
            wait_until_read(leaving)
            for connection in leaving:
                connection.close()
            staying = send(collector)
            wait_until_read([staying])
        assert receive(staying).status == 200
        staying.close()
        wait_until(
            lambda: collector.value("shmetrics_collector_held_bytes") == 0,
            "nothing is held for anybody",
        )


@pytest.mark.races
@pytest.mark.parametrize("frozen", [False, True])
def test_ends_with_scrapes_that_wait(folder: Path, frozen: bool) -> None:
    with Writer(folder, "app", "--counters", "5000"), Collector(folder) as collector:
        collector.samples()
        connections = []
        if not frozen:
            connections = [send(collector, f"/metrics?name[]={i}") for i in range(20)]
        else:
            with FrozenIdle(collector.process.pid, "renderer"):
                connections += [send(collector, f"/metrics?name[]={i}") for i in range(10)]
                wait_until_read(connections)
                collector.process.terminate()
                collector.wait_for_line("msg=stopping")
                collector.wait_for_line("cut off at the end of the grace period")
        assert collector.stop() == 0
        for connection in connections:
            connection.close()


# ---- what answers may hold ----


@pytest.mark.races
def test_refuses_what_slow_readers_leave_no_room_for(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder, "--web.max-answer-bytes=1MiB") as collector,
    ):
        slow = collector.read_slowly()  # one answer is sent, however large
        answer = collector.request("/metrics")
        assert answer.status == 503
        assert "--web.max-answer-bytes" in answer.text
        assert answer.headers["Retry-After"] == "1"
        for path in PROBES:
            assert collector.request(path).status == 200
        slow.close()
        wait_until(
            lambda: collector.request("/metrics?name[]=busy").status == 200,
            "the bytes are given back",
        )
        rejected = "shmetrics_collector_scrapes_rejected_total"
        answer = collector.request(f"/metrics?name[]={rejected}")
        assert (
            expocheck.parse(answer.body)[(rejected, frozenset({("reason", "bytes")}))] >= 1
        )


def test_holds_no_more_than_allowed_for_many_slow_readers(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder, "--web.max-answer-bytes=40MiB") as collector,
    ):
        slow = []
        try:
            while True:
                try:
                    slow.append(collector.read_slowly())
                except AssertionError:
                    break
                assert len(slow) < 39, "no reader was refused"
            assert len(slow) >= 2
            slow.pop().close()
            name = "shmetrics_collector_held_bytes"
            path = f"/metrics?name[]={name}"
            wait_until(lambda: collector.request(path).status == 200, "there is room again")
            held = expocheck.parse(collector.request(path).body)[(name, frozenset())]
            assert 0 < held <= 40 << 20
        finally:
            for connection in slow:
                connection.close()


def test_serves_its_own_page_whatever_the_others_hold(folder: Path) -> None:
    """M4: what shows that there is no room, or that too many scrape, needs neither."""
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder, "--web.max-answer-bytes=1MiB", "--web.max-requests=2") as collector,
    ):
        slow = [collector.read_slowly()]
        try:
            assert "--web.max-answer-bytes" in collector.request("/metrics").text
            for headers in ({}, {"Accept-Encoding": "gzip"}):
                answer = collector.request("/collector/metrics", headers=headers)
                assert answer.status == 200
            held = ("shmetrics_collector_held_bytes", frozenset())
            assert expocheck.parse(answer.content)[held] > 1 << 20
            slow.append(send(collector, "/segments/app/metrics"))
            wait_until(
                lambda: (
                    expocheck.parse(collector.request("/collector/metrics").body)[
                        "shmetrics_collector_scrapes_rejected_total",
                        frozenset({("reason", "bytes")}),
                    ]
                    == 2
                ),
                "what is refused is seen there",
            )
        finally:
            for connection in slow:
                connection.close()


def test_serves_its_own_page_whatever_number_of_scrapes_there_is(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder, "--web.max-requests=1") as collector,
    ):
        slow = collector.read_slowly()
        assert collector.request("/metrics").status == 503
        assert collector.request("/collector/metrics").status == 200
        slow.close()
