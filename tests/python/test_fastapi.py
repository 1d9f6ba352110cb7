# SPDX-License-Identifier: MIT
"""Route templates of FastAPI and Starlette applications, and a server that is killed with its answers out."""

from __future__ import annotations

import asyncio
import collections
import http.client
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import until
from fastapi import APIRouter, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

import shmetrics
from shmetrics.asgi import Middleware


async def answer(request: Any) -> PlainTextResponse:
    return PlainTextResponse("answer")


async def other(request: Any) -> PlainTextResponse:
    return PlainTextResponse("other")


def fastapi_application(static: Path) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def root() -> str:
        return "root"

    @app.get("/items/{item_id}")
    async def item(item_id: int) -> int:
        if item_id == 0:
            raise HTTPException(404)
        return item_id

    @app.get("/files/{name:path}")
    def file(name: str) -> str:
        return name

    @app.get("/fail")
    def fail() -> None:
        raise RuntimeError("failed")

    @app.get("/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(iter(["one", "two"]))

    inner = APIRouter(prefix="/inner")

    @inner.get("/{number}")
    def inside(number: int) -> int:
        return number

    outer = APIRouter()
    outer.include_router(inner, prefix="/outer/{tenant}")
    app.include_router(outer, prefix="/v1")

    sub = FastAPI()

    @sub.get("/leaf/{leaf_id}")
    def leaf(leaf_id: str) -> str:
        return leaf_id

    app.mount("/sub", sub)
    app.mount("/of/{tenant}", sub)
    app.mount("/static", StaticFiles(directory=static))
    return app


def counted(registry: Any) -> dict[tuple[str, str, str], float]:
    return {
        (labels["method"], labels["endpoint"], labels["status_code"]): value
        for family in registry.collect()
        for name, labels, value, *_ in family.samples
        if name == "http_requests_total"
    }


CASES = [
    ("GET", "/", "/", 200),
    ("GET", "/items/7", "/items/{item_id}", 200),
    ("GET", "/items/0", "/items/{item_id}", 404),
    ("GET", "/items/seven", "/items/{item_id}", 422),
    ("DELETE", "/items/7", "/items/{item_id}", 405),
    ("GET", "/files/a/b/c", "/files/{name:path}", 200),
    ("GET", "/stream", "/stream", 200),
    ("GET", "/fail", "/fail", 500),
    ("GET", "/v1/outer/acme/inner/5", "/v1/outer/{tenant}/inner/{number}", 200),
    ("GET", "/sub/leaf/1", "/sub/leaf/{leaf_id}", 200),
    ("GET", "/sub/leaf/sub", "/sub/leaf/{leaf_id}", 200),
    ("GET", "/of/acme/leaf/2", "/of/{tenant}/leaf/{leaf_id}", 200),
    ("GET", "/of/leaf/leaf/leaf", "/of/{tenant}/leaf/{leaf_id}", 200),
    ("GET", "/sub/nothing", "/sub/{path}", 404),
    ("GET", "/of/acme/nothing", "/of/{tenant}/{path}", 404),
    ("GET", "/static/here.txt", "/static/{path}", 200),
    ("GET", "/static/away.txt", "/static/{path}", 404),
    ("GET", "/nothing", "<unmatched>", 404),
    ("GET", "/openapi.json", "/openapi.json", 200),
]


@pytest.mark.parametrize("around", [True, False], ids=["around", "within"])
@pytest.mark.parametrize("method, path, template, status", CASES)
def test_fastapi_routes(
    tmp_path: Path, around: bool, method: str, path: str, template: str, status: int
) -> None:
    (tmp_path / "here.txt").write_text("here")
    registry = shmetrics.CollectorRegistry()
    app: Any = fastapi_application(tmp_path)
    if around:
        app = Middleware(app, registry=registry)
    else:
        app.add_middleware(Middleware, registry=registry)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.request(method, path).status_code == status
    labels = {"method": method, "endpoint": template, "status_code": str(status)}
    counts = [s for m in registry.collect() for s in m.samples if s.name == "http_requests_total"]
    assert [(sample.labels, sample.value) for sample in counts] == [(labels, 1)]


def test_a_route_is_known_again_by_what_decides_its_label(tmp_path: Path) -> None:
    """One application for all cases: each is asked for after every other, its label known or not."""
    (tmp_path / "here.txt").write_text("here")
    registry = shmetrics.CollectorRegistry()
    client = TestClient(
        Middleware(fastapi_application(tmp_path), registry=registry), raise_server_exceptions=False
    )
    rounds = [CASES, CASES[::-1], CASES[::2] + CASES[1::2]]
    for cases in rounds:
        for method, path, _, status in cases:
            assert client.request(method, path).status_code == status
    wanted = collections.Counter(
        (method, template, str(status)) for method, _, template, status in CASES * len(rounds)
    )
    assert counted(registry) == wanted


def test_routes_that_come_and_go_keep_their_own_labels() -> None:
    """More of them than are kept, each at an address where another has been."""
    registry = shmetrics.CollectorRegistry()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = SimpleNamespace(path=scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        pass

    async def ask() -> None:
        middleware = Middleware(app, registry=registry)
        for number in range(2000):
            await middleware({"type": "http", "method": "GET", "path": f"/{number}"}, None, send)

    asyncio.run(ask())
    assert counted(registry) == {("GET", f"/{number}", "200"): 1 for number in range(2000)}


@pytest.mark.parametrize("root_path", ["", "/proxy"])
@pytest.mark.parametrize(
    "path, template",
    [
        ("/plain", "/plain"),
        ("/users/5", "/users/{name}"),
        ("/m/users/5", "/m/users/{name}"),
        ("/m/deep/5/users/m", "/m/deep/{level:int}/users/{name}"),
        ("/r/users/6", "/r/users/{name}"),
        ("/m/nothing", "/m/{path}"),
        ("/nothing", "<unmatched>"),
    ],
)
def test_starlette_routes(path: str, template: str, root_path: str) -> None:
    registry = shmetrics.CollectorRegistry()
    users = Route("/users/{name}", answer)
    app = Starlette(
        routes=[
            Route("/plain", other),
            users,
            Mount("/m", routes=[users, Mount("/deep/{level:int}", routes=[users])]),
            Mount("/r", app=Router([users])),
        ]
    )
    client = TestClient(Middleware(app, registry=registry), root_path=root_path)
    answered = client.get(root_path + path)
    assert answered.status_code == (404 if template in ("/m/{path}", "<unmatched>") else 200)
    counts = [s for m in registry.collect() for s in m.samples if s.name == "http_requests_total"]
    # Of a mount only the value of a parameter is known, not its converter.
    assert [sample.labels["endpoint"] for sample in counts] == [
        template.replace("{level:int}", "{level}")
    ]


def test_the_duration_header_reaches_the_client(tmp_path: Path) -> None:
    registry = shmetrics.CollectorRegistry()
    app = Middleware(
        fastapi_application(tmp_path), registry=registry, duration_header="x-recorded-duration"
    )
    client = TestClient(app, raise_server_exceptions=False)
    told = 0.0
    for path in ("/items/1", "/items/2", "/items/3"):
        told += float(client.get(path).headers["x-recorded-duration"])
    labels = {"method": "GET", "endpoint": "/items/{item_id}"}
    # The sum is kept in stripes, which are added up in another order.
    total = registry.get_sample_value("http_request_duration_seconds_sum", labels)
    assert total == pytest.approx(told, rel=1e-12)
    assert "x-recorded-duration" in client.get("/fail").headers


SERVER = """
    import os, sys
    import uvicorn
    from fastapi import FastAPI, Response
    from fastapi.responses import StreamingResponse
    from shmetrics.asgi import Middleware

    app = FastAPI()

    @app.get("/whole")
    def whole():
        return Response("answer")

    @app.get("/parts")
    def parts():
        return StreamingResponse(iter([b"ans", b"wer"]), headers={"content-length": "6"})

    @app.get("/chunks")
    def chunks():
        return StreamingResponse(iter([b"ans", b"wer"]))

    uvicorn.run(Middleware(app), fd=int(sys.argv[1]), log_level="error", http=sys.argv[2])
"""


@pytest.mark.parametrize("path", ["/whole", "/parts", "/chunks"])
def test_who_has_an_answer_is_counted_though_the_server_is_killed_at_once(
    path: str, environment: dict[str, str], segment_directory: Path
) -> None:
    import socket

    segment = shmetrics.Segment.open(str(segment_directory / "test"))
    registry = shmetrics.CollectorRegistry(segment=segment)
    rounds = 2
    for served in range(1, rounds + 1):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            server = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(SERVER), str(listener.fileno()), "h11"],
                env=environment,
                pass_fds=[listener.fileno()],
            )
            try:
                connection = http.client.HTTPConnection(*listener.getsockname(), timeout=60)
                connection.request("GET", path)
                assert connection.getresponse().read() == b"answer"
                os.kill(server.pid, signal.SIGKILL)
            finally:
                server.kill()
                server.wait()
        labels = {"method": "GET", "endpoint": path, "status_code": "200"}
        assert registry.get_sample_value("http_requests_total", labels) == served
        assert registry.get_sample_value("http_requests_in_progress") == 0


