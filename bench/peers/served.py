# SPDX-License-Identifier: MIT
"""served.py - the FastAPI application of middleware.py and stall.py, for uvicorn

BENCH_MIDDLEWARE names what is around it; BENCH_RECORDS by which package each worker records BENCH_SERIES
counters at its start; BENCH_MOUNT whose /metrics it serves.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from fastapi import FastAPI

FAMILIES = 10

app = FastAPI()


@app.get("/items/{item_id}")
async def item(item_id: int) -> dict[str, int]:
    return {"item": item_id}


@app.get("/pid")
async def pid() -> int:
    return os.getpid()


class Nothing:
    """The least a middleware can be."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def wrap(name: str) -> None:
    if name == "no-op":
        app.add_middleware(Nothing)
    elif name == "shmetrics":
        from shmetrics.asgi import Middleware

        app.add_middleware(Middleware)
    elif name == "instrumentator":
        from prometheus_fastapi_instrumentator import Instrumentator

        Instrumentator().instrument(app)
    elif name == "starlette_exporter":
        from starlette_exporter import PrometheusMiddleware

        app.add_middleware(PrometheusMiddleware)


wrap(os.environ.get("BENCH_MIDDLEWARE", "none"))


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

        app.mount("/metrics", make_asgi_app())
    elif name == "prometheus_client":
        from prometheus_client import CollectorRegistry, make_asgi_app
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        app.mount("/metrics", make_asgi_app(registry=registry))
    elif name == "instrumentator":
        from prometheus_fastapi_instrumentator import Instrumentator

        Instrumentator().expose(app)


record(os.environ.get("BENCH_RECORDS", "shmetrics"), int(os.environ.get("BENCH_SERIES", "0")))
mount(os.environ.get("BENCH_MOUNT", "none"))
