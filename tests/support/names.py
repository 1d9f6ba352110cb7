# SPDX-License-Identifier: MIT
"""names - a name server on loopback that gives every name the one address it is told to"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Iterator

ANSWER = 0x8180  # a response, recursion available
ADDRESS, INTERNET = 1, 1
LIFE_SECONDS = 600  # long: who asks again earlier does so by its own rule


class Names:
    """Change `address` at any time."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                query, client = self._socket.recvfrom(512)
                if len(query) > 16:
                    self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(0, 12) + 5  # of the question: the name, its type, its class
        (kind,) = struct.unpack("!H", query[end - 4 : end - 2])
        found = kind == ADDRESS
        answer = query[:2] + struct.pack("!HHHHH", ANSWER, 1, found, 0, 0) + query[12:end]
        if found:
            # The name is the one at offset 12.
            answer += struct.pack("!HHHIH", 0xC00C, ADDRESS, INTERNET, LIFE_SECONDS, 4)
            answer += socket.inet_aton(self.address)
        return answer

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def naming(address: str) -> Iterator[Names]:
    names = Names(address)
    try:
        yield names
    finally:
        names.close()
