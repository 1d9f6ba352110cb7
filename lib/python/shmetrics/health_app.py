# SPDX-License-Identifier: MIT
"""health_app - the probes and the metrics on the application's own port

    GET /health                200: the application runs
    GET /api/v1/health/live    the same, for a liveness probe: it never looks at a dependency
    GET /api/v1/health/ready   200 if every health check is up, else 503; JSON, check by check
    GET /api/v1/metrics        the whole segment, as from make_asgi_app() and make_wsgi_app()

Readiness reads outcomes that lie in memory, in microseconds; metrics are rendered in a thread and
without the interpreter's lock. So neither holds up an event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import (
    Any,
    Awaitable,
    Callable,
    Dict,
    Iterable,
    List,
    MutableMapping,
    Optional,
    Tuple,
    TypeVar,
)

from .exposition import make_wsgi_app
from .health_runner import RUNNER
from .metrics_app import make_asgi_app
from .registry import REGISTRY, CollectorRegistry

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = TypeVar("App")

_Answer = Tuple[int, bytes]
_REASONS = {200: "200 OK", 405: "405 Method Not Allowed", 503: "503 Service Unavailable"}
_METHOD_REFUSED = 405, b'{"detail":"only GET and HEAD are served here"}\n'


def mount(
    app: App, *, registry: CollectorRegistry = REGISTRY, prefix: str = "/api/v1"
) -> App:
    """Give an application /health, <prefix>/health/live, <prefix>/health/ready, <prefix>/metrics.

    app: FastAPI, Starlette or Flask, which keep it themselves; or any other ASGI or WSGI application
    (Litestar, Django), for which the one that is returned is to be served. Its own routes of these
    paths are hidden, and its middleware that was added before does not see these requests.
    registry: of the metrics.
    """
    if hasattr(app, "add_middleware") and hasattr(app, "router"):  # Starlette, FastAPI
        app.add_middleware(AsgiEndpoints, registry=registry, prefix=prefix)
        RUNNER.waits_for_loop = True
        return app
    wsgi = getattr(app, "wsgi_app", None)
    if callable(wsgi):  # Flask
        app.wsgi_app = WsgiEndpoints(wsgi, registry=registry, prefix=prefix)  # type: ignore[attr-defined]
        return app
    if not callable(app):
        raise TypeError(f"{app!r} is neither an ASGI nor a WSGI application")
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(
        getattr(app, "__call__", None)
    ):
        RUNNER.waits_for_loop = True
        return AsgiEndpoints(app, registry=registry, prefix=prefix)  # type: ignore[return-value]
    return WsgiEndpoints(app, registry=registry, prefix=prefix)  # type: ignore[return-value]


class _Endpoints:
    """What the paths answer, but for the metrics."""

    def __init__(self, prefix: str) -> None:
        self.metrics_path = f"{prefix}/metrics"
        self.answers: Dict[str, Callable[[], _Answer]] = {
            "/health": _alive,
            f"{prefix}/health/live": _alive,
            f"{prefix}/health/ready": _ready,
        }


def _alive() -> _Answer:
    return 200, b'{"status":"healthy"}\n'


def _ready() -> _Answer:
    checks = RUNNER.status()
    is_ready = all(check["status"] == "up" for check in checks)
    body = {"status": "ready" if is_ready else "not ready", "checks": checks}
    return 200 if is_ready else 503, json.dumps(body).encode() + b"\n"


class AsgiEndpoints(_Endpoints):
    """Around an ASGI application."""

    def __init__(
        self, app: Any, *, registry: CollectorRegistry = REGISTRY, prefix: str = "/api/v1"
    ) -> None:
        super().__init__(prefix)
        self.app = app
        self.metrics = make_asgi_app(registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        RUNNER.serve(_running_loop())
        path: str = scope.get("path", "") if scope["type"] == "http" else ""
        root: str = scope.get("root_path", "")
        if root and path.startswith(root + "/"):
            path = path[len(root) :]
        answer = self.answers.get(path)
        if answer is not None:
            await _send_json(send, scope["method"], answer)
        elif path == self.metrics_path:
            await self.metrics(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _running_loop() -> Optional[asyncio.AbstractEventLoop]:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # another kind of loop, trio's
        return None


async def _send_json(send: Send, method: str, make: Callable[[], _Answer]) -> None:
    status, body = make() if method in ("GET", "HEAD") else _METHOD_REFUSED
    headers = [(name.encode(), value.encode()) for name, value in _headers(status, body)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


class WsgiEndpoints(_Endpoints):
    """Around a WSGI application."""

    def __init__(
        self, app: Any, *, registry: CollectorRegistry = REGISTRY, prefix: str = "/api/v1"
    ) -> None:
        super().__init__(prefix)
        self.app = app
        self.metrics = make_wsgi_app(registry)

    def __call__(
        self, environ: Dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        RUNNER.serve(None)
        path = environ.get("PATH_INFO", "")
        make = self.answers.get(path)
        if make is not None:
            method = environ["REQUEST_METHOD"]
            status, body = make() if method in ("GET", "HEAD") else _METHOD_REFUSED
            start_response(_REASONS[status], _headers(status, body))
            return [b"" if method == "HEAD" else body]
        if path == self.metrics_path:
            return self.metrics(environ, start_response)
        answer: Iterable[bytes] = self.app(environ, start_response)
        return answer


def _headers(status: int, body: bytes) -> List[Tuple[str, str]]:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    return headers + [("Allow", "GET, HEAD")] if status == 405 else headers
