# SPDX-License-Identifier: MIT
"""Serving a registry: the ASGI and WSGI applications, the server in a thread, the text file."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, Iterable

import pytest
from conftest import Run

import shmetrics
from shmetrics.core import GaugeMetricFamily

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from applications import Asgi, Port  # noqa: E402


def registry_with_a_counter(library: ModuleType) -> Any:
    registry = library.CollectorRegistry()
    library.Counter("jobs", "Jobs. " + "Many of them. " * 100, registry=registry).inc(2)
    library.Gauge("level", "Level.", registry=registry).set(3)
    return registry


def asgi(library: ModuleType, app: Any) -> Asgi:
    """What is theirs is not judged."""
    return Asgi(app, judged=library is shmetrics)


def test_an_asgi_application_serves_the_registry(library: ModuleType) -> None:
    app = asgi(library, library.make_asgi_app(registry_with_a_counter(library)))
    answer = app.request()
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"\njobs_total 2.0\n" in answer.body and b"\nlevel 3.0\n" in answer.body
    answer = app.request("/metrics?name[]=level&name[]=none")
    assert answer.body == b"# HELP level Level.\n# TYPE level gauge\nlevel 3.0\n"
    answer = app.request(headers={"Accept-Encoding": "br", "accept-encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"\njobs_total 2.0\n" in answer.content
    answer = app.request(headers={"accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0;")
    assert answer.body.endswith(b"# EOF\n")


def test_only_reading_is_allowed() -> None:
    app = Asgi(shmetrics.make_asgi_app(registry_with_a_counter(shmetrics)))
    answer = app.request(method="POST")
    assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS,GET")
    answer = app.request(method="OPTIONS")
    assert (answer.status, answer.headers["Allow"], answer.body) == (200, "OPTIONS,GET", b"")
    answer = app.request(method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def test_the_event_loop_does_not_wait() -> None:
    """The registry is asked in another thread, and the loop runs on until that is done."""
    answered = threading.Event()

    class Slow:
        def collect(self) -> Iterable[Any]:
            assert answered.wait(30), "the event loop stood still"
            return [GaugeMetricFamily("thread", "", value=threading.get_ident())]

    registry = shmetrics.CollectorRegistry()
    registry.register(Slow())
    app = shmetrics.make_asgi_app(registry)

    async def serve() -> bytes:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        scrape = asyncio.ensure_future(app({"type": "http", "method": "GET"}, receive, send))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(answered.set)
        await scrape
        body: bytes = sent[1]["body"]
        return body

    body = asyncio.run(serve())
    assert b"thread " in body
    assert registry.get_sample_value("thread") == threading.get_ident()


def test_other_requests_go_on_while_a_large_answer_is_sent() -> None:
    registry = shmetrics.CollectorRegistry()
    counter = shmetrics.Counter("jobs", "Jobs.", ["kind"], registry=registry)
    for number in range(5000):
        counter.labels(f"a kind of job with a long name, {number}").inc()
    turns: list[int] = []  # how many pieces had been sent at each turn of the loop
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve() -> None:
        loop = asyncio.get_running_loop()

        def turn() -> None:
            turns.append(len(sent))
            loop.call_soon(turn)

        turn()
        await shmetrics.make_asgi_app(registry)({"type": "http", "method": "GET"}, receive, send)

    asyncio.run(serve())
    assert len(sent) > 4
    assert set(turns) >= set(range(2, len(sent) - 1)), "pieces were sent without a turn between"
    assert b"".join(piece["body"] for piece in sent[1:]) == shmetrics.generate_latest(registry)


def test_any_process_answers_for_all(run: Run) -> None:
    run(
        """
        import asyncio, os
        from shmetrics import Counter, make_asgi_app
        counter = Counter("jobs", "Jobs.")
        counter.inc()
        if os.fork() == 0:
            counter.inc(41)
            os._exit(0)
        assert os.wait()[1] == 0
        sent = []
        async def receive():
            return {"type": "http.request"}
        async def send(message):
            sent.append(message)
        asyncio.run(make_asgi_app()({"type": "http", "method": "GET"}, receive, send))
        assert b"jobs_total 42.0\\n" in sent[1]["body"]
        """
    )


def test_a_server_in_a_thread(library: ModuleType) -> None:
    registry = registry_with_a_counter(library)
    server, thread = library.start_http_server(0, addr="127.0.0.1", registry=registry)
    try:
        assert thread.daemon and thread.is_alive()
        served = Port(server.server_port, judged=library is shmetrics)
        answer = served.request()
        assert answer.status == 200 and b"\njobs_total 2.0\n" in answer.body
        answer = served.request("/favicon.ico")
        assert (answer.status, answer.body) == (200, b"")
        assert b"level" not in served.request("/metrics?name[]=jobs_total").body
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
    assert not thread.is_alive()


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path, library: ModuleType) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(FileNotFoundError, match="missing.pem"):
        library.start_http_server(0, addr="127.0.0.1", certfile=missing, keyfile=missing)


def test_a_file_for_the_node_exporter(tmp_path: Path, library: ModuleType) -> None:
    path = tmp_path / "jobs.prom"
    library.write_to_textfile(str(path), registry_with_a_counter(library))
    assert b"\njobs_total 2.0\n" in path.read_bytes()
    assert os.listdir(tmp_path) == ["jobs.prom"]
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    library.write_to_textfile(str(path), library.CollectorRegistry(), tmpdir=str(elsewhere))
    assert path.read_bytes() == b"" and not os.listdir(elsewhere)


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path, library: ModuleType) -> None:
    class Broken:
        def collect(self) -> Iterable[Any]:
            raise ZeroDivisionError

    path = tmp_path / "jobs.prom"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        library.write_to_textfile(str(path), Broken())
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["jobs.prom"]
