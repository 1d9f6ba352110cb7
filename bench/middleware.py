# SPDX-License-Identifier: MIT
"""middleware.py - what does a middleware add to a request, in processor time of the workers?

The same FastAPI application under uvicorn with two workers, once for each middleware, all in the same
processes; the path says which one answers. Each is compared with a pure ASGI middleware that does
nothing: a request on every connection through one, then the same through the other, the other way
round the next time. What is added is the median of the differences. A second middleware that does
nothing says how far from 0 the figure may be by chance. (Longer turns do not do: from one of 120
requests to the next the machine itself changes by more than what is asked.) prometheus_client is
either in its multiprocess mode or not, so there is a server for each.

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

CONNECTIONS_EACH = 6
WARM_UP, TURNS = 5, 40  # of each, before the next middleware comes
NO_OP, CONTROL = "no-op", "control"
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


def turn(server: Server, connections: list[Connection], name: str) -> float:
    """A request on each connection at once: nanoseconds of the workers' processors for one."""
    path = b"/%s/items/7" % name.encode()
    begin = server.cpu_ns()
    for connection in connections:
        connection.ask(path)
    for connection in connections:
        connection.answer(path)
    return (server.cpu_ns() - begin) / len(connections)


class Compared:
    """A middleware's turns and those of the no-op beside them, in nanoseconds a request."""

    def __init__(self) -> None:
        self.turns: list[float] = []
        self.no_op: list[float] = []

    def request_us(self) -> float:
        return median(self.turns) / 1e3

    def added_us(self) -> float:
        pairs = zip(self.turns, self.no_op, strict=True)
        return median(with_it - without for with_it, without in pairs) / 1e3


def measure(names: list[str]) -> dict[str, Compared]:
    server = Server({"BENCH_MIDDLEWARES": ",".join([NO_OP, *names])})
    found = {name: Compared() for name in names}
    try:
        connections = server.connect(CONNECTIONS_EACH)
        for _ in range(10 if is_quick() else 30):
            for name, compared in found.items():
                # What it needs is in the processors' caches, as it is where each request passes it.
                for _ in range(WARM_UP):
                    turn(server, connections, name)
                for number in range(TURNS):
                    sides = [(name, compared.turns), (NO_OP, compared.no_op)]
                    for side, into in reversed(sides) if number % 2 else sides:
                        into.append(turn(server, connections, side))
    finally:
        server.close()
    return found


def main() -> None:
    without_server()
    os.environ["SHMETRICS_SEGMENT"] = "bench-middleware"
    alone = measure(["none", CONTROL, "shmetrics", *PEERS_MEASURED])
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ["BENCH_MULTIPROC_DIR"]
    multiprocess = measure(PEERS_MEASURED)

    for name, compared in alone.items():
        emit(f"{name}: a request", compared.request_us(), "us")
    ours = alone["shmetrics"].added_us()
    emit("another no-op: added to a no-op", alone[CONTROL].added_us(), "us")
    emit("shmetrics: added to a no-op", ours, "us", at_most=2.5)
    for mode, found in (("", alone), (", multiprocess", multiprocess)):
        for peer in PEERS_MEASURED:
            emit(f"{peer}{mode}: added to a no-op", found[peer].added_us(), "us")
    for mode, found in (("", alone), (", multiprocess", multiprocess)):
        for peer in PEERS_MEASURED:
            # This way round it means something where ours adds next to nothing, too.
            target = 1 / 6 if peer == "instrumentator" else None
            ratio = ours / found[peer].added_us()
            emit(f"ours / {peer}{mode}, added", ratio, "x", at_most=target)


if __name__ == "__main__":
    main()
