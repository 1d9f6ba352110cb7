# SPDX-License-Identifier: MIT
"""serving - starts servers under `shmetrics run`, finds and kills their workers, scrapes what they count.

Whatever is started here is stopped by its own process id, descendants included. Nothing waits by sleeping
a fixed time: `wait_until` polls a condition and fails by name when its deadline has passed.
"""

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from command import BUILD, COLLECTOR, ROOT, SHMETRICS, children

# The endpoint under which the middleware counts paths that no route has.
UNMATCHED = "<unmatched>"

DEMO = ROOT / "deployment" / "demo"
PREFORK = BUILD / "tests" / "system" / "prefork"

sys.path.insert(0, str(ROOT / "tests" / "support"))
import independent  # noqa: E402
from expocheck import OpenMetrics, Samples, ScrapeHistory, parse  # noqa: E402


# Long: a Python worker takes a second or two to start, and many times that on a busy machine.
DEADLINE_SECONDS = 120.0


def wait_until(fact: Callable[[], object], what: str) -> None:
    """Polls until the fact holds; fails after the deadline."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not fact():
        if time.monotonic() > end:
            raise AssertionError(f"not within {DEADLINE_SECONDS:.0f} s: {what}")
        time.sleep(0.01)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ---- processes ----


def descendants(pid: int) -> list[int]:
    """All processes below a process."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for child in children(pid):
            found += [child, *descendants(child)]
    return found


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def started_at(pid: int) -> str:
    """When a process started, in ticks since boot; with its pid that is its identity. Empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def is_reaped(pid: int) -> bool:
    """Whether a process has ended and been reaped, with all its threads."""
    return not Path(f"/proc/{pid}").exists()


class Process:
    """A program that is running, its output going to a file."""

    def __init__(self, command: Sequence[object], env: Mapping[str, str], cwd: Path, log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                [str(word) for word in command],
                env={**os.environ, **env},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    def is_running(self) -> bool:
        """False once it has ended."""
        return self.popen.poll() is None

    def stop(self) -> None:
        """Asks it to stop; kills it and what it leaves if it does not."""
        below = {pid: started_at(pid) for pid in descendants(self.pid)}
        if self.is_running():
            self.popen.terminate()
            try:
                self.popen.wait(20)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for pid, start in below.items():
            if start and started_at(pid) == start:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


# ---- scrapes ----


def environment(segments: Path, scratch: Path) -> dict[str, str]:
    """What a server's environment has beyond ours."""
    return {
        "SHMETRICS_DIR": str(segments),
        "DEMO_DATABASE": str(scratch / "demo.db"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextlib.contextmanager
def segment_folder() -> Iterator[Path]:
    """A folder for segments, in memory; removed at the end."""
    with tempfile.TemporaryDirectory(prefix="shmetrics-test.", dir="/dev/shm") as folder:
        yield Path(folder)


def fetch(url: str, headers: dict[str, str] | None = None) -> str:
    """The text at a URL."""
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.read().decode())


def answers(url: str) -> bool:
    """Whether a GET gets an answer of 200."""
    try:
        fetch(url)
    except OSError:
        return False
    return True


class Scrape:
    """What one scrape said."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def samples(self, name: str, **labels: str) -> Iterator[tuple[dict[str, str], float]]:
        """The samples of that name that have these labels among others."""
        for (sample, have), value in self._samples.items():
            if sample == name and set(labels.items()) <= have:
                yield dict(have), value

    def total(self, name: str, **labels: str) -> float:
        """Their values, added up."""
        return math.fsum(value for _, value in self.samples(name, **labels))

    def writers(self) -> float:
        """Live processes."""
        return self.total("shmetrics_segment_writers", state="live")

    def slots(self) -> float:
        """Slots that are or were held."""
        return self.total("shmetrics_segment_writers")

    def used_bytes(self) -> float:
        """Bytes of the segment that are given out."""
        return self.total("shmetrics_segment_bytes", state="used")

    def series(self) -> float:
        """Series in the segment."""
        return self.total("shmetrics_segment_series")


class Scraper:
    """Scrapes one target; every scrape is judged by itself and against the ones before."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.count = 0
        self._histories = (ScrapeHistory(), ScrapeHistory(OpenMetrics))

    def scrape(self) -> Scrape:
        """The next scrape. Every second one is made of OpenMetrics before it, for its own history."""
        self.count += 1
        text, openmetrics = self._histories
        if self.count % 2:
            body = fetch(self.url, independent.ACCEPT)
            openmetrics.add(body)
            independent.parse(body.encode())
        return Scrape(text.add(fetch(self.url)))

    def writers(self) -> float:
        """Live processes, asked for alone: cheap enough to wait for."""
        return Scrape(parse(fetch(f"{self.url}?name[]=shmetrics_segment_writers"))).writers()

    def forget(self) -> None:
        """What was before does not count: a new generation has begun."""
        for history in self._histories:
            history.restart()


def is_listening(port: int) -> bool:
    """Whether connections are taken; says nothing over them, so no request is counted."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


# ---- servers ----


@dataclass(frozen=True)
class Kind:
    """A way of serving: the command for a port, and how its workers are told from its other children.

    master_writes: whether the master loads the application, and so holds a slot of its own.
    started: what each worker says once its application has started; where that is empty, only its slot is
    waited for, which it has earlier.
    """

    name: str
    command: Callable[[int], list[object]]
    workers: int = 4
    master_writes: bool = False
    cwd: Path = DEMO
    is_worker: Callable[[list[str]], bool] = lambda words: bool(words)
    started: str = ""

    @property
    def writers(self) -> int:
        """How many processes write when all are up, `shmetrics run` included."""
        return self.workers + self.master_writes + 1


def _uvicorn(port: int, *more: object) -> list[object]:
    options = ["--host", "127.0.0.1", "--port", port, "--no-access-log", "--log-level", "critical"]
    return [sys.executable, "-m", "uvicorn", "src.main:app", *options, *more]


def _gunicorn(port: int, *more: object) -> list[object]:
    options = ["--workers", 4, "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    quiet = ["--log-level", "critical"]
    worker = ["--worker-class", "uvicorn_worker.UvicornWorker"]
    return [sys.executable, "-m", "gunicorn", *options, *quiet, *worker, *more, "src.main:app"]


def is_spawned(words: list[str]) -> bool:
    """Whether a command line is that of a worker which multiprocessing has spawned."""
    return any("spawn_main" in word for word in words)


UVICORN = Kind(
    "uvicorn, 4 spawned workers",
    # by default it kills one that starts or stands still for 5 s, which a busy machine makes them do
    lambda port: _uvicorn(port, "--workers", 4, "--timeout-worker-healthcheck", 10),
    is_worker=is_spawned,
)
# Beside UVICORN's own options, and as Kind.started: for an application that needs what a test stops. uvicorn
# does not replace a worker that fails to start.
UVICORN_SAYS = ["--log-level", "info"]
UVICORN_STARTED = "Application startup complete."
UVICORN_RELOAD = Kind("uvicorn --reload", lambda port: _uvicorn(port, "--reload"), 1, is_worker=is_spawned)
GUNICORN = Kind("gunicorn, uvicorn workers", _gunicorn)
GUNICORN_PRELOAD = Kind(
    "gunicorn --preload, uvicorn workers", lambda port: _gunicorn(port, "--preload"), master_writes=True
)
PREFORKED = Kind(
    "C prefork with threads", lambda port: [PREFORK, "--port", port], master_writes=True, cwd=ROOT
)


class Server:
    """A server under `shmetrics run`, with a collector of its own and segments in a folder of its own."""

    def __init__(
        self,
        kind: Kind,
        segments: Path,
        scratch: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self.segments = segments
        self.port, self.metrics_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.metrics_url = f"http://127.0.0.1:{self.metrics_port}/metrics"
        self.scraper = Scraper(self.metrics_url)
        run = [SHMETRICS, "run", "--listen", f"127.0.0.1:{self.metrics_port}", "--"]
        self.process = Process(
            [*run, *kind.command(self.port)],
            {**environment(segments, scratch), **(env or {})},
            cwd or kind.cwd,
            scratch / "server.log",
        )

    def log(self) -> str:
        """What the server said."""
        return self.process.log.read_text(errors="replace")

    def say(self) -> str:
        """The end of it, for messages."""
        return self.log()[-4000:]

    def wait_until_up(self) -> None:
        """Until the collector answers, every worker holds a slot, and has said that it started."""
        started = self.kind.started

        def is_up() -> bool:
            assert self.process.is_running(), f"{self.kind.name} ended:\n{self.say()}"
            return (
                answers(self.metrics_url)
                and self.scraper.writers() >= self.kind.writers
                and is_listening(self.port)
                and (not started or self.log().count(started) >= self.kind.workers)
            )

        try:
            wait_until(is_up, f"{self.kind.name} is up")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.say()}") from None

    def in_progress(self) -> float:
        """The requests being worked on, by a scrape of its own."""
        return self.scraper.scrape().total("http_requests_in_progress")

    def master(self) -> int:
        """The command that `shmetrics run` runs, which is not its collector."""
        for pid in children(self.process.pid):
            words = command_line(pid)
            if words and Path(words[0]).name != COLLECTOR.name:
                return pid
        raise AssertionError(f"{self.kind.name} has no command:\n{self.say()}")

    def workers(self) -> list[int]:
        """The worker processes that live."""
        return [pid for pid in children(self.master()) if self.kind.is_worker(command_line(pid))]

    def kill(self, victims: Sequence[int]) -> None:
        """Kills workers, and returns when they are gone and as many others are in their place."""
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: all(map(is_reaped, victims)), f"workers {victims} are gone")
        wait_until(lambda: len(self.workers()) >= self.kind.workers, "killed workers are replaced")
        wait_until(lambda: self.scraper.writers() >= self.kind.writers, "their successors are attached")


@contextlib.contextmanager
def serving(
    kind: Kind,
    segments: Path,
    scratch: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A server that is up; stopped at the end, when no segment may be left."""
    server = Server(kind, segments, scratch, cwd, env)
    try:
        server.wait_until_up()
        yield server
    finally:
        server.process.stop()
    assert not list(segments.iterdir()), f"{kind.name} left a segment behind"
