# SPDX-License-Identifier: MIT
"""aiohttp - a handler that serves a registry: app.router.add_get("/metrics", make_aiohttp_handler())"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, Awaitable, Callable

from .registry import REGISTRY, Collector
from .rendering import bake_output

__all__ = ("make_aiohttp_handler",)


def make_aiohttp_handler(
    registry: Collector = REGISTRY, disable_compression: bool = False
) -> Callable[[Any], Awaitable[Any]]:
    """A handler that serves a registry; the event loop goes on with other requests meanwhile."""
    web: Any = importlib.import_module("aiohttp.web")

    async def prometheus_handler(request: Any) -> Any:
        status, headers, body = await asyncio.to_thread(
            bake_output,
            registry,
            ",".join(request.headers.getall("Accept", [])),
            ",".join(request.headers.getall("Accept-Encoding", [])),
            {name: request.query.getall(name) for name in request.query},
            disable_compression,
        )
        return web.Response(status=int(status[:3]), headers=dict(headers), body=body)

    return prometheus_handler
