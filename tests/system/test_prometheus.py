# SPDX-License-Identifier: MIT
"""A real Prometheus scrapes OpenMetrics, or protobuf, and stores every kind, metadata and exemplars."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector, wait_until  # noqa: E402
from test_served_kinds import folder  # noqa: E402, F401  (a fixture: a process that recorded every kind)

CONFIGURATION = """\
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
  - job_name: kinds
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Prometheus:
    """The server, on a port of its own; the answers of its HTTP interface."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, path: str, **query: str) -> Any:
        url = self.url + path + "?" + urllib.parse.urlencode(query)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None  # it is not up yet

    def value(self, query: str) -> float | None:
        found = (self.ask("query", query=query) or {}).get("result")
        return float(found[0]["value"][1]) if found else None


OPENMETRICS, PROTOBUF = "exemplar-storage", "exemplar-storage,native-histograms"


@pytest.fixture(params=[OPENMETRICS, PROTOBUF], ids=["openmetrics", "protobuf"])
def features(request: pytest.FixtureRequest) -> str:
    """Which of the two it asks for follows from its features."""
    return str(request.param)


@contextlib.contextmanager
def scraping(collector: Collector, folder: Path, features: str) -> Iterator[Prometheus]:  # noqa: F811
    """A Prometheus, with its data in the folder, that has scraped the collector."""
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("there is no prometheus; on Debian: apt-get install prometheus")
    port = free_port()
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=collector.port))
    with subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--enable-feature={features}",
            "--log.level=warn",
        ]
    ) as process:
        try:
            server = Prometheus(port)
            wait_until(lambda: server.value('up{job="kinds"}'), "a scrape has succeeded")
            yield server
        finally:
            process.terminate()


@pytest.fixture
def prometheus(
    folder: Path,  # noqa: F811
    tmp_path: Path,
    features: str,
) -> Iterator[Prometheus]:
    with Collector(folder) as collector, scraping(collector, tmp_path, features) as server:
        yield server


# Protobuf has the types of text 0.0.4 and its names; this Prometheus does not read the units in it.
METADATA = {
    OPENMETRICS: {
        "jobs": ("counter", "", 'Jobs that "ran".'),
        "run_seconds": ("histogram", "seconds", "How long."),
        "size_bytes": ("summary", "bytes", "How large."),
        "app_build": ("info", "", "What runs."),
        "door": ("stateset", "", "The door."),
        "gauge_all": ("gauge", "", "A gauge."),
    },
    PROTOBUF: {
        "jobs_total": ("counter", "", 'Jobs that "ran".'),
        "run_seconds": ("histogram", "", "How long."),
        "size_bytes": ("summary", "", "How large."),
        "app_build_info": ("gauge", "", "What runs."),
        "door": ("gauge", "", "The door."),
        "gauge_all": ("gauge", "", "A gauge."),
        "shmetrics_build_info": ("gauge", "", "Always 1; the version is in the label."),
    },
}


def test_a_prometheus_stores_every_kind(prometheus: Prometheus, features: str) -> None:
    expected = {
        'jobs_total{queue="a"}': 2,
        'run_seconds_bucket{le="1.0"}': 1,
        'run_seconds_bucket{le="+Inf"}': 2,
        "run_seconds_count": 2,
        'drift_bucket{le="-1.0"}': 1,
        "size_bytes_sum": 12,
        "size_bytes_count": 1,
        'app_build_info{version="1.2",commit="a\\\\b"}': 1,
        'door{room="1",door="shut"}': 1,
        'door{room="1",door="open"}': 0,
        "gauge_sum": 3,
        "gauge_mostrecent": 3,
    }
    assert {query: prometheus.value(query) for query in expected} == expected
    metadata = {
        entry["metric"]: (entry["type"], entry["unit"], entry["help"])
        for entry in prometheus.ask("targets/metadata")
    }
    assert {name: metadata.get(name) for name in METADATA[features]} == METADATA[features]
    exemplars = {
        (group["seriesLabels"]["__name__"], group["seriesLabels"].get("le")): group["exemplars"][0]
        for group in prometheus.ask(
            "query_exemplars",
            query='{__name__=~"jobs_total|run_seconds_bucket"}',
            start="0",
            end="9999999999",
        )
    }
    assert exemplars["jobs_total", None]["labels"] == {"trace_id": "4bf9"}
    assert exemplars["run_seconds_bucket", "1.0"]["value"] == "0.7"
