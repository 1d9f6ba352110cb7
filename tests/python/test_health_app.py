# SPDX-License-Identifier: MIT
"""test_health_app - the probes on the application's own port, for every kind of application"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from time import monotonic
from typing import Any, Callable, Iterator

import httpx
import pytest

from conftest import until
from shmetrics import CollectorRegistry, Counter, Segment, health, health_app
from shmetrics.health_runner import Runner

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import expoclient  # noqa: E402
import expohttp  # noqa: E402

READY = "/api/v1/health/ready"
Get = Callable[[str, str], httpx.Response]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """Instead of the one of this process."""
    made = Runner()
    monkeypatch.setattr(health, "RUNNER", made)
    monkeypatch.setattr(health_app, "RUNNER", made)
    yield made
    made.stop()


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("orders", "Orders taken", registry=made).inc(3)
    return made


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})


def plain_wsgi(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [environ["PATH_INFO"].encode()]


def starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    return Starlette(routes=[Route("/{path:path}", lambda r: PlainTextResponse(r.url.path))])


def fastapi() -> Any:
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse

    app = FastAPI()
    app.add_api_route("/{path:path}", lambda path: PlainTextResponse("/" + path))
    return app


def flask() -> Any:
    from flask import Flask

    app = Flask("test")
    app.add_url_rule("/<path:path>", view_func=lambda path: "/" + path)
    return app


def asgi_get(app: Any) -> Get:
    def get(method: str, path: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path)

        return asyncio.run(ask())

    return get


def wsgi_get(app: Any) -> Get:
    def get(method: str, path: str) -> httpx.Response:
        with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://test") as client:
            return client.request(method, path)

    return get


APPLICATIONS = {
    "asgi": (lambda: plain_asgi, asgi_get, False),
    "starlette": (starlette, asgi_get, True),
    "fastapi": (fastapi, asgi_get, True),
    "wsgi": (lambda: plain_wsgi, wsgi_get, False),
    "flask": (flask, wsgi_get, True),
}


@pytest.fixture(params=APPLICATIONS)
def get(request: pytest.FixtureRequest, runner: Runner, registry: CollectorRegistry) -> Get:
    make, client, keeps = APPLICATIONS[request.param]
    app = make()
    mounted = health.mount(app, registry=registry)
    assert (mounted is app) == keeps, "frameworks keep it, one line is enough"
    return client(mounted)


def scrape(get: Get, path: str) -> list[str]:
    """The lines of an exposition that the strict checker has accepted."""
    answer = get("GET", path)
    assert answer.status_code == 200
    parser, body = expohttp.judge("GET", {}, answer.headers, answer.content)
    expocheck.check(body, expoclient.of(parser))
    return body.decode().splitlines()


def test_the_guides_endpoints_are_there(get: Get) -> None:
    for path in ("/health", "/api/v1/health/live", READY):
        answer = get("GET", path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["status"] in ("healthy", "ready")
    assert "orders_total 3.0" in scrape(get, "/api/v1/metrics")


def test_the_application_answers_everything_else(get: Get) -> None:
    for path in ("/orders", "/api/v1/health", "/api/v1/health/ready/", "/healthy"):
        assert get("GET", path).text == path


def test_probes_are_for_reading(get: Get) -> None:
    head = get("HEAD", READY)
    assert (head.status_code, head.content) == (200, b"")
    post = get("POST", READY)
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")


def test_ready_is_503_and_names_what_is_down_until_it_returns(
    get: Get, runner: Runner
) -> None:
    segment = Segment.open_private()
    broken = threading.Event()

    def ping() -> None:
        if broken.is_set():
            raise ConnectionRefusedError("nobody listens")

    health.check("database", ping, interval=0.05, ttl=30, timeout=10, segment=segment)
    health.check("redis", lambda: None, interval=0.05, ttl=30, timeout=10, segment=segment)
    until(lambda: get("GET", READY).status_code == 200, "all is up")
    broken.set()
    until(lambda: get("GET", READY).status_code == 503, "the database is down")
    said = get("GET", READY).json()
    assert said["status"] == "not ready"
    assert {c["name"]: c["status"] for c in said["checks"]} == {"database": "down", "redis": "up"}
    assert said["checks"][0]["detail"] == "ConnectionRefusedError: nobody listens"
    assert get("GET", "/health").status_code == get("GET", "/api/v1/health/live").status_code == 200
    broken.clear()
    until(lambda: get("GET", READY).status_code == 200, "it has returned")


def test_a_check_that_has_not_run_is_not_ready(get: Get, runner: Runner) -> None:
    runner.checks["x"] = health.Check(
        "x", int, 5, 15, 1, None, health.HealthCheck(Segment.open_private(), "x", 15)
    )
    answer = get("GET", READY)
    assert answer.status_code == 503
    assert json.loads(answer.content)["checks"][0]["status"] == "stale"


def test_async_checks_run_on_the_loop_of_the_application(runner: Runner) -> None:
    """Registered before there is one, as in a module that a preloading server imports."""
    seen = []

    async def ping() -> None:
        seen.append(asyncio.get_running_loop())

    async def serve() -> None:
        app = health.mount(plain_asgi)
        while monotonic() < check.due + 0.1:  # when it would run if it did not wait
            await asyncio.sleep(0.01)
        assert seen == []
        await app({"type": "lifespan"}, None, None)
        while not seen:
            await asyncio.sleep(0.01)
        assert seen == [asyncio.get_running_loop()]

    outcome = health.HealthCheck(Segment.open_private(), "x", 180)
    check = health.Check("x", ping, 60, 180, 10, None, outcome)
    health.mount(plain_asgi)
    runner.add(check)
    asyncio.run(asyncio.wait_for(serve(), 60))


def test_the_prefix_is_the_applications_choice(registry: CollectorRegistry) -> None:
    get = wsgi_get(health.mount(plain_wsgi, registry=registry, prefix="/ops"))
    assert get("GET", "/ops/health/ready").json()["status"] == "ready"
    assert "orders_total 3.0" in scrape(get, "/ops/metrics")
    assert get("GET", "/health").json() == {"status": "healthy"}
    assert get("GET", READY).text == READY


def test_behind_a_proxy_the_root_path_is_not_part_of_the_path(registry: CollectorRegistry) -> None:
    app = health.mount(plain_asgi, registry=registry)

    async def ask() -> int:
        transport = httpx.ASGITransport(app=app, root_path="/shop")
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.get("/shop" + READY)).status_code

    assert asyncio.run(ask()) == 200


def test_what_is_no_application_is_refused() -> None:
    with pytest.raises(TypeError, match="neither an ASGI nor a WSGI application"):
        health.mount(3)  # type: ignore[type-var]
