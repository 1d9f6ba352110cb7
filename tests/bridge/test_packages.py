# SPDX-License-Identifier: MIT
"""The packages people use, unmodified, under their servers with several workers: `shmetrics run --bridge`.

Each counts every request of every worker exactly, serves the same from its own /metrics, and loses
nothing when a worker is killed in the middle of a request; whose gauge then forgets it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from command import COLLECTOR, SHMETRICS
from serving import Process, Scrape, Scraper, answers, fetch, free_port, is_reaped, wait_until

APPS = Path(__file__).parent / "apps"
WORKERS = 3
REQUESTS = 120

UVICORN = ["uvicorn", "--workers", str(WORKERS), "--log-level", "warning", "--port"]
GUNICORN = ["gunicorn", "--workers", str(WORKERS), "--log-level", "warning", "--timeout", "600", "--bind"]


class Case(NamedTuple):
    """A server, and the samples by which the package counts requests to /job/{number}."""

    command: list[str]
    app: str
    count: str
    labels: dict[str, str]
    durations: str = ""  # of the histogram, if its labels are the same


CASES = {
    "prometheus-fastapi-instrumentator": Case(
        UVICORN, "instrumented_fastapi:app", "http_requests_total", {"handler": "/job/{number}"}
    ),
    "starlette_exporter": Case(
        UVICORN,
        "exported_starlette:app",
        "starlette_requests_total",
        {"path": "/job/{number:int}", "status_code": "200"},
        "starlette_request_duration_seconds_count",
    ),
    "django-prometheus": Case(
        GUNICORN,
        "monitored_django:app",
        "django_http_requests_total_by_view_transport_method_total",
        {"view": "job"},
    ),
    "prometheus-flask-exporter": Case(
        GUNICORN,
        "exported_flask:app",
        "flask_http_request_duration_seconds_count",
        {"url_rule": "/job/<int:number>"},
    ),
}


class Served:
    """A running server, and what it has been asked."""

    def __init__(self, process: Process, url: str, scraper: Scraper, hang_file: Path) -> None:
        self.process = process
        self.url = url
        self.scraper = scraper
        self.hang_file = hang_file
        self.count = 0

    def ask(self, count: int) -> set[str]:
        """That many requests at once; the workers that answered."""
        numbers = range(self.count, self.count + count)
        self.count += count
        with ThreadPoolExecutor(8) as pool:
            return {text.strip('"') for text in pool.map(lambda n: fetch(f"{self.url}/job/{n}"), numbers)}

    def hang(self) -> int:
        """The pid of a worker that is in the middle of a request."""

        def ask() -> None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/hang", timeout=600)

        threading.Thread(target=ask, daemon=True).start()
        wait_until(lambda: self.hang_file.exists() and self.hang_file.read_text(), "a worker hangs")
        return int(self.hang_file.read_text())


def environment_of(segments: Path, folder: Path) -> dict[str, str]:
    return {
        "SHMETRICS_DIR": str(segments),
        "HANG_FILE": str(folder / "hang"),
        "BROKER_FOLDER": str(folder / "broker"),
        "PYTHONPATH": str(APPS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.pathsep.join([str(COLLECTOR.parent), os.environ["PATH"]]),
    }


@pytest.fixture(params=["no files", "files"])
def multiprocess(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """With the environment of prometheus_client's multiprocess mode, and without: packages look at it."""
    folder = tmp_path / "files"
    folder.mkdir()
    return {"PROMETHEUS_MULTIPROC_DIR": str(folder)} if request.param == "files" else {}


@pytest.fixture(params=CASES)
def served(
    request: pytest.FixtureRequest, segments: Path, tmp_path: Path, multiprocess: dict[str, str]
) -> Iterator[tuple[Case, Served]]:
    case = CASES[request.param]
    port, metrics_port = free_port(), free_port()
    address = str(port) if case.command is UVICORN else f"127.0.0.1:{port}"
    command = [
        *(SHMETRICS, "run", "--bridge", "--listen", f"127.0.0.1:{metrics_port}", "--"),
        *(sys.executable, "-m", *case.command, address, case.app),
    ]
    environment = {**environment_of(segments, tmp_path), **multiprocess}
    process = Process(command, environment, tmp_path, tmp_path / "log")
    try:
        url, scraper = f"http://127.0.0.1:{port}", Scraper(f"http://127.0.0.1:{metrics_port}/metrics")
        wait_until(lambda: answers(f"{url}/metrics") or not process.is_running(), "it answers")
        wait_until(lambda: answers(scraper.url) or not process.is_running(), "the collector answers")
        assert process.is_running(), process.log.read_text()
        yield case, Served(process, url, scraper, tmp_path / "hang")
        assert "Traceback" not in process.log.read_text(), process.log.read_text()
        assert list((tmp_path / "files").iterdir()) == [], "files were written"
    finally:
        process.stop()


