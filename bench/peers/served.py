# SPDX-License-Identifier: MIT
"""served.py - the FastAPI application of middleware.py and stall.py, for uvicorn

BENCH_MIDDLEWARE names what is around it, BENCH_SERIES how many series it records at its start, BENCH_MOUNT
whether and whose /metrics is mounted.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI

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
