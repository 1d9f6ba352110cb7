# SPDX-License-Identifier: MIT
"""rawhttp - which answers belong to which requests, in the bytes of one connection

    for method, path, headers, response in rawhttp.pairs(sent, received): ...

As far as both are well-formed: what a test sends that is not ends it, and an answer that is cut short.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
from collections.abc import Iterator
from typing import cast

REQUEST = re.compile(rb"(GET|HEAD) (?:http://[^/ ]*)?(/[^ ]*) HTTP/1\.[01]")
FIELD = re.compile(rb"([!-9;-~]+):[ \t]*(.*?)[ \t]*")


class _Stream(io.BytesIO):
    """What has been received; it stays open behind an answer's end, for the next."""

    def makefile(self, mode: str) -> _Stream:
        return self

    def close(self) -> None:
        pass


def _requests(sent: bytes) -> Iterator[tuple[str, str, dict[str, str]]]:
    for head in sent.split(b"\r\n\r\n")[:-1]:
        first, *rest = head.split(b"\r\n")
        line, fields = REQUEST.fullmatch(first), [FIELD.fullmatch(field) for field in rest]
        if not line or not all(fields):
            return
        headers: dict[str, str] = {}
        for field in fields:
            assert field
            headers[field[1].decode("latin-1").lower()] = field[2].decode("latin-1")
        if "content-length" in headers or "transfer-encoding" in headers:
            return
        yield line[1].decode(), line[2].decode("latin-1"), headers


def pairs(
    sent: bytes, received: bytes
) -> Iterator[tuple[str, str, dict[str, str], http.client.HTTPResponse]]:
    stream = _Stream(received)
    for method, path, headers in _requests(sent):
        if b"\r\n\r\n" not in received[stream.tell() :]:
            return  # of the head of an answer a part at most
        response = http.client.HTTPResponse(cast(socket.socket, stream), method=method)
        try:
            response.begin()
        except (http.client.HTTPException, ConnectionError):
            return
        yield method, path, headers, response
