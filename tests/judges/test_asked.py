# SPDX-License-Identifier: MIT
"""What the other tests ask as a Prometheus is what a Prometheus asks, to the letter"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import SimpleQueue

import pytest
from prometheus import Edition, parameters, scraping_all
from test_agreement import SCRAPERS

REPLAYED = {
    Edition(2, native=False): "prometheus_2.42",
    Edition(2, native=True): "prometheus_2.42_native",
    Edition(3, native=False): "prometheus_3",
    Edition(3, native=True): "prometheus_3_native",
}


class Listener(HTTPServer):
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: SimpleQueue[str] = SimpleQueue()


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.asked.put(self.headers["Accept"])
        self.send_response(503)
        self.end_headers()

    def log_message(self, *unused: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("edition", parameters(*REPLAYED))
def test_a_prometheus_asks_for_what_is_replayed(listener: Listener, tmp_path: Path, edition: Edition) -> None:
    with scraping_all(edition, tmp_path, {"listener": f"127.0.0.1:{listener.server_port}"}):
        assert listener.asked.get(timeout=60) == SCRAPERS[REPLAYED[edition]]
