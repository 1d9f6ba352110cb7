# SPDX-License-Identifier: MIT
"""command - what the tests of the shmetrics command share: processes, a writer, a fake collector.

The programs are those of the build folder SMX_BUILD (default: build/dev). Each test has a folder of
segments of its own. Nothing here sleeps for a time and hopes: it polls for a fact until a deadline.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Sequence, TypeVar

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SMX_BUILD") or ROOT / "build" / "dev").resolve()
SHMETRICS = BUILD / "collector" / "tool" / "shmetrics"
COLLECTOR = BUILD / "collector" / "shmetrics-collector"
LIBRARY = BUILD / "lib" / "libshmetrics.so"
DEADLINE = 30.0
NOBODY = 65534
# Root without the right to pass over permissions: it still reads this build, wherever that lies.
AS_NOBODY_SPECIAL = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
# As the first process of a PID namespace, which ends when this one does.
AS_FIRST_PROCESS = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]

T = TypeVar("T")


def until(fact: Callable[[], T], what: str) -> T:
    """Polls until fact() is true; fails after the deadline."""
    end = time.monotonic() + DEADLINE
    while True:
        found = fact()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {DEADLINE:.0f} s: {what}")
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Whether no process has that pid, or only a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")


def give_away(path: Path, mode: int) -> None:
    """Makes it somebody else's."""
    os.chmod(path, mode)
    os.chown(path, NOBODY, NOBODY)


def process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants(pid: int) -> list[int]:
    """A run's are all there: it is the subreaper of its orphans."""
    try:
        below = children(pid)
    except (FileNotFoundError, ProcessLookupError):
        return []
    return below + [further for child in below for further in descendants(child)]


def sanitizer() -> str | None:
    """The sanitizer's library, to be loaded before LIBRARY; None for an ordinary build."""
    for line in subprocess.run(
        ["ldd", str(LIBRARY)], capture_output=True, text=True, check=True
    ).stdout.splitlines():
        if "libasan" in line or "libtsan" in line:
            return line.split("=>")[1].split()[0]
    return None


