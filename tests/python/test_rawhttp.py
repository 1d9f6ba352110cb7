# SPDX-License-Identifier: MIT
"""Of the bytes of a connection the strict checker sees every whole answer, with its request."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import rawhttp  # noqa: E402

SENT = (
    b"HEAD /a HTTP/1.1\r\nHost: x\r\nAccept-Encoding:gzip \r\n\r\n"
    b"GET http://h:1/b?name[]=c HTTP/1.1\r\nHost: x\r\n\r\n"
    b"GET /c HTTP/1.0\r\n\r\n"
)
RECEIVED = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
)


def found(sent: bytes, received: bytes) -> list[tuple[str, str, int, bytes]]:
    return [
        (method, path, response.status, response.read())
        for method, path, _, response in rawhttp.pairs(sent, received)
    ]


def test_each_answer_is_found_with_its_request() -> None:
    assert found(SENT, RECEIVED) == [
        ("HEAD", "/a", 200, b""),
        ("GET", "/b?name[]=c", 200, b"abc"),
        ("GET", "/c", 404, b"no"),
    ]
    _, _, headers, _ = next(rawhttp.pairs(SENT, RECEIVED))
    assert headers == {"host": "x", "accept-encoding": "gzip"}


@pytest.mark.parametrize(
    "sent, received, count",
    [
        (SENT, RECEIVED[:20], 0),
        (SENT, RECEIVED[: RECEIVED.index(b"HTTP/1.1 404") + 5], 2),
        (b"GET\t/a HTTP/1.1\r\n\r\n", RECEIVED, 0),
        (b"POST /a HTTP/1.1\r\n\r\n", RECEIVED, 0),
        (b"GET /a HTTP/1.1\r\nHost : x\r\n\r\n", RECEIVED, 0),
        (b"GET /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", RECEIVED, 0),
        (b"GET /a HTTP/1.1\r\n", RECEIVED, 0),
        (SENT, b"", 0),
    ],
)
def test_what_is_not_well_formed_ends_it(sent: bytes, received: bytes, count: int) -> None:
    assert len(found(sent, received)) == count
