# SPDX-License-Identifier: MIT
"""test_demo - the reference backend on PostgreSQL, Redis and its stand-ins; and as the guide starts it"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import serving
from dependencies import Dependency, postgresql, redis_server, stand_in
from serving import DEMO, Kind, Process, Server, fetch, free_port, wait_until

sys.path.insert(0, str(DEMO))
import traffic  # noqa: E402
import verify  # noqa: E402
from applications import Port  # noqa: E402

REQUESTS = 800
GUIDE_PATHS = ("/health", "/api/v1/health/live", "/api/v1/health/ready", "/api/v1/metrics")

WORKERS = Kind(
    "uvicorn, 2 workers",
    lambda port: [*serving.UVICORN.command(port), *serving.UVICORN_SAYS, "--workers", 2],
    workers=2,
    is_worker=serving.is_spawned,
    started=serving.UVICORN_STARTED,
)


class Backend(NamedTuple):
    """The demo with all that it can use, and what it was answered at first."""

    server: Server
    of: dict[str, Dependency]
    report: traffic.Report


@contextlib.contextmanager
def dependencies() -> Iterator[dict[str, Dependency]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shmetrics-demo.")))
        folder.chmod(0o755)  # the database has a user of its own
        of = {
            "database": postgresql(folder),
            "redis": redis_server(folder),
            "vector_store": stand_in(folder, "vector_store", "vectors"),
            "llm": stand_in(folder, "llm", "llm"),
        }
        for dependency in of.values():
            stack.callback(dependency.stop)
            dependency.start()
        yield of


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    scratch = tmp_path_factory.mktemp("demo")
    with serving.segment_folder() as segments, dependencies() as of:
        env = {
            "DATABASE_URL": f"postgresql://test@127.0.0.1:{of['database'].port}/postgres",
            "REDIS_URL": f"redis://127.0.0.1:{of['redis'].port}",
            "VECTOR_STORE_URL": f"http://127.0.0.1:{of['vector_store'].port}",
            "LLM_URL": f"http://127.0.0.1:{of['llm'].port}",
        }
        with serving.serving(WORKERS, segments, scratch, env=env) as server:
            load = traffic.Traffic(server.url, traffic.demo_routes(serving.UNMATCHED))
            load.start(REQUESTS)
            yield Backend(server, of, load.join())


def send(url: str, content: dict[str, Any], method: str = "POST") -> int:
    """The status that a request with JSON is answered with."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(content).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def ask(backend: Backend, text: str) -> int:
    return send(f"{backend.server.url}/api/v1/chat", {"user_id": 1, "text": text})


