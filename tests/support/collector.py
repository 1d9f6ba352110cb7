# SPDX-License-Identifier: MIT
"""collector - starts and stops shmetrics-collector and the program `writer`, for system tests

The binaries come from the build folder that SMX_BUILD names (default: build/dev). A collector listens
on a port of the loopback interface that the system chooses, and says in its log which. Nothing here
waits by sleeping a fixed time: `wait_until` polls and fails by name when its deadline has passed.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Callable, Dict, Iterator, List, Optional, Type, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent))

import expocheck  # noqa: E402
import independent  # noqa: E402
import rawhttp  # noqa: E402
from judging import Judge  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SMX_BUILD", ROOT / "build" / "dev")).resolve()
COLLECTOR = BUILD / "collector" / "shmetrics-collector"
WRITER = BUILD / "tests" / "support" / "writer"

DEADLINE = 30.0

Result = TypeVar("Result")


def wait_until(condition: Callable[[], Result], what: str, seconds: float = DEADLINE) -> Result:
    """The first true result of `condition`, or a failure that says `what` did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


@contextlib.contextmanager
def segment_folder() -> Iterator[Path]:
    """A folder of its own for segments, on the file system where they live."""
    path = Path(tempfile.mkdtemp(prefix="smx-collector-", dir="/dev/shm"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Answer:
    """An HTTP answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def content(self) -> bytes:
        """The body without its content coding."""
        coding = self.headers.get("Content-Encoding")
        assert coding in (None, "gzip"), coding
        return gzip.decompress(self.body) if coding else self.body


class Collector:
    """A collector for the segments in `directory`; a context manager that stops it."""

    headers: Dict[str, str] = {}  # of each request

    def __init__(
        self,
        directory: Path,
        *flags: str,
        listen: str = "127.0.0.1:0",
        environment: Optional[Dict[str, str]] = None,
    ) -> None:
        self.lines: List[str] = []
        paths = [flag.partition("=")[2] for flag in flags if flag.startswith("--web.telemetry-path=")]
        self.judge = Judge(*paths[-1:])
        self._arrived = threading.Condition()
        self.process = subprocess.Popen(
            [str(COLLECTOR), f"--web.listen-address={listen}", *flags],
            env={**os.environ, "SHMETRICS_DIR": str(directory), **(environment or {})},
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        line = self.wait_for_line(r"msg=listening |\"msg\":\"listening\"")
        self.port = int(re.findall(r":(\d+)", line)[-1])

    def _read_log(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._arrived:
                self.lines.append(line.rstrip("\n"))
                self._arrived.notify_all()

    def log_lines(self, pattern: str) -> List[str]:
        """The log lines so far in which the regular expression is found."""
        with self._arrived:
            return [line for line in self.lines if re.search(pattern, line)]

    def wait_for_line(self, pattern: str) -> str:
        def look() -> str:
            lines = self.log_lines(pattern)
            if lines:
                return lines[0]
            if self.process.poll() is not None and not self._reader.is_alive():
                raise AssertionError(
                    f"the collector ended with {self.process.returncode}: {self.lines}"
                )
            return ""

        return wait_until(look, f"a log line like {pattern}; there are {self.lines}")

    def ports(self, count: int) -> List[int]:
        """Those of all its listeners, when it has so many."""
        listening = r'msg=listening address=\S+:(\d+)'
        wait_until(lambda: len(self.log_lines(listening)) == count, f"it listens {count} times")
        return [int(re.findall(listening, line)[0]) for line in self.log_lines(listening)]

    def connect(self, port: Optional[int] = None) -> socket.socket:
        """A bare connection, for what no HTTP client would send."""
        return socket.create_connection(("127.0.0.1", port or self.port), timeout=DEADLINE)

    def read_slowly(self, path: str = "/metrics") -> socket.socket:
        """A scrape that reads the first line of an answer too large for the kernel's buffers."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(DEADLINE)
        connection.connect(("127.0.0.1", self.port))
        connection.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        return connection

    def exchange(self, request: bytes) -> bytes:
        """Sends bytes and reads until the collector closes the connection.

        The strict checker has accepted what expositions there are in the answers.
        """
        with self.connect() as connection:
            connection.sendall(request)
            received = b""
            try:
                while piece := connection.recv(65536):
                    received += piece
            except ConnectionResetError:
                pass  # it had not read all that was sent
        for method, path, headers, response in rawhttp.pairs(request, received):
            answer = Answer(response)
            with self.judge.scrape(method, path, headers) as told:
                told(answer)
        return received

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def request(
        self, path: str, method: str = "GET", headers: Optional[Dict[str, str]] = None
    ) -> Answer:
        """The answer. If it is an exposition, the strict checker has accepted it."""
        headers = {**self.headers, **(headers or {})}
        connection = self.open()
        with contextlib.closing(connection), self.judge.scrape(method, path, headers) as told:
            connection.request(method, path, headers=headers)
            answer = Answer(connection.getresponse())
            told(answer)
        return answer

    def samples(self, path: str = "/metrics") -> expocheck.Samples:
        """A scrape that the strict checker has accepted.

        So it has, and prometheus_client's parser, one in OpenMetrics that was made after it.
        """
        text, openmetrics = self.request(path), self.request(path, headers=independent.ACCEPT)
        assert text.status == openmetrics.status == 200, text.body + openmetrics.body
        samples = expocheck.parse(text.body)
        independent.judge(openmetrics.body)
        return samples

    def value(self, name: str, **labels: str) -> Optional[float]:
        """The value of one series in a scrape of its own, or None."""
        return self.samples().get((name, frozenset(labels.items())))

    def wait_for_value(self, value: Optional[float], name: str, **labels: str) -> None:
        wait_until(lambda: (self.value(name, **labels) == value), f"{name}{labels} is {value}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ends it and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the collector does not end: {self.lines}") from None
        self._reader.join(DEADLINE)
        return status

    def __enter__(self) -> Collector:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if kind is not None:
            print(*self.lines, sep="\n")  # pytest shows it with the failure
        if self.process.poll() is None:
            status = self.stop()
            if kind is None:
                assert status == 0, self.lines
        elif kind is None and self.process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(
                f"the collector ended with {self.process.returncode}: {self.lines}"
            )


class Writer:
    """The program tests/support/writer.c: a process that records what it is told to."""

    def __init__(self, directory: Path, name: str, *flags: str) -> None:
        self.process = subprocess.Popen(
            [str(WRITER), name, *flags],
            env={**os.environ, "SHMETRICS_DIR": str(directory)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.path = Path(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line.startswith("ok"):
            raise AssertionError(f"the writer says {line!r}")
        return line[2:].strip()

    def do(self, command: str) -> None:
        """One command; returns when it is done. Raises with the library's message when it is refused."""
        assert self.process.stdin
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self._answer()

    def quit(self) -> None:
        """An orderly end: the slot is given back."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(DEADLINE) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *unused: object) -> None:
        if self.process.poll() is None:
            self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


@contextlib.contextmanager
def small_segment_served() -> Iterator[Collector]:
    """A collector with a segment of a counter, a histogram and a gauge, whose writer lives."""
    with segment_folder() as path, Writer(path, "app", "--counters", "3") as writer:
        with Collector(path) as collector:
            writer.do("inc requests 5 path=/a")
            writer.do("observe latency_seconds 1.5")
            writer.do("gauge busy 1")
            yield collector
