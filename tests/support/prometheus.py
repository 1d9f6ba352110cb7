# SPDX-License-Identifier: MIT
"""prometheus - a real Prometheus, 2 or 3, with or without native histograms, and its answers

    with scraping(collector, folder, Edition(3, native=True)) as server:    server.value("up")

Prometheus 2 is Debian's. Prometheus 3 has no package there: it is built from its Go module
(prometheus3/go.mod), which takes minutes, so only in the long form of the tests; without its pages and
without what finds targets in clouds, a third of its packages.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest
from collector import BUILD, Collector, wait_until

MODULE = Path(__file__).resolve().parent / "prometheus3"
COMMAND = "github.com/prometheus/prometheus/cmd/prometheus"

CONFIGURATION = "global: {{scrape_interval: 1s, scrape_timeout: 900ms{settings}}}\nscrape_configs:\n"
JOB = "  - {{job_name: {name}, static_configs: [{{targets: ['{address}']}}]}}\n"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def installed() -> str:
    program = shutil.which("prometheus")
    if not program:
        pytest.skip("there is no prometheus; on Debian: apt-get install prometheus")
    return program


@functools.lru_cache(None)
def built() -> str:
    go = shutil.which("go")
    if not go:
        pytest.skip("there is no go to build a Prometheus 3: https://go.dev/dl")
    program = BUILD / "prometheus3" / "prometheus"
    subprocess.run(
        [go, "build", "-tags", "remove_all_sd", "-o", str(program), COMMAND], cwd=MODULE, check=True
    )
    return str(program)


@dataclass(frozen=True)
class Edition:
    """The version; whether it wants native histograms, for which it asks for protobuf or OpenMetrics 2.0."""

    version: int
    native: bool
    openmetrics2: bool = False

    def __str__(self) -> str:
        more = "_native" * self.native + "_openmetrics2" * self.openmetrics2
        return f"prometheus_{self.version}{more}"

    @property
    def format(self) -> str:
        """What it gets of us."""
        return "openmetrics2" if self.openmetrics2 else "protobuf" if self.native else "openmetrics"

    def program(self) -> str:
        return installed() if self.version == 2 else built()

    @property
    def features(self) -> str:
        features = ["exemplar-storage"]
        if self.native and self.version == 2:
            features.append("native-histograms")
        if self.openmetrics2:
            features.append("openmetrics2")
        return ",".join(features)

    @property
    def settings(self) -> str:
        """Names of any UTF-8 need none: a Prometheus 3 asks for them."""
        settings = ""
        if self.native and self.version == 3:
            settings += ", scrape_native_histograms: true"
        if self.openmetrics2:
            settings += ", scrape_protocols: [OpenMetricsText2.0.0]"
        return settings


LONG = pytest.mark.skipif(
    not os.environ.get("SMX_LONG"),
    reason="SMX_LONG is not set: a Prometheus 3 is built in the long form only, tests/run --long",
)


CLASSIC = [Edition(2, False), Edition(3, False)]
NATIVE = [Edition(2, True), Edition(3, True), Edition(3, True, openmetrics2=True)]


def parameters(*editions: Edition) -> List[Any]:
    """Of a test; those of version 3 in the long form only."""
    return [pytest.param(one, id=str(one), marks=[LONG] if one.version == 3 else []) for one in editions]


class Prometheus:
    """The answers of a server's HTTP interface; VictoriaMetrics has the same."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, path: str, **query: str) -> Any:
        url = self.url + path + "?" + urllib.parse.urlencode(query)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None  # it is not up yet

    def vector(self, query: str) -> List[Any]:
        """Empty while nobody answers."""
        return list((self.ask("query", query=query) or {}).get("result", []))

    def value(self, query: str) -> Optional[float]:
        found = self.vector(query)
        return float(found[0]["value"][1]) if found else None

    def exemplars(self, query: str) -> List[Tuple[str, Dict[str, str]]]:
        """Values and labels of all that it has."""
        groups = self.ask("query_exemplars", query=query, start="0", end="9999999999")
        return [(one["value"], one["labels"]) for group in groups for one in group["exemplars"]]


def configure(folder: Path, targets: Dict[str, str], settings: str = "") -> Path:
    """These addresses, as jobs of these names."""
    path = folder / "prometheus.yml"
    jobs = [JOB.format(name=name, address=address) for name, address in targets.items()]
    path.write_text(CONFIGURATION.format(settings=settings) + "".join(jobs))
    return path


@contextlib.contextmanager
def running(edition: Edition, folder: Path, configuration: Path) -> Iterator[Prometheus]:
    """A server with this configuration, with its data in the folder."""
    program, port = edition.program(), free_port()
    with subprocess.Popen(
        [
            program,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--enable-feature={edition.features}",
            "--log.level=warn",
        ]
    ) as process:
        try:
            yield Prometheus(port)
        finally:
            process.terminate()


@contextlib.contextmanager
def scraping_all(edition: Edition, folder: Path, targets: Dict[str, str]) -> Iterator[Prometheus]:
    """A server that scrapes these addresses."""
    with running(edition, folder, configure(folder, targets, edition.settings)) as server:
        yield server


@contextlib.contextmanager
def scraping(collector: Collector, folder: Path, edition: Edition) -> Iterator[Prometheus]:
    """One that has scraped the collector."""
    with scraping_all(edition, folder, {"kinds": f"127.0.0.1:{collector.port}"}) as server:
        wait_until(lambda: server.value('up{job="kinds"}'), "a scrape has succeeded")
        yield server
