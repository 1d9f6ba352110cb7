# SPDX-License-Identifier: MIT
"""Every kind of metric, recorded in Python, as the collector and `shmetrics dump` tell of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import client_model  # noqa: E402
import expocheck  # noqa: E402
import independent  # noqa: E402
import openmetrics2  # noqa: E402
from collector import BUILD, Collector  # noqa: E402
from recording import recording  # noqa: E402

RECORD = """
from shmetrics import Counter, Enum, Gauge, Histogram, Info, Summary

Counter("jobs", "Jobs that \\"ran\\".", ["queue"]).labels("a").inc(2, {"trace_id": "4bf9"})
times = Histogram("run_seconds", "How long.", buckets=[0.5, 1], unit="seconds")
times.observe(0.7, {"trace_id": "4bf9", "span_id": "00f0"})
times.observe(7)
Histogram("drift", "Either way.", buckets=[-1, 1]).observe(-4)
Summary("size_bytes", "How large.", unit="bytes").observe(12)
Info("app_build", "What runs.").info({"version": "1.2", "commit": "a\\\\b"})
Enum("door", "The door.", ["room"], states=["open", "shut"]).labels("1").state("shut")
for mode in ("all", "sum", "livemin", "mostrecent"):
    Gauge(f"gauge_{mode}", "A gauge.", multiprocess_mode=mode).set(3)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with recording("kinds", RECORD) as path:
        yield path


def labels(**labels: str) -> expocheck.Labels:
    return frozenset(labels.items())


def test_the_collector_serves_every_kind_in_both_formats(folder: Path) -> None:
    with Collector(folder, "--web.disable-exporter-metrics") as collector:
        names = "&".join(
            f"name[]={name}"
            for name in "jobs run_seconds drift size_bytes app_build_info door gauge_all gauge_sum"
            " gauge_livemin gauge_mostrecent".split()
        )
        text = collector.request("/metrics?" + names).body
        openmetrics = collector.request("/metrics?" + names, headers=independent.ACCEPT).body
    assert independent.assert_agrees(text, openmetrics) == 3 + 1 + 5 + 2 + 1 + 2 + 4
    samples = expocheck.parse(text)
    assert samples["jobs_total", labels(queue="a")] == 2
    assert samples["app_build_info", labels(version="1.2", commit="a\\b")] == 1
    assert samples["door", labels(room="1", door="open")] == 0
    assert samples["door", labels(room="1", door="shut")] == 1
    assert samples["size_bytes_sum", labels()] == 12
    assert samples["drift_sum", labels()] == -4
    types = {family.name: (family.type, family.unit) for family in independent.families(openmetrics)}
    assert types == {
        "jobs": ("counter", ""),
        "run_seconds": ("histogram", "seconds"),
        "drift": ("histogram", ""),
        "size_bytes": ("summary", "bytes"),
        "app_build": ("info", ""),
        "door": ("stateset", ""),
        **{f"gauge_{mode}": ("gauge", "") for mode in ("all", "sum", "livemin", "mostrecent")},
    }


def test_the_collector_serves_every_kind_in_protobuf_and_openmetrics_2(folder: Path) -> None:
    with Collector(folder, "--web.disable-exporter-metrics") as collector:
        names = "&".join(
            f"name[]={name}"
            for name in "jobs_total run_seconds drift size_bytes app_build_info door gauge_all".split()
        )
        text = collector.request("/metrics?" + names).body
        protobuf = collector.request("/metrics?" + names, headers=client_model.ACCEPT)
        newer = collector.request("/metrics?" + names, headers=openmetrics2.ACCEPT)
    assert protobuf.headers["Content-Type"] == client_model.CONTENT_TYPE
    assert newer.headers["Content-Type"] == (
        "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping=allow-utf-8"
    )
    count = len(expocheck.parse(text))
    assert client_model.assert_agrees(text, protobuf.body) == count > 15
    assert openmetrics2.assert_agrees(text, newer.body) == count
    units = {family.name: family.unit for family in client_model.families(protobuf.body)}
    assert units["run_seconds"] == "seconds" and units["size_bytes"] == "bytes"
    starts = openmetrics2.parse(newer.body).starts
    assert {name for name, _ in starts} == {"jobs_total", "run_seconds", "drift", "size_bytes"}
    assert all(abs(start - time.time()) < 3600 for start in starts.values())


