# SPDX-License-Identifier: MIT
"""test_collector_clients - many clients, slow ones, and how the collector ends with them

Attacks I12 (what is served is whole) and P1 to P3 of collector/reaper.h, K1 and K2 of collector/admission.h:
what one client could do to another.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import resource
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import independent  # noqa: E402
from collector import Answer, Collector, Writer, wait_until  # noqa: E402

CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"
MANY = 100_000  # series: an answer of megabytes, more than the kernel buffers for a connection


# ---- many clients, slow clients ----


@pytest.mark.races
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


@pytest.mark.races
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


def test_answers_a_bounded_number_of_scrapes_at_once_and_every_probe(folder: Path) -> None:
    with Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)):
        with Collector(folder, "--web.max-requests=2") as collector:
            slow = [collector.read_slowly() for _ in range(2)]
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
        assert collector.log_lines(r'msg="slow connections shut down" .* last_client=127\.0\.0\.1:\d+$')


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
        reaped = ("shmetrics_collector_connections_reaped_total", frozenset[Tuple[str, str]]())
        wait_until(
            lambda: collector.samples("/collector/metrics")[reaped] == 1,
            "the connection is shut down",
        )
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


# ---- how many connections there may be ----

LIMIT, FROM_ONE = 1024, 512
REFUSED = "shmetrics_collector_connections_refused_total"


@contextlib.contextmanager
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * LIMIT:
        pytest.skip(f"{3 * LIMIT} descriptors are needed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3 * LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hold(port: int, source: str) -> socket.socket:
    """A connection that has been answered once, and stays."""
    connection = socket.create_connection(("127.0.0.1", port), 30, (source, 0))
    connection.sendall(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
    if not connection.recv(1 << 16).startswith(b"HTTP/1.1 204"):
        connection.close()
        raise ConnectionResetError
    return connection


def is_refused(port: int, source: str) -> bool:
    try:
        hold(port, source).close()
    except ConnectionError:
        return True
    return False


def test_counts_the_connections_of_an_address_over_all_listeners(folder: Path) -> None:
    """K1, K2: two listeners do not allow twice as many, and whoever is elsewhere is let in."""
    with (
        many_descriptors(),
        Collector(folder, "--web.listen-address=127.0.0.1:0") as collector,
        contextlib.ExitStack() as held,
    ):
        ports = collector.ports(2)
        for number in range(FROM_ONE):
            held.enter_context(hold(ports[number % 2], "127.0.0.2"))
        for port in ports:
            assert is_refused(port, "127.0.0.2")
            assert not is_refused(port, "127.0.0.3")
        assert collector.value(REFUSED, reason="address") == 2
        assert collector.value(REFUSED, reason="all") == 0
        line = collector.wait_for_line('msg="connection refused"')
        assert re.search(
            r'level=warn .* reason="too many connections from this address" '
            r"client=127\.0\.0\.2:\d+$",
            line,
        )


def test_refuses_all_when_there_are_too_many_in_all(folder: Path) -> None:
    """Half a request each, so that none of them is idle: the reaper takes seconds to end them."""
    with many_descriptors(), Collector(folder) as collector:
        for _ in range(10):  # a machine that is too busy for it may do it in time the next time
            with contextlib.ExitStack() as held:
                for number in range(LIMIT):
                    source = (f"127.0.0.{2 + number % 2}", 0)
                    address = ("127.0.0.1", collector.port)
                    held.enter_context(socket.create_connection(address, 30, source)).send(b"G")
                was_refused = is_refused(collector.port, "127.0.0.4")
            if was_refused:
                break
        wait_until(lambda: not is_refused(collector.port, "127.0.0.4"), "they are gone")
        refused = collector.value(REFUSED, reason="all")
        assert was_refused and refused is not None and refused >= 1
        assert collector.value(REFUSED, reason="address") == 0
        collector.wait_for_line('msg="connection refused" reason="too many connections" client=127')


def test_lets_others_in_when_connections_end(folder: Path) -> None:
    with many_descriptors(), Collector(folder) as collector:
        connections = [hold(collector.port, "127.0.0.2") for _ in range(FROM_ONE)]
        assert is_refused(collector.port, "127.0.0.2")
        for connection in connections:
            connection.close()
        wait_until(lambda: not is_refused(collector.port, "127.0.0.2"), "there is room again")


@pytest.mark.races
def test_makes_room_among_idle_connections_before_it_refuses(folder: Path) -> None:
    """All 1,024 there may be, from two addresses: the idle ones go, and a third gets in."""
    with (
        many_descriptors(),
        Collector(folder) as collector,
        contextlib.ExitStack() as held,
    ):
        for number in range(LIMIT):
            try:
                held.enter_context(hold(collector.port, f"127.0.0.{2 + number % 2}"))
            except ConnectionError:
                break
        wait_until(lambda: not is_refused(collector.port, "127.0.0.4"), "there is room")
        reaped = collector.value("shmetrics_collector_connections_reaped_total")
        assert reaped is not None and reaped > 0


def test_names_the_client_of_each_request(folder: Path) -> None:
    """A listener of both families sees IPv4 as a part of IPv6: who reads the log need not."""
    with Collector(folder, "--log.level=debug", listen=":0") as collector:
        for host, shown in (("127.0.0.1", "127.0.0.1:%d"), ("::1", '"[::1]:%d"')):
            with socket.create_connection((host, collector.port), 30) as client:
                client.sendall(b"GET /-/healthy HTTP/1.1\r\n" + CLOSE)
                assert client.recv(1 << 16)
                address = re.escape((shown % client.getsockname()[1]).strip('"'))
            collector.wait_for_line(f'msg=request client="?{address}"? method=GET path=/-/healthy')


# ---- ending ----


@pytest.mark.races
def test_finishes_a_slow_answer_before_it_ends(folder: Path) -> None:
    with (
        Writer(folder, "app", "--counters", str(MANY), "--series-max", str(2 * MANY)),
        Collector(folder) as collector,
    ):
        connection = collector.read_slowly()
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
        connection = collector.read_slowly()
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