def preload() -> dict[str, str]:
    """What the environment of a Python program needs to use LIBRARY."""
    library = sanitizer()
    return {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0"} if library else {}


class Lines:
    """Lines from a pipe, each waited for until the deadline."""

    def __init__(self, source: IO[bytes] | int | None) -> None:
        assert source is not None
        self.descriptor = source if isinstance(source, int) else source.fileno()
        self.rest = b""

    def next(self) -> str:
        end = time.monotonic() + DEADLINE
        while b"\n" not in self.rest:
            if not select.select([self.descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
                raise AssertionError(f"no line within {DEADLINE:.0f} s; so far {self.rest!r}")
            try:
                more = os.read(self.descriptor, 65536)
            except OSError:  # the other end of a terminal is gone
                more = b""
            if not more:
                raise AssertionError(f"it ended; so far {self.rest!r}")
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode().rstrip("\r")

    def find(self, text: str) -> str:
        """The next line that contains text."""
        while True:
            line = self.next()
            if text in line:
                return line


# A command that tells of each signal it gets, and lives until it is killed. It takes them by
# sigwait: a handler and pause() would miss one that comes between the two.
RECORDER = """
import os, signal, sys
left = {4, 5, 6, 7, 8, 9, 11, 17, 19, 31, *map(int, sys.argv[1].split())}
taken = [number for number in signal.valid_signals() if number not in left]
signal.pthread_sigmask(signal.SIG_BLOCK, taken)
os.write(1, ("ready %d\\n" % os.getpid()).encode())
while True:
    number = signal.sigwait(taken)
    os.write(1, ("got %s\\n" % getattr(number, "name", number)).encode())
"""


def recorder(*default: signal.Signals) -> list[str]:
    """The recorder, with these signals left as they are."""
    return [sys.executable, "-u", "-c", RECORDER, " ".join(str(int(s)) for s in default)]


class Bench:
    """A folder of segments, and the processes of one test."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.programs = programs
        self.shmetrics = SHMETRICS
        # An installed collector is not the one that is tested.
        path = [f for f in os.get_exec_path() if not Path(f, "shmetrics-collector").exists()]
        self.environment = {**os.environ, "SHMETRICS_DIR": str(folder), "PATH": ":".join(path)}
        self.environment.pop("SHMETRICS_SEGMENT", None)
        self.started: list[subprocess.Popen[bytes]] = []
        self.pids: list[int] = []

    def call(
        self, *arguments: str, before: Sequence[str] = (), **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Runs the command to its end; `before` is a program that runs it."""
        options = {"env": self.environment, "text": True, "timeout": DEADLINE, **more}
        if "stdout" not in more:
            options["capture_output"] = True
        return subprocess.run([*before, str(self.shmetrics), *arguments], **options)

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        options = {"env": self.environment, "stdout": pipe, "stderr": pipe, **more}
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [str(self.shmetrics), *arguments], **options
        )
        self.started.append(process)
        return process

    def run_recorder(
        self, *options: str, **more: object
    ) -> tuple[subprocess.Popen[bytes], Lines, int]:
        """`shmetrics run` with the recorder, ready: the run, the recorder's lines and its pid."""
        process = self.start("run", *options, "--", *recorder(), **more)
        lines = Lines(process.stdout)
        pid = int(lines.find("ready ").split()[1])
        self.pids.append(pid)
        return process, lines, pid

    def files(self) -> list[str]:
        return sorted(p.name for p in self.folder.iterdir())

    def listing(self) -> dict[str, dict[str, Any]]:
        done = self.call("ls", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return {entry["name"]: entry for entry in json.loads(done.stdout)}

    def fake_collector(self, body: str = "exec sleep 1000") -> Path:
        """Puts a copy of the command beside a collector that notes its pid and arguments in a
        file, which is returned, and then does `body`."""
        self.programs.mkdir(exist_ok=True)
        self.shmetrics = self.programs / "shmetrics"
        shutil.copy(SHMETRICS, self.shmetrics)
        log = self.programs / "log"
        fake = self.programs / "shmetrics-collector"
        fake.write_text(f'#!/bin/sh\necho "$$ $*" >> {log}\n{body}\n')
        fake.chmod(0o755)
        return log

    def collectors(self, log: Path, count: int) -> list[int]:
        """The pids of the collectors started so far, once there are `count`."""

        def enough() -> list[int]:
            text = log.read_text() if log.exists() else ""
            pids = [int(line.split()[0]) for line in text.splitlines()]
            return pids if len(pids) >= count else []

        pids = until(enough, f"{count} collectors started")
        self.pids += pids
        return pids

    def writer(self, name: str, *slot_max: str) -> subprocess.Popen[bytes]:
        """A process that holds the segment `name`, with some of every kind in it, until `end`."""
        call = [sys.executable, str(Path(__file__)), name, *slot_max]
        environment = {**self.environment, **preload()}
        process = subprocess.Popen(
            call, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.started.append(process)
        assert Lines(process.stdout).next() == "recorded"
        return process

    def dead_segment(self, name: str) -> Path:
        self.end(self.writer(name))
        return self.folder / f"{name}.smx1"

    @staticmethod
    def end(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin
        process.stdin.close()
        assert process.wait(DEADLINE) == 0

    @staticmethod
    def errors(process: subprocess.Popen[bytes]) -> str:
        """All that a process has said on standard error, once it has ended."""
        assert process.stderr
        return process.stderr.read().decode()

    def clean(self) -> None:
        """Ends whatever a test has left, also the commands of runs, which outlive a killed run."""
        for process in self.started:
            if process.poll() is None:
                self.pids += descendants(process.pid)
                process.kill()
            process.wait(DEADLINE)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def bench(tmp_path: Path) -> Iterator[Bench]:
    """The fixture; a test file gives it its name."""
    folder = Path(tempfile.mkdtemp(prefix="smx-test-", dir="/dev/shm"))
    made = Bench(folder, tmp_path / "programs")
    try:
        yield made
    finally:
        made.clean()
        shutil.rmtree(folder)


# ---- the writer: what a program does with the library, without compiling one ----


class Definition(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("help", ctypes.c_char_p),
        ("unit", ctypes.c_char_p),
        ("label_names", ctypes.POINTER(ctypes.c_char_p)),
        ("label_count", ctypes.c_size_t),
        ("series_max", ctypes.c_uint32),
    ]


class Handle(ctypes.Structure):
    _fields_ = [("impl", ctypes.c_void_p)]


class SegmentOptions(ctypes.Structure):
    _fields_ = [
        ("size_max_bytes", ctypes.c_uint64),
        ("series_max", ctypes.c_uint32),
        ("family_series_max", ctypes.c_uint32),
        ("slot_max", ctypes.c_uint32),
        ("stripe_count", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("group_id", ctypes.c_int64),
    ]


LIVE_ALL, LIVE_SUM = 1, 2


def texts(*values: str) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * len(values))(*(v.encode() for v in values))


def record(name: str, slot_max: int = 0) -> None:
    """Opens the segment and records what the tests of `dump` expect."""
    options = SegmentOptions(slot_max=slot_max)
    library = ctypes.CDLL(str(LIBRARY))
    segment = ctypes.c_void_p()
    assert (
        library.smx_segment_open(name.encode(), ctypes.byref(options), ctypes.byref(segment), None)
        == 0
    )

    def define(kind: str, name: str, help: str, labels: Sequence[str], *more: object) -> Handle:
        names = texts(*labels)
        definition = Definition(name.encode(), help.encode(), None, names, len(labels), 0)
        family = Handle()
        function = getattr(library, f"smx_{kind}_define")
        assert function(segment, ctypes.byref(definition), *more, ctypes.byref(family), None) == 0
        find = getattr(library, f"smx_{kind}_with")
        find.restype, find.argtypes = Handle, [Handle, ctypes.c_void_p]
        return family

    def find(kind: str, family: Handle, *values: str) -> Handle:
        function = getattr(library, f"smx_{kind}_with")
        handle: Handle = function(family, texts(*values) if values else None)
        return handle

    library.smx_counter_add_whole.argtypes = [Handle, ctypes.c_uint64]
    library.smx_counter_add.argtypes = [Handle, ctypes.c_double]
    library.smx_gauge_set.argtypes = [Handle, ctypes.c_double]
    library.smx_histogram_observe.argtypes = [Handle, ctypes.c_double]

    counter = define("counter", "requests_total", 'Requests, "all"\nof them', ["path", "method"])
    library.smx_counter_add_whole(find("counter", counter, "/", "GET"), 2**64 - 1)
    library.smx_counter_add(find("counter", counter, 'a"b\\c\nd\x1b\u00e9', "PUT"), 2.5)
    mode = ctypes.c_int
    gauge = define("gauge", "temperature", "", [], mode(LIVE_ALL))
    library.smx_gauge_set(find("gauge", gauge), float("-inf"))
    gauge = define("gauge", "ratio", "", [], mode(LIVE_SUM))
    library.smx_gauge_set(find("gauge", gauge), float("nan"))
    bounds = (ctypes.c_double * 2)(0.5, 1.0)
    histogram = define("histogram", "duration_seconds", "", [], bounds, ctypes.c_size_t(2))
    for value in (0.25, 0.75, 0.75, 8.0):
        library.smx_histogram_observe(find("histogram", histogram), value)


if __name__ == "__main__":
    record(sys.argv[1], *map(int, sys.argv[2:]))
    print("recorded", flush=True)
    sys.stdin.read()