def test_the_collector_s_own_families_are_whole_in_every_format(folder: Path) -> None:
    own = ("shmetrics_segment_up", frozenset({("segment", "kinds")}))
    scrapes = "shmetrics_collector_scrapes_total", frozenset[tuple[str, str]]()
    with Collector(folder) as collector:
        first = client_model.samples(collector.request("/metrics", headers=client_model.ACCEPT).body)
        second = openmetrics2.parse(
            collector.request("/metrics", headers=openmetrics2.ACCEPT).body
        ).samples
        third = collector.samples()
    assert first[own] == second[own] == third[own] == 1
    assert (first[scrapes], second[scrapes], third[scrapes]) == (1, 2, 3)
    assert first.keys() == second.keys() == third.keys()


def test_the_collector_serves_exemplars_in_openmetrics(folder: Path) -> None:
    with Collector(folder) as collector:
        body = collector.request("/metrics", headers=independent.ACCEPT).body
        assert b" # " not in collector.request("/metrics").body
    exemplars = {
        (sample.name, sample.labels.get("le")): sample.exemplar
        for family in independent.families(body)
        for sample in family.samples
        if sample.exemplar
    }
    assert {key: (e.labels, e.value) for key, e in exemplars.items()} == {
        ("jobs_total", None): ({"trace_id": "4bf9"}, 2),
        ("run_seconds_bucket", "1.0"): ({"trace_id": "4bf9", "span_id": "00f0"}, 0.7),
    }
    assert all(abs(float(e.timestamp) - time.time()) < 3600 for e in exemplars.values())


def dump(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [BUILD / "collector" / "tool" / "shmetrics", "dump", *arguments, "kinds"],
        env={**os.environ, "SHMETRICS_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_dump_speaks_openmetrics(folder: Path) -> None:
    text, openmetrics = dump(folder), dump(folder, "--openmetrics")
    assert independent.assert_agrees(text.encode(), openmetrics.encode()) > 15
    assert ' # {trace_id="4bf9"} 2 1' in openmetrics


def test_dump_speaks_openmetrics_2(folder: Path) -> None:
    text, newer = dump(folder), dump(folder, "--format", "openmetrics2")
    assert openmetrics2.assert_agrees(text.encode(), newer.encode()) > 15
    assert "run_seconds {count:2,sum:7.7,bucket:[0.5:0,1.0:1,+Inf:2]} st@1" in newer


def test_dump_as_json_has_every_kind(folder: Path) -> None:
    segment = json.loads(dump(folder, "--json"))
    families: dict[str, Any] = {family["name"]: family for family in segment["families"]}
    series = {name: family["series"][0] for name, family in families.items()}
    assert families["door"]["states"] == ["open", "shut"]
    assert series["door"]["state"] == "shut" and series["door"]["labels"] == {"room": "1"}
    assert series["app_build"]["info"] == {"version": "1.2", "commit": "a\\b"}
    assert (series["size_bytes"]["count"], series["size_bytes"]["sum"]) == (1, 12)
    exemplar = series["jobs"]["exemplar"]
    assert (exemplar["labels"], exemplar["value"]) == ({"trace_id": "4bf9"}, 2)
    low, middle, high = series["run_seconds"]["buckets"]
    assert middle["exemplar"]["labels"] == {"trace_id": "4bf9", "span_id": "00f0"}
    assert "exemplar" not in low and "exemplar" not in high
    kinds = {name: family["kind"] for name, family in families.items()}
    assert kinds["app_build"] == "info" and kinds["size_bytes"] == "summary"