def readiness(url: str) -> tuple[int, dict[str, str]]:
    """The status, and what is not up and why."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            status, body = answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        status, body = error.code, json.load(error)
    return status, {check["name"]: check["status"] for check in body["checks"] if check["status"] != "up"}


def test_every_family_of_the_catalogue_moves(backend: Backend) -> None:
    scrape = backend.server.scraper.scrape()
    assert backend.report.answered == REQUESTS
    assert scrape.total("http_requests_total") == REQUESTS
    assert scrape.total("http_requests_in_progress") == 0
    assert verify.unmoved(verify.parse(fetch(backend.server.metrics_url))) == []


def test_the_figures_agree_with_each_other(backend: Backend) -> None:
    scrape, answers = backend.server.scraper.scrape(), backend.report.answers
    booked = scrape.total("bookings_created_total")
    assert scrape.total("db_queries_total", operation="insert", table="bookings") == booked
    assert booked >= answers["POST", "/api/v1/bookings", 201] > 0
    complaints = scrape.total("complaints_created_total")
    assert scrape.total("db_queries_total", operation="insert", table="complaints") == complaints
    assert scrape.total("user_registrations_total") == answers["POST", "/api/v1/users", 201]
    chats = sum(answers["POST", "/api/v1/chat", status] for status in (200, 503))
    assert scrape.total("agent_executions_total") == chats
    assert scrape.total("agent_errors_total") == answers["POST", "/api/v1/chat", 503] > 0
    assert scrape.total("llm_errors_total") > 0
    assert scrape.total("llm_requests_total") == scrape.total("llm_request_duration_seconds_count")
    for gauge in ("agent_concurrent_executions", "db_connections_active"):
        wait_until(lambda name=gauge: backend.server.scraper.scrape().total(name) == 0, f"{gauge} is 0")
    # In Redis, so every worker counts the same users and a session once.
    sessions = scrape.total("chat_sessions_total")
    assert scrape.total("active_users") == sessions > 0


@pytest.mark.parametrize("name", ["database", "redis", "vector_store"])
def test_readiness_names_what_is_stopped(backend: Backend, name: str) -> None:
    host = backend.server.metrics_url.removesuffix("/metrics")
    urls = [f"{base}/api/v1/health/ready" for base in (backend.server.url, host)]
    for url in urls:
        wait_until(lambda u=url: readiness(u) == (200, {}), f"{url} is 200 at first")
    backend.of[name].stop()
    try:
        for url in urls:
            wait_until(lambda u=url: readiness(u) == (503, {name: "down"}), f"{url} names {name}")
        assert fetch(f"{backend.server.url}/api/v1/health/live")
        assert ask(backend, "When are you open?") == (503 if name != "database" else 200)
        assert ask(backend, "my bookings") == (503 if name != "vector_store" else 200)
    finally:
        backend.of[name].start()
    for url in urls:
        wait_until(lambda u=url: readiness(u) == (200, {}), f"{url} is 200 again")
    wait_until(lambda: ask(backend, "When are you open?") == 200, "questions are answered again")
    wait_until(lambda: ask(backend, "my bookings") == 200, "bookings are listed again")


def test_a_model_that_fails_or_is_slow_is_seen(backend: Backend) -> None:
    def told(seconds: float, failing: float) -> int:
        url = f"http://127.0.0.1:{backend.of['llm'].port}/control"
        return send(url, {"seconds": seconds, "failing": failing}, "PUT")

    def model() -> tuple[float, float, float]:
        scrape = backend.server.scraper.scrape()
        names = ("llm_requests_total", "llm_errors_total", "llm_request_duration_seconds_sum")
        requests, errors, seconds = (scrape.total(name) for name in names)
        return requests, errors, seconds

    before = model()
    assert told(0, 1) == 200
    assert ask(backend, "When are you open?") == 503
    assert ask(backend, "book a cleaning") == 200  # a booking stands without the model
    after = model()
    assert (after[0] - before[0], after[1] - before[1]) == (2, 2)
    assert told(0.3, 0) == 200
    assert ask(backend, "When are you open?") == 200
    slow = model()
    assert (slow[0] - after[0], slow[1] - after[1]) == (1, 0)
    assert slow[2] - after[2] >= 0.3
    assert told(0, 0) == 200


def test_probes_and_scrapes_are_no_requests(backend: Backend) -> None:
    before = backend.server.scraper.scrape().total("http_requests_total")
    for path in GUIDE_PATHS:
        assert fetch(backend.server.url + path)
    assert backend.server.scraper.scrape().total("http_requests_total") == before


def test_the_guides_own_command(tmp_path: Path) -> None:
    """One process, no `shmetrics run`, no collector: its own port serves everything."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "src.main:app", "--reload", "--port", port]
    with serving.segment_folder() as segments:
        process = Process(command, serving.environment(segments, tmp_path), DEMO, tmp_path / "log")
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: serving.answers(f"{url}/api/v1/health/ready"), "the demo is ready")
            load = traffic.Traffic(url, traffic.demo_routes(serving.UNMATCHED))
            load.start(REQUESTS)
            assert load.join().answered == REQUESTS
            for path in GUIDE_PATHS:
                assert fetch(url + path)
            samples = verify.parse(Port(port).request("/api/v1/metrics").content.decode())
        finally:
            process.stop()
    assert verify.unmoved(samples) == []
    assert verify.total(samples, "http_requests_total") == REQUESTS
