# SPDX-License-Identifier: MIT
"""metrics_app - an ASGI application that serves a registry, for app.mount("/metrics", ...)

The event loop goes on with other requests meanwhile: the answer is made in a thread of the loop's
default executor, and nearly all of it without the interpreter's lock. It is sent in pieces, other
requests between them: some servers copy what they are given, and a large scrape has megabytes.
"""

from __future__ import annotations

from typing import Any, Awaitable, Callable, List, MutableMapping, Optional, Tuple

from .registry import REGISTRY, Collector
from .rendering import bake_output, query_parameters

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_ALLOW = [(b"Allow", b"OPTIONS,GET")]
_PIECE_BYTES = 64 * 1024


def make_asgi_app(registry: Collector = REGISTRY, disable_compression: bool = False) -> App:
    """An ASGI application that serves a registry at every path.

    Of REGISTRY that is the whole segment: any worker may answer for all. name[] in the query
    chooses families; the format is the one that the Accept header likes best.
    """

    async def prometheus_app(scope: Scope, receive: Receive, send: Send) -> None:
        import asyncio  # only where there is a loop: it takes longer to load than all of this

        if scope["type"] != "http":
            # Servers take it for an application without lifespan events.
            raise AssertionError(f"metrics are served over HTTP, not by {scope['type']!r} events")
        method = scope.get("method", "GET")
        status, headers, body = 200, _ALLOW, b""
        if method in ("GET", "HEAD"):
            status, headers, body = await asyncio.to_thread(
                _answer, registry, scope, disable_compression
            )
        elif method != "OPTIONS":
            status = 405
            body = f"# HTTP 405 Method Not Allowed: {method}; use OPTIONS or GET\n".encode()
        message = await receive()
        if message["type"] != "http.request":
            return  # the client has gone
        await send({"type": "http.response.start", "status": status, "headers": headers})
        rest = memoryview(b"" if method == "HEAD" else body)
        while len(rest) > _PIECE_BYTES:
            piece, rest = bytes(rest[:_PIECE_BYTES]), rest[_PIECE_BYTES:]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": bytes(rest)})

    return prometheus_app


def _answer(
    registry: Collector, scope: Scope, disable_compression: bool
) -> Tuple[int, List[Tuple[bytes, bytes]], bytes]:
    status, headers, body = bake_output(
        registry,
        _header(scope, b"accept"),
        _header(scope, b"accept-encoding"),
        query_parameters(scope.get("query_string", b"").decode("latin-1")),
        disable_compression,
    )
    encoded = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
    return int(status[:3]), encoded, body


def _header(scope: Scope, wanted: bytes) -> Optional[str]:
    values = [value for name, value in scope.get("headers", ()) if name.lower() == wanted]
    return b",".join(values).decode("latin-1")