def own_metrics(url: str) -> Scrape:
    """What the application's own /metrics says."""
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(fetch(f"{url}/metrics"))
        for sample in family.samples
    }
    return Scrape(samples)


def check_totals(scrape: Scrape, case: Case, count: int) -> None:
    assert scrape.total(case.count, **case.labels) == count
    if case.durations:
        assert scrape.total(case.durations, **case.labels) == count
    assert scrape.total("jobs_total") == count
    assert scrape.total("jobs_total", kind="even") == (count + 1) // 2
    assert scrape.total("job_size_count") == count == scrape.total("job_size_bucket", le="+Inf")
    assert scrape.total("job_size_sum") == sum(number % 7 for number in range(count))


def check(case: Case, server: Served) -> None:
    """By the collector and by the application, once all is counted: some packages do it after the answer."""
    wait_until(
        lambda: server.scraper.scrape().total(case.count, **case.labels) >= server.count, "all are counted"
    )
    check_totals(server.scraper.scrape(), case, server.count)
    check_totals(own_metrics(server.url), case, server.count)


def test_counts_every_request_and_forgets_a_killed_worker(served: tuple[Case, Served]) -> None:
    case, server = served
    workers = server.ask(REQUESTS)
    while len(workers) < 2:
        workers |= server.ask(20)
    check(case, server)
    victim = server.hang()
    assert server.scraper.scrape().total("jobs_in_progress") == 1
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: is_reaped(victim), "the killed worker is gone")
    scrape = server.scraper.scrape()
    assert scrape.total("jobs_in_progress") == 0
    check_totals(scrape, case, server.count)

    wait_until(lambda: answers(f"{server.url}/metrics"), "it answers again")
    server.ask(40)
    check(case, server)


def test_counts_every_task_of_a_celery_pool(segments: Path, tmp_path: Path) -> None:
    port = free_port()
    environment = environment_of(segments, tmp_path)
    (tmp_path / "broker").mkdir()
    worker = ["celery", "-A", "tasks", "worker", "-P", "prefork", "-c", str(WORKERS), "-l", "WARNING"]
    command = [
        *(SHMETRICS, "run", "--bridge", "--listen", f"127.0.0.1:{port}", "--", sys.executable, "-m", *worker),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    process = Process(command, environment, tmp_path, tmp_path / "log")
    scraper = Scraper(f"http://127.0.0.1:{port}/metrics")

    def send(code: str) -> None:
        subprocess.run(
            [sys.executable, "-c", f"import tasks; {code}"],
            env={**os.environ, **environment},
            check=True,
            cwd=tmp_path,
        )

    def done() -> float:
        return scraper.scrape().total("jobs_total")

    try:
        wait_until(lambda: answers(scraper.url) or not process.is_running(), "the collector answers")
        send(f"[tasks.job.delay(n) for n in range({REQUESTS})]")
        wait_until(lambda: done() >= REQUESTS, "all tasks are done")
        hang_file = tmp_path / "hang"
        send("tasks.hang.delay()")
        wait_until(lambda: hang_file.exists() and hang_file.read_text(), "a child of the pool hangs")
        victim = int(hang_file.read_text())
        assert scraper.scrape().total("jobs_in_progress") == 1
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: is_reaped(victim), "the killed child is gone")
        assert scraper.scrape().total("jobs_in_progress") == 0
        send("[tasks.job.delay(n) for n in range(20)]")
        wait_until(lambda: done() >= REQUESTS + 20, "the tasks after it are done")
        scrape = scraper.scrape()
        assert scrape.total("jobs_total") == scrape.total("job_size_count") == REQUESTS + 20
    finally:
        process.stop()
    assert "shmetrics: --bridge" not in process.log.read_text()
