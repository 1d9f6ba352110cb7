# SPDX-License-Identifier: MIT
"""multiprocess_server.py - prometheus_client's own HTTP server over its multiprocess files

Needs PROMETHEUS_MULTIPROC_DIR. Says its port, and ends with its standard input.
"""

from __future__ import annotations

import sys

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

if __name__ == "__main__":
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    server, _ = start_http_server(0, addr="127.0.0.1", registry=registry)
    print(server.server_port, flush=True)
    sys.stdin.read()
