# SPDX-License-Identifier: MIT
"""middleware.py - what does a middleware add to a request, in processor time of the workers?

The same FastAPI application under uvicorn with two workers, once for each middleware, all in the same
processes; the path says which one answers. Blocks of requests take turns, a few requests at a time. What a
middleware adds is the median, over the rounds, of the difference between its block and the block of the same
round of a pure ASGI middleware that does nothing: a machine that is slow for a while slows both.
prometheus_client is either in its multiprocess mode or not, so there is a server for each.

Before that, ours around an application that only answers, called in this process without a server: what is
its own, without what it does to the caches of a real one, and a figure that a busy machine moves little.
"""

from __future__ import annotations

import contextlib
import os
import sys
from statistics import median
from typing import Any

from harness import Case, emit, is_quick, side_by_side
from server import PEERS, Connection, Server

sys.path.append(str(PEERS))

BURSTS = 10  # of a block: a request on each connection at once
CONNECTIONS_EACH = 6
PEERS_MEASURED = ["instrumentator", "starlette_exporter"]


class Route:
    """As a router leaves it in the scope."""

    path = "/items/{item_id}"
    endpoint = None


ROUTE = Route()
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-length", b"10"), (b"content-type", b"application/json")],
}
BODY = {"type": "http.response.body", "body": b'{"item":7}'}


async def answer(scope: Any, receive: Any, send: Any) -> None:
    scope["route"] = ROUTE
    await send(START)
    await send(BODY)


async def server_send(message: Any) -> None:
    pass


def request(app: Any) -> None:
    """One request, as a server makes it; nothing in it waits."""
    scope = {"type": "http", "method": bytes(b"GET").decode(), "path": "/items/7", "root_path": ""}
    coroutine = app(scope, None, server_send)
    with contextlib.suppress(StopIteration):
        coroutine.send(None)


def without_server() -> None:
    from served import Nothing

    from shmetrics import CollectorRegistry
    from shmetrics.asgi import Middleware

    apps = {"nothing": Nothing(answer), "ours": Middleware(answer, registry=CollectorRegistry())}
    names = {**apps, "request": request}
    cases = [Case(name, f"request({name})", names) for name in apps]
    side_by_side(cases, rounds=41 if is_quick() else 121, block_ns=1e6)
    nothing, ours = (case.rounds for case in cases)
    added = median(b - a for a, b in zip(nothing, ours, strict=True)) / 1e3
    emit("shmetrics.asgi, without a server: added to a no-op", added, "us")


def block(server: Server, connections: list[Connection], name: str) -> float:
    """Nanoseconds of the workers' processors for a request."""
    path = b"/%s/items/7" % name.encode()
    begin = server.cpu_ns()
    for _ in range(BURSTS):
        for connection in connections:
            connection.ask(path)
        for connection in connections:
            connection.answer(path)
    return (server.cpu_ns() - begin) / (BURSTS * len(connections))


def measure(names: list[str]) -> dict[str, list[float]]:
    """The rounds of each middleware."""
    server = Server({"BENCH_MIDDLEWARES": ",".join(names)})
    rounds: dict[str, list[float]] = {name: [] for name in names}
    try:
        connections = server.connect(CONNECTIONS_EACH)
        for name in names:
            block(server, connections, name)
        for number in range(31 if is_quick() else 101):
            for name in reversed(names) if number % 2 else names:
                rounds[name].append(block(server, connections, name))
    finally:
        server.close()
    return rounds


def added_us(rounds: dict[str, list[float]], name: str) -> float:
    pairs = zip(rounds[name], rounds["no-op"], strict=True)
    return median(with_it - without for with_it, without in pairs) / 1e3


def main() -> None:
    without_server()
    os.environ["SHMETRICS_SEGMENT"] = "bench-middleware"
    alone = measure(["none", "no-op", "shmetrics", *PEERS_MEASURED])
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ["BENCH_MULTIPROC_DIR"]
    multiprocess = measure(["no-op", *PEERS_MEASURED])

    for name, rounds in alone.items():
        emit(f"{name}: a request", median(rounds) / 1e3, "us")
    ours = added_us(alone, "shmetrics")
    emit("shmetrics: added to a no-op", ours, "us", at_most=2.5)
    for mode, found in (("", alone), (", multiprocess", multiprocess)):
        for peer in PEERS_MEASURED:
            emit(f"{peer}{mode}: added to a no-op", added_us(found, peer), "us")
    for mode, found in (("", alone), (", multiprocess", multiprocess)):
        for peer in PEERS_MEASURED:
            # This way round it means something where ours adds next to nothing, too.
            target = 1 / 6 if peer == "instrumentator" else None
            ratio = ours / added_us(found, peer)
            emit(f"ours / {peer}{mode}, added", ratio, "x", at_most=target)


if __name__ == "__main__":
    main()
