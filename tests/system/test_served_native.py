# SPDX-License-Identifier: MIT
"""A native histogram, recorded in Python, as each format and `shmetrics dump` tell of it (I5, I12)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import client_model  # noqa: E402
from collector import BUILD, Collector  # noqa: E402
from recording import recording  # noqa: E402

RECORD = """
from shmetrics import NativeHistogram

took = NativeHistogram("took_seconds", "How long.", ["route"], schema=0, least=0.25, greatest=8)
for value in (0, 0.2, 0.3, 1, 1.5, 2, 7, 1000):
    took.labels("/").observe(value, {"trace_id": "4bf9"} if value == 1.5 else None)
change = NativeHistogram(
    "change", "Either way.", schema=0, least=0.25, greatest=8, negative=True, buckets=[-1, 1]
)
for value in (-2, -2, -1, 0, 8):
    change.observe(value)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with recording("native", RECORD) as path:
        yield path


# Of (1/4, 1/2] to (4, 8], and of what is above.
COUNTS = [1, 1, 2, 0, 1, 1]


def spans(spans: Any) -> list[tuple[int, int]]:
    return [(span.offset, span.length) for span in spans]


def test_protobuf_has_every_bucket(folder: Path) -> None:
    with Collector(folder, "--web.disable-exporter-metrics") as collector:
        answer = collector.request("/metrics", headers=client_model.ACCEPT)
    assert answer.headers["Content-Type"] == client_model.CONTENT_TYPE
    families = {family.name: family for family in client_model.families(answer.body)}
    (metric,) = families["took_seconds"].metric
    took = metric.histogram
    assert (took.sample_count, took.sample_sum) == (8, pytest.approx(1012))
    assert (took.schema, took.zero_threshold, took.zero_count) == (0, 0.25, 2)
    assert (spans(took.positive_span), spans(took.negative_span)) == ([(-1, 6)], [])
    deltas = [count - before for count, before in zip(COUNTS, [0, *COUNTS])]
    assert list(took.positive_delta) == deltas
    assert [exemplar.value for exemplar in took.exemplars] == [1.5]
    (metric,) = families["change"].metric
    change = metric.histogram
    assert (change.sample_count, change.zero_count) == (5, 1)
    assert (spans(change.negative_span), list(change.negative_delta)) == ([(0, 2)], [1, 1])
    assert (spans(change.positive_span), list(change.positive_delta)) == ([(3, 1)], [1])
    assert [bucket.cumulative_count for bucket in change.bucket] == [3, 4, 5]


def test_openmetrics_2_has_the_same(folder: Path) -> None:
    accept = {"Accept": "application/openmetrics-text;version=2.0.0"}
    with Collector(folder, "--web.disable-exporter-metrics") as collector:
        answer = collector.request("/metrics?name[]=took_seconds", headers=accept)
    assert "version=2.0.0" in answer.headers["Content-Type"]
    (line,) = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert line.startswith('took_seconds{route="/"} {count:8,sum:1012')
    assert (
        ",schema:0,zero_threshold:0.25,zero_count:2,"
        f"positive_spans:[-1:6],positive_buckets:[{','.join(map(str, COUNTS))}]}} " in line
    )
    assert ' # {trace_id="4bf9"} 1.5 ' in line


def test_the_command_tells_the_buckets_that_hold_something(folder: Path) -> None:
    done = subprocess.run(
        [BUILD / "collector" / "tool" / "shmetrics", "dump", "--json", "native"],
        env={**os.environ, "SHMETRICS_DIR": str(folder)},
        capture_output=True,
        check=True,
        timeout=60,
    )
    families = {family["name"]: family for family in json.loads(done.stdout)["families"]}
    (took,) = families["took_seconds"]["series"]
    assert (took["count"], took["sum"]) == (8, pytest.approx(1012))
    assert took["native"] == {
        "schema": 0,
        "zero_threshold": 0.25,
        "zero_count": 2,
        "positive": [{"index": i - 1, "count": n} for i, n in enumerate(COUNTS) if n > 0],
    }
    assert [exemplar["value"] for exemplar in took["exemplars"]] == [1.5]
    (change,) = families["change"]["series"]
    assert change["native"]["negative"] == [{"index": 0, "count": 1}, {"index": 1, "count": 2}]
    assert [(bucket["le"], bucket["count"]) for bucket in change["buckets"]] == [
        (-1, 3),
        (1, 4),
        ("+Inf", 5),
    ]
