# SPDX-License-Identifier: MIT
"""served.py - what middleware.py and stall.py serve by uvicorn

`plain` is a FastAPI application; BENCH_RECORDS names the package by which each worker records BENCH_SERIES
counters at its start, BENCH_MOUNT whose /metrics it serves. `app` has the same application once for each
middleware: the first part of a path says which answers, so that all are compared in one process.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from fastapi import FastAPI

FAMILIES = 10


def make() -> FastAPI:
    made = FastAPI()

    @made.get("/items/{item_id}")
    async def item(item_id: int) -> dict[str, int]:
        return {"item": item_id}

    @made.get("/pid")
    async def pid() -> int:
        return os.getpid()

    return made


class Nothing:
    """The least a middleware can be."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def with_middleware(name: str) -> Any:
    # Around one application, which lies where it lies for all: of two alike one is microseconds slower.
    if name == "none":
        return shared
    if name in ("no-op", "control"):
        return Nothing(shared)
    if name == "shmetrics":
        from shmetrics.asgi import Middleware

        return Middleware(shared)
    made = make()
    if name == "instrumentator":
        from prometheus_fastapi_instrumentator import Instrumentator

        Instrumentator().instrument(made)
    elif name == "starlette_exporter":
        from starlette_exporter import PrometheusMiddleware

        made.add_middleware(PrometheusMiddleware)
    return made


def record(package: str, series: int) -> None:
    """So many counters, ten families with two labels."""
    counter = importlib.import_module(package).Counter
    for family in range(FAMILIES):
        events = counter(f"app_events_{family}", "Events of one kind.", ["method", "endpoint"])
        for number in range(series // FAMILIES):
            events.labels("GET", f"/api/v1/resource_{number}").inc(number + 1)


def mount(name: str) -> None:
    if name == "shmetrics":
        from shmetrics import make_asgi_app

        plain.mount("/metrics", make_asgi_app())
    elif name == "prometheus_client":
        from prometheus_client import CollectorRegistry, make_asgi_app
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        plain.mount("/metrics", make_asgi_app(registry=registry))
    elif name == "instrumentator":
        from prometheus_fastapi_instrumentator import Instrumentator

        Instrumentator().expose(plain)


plain = make()
shared = make()
record(os.environ.get("BENCH_RECORDS", "shmetrics"), int(os.environ.get("BENCH_SERIES", "0")))
mount(os.environ.get("BENCH_MOUNT", "none"))
by_name = {
    name: with_middleware(name) for name in os.environ.get("BENCH_MIDDLEWARES", "").split(",") if name
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        _, name, *rest = scope["path"].split("/")
        if name in by_name:
            scope["path"] = "/" + "/".join(rest)
            await by_name[name](scope, receive, send)
            return
    await plain(scope, receive, send)