def test_a_client_that_goes_away_leaves(
    environment: dict[str, str], segment_directory: Path
) -> None:
    import socket

    code = """
        import sys, asyncio
        import uvicorn
        from starlette.applications import Starlette
        from starlette.responses import StreamingResponse
        from starlette.routing import Route
        from shmetrics.asgi import Middleware

        async def endless(request):
            async def parts():
                while True:
                    yield b"x" * 1000
                    await asyncio.sleep(0.001)
            return StreamingResponse(parts())

        app = Middleware(Starlette(routes=[Route("/endless", endless)]))
        uvicorn.run(app, fd=int(sys.argv[1]), log_level="critical")
    """
    segment = shmetrics.Segment.open(str(segment_directory / "test"))
    registry = shmetrics.CollectorRegistry(segment=segment)
    labels = {"method": "GET", "endpoint": "/endless", "status_code": "200"}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(listener.fileno())],
            env=environment,
            pass_fds=[listener.fileno()],
        )
        try:
            connection = http.client.HTTPConnection(*listener.getsockname(), timeout=60)
            connection.request("GET", "/endless")
            response = connection.getresponse()
            response.read(3000)
            assert registry.get_sample_value("http_requests_in_progress") == 1
            response.close()
            connection.close()
            until(
                lambda: registry.get_sample_value("http_requests_in_progress") == 0,
                "the request leaves the gauge",
            )
            assert registry.get_sample_value("http_requests_total", labels) == 1
        finally:
            server.kill()
            server.wait()
