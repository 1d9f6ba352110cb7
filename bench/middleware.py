# SPDX-License-Identifier: MIT
"""middleware.py - what does a middleware add to a request, in processor time of the workers?

The same FastAPI application under uvicorn with two workers, once for each middleware, all alive at the
same time. Blocks of requests go to one server after the other; a request starts when the one before it is
answered, so that each is one turn of the worker's loop and nothing is shared. What a middleware adds is
the difference to a pure ASGI middleware that does nothing, in the same round.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from harness import emit, is_quick
from server import Connection, Server

BLOCK = 250
CONNECTIONS_EACH = 2


@dataclass
class Variant:
    name: str
    middleware: str
    multiprocess: bool = False
    connections: list[Connection] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)

    def start(self, folder: Path) -> Server:
        environment = {"BENCH_MIDDLEWARE": self.middleware}
        if self.middleware == "shmetrics":
            environment["SHMETRICS_SEGMENT"] = "bench-middleware"
        if self.multiprocess:
            directory = folder / self.name.replace(" ", "-")
            directory.mkdir()
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(directory)
        return Server(environment)

    def block(self, server: Server) -> float:
        """Nanoseconds of the workers' processors for a request."""
        begin = server.cpu_ns()
        for number in range(BLOCK):
            self.connections[number % len(self.connections)].get(b"/items/%d" % number)
        return (server.cpu_ns() - begin) / BLOCK


def main() -> None:
    folder = Path(os.environ["BENCH_MULTIPROC_DIR"])
    nothing = Variant("no-op ASGI middleware", "no-op")
    ours = Variant("shmetrics.asgi", "shmetrics")
    peers = [
        Variant("prometheus-fastapi-instrumentator", "instrumentator"),
        Variant("prometheus-fastapi-instrumentator, multiprocess", "instrumentator", True),
        Variant("starlette_exporter", "starlette_exporter"),
        Variant("starlette_exporter, multiprocess", "starlette_exporter", True),
    ]
    variants = [Variant("no middleware", "none"), nothing, ours, *peers]
    with contextlib.ExitStack() as stack:
        servers = []
        for variant in variants:
            servers.append(variant.start(folder))
            stack.callback(servers[-1].close)
        for variant, server in zip(variants, servers, strict=True):
            variant.connections = server.connect(CONNECTIONS_EACH)
            variant.block(server)
        turns = list(zip(variants, servers, strict=True))
        for number in range(11 if is_quick() else 31):
            for variant, server in reversed(turns) if number % 2 else turns:
                variant.rounds.append(variant.block(server))

    added = {}
    for variant in variants:
        emit(f"{variant.name}: a request", median(variant.rounds) / 1e3, "us")
        differences = [a - b for a, b in zip(variant.rounds, nothing.rounds, strict=True)]
        added[variant.name] = median(differences) / 1e3
    for variant in (ours, *peers):
        target = 2.5 if variant is ours else None
        emit(f"{variant.name}: added to a no-op", added[variant.name], "us", at_most=target)
    for number, peer in enumerate(peers):
        ratio = added[peer.name] / added[ours.name]
        emit(f"{peer.name} / ours, added", ratio, "x", at_least=6 if number < 2 else None)


if __name__ == "__main__":
    main()
