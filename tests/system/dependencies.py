# SPDX-License-Identifier: MIT
"""dependencies - a real PostgreSQL, a real Redis and a stand-in for a vector store, to be stopped and started

Each listens on a free port of the loopback interface, keeps its data in a folder of the test, and is ended by
its own process id.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Callable, Sequence

from serving import DEMO, free_port, wait_until

VECTOR_STORE = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Store(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

HTTPServer(("127.0.0.1", int(sys.argv[1])), Store).serve_forever()
"""


class Dependency:
    """A server that can be stopped and started again, on the same port."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[object]],
        log: Path,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.port = free_port()
        # Started by the tests' main thread: it stops should they be killed.
        dying = ["setpriv", "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"]
        self._command = [*dying, *map(str, command(self.port))]
        self._log = log
        self._identity = _identity(user)
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it takes connections."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                **self._identity,
            )
        self._process = process

        def is_up() -> bool:
            assert process.poll() is None, f"{self.name} ended:\n{self._log.read_text()[-2000:]}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5):
                return True
            return False

        wait_until(is_up, f"{self.name} is up")

    def stop(self) -> None:
        """Returns when it has ended."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None


def _identity(user: str | None) -> dict[str, object]:
    if user is None or os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def redis_server(folder: Path) -> Dependency:
    """Keeps nothing on disk."""
    return Dependency(
        "redis",
        lambda port: ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", ""],
        folder / "redis.log",
    )


def postgresql(folder: Path) -> Dependency:
    """A cluster of its own in the folder, of the user postgres: it refuses to run as root."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=_version).parent
    data = folder / "postgresql"
    data.mkdir()
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(data, pwd.getpwnam(user).pw_uid, -1)
    subprocess.run(
        [programs / "initdb", "--auth=trust", "--username=test", "--no-sync", "-D", data],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        **_identity(user),
    )
    return Dependency(
        "database",
        lambda port: [
            *(programs / "postgres", "-D", data, "-p", port, "-F"),
            *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
        ],
        folder / "postgresql.log",
        user,
        signal.SIGINT,  # "fast": connections are closed
    )


def _version(program: Path) -> float:
    return float(program.parts[4])


def vector_store(folder: Path) -> Dependency:
    """Answers every GET."""
    return Dependency(
        "pinecone",
        lambda port: [sys.executable, "-c", VECTOR_STORE, port],
        folder / "vectors.log",
    )


def stand_in(folder: Path, name: str, module: str) -> Dependency:
    """One of the demo's own."""
    options = ["--app-dir", DEMO, "--host", "127.0.0.1", "--log-level", "warning"]
    return Dependency(
        name,
        lambda port: [sys.executable, "-m", "uvicorn", f"standins.{module}:app", *options, "--port", port],
        folder / f"{module}.log",
    )
