# SPDX-License-Identifier: MIT
"""test_load_balancer - haproxy, with our configuration, takes out a backend that is not ready, and in again

What /api/v1/health/ready says of a stopped dependency is in test_demo.py. Here is whether one who only sees
the status acts on it: within the time to live, and not for one of four workers.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import serving
from command import ROOT
from dependencies import Dependency
from serving import Kind, Process, Server, fetch, free_port, wait_until
from test_demo import dependencies

CONFIGURATION = ROOT / "deployment" / "haproxy" / "haproxy.cfg"
READY = "/api/v1/health/ready"
TTL = 10.0  # of the demo's checks

KIND = Kind(
    "uvicorn, 4 workers",
    # It would kill workers that stand still, before we have seen what becomes of their checks.
    lambda port: [
        *serving.UVICORN.command(port),
        *serving.UVICORN_SAYS,
        "--timeout-worker-healthcheck",
        600,
    ],
    is_worker=serving.is_spawned,
    started=serving.UVICORN_STARTED,
)


class State(NamedTuple):
    """The backend, as haproxy sees it."""

    status: str  # UP or DOWN; "UP 1/2" on its way down
    check: str
    code: str
    downs: int  # how often it was taken out


class Balanced(NamedTuple):
    """The demo with all that it uses, behind haproxy."""

    server: Server
    of: dict[str, Dependency]
    url: str
    stats: str

    def state(self) -> State:
        rows = csv.DictReader(fetch(f"{self.stats}/haproxy;csv").removeprefix("# ").splitlines())
        (row,) = [row for row in rows if (row["pxname"], row["svname"]) == ("convergeai", "one")]
        return State(row["status"], row["check_status"], row["check_code"], int(row["chkdown"]))

    def is_in(self) -> bool:
        return self.state().status == "UP"

    def is_out(self) -> bool:
        return self.state().status == "DOWN"


def answer(url: str) -> tuple[int, str]:
    """The status, and the body for messages."""
    try:
        with urllib.request.urlopen(url, timeout=20) as got:
            return int(got.status), got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def status(url: str) -> int:
    return answer(url)[0]


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        pytest.skip("there is no haproxy; on Debian: apt-get install haproxy")
    scratch = tmp_path_factory.mktemp("balanced")
    with serving.segment_folder() as segments, dependencies() as of:
        env = {
            "DATABASE_URL": f"postgresql://test@127.0.0.1:{of['database'].port}/postgres",
            "REDIS_URL": f"redis://127.0.0.1:{of['redis'].port}",
            "VECTOR_STORE_URL": f"http://127.0.0.1:{of['vector_store'].port}",
            "LLM_URL": f"http://127.0.0.1:{of['llm'].port}",
        }
        with serving.serving(KIND, segments, scratch, env=env) as server:
            listen, stats = (f"127.0.0.1:{free_port()}" for _ in range(2))
            addresses = {
                "BALANCER_LISTEN": listen,
                "BALANCER_STATS": stats,
                "BALANCER_BACKEND": f"127.0.0.1:{server.port}",
            }
            process = Process([program, "-f", CONFIGURATION], addresses, Path("/"), scratch / "haproxy.log")
            try:
                found = Balanced(server, of, f"http://{listen}", f"http://{stats}")
                wait_until(lambda: serving.answers(f"{found.stats}/haproxy"), "haproxy is up")
                yield found
            finally:
                process.stop()


@contextlib.contextmanager
def disturbed(balanced: Balanced, do: Callable[[], None], undo: Callable[[], None]) -> Iterator[None]:
    """From a backend that is in to one that is in again."""
    wait_until(balanced.is_in, f"the backend is in at first; {balanced.state()}")
    assert status(f"{balanced.url}/api/v1/bookings") == 200
    do()
    try:
        yield
    finally:
        undo()
    wait_until(balanced.is_in, "the backend is in again")
    wait_until(lambda: status(f"{balanced.url}/api/v1/bookings") == 200, "requests are answered again")


@pytest.mark.parametrize("name", ["database", "redis", "vector_store"])
def test_without_a_dependency_it_is_out_within_the_time_to_live(balanced: Balanced, name: str) -> None:
    dependency = balanced.of[name]
    with disturbed(balanced, dependency.stop, dependency.start):
        stopped = time.monotonic()
        wait_until(balanced.is_out, f"the backend is out without {name}")
        assert time.monotonic() - stopped < TTL, "within the time to live"
        assert balanced.state()[1:3] == ("L7STS", "503"), "because it said so"
        assert status(f"{balanced.url}/api/v1/bookings") == 503
        assert status(balanced.server.url + "/api/v1/health/live") == 200


def signalled(balanced: Balanced, number: int, which: signal.Signals) -> None:
    for pid in balanced.server.workers()[:number]:
        os.kill(pid, which)


def test_when_all_workers_hang_it_is_out(balanced: Balanced) -> None:
    collector = balanced.server.metrics_url.removesuffix("/metrics")
    with disturbed(
        balanced,
        lambda: signalled(balanced, 4, signal.SIGSTOP),
        lambda: signalled(balanced, 4, signal.SIGCONT),
    ):
        wait_until(balanced.is_out, "the backend is out while its workers hang")
        assert balanced.state().check == "L7TOUT", "because it did not answer"
        assert status(f"{balanced.url}/api/v1/bookings") == 503
        wait_until(lambda: status(collector + READY) == 503, "the collector says so too")
    wait_until(lambda: status(collector + READY) == 200, "and that it is over")


def ages(url: str) -> list[float]:
    """How old the outcomes of the checks are, in a report that says that all is ready."""
    code, says = answer(url)
    assert code == 200, says
    return [check["age_seconds"] for check in json.loads(says)["checks"]]


def test_one_of_four_workers_that_hangs_changes_nothing(balanced: Balanced) -> None:
    """Each of them once, until the others have renewed every outcome: so it is also who runs the checks."""
    collector = balanced.server.metrics_url.removesuffix("/metrics")
    wait_until(balanced.is_in, "the backend is in at first")
    before, longest = balanced.state().downs, 0.0
    for worker in balanced.server.workers():
        os.kill(worker, signal.SIGSTOP)
        hung = looked = time.monotonic()
        last = ages(collector + READY)

        def is_renewed(since: float = hung) -> bool:
            nonlocal longest, looked, last
            elapsed = time.monotonic() - since
            code, says = answer(f"{balanced.url}{READY}")
            assert code == 200, says
            assert balanced.is_in(), balanced.state()
            asked = time.monotonic()
            now = ages(collector + READY)
            passed = time.monotonic() - looked
            longest = max(longest, *(old + passed - new for old, new in zip(last, now, strict=True)))
            looked, last = asked, now
            return max(now) < elapsed

        try:
            wait_until(is_renewed, "the others have run every check")
        finally:
            os.kill(worker, signal.SIGCONT)
    # How old an outcome was when the next came, or a little more. Another takes over at half its life.
    assert longest > TTL / 2, "the checks had to be taken over"
    assert balanced.state().downs == before
