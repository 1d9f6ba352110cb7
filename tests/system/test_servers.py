# SPDX-License-Identifier: MIT
"""test_servers - the totals are exactly right under every server, also after workers are killed.

Attacks I1 (nothing recorded is lost, whoever is killed), I4 (counters never go back, gauges forget the dead
by the next scrape), I9 (the dead cost nothing) and I11 (liveness needs no pid), through real servers and the
collector: a load generator knows what was answered, and each answer says which duration was recorded for it.

    SMX_BUILD=build/dev pytest tests/system/test_servers.py
"""

import contextlib
import functools
import math
import os
import random
import select
import shutil
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import serving
from command import COLLECTOR, children, process_state
from serving import DEMO, Kind, Process, Scraper, Server, wait_until

sys.path.insert(0, str(DEMO))
import traffic  # noqa: E402


class Storm(NamedTuple):
    """How many workers are killed, and under what load."""

    restarts: int
    at_once: int
    connections: int
    scrape_every_seconds: float


# A Python worker takes most of two processors' time to start: less load leaves it some.
STORMS = {
    serving.PREFORKED: Storm(1000, 1, 6, 0.02),
    serving.GUNICORN_PRELOAD: Storm(100, 1, 4, 0.05),
    serving.UVICORN: Storm(30, 3, 3, 0.1),
}
HELD = 8

PREFORK_ROUTES = [
    traffic.Route("GET", "/", lambda *_: ("/", None), 4),
    traffic.Route("GET", "/items/{id}", lambda r, _: (f"/items/{r.randint(1, 99)}", None), 4),
    traffic.Route("GET", "/fail", lambda *_: ("/fail", None)),
    traffic.Route("GET", "/slow", lambda *_: ("/slow", None)),
    traffic.Route("GET", "unmatched", lambda r, _: (f"/nowhere/{r.randint(1, 99)}", None)),
]


def routes_of(kind: Kind) -> list[traffic.Route]:
    """The mix of requests that a server understands."""
    return PREFORK_ROUTES if kind is serving.PREFORKED else traffic.demo_routes(serving.UNMATCHED)


def name_of(kind: Kind) -> str:
    """A test's id."""
    return kind.name


@pytest.fixture
def segments() -> Iterator[Path]:
    """A folder for segments, in memory."""
    with serving.segment_folder() as folder:
        yield folder


def answers_of(server: Server) -> Counter[traffic.Key]:
    """What http_requests_total says, by method, endpoint and status."""
    return Counter(
        {
            (labels["method"], labels["endpoint"], int(labels["status_code"])): int(value)
            for labels, value in server.scraper.scrape().samples("http_requests_total")
        }
    )


def check_totals(server: Server, report: traffic.Report, sent: int) -> None:
    """Everything that was answered is counted, once, with its duration, and nothing else is."""
    assert report.answered == sent, f"{report.as_json()}\n{server.say()}"
    assert len(report.durations) == sent, "answers without the recorded duration"
    assert answers_of(server) == report.answers
    scrape = server.scraper.scrape()
    assert scrape.total("http_requests_total") == sent
    assert scrape.total("http_request_duration_seconds_count") == sent
    assert math.isclose(
        scrape.total("http_request_duration_seconds_sum"), report.duration_sum, rel_tol=1e-9
    )
    assert scrape.total("http_requests_in_progress") == 0


# ---- totals ----


@pytest.mark.parametrize(
    "kind",
    [serving.UVICORN, serving.GUNICORN, serving.GUNICORN_PRELOAD, serving.PREFORKED],
    ids=name_of,
)
def test_totals_are_exact(kind: Kind, segments: Path, tmp_path: Path) -> None:
    with serving.serving(kind, segments, tmp_path) as server:
        load = traffic.Traffic(server.url, routes_of(kind))
        load.start(1500)
        report = load.join()
        check_totals(server, report, 1500)
        if kind is not serving.PREFORKED:
            check_own_metrics(server, report)


def check_own_metrics(server: Server, report: traffic.Report) -> None:
    """The metrics that the demo itself records agree with its answers."""
    scrape = server.scraper.scrape()
    assert scrape.total("user_registrations_total") == report.answers["POST", "/api/v1/users", 201]
    answered, unavailable = (report.answers["POST", "/api/v1/chat", status] for status in (200, 503))
    assert scrape.total("agent_executions_total") == answered + unavailable
    assert scrape.total("agent_errors_total") == scrape.total("llm_errors_total") == unavailable > 0
    assert 0 < scrape.total("chat_sessions_total") <= answered + unavailable
    booked = scrape.total("bookings_created_total")
    assert booked >= report.answers["POST", "/api/v1/bookings", 201] > 0
    assert scrape.total("db_queries_total", operation="insert", table="bookings") == booked
    assert scrape.total("agent_concurrent_executions") == 0


# ---- reload ----


@pytest.fixture
def editable_demo(tmp_path: Path) -> Path:
    """A copy of the demo whose files may be touched."""
    shutil.copytree(DEMO / "standins", tmp_path / "demo" / "standins")
    return Path(shutil.copytree(DEMO / "src", tmp_path / "demo" / "src")).parent


