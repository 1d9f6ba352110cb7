# SPDX-License-Identifier: MIT
"""test_readiness - a real application under real servers, through the collector and on its own port

The database, Redis and the vector store are stopped and started one by one; the worker that runs the checks,
then all workers, stand still.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import serving
from dependencies import Dependency, postgresql, redis_server, vector_store
from serving import Kind, Server, wait_until

HERE = Path(__file__).resolve().parent
PATH = "/api/v1/health/ready"
TTL = 15.0


def _uvicorn(port: int) -> list[object]:
    # It would kill workers that stand still, before we have seen what becomes of their checks.
    options = ["--host", "127.0.0.1", "--port", port, "--workers", 3, "--log-level", "warning"]
    patience = ["--timeout-worker-healthcheck", 600]
    return [sys.executable, "-m", "uvicorn", "dependent_app:app", *options, *patience]


def _gunicorn(port: int) -> list[object]:
    options = ["--workers", 3, "--bind", f"127.0.0.1:{port}", "--timeout", 600, "--preload"]
    worker = ["--worker-class", "uvicorn_worker.UvicornWorker", "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", *options, *worker, "dependent_app:app"]


KINDS = [
    Kind("uvicorn", _uvicorn, 3, cwd=HERE, is_worker=serving.is_spawned),
    Kind("gunicorn --preload", _gunicorn, 3, master_writes=True, cwd=HERE),
]


class Readiness:
    """What is answered at a URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 0
        self.checks: dict[str, str] = {}

    def look(self) -> int:
        try:
            with urllib.request.urlopen(self.url, timeout=20) as answer:
                self.status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            self.status, body = error.code, error.read()
        self.checks = {check["name"]: check["status"] for check in json.loads(body)["checks"]}
        return self.status

    def is_ready(self) -> bool:
        return self.look() == 200

    def says_down(self, *names: str) -> bool:
        """503, naming these and no others."""
        down = {name for name, status in self.checks.items() if status != "up"}
        return self.look() == 503 and down == set(names)

    def wait(self, fact: object, what: str) -> None:
        began = time.monotonic()
        wait_until(fact, f"{what}; {self.url} says {self.status} {self.checks}")  # type: ignore[arg-type]
        print(f"{what}: after {time.monotonic() - began:.1f} s")


@pytest.fixture(scope="module")
def dependencies() -> Iterator[Sequence[Dependency]]:
    with tempfile.TemporaryDirectory(prefix="shmetrics-health.") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the database has a user of its own
        all_of_them = [postgresql(folder), redis_server(folder), vector_store(folder)]
        with contextlib.ExitStack() as stack:
            for one in all_of_them:
                stack.callback(one.stop)
                one.start()
            yield all_of_them


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def server(
    request: pytest.FixtureRequest,
    dependencies: Sequence[Dependency],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Server]:
    database, cache, vectors = dependencies
    address = f"host=127.0.0.1 port={database.port} user=test dbname=postgres connect_timeout=3"
    monkeypatch.setenv("HEALTH_DATABASE", address)
    monkeypatch.setenv("HEALTH_REDIS_PORT", str(cache.port))
    monkeypatch.setenv("HEALTH_VECTOR_PORT", str(vectors.port))
    monkeypatch.setenv("HEALTH_TTL", str(TTL))
    monkeypatch.setenv("HEALTH_RUNS", str(tmp_path / "runs"))
    with serving.segment_folder() as segments:
        with serving.serving(request.param, segments, tmp_path) as started:
            yield started


def collector_of(server: Server) -> Readiness:
    return Readiness(server.metrics_url.replace("/metrics", PATH))


def runs(tmp_path: Path) -> list[int]:
    """Who ran the check of the database, run by run."""
    file = tmp_path / "runs"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait_for_leader(tmp_path: Path, other_than: int = 0) -> int:
    def is_one() -> bool:
        last = runs(tmp_path)[-4:]
        return len(last) == 4 and len(set(last)) == 1 and last[0] != other_than

    wait_until(is_one, f"one worker other than {other_than} runs the check")
    return runs(tmp_path)[-1]


def test_what_is_stopped_is_named_and_comes_back(
    server: Server, dependencies: Sequence[Dependency]
) -> None:
    collector, own = collector_of(server), Readiness(server.url + PATH)
    for readiness in (collector, own):
        readiness.wait(readiness.is_ready, "all is up at first")
    for one in dependencies:
        one.stop()
        stopped = time.monotonic()
        try:
            for readiness in (collector, own):
                wait_until(lambda r=readiness: r.says_down(one.name), f"{one.name} is down")
            assert time.monotonic() - stopped < TTL, "within the time to live"
            assert serving.answers(server.url + "/health")
            assert serving.answers(server.url + "/api/v1/health/live")
        finally:
            one.start()
        for readiness in (collector, own):
            readiness.wait(readiness.is_ready, f"{one.name} is back")


def test_a_leader_that_stands_still_is_replaced_without_a_gap(
    server: Server, tmp_path: Path
) -> None:
    collector = collector_of(server)
    collector.wait(collector.is_ready, "all is up at first")
    leader = wait_for_leader(tmp_path)
    assert leader in server.workers(), "a worker runs the checks, not the server's own process"
    os.kill(leader, signal.SIGSTOP)
    try:
        before = len(runs(tmp_path))

        def is_replaced() -> bool:
            assert collector.look() == 200, collector.checks
            return len(runs(tmp_path)) >= before + 8

        wait_until(is_replaced, "another worker runs the checks")
        assert wait_for_leader(tmp_path, leader) != leader
    finally:
        os.kill(leader, signal.SIGCONT)
    assert collector.look() == 200, collector.checks


def test_when_all_workers_stand_still_nothing_is_ready(server: Server, tmp_path: Path) -> None:
    collector = collector_of(server)
    collector.wait(collector.is_ready, "all is up at first")
    workers = server.workers()
    assert len(workers) == 3
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        stopped = time.monotonic()
        wait_until(lambda: collector.look() == 503, "nobody speaks for the dependencies")
        assert time.monotonic() - stopped < TTL + 5, "when the outcomes are out of date"
        wait_until(
            lambda: collector.look() == 503 and set(collector.checks.values()) == {"stale"},
            "every check is stale",
        )
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    collector.wait(collector.is_ready, "they go on")
