# SPDX-License-Identifier: MIT
"""servers - a Prometheus, and a vmagent before a VictoriaMetrics, that scrape several targets

    with prometheus(folder, {"ours": address, ...}, Edition(2, native=True)) as stored:
        stored("ours")  {(name, labels): value}
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from exposers import OWN, Key, key_of
from prometheus import Edition, Prometheus, configure, free_port, scraping_all

Stored = Callable[[str], dict[Key, float]]

OWN_LABELS = ("job", "instance")


def find(name: str, package: str) -> str:
    program = shutil.which(name)
    if not program:
        pytest.skip(f"there is no {name}; on Debian: apt-get install {package}")
    return program


@contextlib.contextmanager
def running(*command: str | Path) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def stored_by(server: Prometheus) -> Stored:
    """What it has of a target, without what it adds itself. Of a native histogram: count and sum."""

    def stored(job: str) -> dict[Key, float]:
        found: dict[Key, float] = {}
        for series in server.vector(f'{{job="{job}"}}'):
            labels = {key: value for key, value in series["metric"].items() if key not in OWN_LABELS}
            name = labels.pop("__name__")
            if name == "up" or name.startswith(("scrape_", OWN)):
                continue
            if "value" in series:
                found[key_of(name, labels)] = float(series["value"][1])
            else:
                for part in ("count", "sum"):
                    told = series["histogram"][1][part]
                    found[key_of(f"{name}_{part} of a native", labels)] = float(told)
        return found

    return stored


@contextlib.contextmanager
def prometheus(folder: Path, targets: dict[str, str], edition: Edition) -> Iterator[Stored]:
    with scraping_all(edition, folder, targets) as server:
        yield stored_by(server)


@contextlib.contextmanager
def vmagent(folder: Path, targets: dict[str, str]) -> Iterator[Stored]:
    port, agent_port = free_port(), free_port()
    with running(
        find("victoria-metrics", "victoria-metrics"),
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'victoria'}",
        "-retentionPeriod=1",
        "-search.latencyOffset=0s",
        "-search.disableCache",
    ), running(
        find("vmagent", "victoria-metrics"),
        f"-httpListenAddr=127.0.0.1:{agent_port}",
        f"-promscrape.config={configure(folder, targets)}",
        f"-remoteWrite.url=http://127.0.0.1:{port}/api/v1/write",
        f"-remoteWrite.tmpDataPath={folder / 'agent'}",
        "-remoteWrite.flushInterval=1s",
    ):
        yield stored_by(Prometheus(port))