def touch_source(demo: Path, workers: list[int], find_workers: Callable[[], list[int]]) -> None:
    """Changes a file and waits until the reloader has put another worker in the old one's place."""
    with (demo / "src" / "main.py").open("a", encoding="utf-8") as file:
        file.write("\n# touched\n")
    wait_until(
        lambda: find_workers() and not set(find_workers()) & set(workers), "uvicorn has reloaded the demo"
    )


def test_counters_survive_a_reload_under_run(segments: Path, tmp_path: Path, editable_demo: Path) -> None:
    with serving.serving(serving.UVICORN_RELOAD, segments, tmp_path, editable_demo) as server:
        whole = traffic.Report()
        for seed in (1, 2, 3):
            load = traffic.Traffic(server.url, routes_of(server.kind), 4, seed)
            load.start(100)
            whole.add(load.join())
            touch_source(editable_demo, server.workers(), server.workers)
        check_totals(server, whole, 300)


def test_a_reload_without_run_starts_a_new_generation(
    segments: Path, tmp_path: Path, editable_demo: Path
) -> None:
    port, metrics_port = serving.free_port(), serving.free_port()
    env = serving.environment(segments, tmp_path) | {"SHMETRICS_SEGMENT": "reload"}
    listen = f"127.0.0.1:{metrics_port}"
    scraper = Scraper(f"http://{listen}/metrics")
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        log = tmp_path / "server.log"
        command = [COLLECTOR, "--segment", "reload", "--web.listen-address", listen]
        stack.callback(Process(command, env, tmp_path, tmp_path / "collector.log").stop)
        server = Process(serving.UVICORN_RELOAD.command(port), env, editable_demo, log)
        stack.callback(server.stop)

        def workers() -> list[int]:
            return [
                pid for pid in children(server.pid) if serving.is_spawned(serving.command_line(pid))
            ]

        def is_up() -> bool:
            return (
                serving.answers(scraper.url)
                and scraper.writers() == 1
                and serving.is_listening(port)
            )

        wait_until(is_up, "the demo and the collector are up")
        for seed in (1, 2):
            load = traffic.Traffic(url, routes_of(serving.UVICORN_RELOAD), 4, seed)
            load.start(100)
            report = load.join()
            assert report.answered == 100, log.read_text()
            assert scraper.scrape().total("http_requests_total") == 100
            began = scraper.scrape().total("shmetrics_segment_created_timestamp_seconds")
            touch_source(editable_demo, workers(), workers)
            wait_until(is_up, "the reloaded demo is attached")
            scraper.forget()  # a new generation: counters begin again, as after any restart
            assert scraper.scrape().total("http_requests_total") == 0
            assert scraper.scrape().total("shmetrics_segment_created_timestamp_seconds") > began


# ---- requests that are held ----


class HeldRequest:
    """A request that is not answered until it is let go, or its worker is killed."""

    def __init__(self, server: Server) -> None:
        path = "/hold" if server.kind is serving.PREFORKED else "/api/v1/slow?seconds=60"
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    def is_alive(self) -> bool:
        """False once its worker has died, which closes the connection unanswered."""
        if not select.select([self.socket], [], [], 0)[0]:
            return True
        with contextlib.suppress(ConnectionResetError):
            assert self.socket.recv(1, socket.MSG_PEEK) == b"", "answered before it was let go"
        return False

    def let_go(self) -> bytes:
        """Lets the C server answer, and returns the answer."""
        self.socket.sendall(b"x")
        return self.socket.recv(4096)


@contextlib.contextmanager
def holding(server: Server) -> Iterator[list[HeldRequest]]:
    """Requests that the server is working on."""
    with contextlib.ExitStack() as stack:
        held = [HeldRequest(server) for _ in range(HELD)]
        for request in held:
            stack.callback(request.socket.close)
        wait_until(lambda: server.in_progress() == HELD, f"{HELD} requests are in progress")
        yield held


def kill_one_by_one(server: Server, held: list[HeldRequest]) -> None:
    """Kills the workers that hold requests; the next scrape after each knows how many are left."""
    alive = HELD
    for worker in server.workers():
        server.kill([worker])
        alive = sum(request.is_alive() for request in held)
        assert server.in_progress() == alive
    assert alive == 0


def is_stopped(pid: int) -> bool:
    """By SIGSTOP."""
    return process_state(pid) == "T"


@pytest.mark.parametrize(
    "kind", [serving.PREFORKED, serving.GUNICORN, serving.GUNICORN_PRELOAD, serving.UVICORN], ids=name_of
)
def test_in_progress_is_the_number_of_live_requests_after_a_kill(
    kind: Kind, segments: Path, tmp_path: Path
) -> None:
    with serving.serving(kind, segments, tmp_path) as server, holding(server) as held:
        kill_one_by_one(server, held)


