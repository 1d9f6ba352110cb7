# SPDX-License-Identifier: MIT
"""stall.py - do requests wait while metrics are scraped?

A FastAPI application under uvicorn with two workers, each with the same counters. An open-loop client
(open_loop.c) sends requests that cost nothing, at a rate far from what the machine can do, in windows with
and without a scraper that scrapes, waits, and scrapes again. What is compared is the slowest request of a
thousand, from the moment it was due, in the worker where it is worse.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from harness import Coprocess, emit, is_quick
from server import PEERS, Scraper, Server, collector

RATE = 600
WINDOW_SECONDS = 2.0
CONNECTIONS_EACH = 16
PAUSE_SECONDS = 0.5


@dataclass
class Variant:
    name: str
    records: str
    mount: str = "none"
    path: str = "/metrics"
    target: float | None = None


COLLECTOR = Variant("shmetrics-collector", "shmetrics", target=1.2)
SIDECAR = Variant("prometheus_client's collector in a sidecar", "prometheus_client")
VARIANTS = [
    COLLECTOR,
    Variant("shmetrics mounted", "shmetrics", "shmetrics", "/metrics/", 1.2),
    SIDECAR,
    Variant("prometheus_client mounted", "prometheus_client", "prometheus_client", "/metrics/"),
    Variant("instrumentator", "prometheus_client", "instrumentator"),
]


class Scraping:
    """Scrapes in a thread: the whole exposition, then a pause. `seconds` has how long each took."""

    def __init__(self, port: int, path: str) -> None:
        self.scraper = Scraper(port, path)
        self.seconds: list[float] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self.stop.is_set():
            self.seconds.append(self.scraper.scrape_ns() / 1e9)
            self.stop.wait(PAUSE_SECONDS)

    def __enter__(self) -> None:
        self.stop.clear()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()


@contextlib.contextmanager
def scraped_port(variant: Variant, server: Server) -> Iterator[int]:
    if variant is COLLECTOR:
        with collector(os.environ["BENCH_COLLECTOR"], os.environ["SHMETRICS_SEGMENT"]) as port:
            yield port
    elif variant is SIDECAR:
        sidecar = Coprocess(sys.executable, str(PEERS / "multiprocess_server.py"))
        yield int(sidecar.read())
        sidecar.close()
    else:
        yield server.address[1]


def worst_p999(latencies: dict[str, list[float]]) -> float:
    """Microseconds, in the worker where it is worse."""
    return max(sorted(values)[int(len(values) * 0.999)] for values in latencies.values())


class Client(Coprocess):
    """open_loop."""

    def window(self, seconds: float, into: dict[str, list[float]]) -> None:
        lines = [self.ask(str(seconds)), self.read()]
        for pid, *latencies in map(str.split, lines):
            into.setdefault(pid, []).extend(map(float, latencies))


def measure(variant: Variant, series: int) -> tuple[float, float, float]:
    """p99.9 without scrapes and with them, in us; the longest scrape, in seconds."""
    environment = {
        "BENCH_RECORDS": variant.records,
        "BENCH_SERIES": str(series),
        "BENCH_MOUNT": variant.mount,
    }
    windows = 4 if is_quick() else 10  # of each kind: 6,000 requests a worker
    alone: dict[str, list[float]] = {}
    scraped: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        server = Server(environment)
        stack.callback(server.close)
        port = str(server.address[1])
        client = Client(os.environ["BENCH_OPEN_LOOP"], port, str(RATE), str(CONNECTIONS_EACH))
        stack.callback(client.close)
        client.read()
        scraping = Scraping(stack.enter_context(scraped_port(variant, server)), variant.path)
        scraping.scraper.get()
        for number in range(2 * windows):
            # In the order without, with, with, without, and so on.
            if number % 4 in (1, 2):
                with scraping:
                    client.window(WINDOW_SECONDS, scraped)
            else:
                client.window(WINDOW_SECONDS, alone)
    return worst_p999(alone), worst_p999(scraped), max(scraping.seconds)


def main() -> None:
    sizes = (1_000, 10_000) if is_quick() else (1_000, 10_000, 100_000)
    folder = os.environ["BENCH_MULTIPROC_DIR"]
    for series in sizes:
        for variant in VARIANTS:
            name = f"{series:,} series, {variant.name}"
            place = os.path.join(folder, f"stall-{series}-{VARIANTS.index(variant)}")
            os.mkdir(place)
            if variant.records == "shmetrics":
                os.environ["SHMETRICS_SEGMENT"] = os.path.basename(place)
                os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
            else:
                os.environ["PROMETHEUS_MULTIPROC_DIR"] = place
            alone, scraped, longest = measure(variant, series)
            emit(f"{name}: p99.9 without scrapes", alone / 1e3, "ms")
            emit(f"{name}: p99.9 with scrapes", scraped / 1e3, "ms")
            emit(f"{name}: the longest scrape", longest * 1e3, "ms")
            emit(f"{name}: with / without", scraped / alone, "x", at_most=variant.target)


if __name__ == "__main__":
    main()
