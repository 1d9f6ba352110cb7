# SPDX-License-Identifier: MIT
"""programs - a program of the stack: started, killed, suspended and started again on the same port"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from serving import Process, answers, descendants, free_port, is_reaped, wait_until


@dataclass
class Program:
    """command: for a port. ready: the path that is answered with 200 once it is up."""

    name: str
    command: Callable[[int], Sequence[object]]
    ready: str
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def launch(self) -> None:
        """Starts it; does not wait until it is up. It stops should the tests be killed."""
        command = ["setpriv", "--pdeathsig", "TERM", "--", *self.command(self.port)]
        self.process = Process(command, self.env, self.cwd, self.log)

    def wait_until_up(self) -> None:
        def is_up() -> bool:
            assert self.process and self.process.is_running(), f"{self.name} ended:\n{self.say()}"
            return answers(self.url + self.ready)

        try:
            wait_until(is_up, f"{self.name} is up")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.say()}") from None

    @contextlib.contextmanager
    def running(self) -> Iterator[Program]:
        """Up within the block, and asked to stop after it."""
        self.launch()
        try:
            self.wait_until_up()
            yield self
        finally:
            self.stop()

    def say(self) -> str:
        """The end of its log, for messages."""
        return self.log.read_text(errors="replace")[-3000:]

    def pids(self) -> list[int]:
        """Its processes: the first one started, and all below it."""
        assert self.process, f"{self.name} was never started"
        return [self.process.pid, *descendants(self.process.pid)]

    def kill(self) -> None:
        """Ends all its processes at once, as a power cut would; returns when they are gone."""
        pids = self.pids()
        self.signal(pids, signal.SIGKILL)
        assert self.process
        self.process.popen.wait()
        wait_until(lambda: all(map(is_reaped, pids)), f"{self.name}'s processes are gone")

    def stop(self) -> None:
        """Asks it to stop, and waits."""
        if self.process and self.process.is_running():
            self.signal(self.pids(), signal.SIGCONT)
            self.process.stop()

    def signal(self, pids: Sequence[int], which: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)
