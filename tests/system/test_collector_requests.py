# SPDX-License-Identifier: MIT
"""test_collector_requests - requests that break a rule of HTTP: refused, each by its rule, once

Attacks what one client could do to another: two servers in a row must not understand a request differently.
"""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from typing import Dict, Iterator, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector, small_segment_served  # noqa: E402

CLOSE = b"Host: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def served() -> Iterator[Collector]:
    """A collector with one small segment, for tests that leave it as they found it."""
    with small_segment_served() as collector:
        yield collector


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
    "a_nul_in_the_target": b"GET /-/healthy\0 HTTP/1.1\r\n" + CLOSE,
    "a_nul_behind_the_path": b"GET /-/healthy\0/../secret HTTP/1.1\r\n" + CLOSE,
    "a_nul_in_the_query": b"GET /metrics?a\0b HTTP/1.1\r\n" + CLOSE,
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


# libmicrohttpd 0.9.75 refuses these by itself, and sends the head of its answer twice before it hangs
# up: collector/README.md says so.
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


# By the header alone: nothing of a body is sent, and no answer waits for one.
REFUSED_AT_ONCE: Dict[str, Tuple[int, bytes]] = {
    "a_body_too_long": (413, b"POST /-/reload HTTP/1.1\r\nContent-Length: 65537\r\n"),
    "a_body_far_too_long": (413, b"PUT /nowhere HTTP/1.1\r\nContent-Length: 1000000000000\r\n"),
    "a_coding_of_the_body": (501, b"POST /-/reload HTTP/1.1\r\nTransfer-Encoding: gzip\r\n"),
    "a_coding_before_chunks": (
        501,
        b"POST /-/reload HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n",
    ),
    "a_get_with_a_coding": (501, b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: gzip\r\n"),
    "a_get_with_a_length": (400, b"GET /metrics HTTP/1.1\r\nContent-Length: 3\r\n"),
    "a_get_with_chunks": (400, b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"),
    "two_lengths": (400, b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n"),
}


@pytest.mark.parametrize("name", REFUSED_AT_ONCE)
def test_does_not_wait_for_a_body_that_is_of_no_use(folder: Path, name: str) -> None:
    """The reaper would end it: that it was not its work shows in what it counts."""
    status, head = REFUSED_AT_ONCE[name]
    with Collector(folder) as collector:
        answer = collector.exchange(head + b"Host: x\r\n\r\n")
        assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [str(status).encode()]
        assert b"Connection: close\r\n" in answer
        assert collector.value("shmetrics_collector_connections_reaped_total") == 0


def test_takes_a_body_of_the_greatest_length(served: Collector) -> None:
    answer = served.exchange(
        b"POST /-/reload HTTP/1.1\r\nContent-Length: 65536\r\n" + CLOSE + b"a" * 65536
    )
    assert answer.startswith(b"HTTP/1.1 403 ")


def test_hangs_up_on_chunks_without_end(served: Collector) -> None:
    """Nobody has said how many there will be; libmicrohttpd takes no answer before they end."""
    with served.connect() as connection:
        connection.sendall(
            b"POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with pytest.raises(OSError):
            for _ in range(10000):
                connection.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
    assert served.request("/-/healthy").status == 200


def test_hangs_up_on_a_request_line_without_spaces(served: Collector) -> None:
    """libmicrohttpd finds no version in it and closes the connection without an answer."""
    assert served.exchange(b"GET\t/-/healthy\tHTTP/1.1\r\n" + CLOSE) == b""
