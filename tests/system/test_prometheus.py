# SPDX-License-Identifier: MIT
"""A real Prometheus scrapes OpenMetrics or protobuf and stores every kind, metadata and exemplars (I12)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import Collector  # noqa: E402
from prometheus import CLASSIC, NATIVE, Edition, Prometheus, parameters, scraping  # noqa: E402
from test_served_kinds import folder  # noqa: E402, F401  (a fixture: a process that recorded every kind)


@pytest.fixture(params=parameters(*CLASSIC, *NATIVE))
def edition(request: pytest.FixtureRequest) -> Edition:
    found: Edition = request.param
    return found


@pytest.fixture
def prometheus(
    folder: Path,  # noqa: F811
    tmp_path: Path,
    edition: Edition,
) -> Iterator[Prometheus]:
    with Collector(folder) as collector, scraping(collector, tmp_path, edition) as server:
        yield server


# Protobuf has the types and the names of text 0.0.4, OpenMetrics 2.0 the names.
METADATA = {
    "openmetrics": {
        "jobs": ("counter", "", 'Jobs that "ran".'),
        "run_seconds": ("histogram", "seconds", "How long."),
        "size_bytes": ("summary", "bytes", "How large."),
        "app_build": ("info", "", "What runs."),
        "door": ("stateset", "", "The door."),
        "gauge_all": ("gauge", "", "A gauge."),
    },
    "protobuf": {
        "jobs_total": ("counter", "", 'Jobs that "ran".'),
        "run_seconds": ("histogram", "seconds", "How long."),
        "size_bytes": ("summary", "bytes", "How large."),
        "app_build_info": ("gauge", "", "What runs."),
        "door": ("gauge", "", "The door."),
        "gauge_all": ("gauge", "", "A gauge."),
        "shmetrics_build_info": ("gauge", "", "Always 1; the version is in the label."),
    },
    "openmetrics2": {
        "jobs_total": ("counter", "", 'Jobs that "ran".'),
        "run_seconds": ("histogram", "seconds", "How long."),
        "size_bytes": ("summary", "bytes", "How large."),
        "app_build_info": ("info", "", "What runs."),
        "door": ("stateset", "", "The door."),
        "gauge_all": ("gauge", "", "A gauge."),
    },
}


def test_a_prometheus_stores_every_kind(prometheus: Prometheus, edition: Edition) -> None:
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
    told = METADATA[edition.format]
    if edition == Edition(2, native=True):  # it does not read units in protobuf
        told = {name: (kind, "", text) for name, (kind, _, text) in told.items()}
    assert {name: metadata.get(name) for name in told} == told
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
