# SPDX-License-Identifier: MIT
"""Where one Prometheus is not enough: what a store gets, from Prometheus and from vmagent in its place"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import override
import pytest
import yaml
from programs import Program
from running import Stack, Vector

from shmetrics.catalog import FAMILIES

PROMETHEUS = Path(__file__).resolve().parents[2] / "deployment" / "prometheus"
STORES = sorted((PROMETHEUS / "remote-write").glob("*.yml"))
OURS = '{job="convergeai-backend", agent=""}'
PATIENCE = 60.0


def check(*command: object) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def counts(vector: Vector) -> dict[str, float]:
    return {labels["__name__"]: value for labels, value in vector}


@pytest.mark.parametrize("store", STORES, ids=lambda path: path.stem)
def test_the_configuration_for_a_store_is_good(store: Path, tmp_path: Path) -> None:
    path = override.override(PROMETHEUS / "prometheus.yml", [store], 1, tmp_path / "out")
    check("promtool", "check", "config", "--syntax-only", path)
    (write,) = yaml.safe_load(path.read_text())["remote_write"]
    assert write["name"] == store.stem
    assert "password:" not in store.read_text()  # secrets are in files


def test_a_store_has_every_series_that_prometheus_has(stack: Stack) -> None:
    def here() -> dict[str, float]:
        return counts(stack.query(f"count by (__name__) ({OURS})"))

    def there() -> dict[str, float]:
        return counts(stack.query(f"count by (__name__) ({OURS})", stack.victoria))

    wanted = {row.name + "_bucket" * (row.kind == "histogram") for row in FAMILIES}
    stack.until("Prometheus has every family", lambda: wanted <= here().keys(), PATIENCE)
    stack.until("as many series of each name are in VictoriaMetrics", lambda: here() == there(), PATIENCE)


def test_a_store_answers_as_prometheus_does(stack: Stack) -> None:
    query = f"histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{OURS}[5m])))"

    def agree() -> bool:
        ours, theirs = stack.query(query), stack.query(query, stack.victoria)
        return bool(ours and theirs) and abs(ours[0][1] - theirs[0][1]) <= 0.2 * ours[0][1]

    stack.until("p95 is the same in both", agree, PATIENCE)


@pytest.fixture
def vmagent(stack: Stack, tmp_path: Path) -> Iterator[Program]:
    """In the place of Prometheus, with its configuration."""
    target = {"targets": [stack.collector.removeprefix("http://")]}
    change = tmp_path / "change.yml"
    change.write_text(
        yaml.safe_dump({"scrape_configs": [{"job_name": "convergeai-backend", "static_configs": [target]}]})
    )
    config = override.override(PROMETHEUS / "prometheus.yml", [change], 30, tmp_path / "agent")

    def command(port: int) -> list[object]:
        scrape = [f"-promscrape.config={config}", "-promscrape.config.strictParse=false"]
        write = [f"-remoteWrite.url={stack.victoria}/api/v1/write", "-remoteWrite.label=agent=vmagent"]
        return [
            *("vmagent", f"-httpListenAddr=127.0.0.1:{port}", f"-remoteWrite.tmpDataPath={tmp_path}/queue"),
            *(*scrape, *write, "-remoteWrite.flushInterval=1s"),
        ]

    with Program("vmagent", command, "/health", tmp_path).running() as program:
        yield program


def test_vmagent_takes_the_place_of_prometheus(stack: Stack, vmagent: Program) -> None:
    done = stack.traffic.done
    query = 'sum(http_requests_total{job="convergeai-backend", agent="vmagent"})'

    def has_all() -> bool:
        return any(value >= done.requests for _, value in stack.query(query, stack.victoria))

    stack.until("what vmagent scraped is in VictoriaMetrics", has_all, PATIENCE)


def test_vmalert_takes_the_rules() -> None:
    check("vmalert", f"-rule={PROMETHEUS}/rules/*.yml", "-dryRun")
