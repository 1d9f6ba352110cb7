# SPDX-License-Identifier: MIT
"""server.py - what the benchmark programs serve by, and ask: uvicorn, the collector, clients"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness import fail

PEERS = Path(__file__).resolve().parent / "peers"
WORKERS = 2
DEADLINE_SECONDS = 60.0


class Server:
    """uvicorn with two workers. Ends with close()."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            # As asyncio does where it makes the socket itself; of one from --fd uvicorn does not know
            # that it is TCP, and head and body of an answer would wait 40 ms for each other.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.address: tuple[str, int] = listener.getsockname()
            options = f"--workers {WORKERS} --fd {listener.fileno()} --app-dir {PEERS} "
            options += "--log-level warning --no-access-log --timeout-keep-alive 600"
            self.process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "served:app", *options.split()],
                env={**os.environ, **environment},
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    def workers(self) -> list[int]:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children]

    def cpu_ns(self) -> int:
        """Of all workers since they started: user and system time."""
        # The clock of another process, as clock_getcpuclockid() makes it.
        return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in self.workers())

    def connect(self, each: int) -> list[Connection]:
        """The same number of connections to each worker, in turn."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        found: dict[int, list[Connection]] = {}
        while len(found) < WORKERS or min(map(len, found.values())) < each:
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.close()
                fail(f"the server does not answer with all its {WORKERS} workers")
            connection = Connection(self.address)
            worker = int(connection.get(b"/pid"))
            found.setdefault(worker, []).append(connection)
            # One that has enough stands still, or an idle machine would wake it each time.
            if len(found[worker]) == each:
                os.kill(worker, signal.SIGSTOP)
        for worker in found:
            os.kill(worker, signal.SIGCONT)
        return [connection for turn in zip(*found.values(), strict=True) for connection in turn]

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Connection:
    """HTTP/1.1 as lean as Python has it; for answers with a Content-Length that arrive in one piece."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, path: bytes) -> bytes:
        self.ask(path)
        return self.answer(path)

    def ask(self, path: bytes) -> None:
        self.socket.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: bench\r\n\r\n")

    def answer(self, path: bytes) -> bytes:
        answer = b""
        while True:
            part = self.socket.recv(65536)
            if not part:
                fail(f"the server hung up on {path.decode()}")
            answer += part
            head, end, body = answer.partition(b"\r\n\r\n")
            if not end:
                continue
            if not head.startswith(b"HTTP/1.1 200"):
                fail(f"{path.decode()}: {head.decode()}")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            if len(body) >= int(length):
                return body

    def close(self) -> None:
        self.socket.close()


class Scraper:
    """An HTTP client that reads /metrics as a scraper does."""

    def __init__(self, port: int, path: str = "/metrics") -> None:
        self.path = path
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self) -> tuple[int, bytes]:
        self.connection.request("GET", self.path, headers={"Accept": "text/plain;version=0.0.4"})
        response = self.connection.getresponse()
        return response.status, response.read()

    def scrape_ns(self) -> float:
        begin = time.perf_counter_ns()
        status, _ = self.get()
        ns = time.perf_counter_ns() - begin
        if status != 200:
            fail(f"{self.path}: status {status}")
        return ns


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def collector(binary: str, segment: str) -> Iterator[int]:
    """shmetrics-collector on a free port, once it is ready."""
    port = free_port()
    process = subprocess.Popen(
        [binary, f"--segment={segment}", f"--web.listen-address=127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if Scraper(port, "/-/ready").get()[0] == 200:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                fail("shmetrics-collector does not become ready")
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()
