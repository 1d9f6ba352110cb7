# SPDX-License-Identifier: MIT
"""side_by_side - the same program on shmetrics and on prometheus_client's multiprocess mode

    with Shmetrics() as library:
        worker = library.start('jobs = Counter("jobs", "Jobs.")')
        worker.do("jobs.inc()")
        assert library.value("jobs_total") == 1

What a Worker is told to do it does before do() returns. Both are seen from outside: shmetrics by
`shmetrics dump`, in both formats, which the strict checkers must accept; the other by its collector.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from types import TracebackType
from typing import Optional, Sequence

import expocheck
import independent
from collector import BUILD, DEADLINE
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

PROGRAM = """
import os, signal, sys, threading
from {library} import Counter, Gauge, Histogram
print(os.getpid(), flush=True)
for line in sys.stdin:
    exec(eval(line))
    print("ok", flush=True)
"""


class Worker:
    """A process that records what it is told to."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = int(self._line())  # as it sees itself

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def tell(self, code: str) -> None:
        """Does not wait for its end."""
        assert self.process.stdin
        self.process.stdin.write(repr(textwrap.dedent(code)) + "\n")
        self.process.stdin.flush()

    def do(self, code: str) -> None:
        self.tell(code)
        assert self._line() == "ok", f"it died of {code}"

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> int:
        """Waits for its end, and returns its status: -signal, where it was killed."""
        self.process.communicate(timeout=DEADLINE)
        return self.process.returncode


class Library:
    """One of the two, with a folder of its own in memory."""

    name = ""

    def __init__(self, folder: Optional[Path] = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="smx-faults-", dir="/dev/shm"))
        self.workers: list[Worker] = []

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def samples(self) -> expocheck.Samples:
        raise NotImplementedError

    def start(self, code: str = "", before: Sequence[str] = ()) -> Worker:
        """before: a command that runs the worker, such as unshare."""
        program = PROGRAM.format(library=self.name)
        worker = Worker([*before, sys.executable, "-c", program], self.environment())
        self.workers.append(worker)
        if code:
            worker.do(code)
        return worker

    def value(self, name: str, **labels: str) -> Optional[float]:
        return self.samples().get((name, frozenset(labels.items())))

    def values(self, name: str, label: str) -> dict[Optional[str], float]:
        """Of all series of the name, by one of their labels."""
        return {
            dict(labels).get(label): value
            for (sample, labels), value in self.samples().items()
            if sample == name
        }


class Shmetrics(Library):
    name = "shmetrics"

    def environment(self) -> dict[str, str]:
        return {**os.environ, "SHMETRICS_DIR": str(self.folder), "SHMETRICS_SEGMENT": "faults"}

    def _dump(self, *arguments: str) -> bytes:
        command = [BUILD / "collector" / "tool" / "shmetrics", "dump", *arguments, "faults"]
        return subprocess.run(
            command, env=self.environment(), stdout=subprocess.PIPE, check=True
        ).stdout

    def samples(self) -> expocheck.Samples:
        independent.judge(self._dump("--openmetrics"))
        return expocheck.parse(self._dump())


class Multiprocess(Library):
    """prometheus_client with PROMETHEUS_MULTIPROC_DIR."""

    name = "prometheus_client"

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self.folder)}

    def samples(self) -> expocheck.Samples:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self.folder))  # type: ignore[no-untyped-call]
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(generate_latest(registry).decode())
            for sample in family.samples
        }


def died_of(status: int, number: signal.Signals) -> bool:
    """Whether that signal ended it, itself or under a shell."""
    return status in (-number, 128 + number)