@pytest.mark.parametrize("kind", [serving.PREFORKED, serving.GUNICORN, serving.UVICORN], ids=name_of)
def test_a_stopped_worker_stays_alive_in_every_figure(kind: Kind, segments: Path, tmp_path: Path) -> None:
    with serving.serving(kind, segments, tmp_path) as server:
        load = traffic.Traffic(server.url, routes_of(kind))
        load.start(200)
        answered = load.join().answered
        with holding(server) as held:
            writers = server.scraper.scrape().writers()
            for worker in server.workers():
                os.kill(worker, signal.SIGSTOP)
                wait_until(functools.partial(is_stopped, worker), "the worker is stopped")
                for _ in range(3):
                    assert server.in_progress() == HELD
                    assert server.scraper.scrape().writers() == writers
                    assert server.scraper.scrape().total("http_requests_total") == answered
                os.kill(worker, signal.SIGCONT)  # before its master takes it for a hung one
            if kind is serving.PREFORKED:
                assert all(b" 200 " in request.let_go() for request in held)
                assert server.in_progress() == 0
                assert server.scraper.scrape().total("http_requests_total") == answered + HELD
            else:
                kill_one_by_one(server, held)


def test_counters_outlive_all_workers_killed_at_once(segments: Path, tmp_path: Path) -> None:
    kind = serving.UVICORN
    with serving.serving(kind, segments, tmp_path) as server:
        load = traffic.Traffic(server.url, routes_of(kind))
        load.start(400)
        report = load.join()
        server.kill(server.workers())
        check_totals(server, report, 400)


# ---- the storm ----


class Watch:
    """Scrapes all the time; each scrape is checked by itself and against the one before."""

    def __init__(self, server: Server, every_seconds: float) -> None:
        self._scraper = Scraper(server.metrics_url)
        self._every_seconds = every_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: Exception | None = None
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._every_seconds):
                self._scraper.scrape()
        except Exception as error:  # whatever it is, the test's own thread is to raise it
            self._error = error

    def stop(self) -> int:
        """Ends, raises what was wrong, and returns how many scrapes were checked."""
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._scraper.count


def scrape_cost(server: Server) -> float:
    """The quickest of some scrapes, in seconds: the others were disturbed."""

    def once() -> float:
        began = time.perf_counter()
        serving.fetch(server.metrics_url)
        return time.perf_counter() - began

    return min(once() for _ in range(100))


def storm_routes(kind: Kind) -> list[traffic.Route]:
    """Requests that make no new series once each was seen: so the segment has no reason to grow."""
    return [route for route in routes_of(kind) if route.method == "GET"]


def check_storm_totals(server: Server, report: traffic.Report, kills: int) -> None:
    """Nothing answered is missing, nothing is counted that was not sent."""
    counted = answers_of(server)
    for key, count in report.answers.items():
        assert counted[key] >= count, f"answered but not counted: {key}"
    by_route: Counter[tuple[str, str]] = Counter()
    for (method, endpoint, _), count in counted.items():
        by_route[method, endpoint] += count
    for route, count in by_route.items():
        assert count <= report.sent[route], f"counted but not sent: {route}"
    scrape = server.scraper.scrape()
    observed = scrape.total("http_request_duration_seconds_count")
    assert report.answered <= observed <= report.sent.total()
    # a killed worker leaves at most the requests under way between the two
    assert abs(observed - counted.total()) <= report.unanswered
    assert scrape.total("http_request_duration_seconds_sum") >= report.duration_sum * (1 - 1e-9)
    assert report.unanswered > 0, f"{kills} kills and every request was answered: no storm"


@pytest.mark.parametrize("kind", STORMS, ids=name_of)
def test_a_storm_of_kills_loses_nothing(
    kind: Kind, segments: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    storm = STORMS[kind]
    random_ = random.Random(storm.restarts)
    with serving.serving(kind, segments, tmp_path) as server:
        load = traffic.Traffic(server.url, storm_routes(kind), storm.connections)
        warm_up = traffic.Traffic(server.url, storm_routes(kind), seed=2)
        warm_up.start(600)
        whole = warm_up.join()
        assert whole.answered == 600
        before = server.scraper.scrape()
        cost_before = scrape_cost(server)

        watch = Watch(server, storm.scrape_every_seconds)
        load.start()
        for _ in range(0, storm.restarts, storm.at_once):
            server.kill(random_.sample(server.workers(), storm.at_once))
        whole.add(load.stop())
        scrapes = watch.stop()

        server.wait_until_up()
        assert server.in_progress() == 0
        check_storm_totals(server, whole, storm.restarts)
        after = server.scraper.scrape()
        for figure in ("slots", "used_bytes", "series"):
            assert getattr(after, figure)() == getattr(before, figure)(), figure
        ratio = scrape_cost(server) / cost_before
        for name, value in (
            ("restarts", storm.restarts),
            ("answered", whole.answered),
            ("unanswered", whole.unanswered),
            ("scrapes checked", scrapes),
            ("scrape's cost, end / start", round(ratio, 2)),
        ):
            record_property(name, value)
            print(f"{kind.name}: {name}: {value}")
