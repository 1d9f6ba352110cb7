# SPDX-License-Identifier: MIT
"""What a healthy demo over plain HTTP does not have, and the tables that the dashboards are made from.

The tables against a real scrape; native histograms under the names of the catalogue; a certificate.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "deployment" / "grafana")]

import reading  # noqa: E402
from certificates import Authority  # noqa: E402
from collector import Collector, Writer, segment_folder, wait_until  # noqa: E402
from generator import tables  # noqa: E402
from prometheus import Edition, Prometheus, running, scraping  # noqa: E402
from secure import SecureCollector, client_context  # noqa: E402

# The catalogue's histograms, as an application would define them that wants them native. Each line of its
# input is a round of observations, which it answers.
RECORD = """
import sys
from shmetrics import NativeHistogram
from shmetrics.catalog import FAMILIES

families = [family for family in FAMILIES if family.kind == "histogram"]
histograms = [NativeHistogram(family.name, family.help, list(family.labels)) for family in families]
print("ready", flush=True)
for line in sys.stdin:
    for family, histogram in zip(families, histograms):
        series = histogram.labels(*family.labels) if family.labels else histogram
        for value in (0.2, 0.2, 0.2, 0.9):
            series.observe(value)
    print("done", flush=True)
"""
# All durations of the catalogue, once within a trace whose identifier it prints.
TRACE = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from shmetrics import catalog, tracing

with TracerProvider().get_tracer("test").start_as_current_span("request") as span:
    for family in catalog.FAMILIES:
        if family.kind == "histogram":
            series = catalog.metric(family.name)
            if family.labels:
                series = series.labels(*family.labels)
            series.observe(0.2, tracing.exemplar())
    print(f"{span.get_span_context().trace_id:032x}", flush=True)
sys.stdin.read()
"""
CONFIGURATION = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
  - job_name: native
    scheme: https
    tls_config: {{ca_file: {authority}}}
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""
WIDTH = 1.1  # of a native bucket, by its default growth and a little


def test_the_collectors_table_is_what_it_serves(tmp_path: Path) -> None:
    """Each metric of the table with its labels, but for that of a certificate; and no other."""
    with (
        segment_folder() as folder,
        Writer(folder, "app") as writer,
        Collector(folder) as collector,
    ):
        writer.do("check database 60")
        writer.do("report database 60 up")
        collector.wait_for_value(1, "shmetrics_health_up", segment="app", check="database")
        served: dict[str, set[str]] = {}
        for name, labels in collector.samples():
            if name.startswith(("shmetrics_", "process_")):
                served.setdefault(name, set()).update(label for label, _ in labels)
    table = {row.name: set(row.labels) for row in tables.OWN}
    expiry = table.pop("shmetrics_collector_certificate_expiry_timestamp_seconds")
    assert served == table
    assert expiry == set()


def _recording(program: str, folder: Path) -> subprocess.Popen[str]:
    """A process that records into the segment `app`, and ends with its input."""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "SHMETRICS_DIR": str(folder), "SHMETRICS_SEGMENT": "app"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_panels_with_exemplars_lead_to_the_trace(tmp_path: Path) -> None:
    """Every query that asks for exemplars finds the one under the label that the data source follows."""
    source = ROOT / "deployment" / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
    followed = yaml.safe_load(source.read_text())["datasources"][0]["jsonData"][
        "exemplarTraceIdDestinations"
    ]
    with segment_folder() as folder, Collector(folder) as collector:
        with (
            _recording(TRACE, folder) as process,
            scraping(collector, tmp_path, Edition(2, False)) as server,
        ):
            assert process.stdout
            trace = process.stdout.readline().strip()
            wait_until(
                lambda: server.exemplars("http_request_duration_seconds_bucket"), "an exemplar is stored"
            )
            asked = 0
            for dashboard in reading.load_all():
                for target in (target for panel in dashboard.panels() for target in panel.targets):
                    if target.exemplar:
                        found = server.exemplars(reading.fill_in(target.expr, dashboard.values(60, 10)))
                        assert [labels[followed[0]["name"]] for _, labels in found] == [trace], target
                        asked += 1
            assert process.stdin
            process.stdin.close()
    assert asked > 10


@dataclass(frozen=True)
class Recorded:
    """A Prometheus with native histograms, of a collector with a certificate."""

    server: Prometheus

    def ask(self, dashboard: reading.Dashboard, target: reading.Target) -> list[float]:
        expr = reading.fill_in(target.expr, dashboard.values(60, 10))
        return [float(one["value"][1]) for one in self.server.vector(expr)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    scratch = tmp_path_factory.mktemp("native")
    authority = Authority(scratch, "authority")
    pair = authority.issue("collector", ["127.0.0.1"])
    web = scratch / "web.yml"
    web.write_text(f"tls_server_config: {{cert_file: {pair.certificate}, key_file: {pair.key}}}\n")
    context = client_context(authority.certificate)
    with segment_folder() as folder, SecureCollector(folder, web, context=context) as collector:
        config = scratch / "prometheus.yml"
        config.write_text(CONFIGURATION.format(authority=authority.certificate, port=collector.port))
        with (
            _recording(RECORD, folder) as process,
            running(Edition(2, native=True), scratch, config) as server,
        ):
            assert process.stdin and process.stdout

            def grown() -> bool:
                """A round, and whether Prometheus has seen two of them."""
                assert process.stdin and process.stdout
                process.stdin.write("again\n")
                process.stdin.flush()
                assert process.stdout.readline() == "done\n"
                return bool(
                    server.vector("rate(rag_grounding_score[10s]) and count_over_time(up[10s]) > 2")
                )

            assert process.stdout.readline() == "ready\n"
            wait_until(grown, "Prometheus has a rate of native histograms")
            yield Recorded(server)
            process.stdin.close()


NATIVE = [
    (dashboard, target)
    for dashboard in reading.load_all()
    for panel in dashboard.panels()
    for target in panel.targets
    if panel.collapsed
]


@pytest.mark.parametrize(
    "dashboard, target", NATIVE, ids=[f"{dashboard.uid}-{target}" for dashboard, target in NATIVE]
)
def test_a_native_variant_shows_the_quantile(
    recorded: Recorded, dashboard: reading.Dashboard, target: reading.Target
) -> None:
    """Of three observations of 0.2 for each of 0.9: all quantiles but the highest are 0.2."""
    (value,) = recorded.ask(dashboard, target)
    wanted = 0.9 if "(0.95," in target.expr else 0.2
    assert wanted / WIDTH <= value <= wanted * WIDTH


def test_a_classic_query_finds_no_native_histogram(recorded: Recorded) -> None:
    """So that the variants are needed."""
    assert recorded.server.vector("http_request_duration_seconds_bucket") == []


def test_the_certificates_expiry_is_shown(recorded: Recorded) -> None:
    (dashboard,) = (one for one in reading.load_all() if one.uid == "shmetrics-collector")
    (target,) = (
        target
        for panel in dashboard.panels()
        for target in panel.targets
        if panel.title == "Certificate expires"
    )
    (seconds,) = recorded.ask(dashboard, target)
    assert 0 < seconds < math.inf
