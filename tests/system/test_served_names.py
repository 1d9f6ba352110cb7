# SPDX-License-Identifier: MIT
"""Names of any UTF-8 through a real collector: what each scraper gets, and who gives way (I6, I12)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import independent  # noqa: E402
from collector import BUILD, Collector  # noqa: E402
from recording import recording  # noqa: E402

RECORD = """
from shmetrics import Counter, Enum, Gauge, Histogram, Info

Counter("http.requests", "R.", ["http.method"]).labels("GET").inc(3)
Counter("http_requests", "Another.", ["http_method"]).labels("GET").inc(4)
Histogram("größe", "Größe.", ["a b"], buckets=[1]).labels('"\\\\\\n').observe(0.5)
Gauge("temp.x", "T.").set(1)
Enum("door.x", "D.", states=["open", "shut"]).state("shut")
Info("build.x", "B.").info({"service.name": "shop"})
Gauge("shmetrics.segment.up", "Not ours.", multiprocess_mode="livesum").set(5)
"""

UTF8 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.2"

HIDDEN = ("shmetrics_collector_families_hidden", frozenset({("reason", "sample_name")}))
RESERVED = ("shmetrics_collector_families_hidden", frozenset({("reason", "reserved")}))


@pytest.fixture
def folder() -> Iterator[Path]:
    with recording("names", RECORD) as path:
        yield path


@pytest.fixture
def collector(folder: Path) -> Iterator[Collector]:
    with Collector(folder) as started:
        yield started


def scrape(collector: Collector, accept: str) -> tuple[str, bytes]:
    answer = collector.request("/metrics", headers={"Accept": accept})
    assert answer.status == 200
    return answer.headers["Content-Type"], answer.content


def test_who_asks_for_utf8_gets_every_name_as_it_is(collector: Collector) -> None:
    content_type, body = scrape(collector, UTF8)
    assert content_type == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    )
    samples = independent.parse(body)
    assert samples["http.requests_total", frozenset({("http.method", "GET")})] == 3
    assert samples["http_requests_total", frozenset({("http_method", "GET")})] == 4
    assert samples["größe_count", frozenset({("a b", '"\\\n')})] == 1
    assert samples["door.x", frozenset({("door.x", "shut")})] == 1
    assert samples["build.x_info", frozenset({("service.name", "shop")})] == 1
    assert samples["shmetrics.segment.up", frozenset()] == 5
    assert samples[HIDDEN] == samples[RESERVED] == 0
    text = "text/plain;version=1.0.0;escaping=allow-utf-8"
    content_type, body = scrape(collector, text)
    assert content_type == "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
    assert b'\n{"http.requests_total","http.method"="GET"} 3\n' in body


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/openmetrics-text;version=1.0.0",
        "application/openmetrics-text;version=1.0.0;escaping=underscores",
        "text/plain;version=1.0.0;escaping=nonsense",
    ],
)
def test_the_others_get_names_that_they_can_read(collector: Collector, accept: str) -> None:
    content_type, body = scrape(collector, accept)
    is_openmetrics = content_type.startswith("application/openmetrics-text")
    samples = expocheck.parse(body, expocheck.OpenMetrics if is_openmetrics else expocheck.Text004)
    # http.requests came first; http_requests and the copy of our own family give way, counted.
    assert samples["http_requests_total", frozenset({("http_method", "GET")})] == 3
    assert samples["gr__e_count", frozenset({("a_b", '"\\\n')})] == 1
    assert samples["shmetrics_segment_up", frozenset({("segment", "names")})] == 1
    assert samples[HIDDEN] == samples[RESERVED] == 1


@pytest.mark.parametrize(
    ("scheme", "name"),
    [("dots", "http_dot_requests__total"), ("values", "U__http_2e_requests__total")],
)
def test_a_scheme_that_keeps_names_apart_serves_them_all(
    collector: Collector, scheme: str, name: str
) -> None:
    accept = f"application/openmetrics-text;version=1.0.0;escaping={scheme}"
    content_type, body = scrape(collector, accept)
    assert content_type.endswith(f"; escaping={scheme}")
    samples = independent.judge(body)
    found = {key[0]: value for key, value in samples.items()}
    assert found[name] == 3 and found["http_requests_total"] == 4
    assert samples[HIDDEN] == samples[RESERVED] == 0


def test_the_command_prints_names_by_every_scheme(folder: Path) -> None:
    shmetrics = BUILD / "collector" / "tool" / "shmetrics"
    environment = {**os.environ, "SHMETRICS_DIR": str(folder)}

    def dump(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shmetrics, "dump", *arguments, "names"], env=environment, capture_output=True, text=True
        )

    assert '\n{"temp.x"' in dump("--escaping", "allow-utf-8").stdout
    assert "\ntemp_x{" in dump().stdout == dump("--format", "text").stdout
    assert "\nU__temp_2e_x{" in dump("--openmetrics", "--escaping", "values").stdout
    assert dump("--format=openmetrics", "--escaping=dots").stdout.endswith("# EOF\n")
    for arguments in (["--format", "xml"], ["--escaping", "none"]):
        done = dump(*arguments)
        assert done.returncode == 2 and f"'{arguments[1]}'" in done.stderr
    for arguments in (["--json", "--escaping", "dots"], ["--escaping=dots", "--format=json"]):
        done = dump(*arguments)
        assert done.returncode == 2 and "--escaping is not for json" in done.stderr
