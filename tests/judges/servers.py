# SPDX-License-Identifier: MIT
"""servers - a Prometheus, and a vmagent before a VictoriaMetrics, that scrape several targets

    with prometheus(folder, {"ours": address, ...}) as stored:     stored("ours")  {(name, labels): value}
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from exposers import OWN, Key, key_of

Stored = Callable[[str], dict[Key, float]]

OWN_LABELS = ("job", "instance")
CONFIGURATION = "global: {scrape_interval: 1s, scrape_timeout: 900ms}\nscrape_configs:\n"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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


def configure(folder: Path, targets: dict[str, str]) -> Path:
    path = folder / "scrape.yml"
    jobs = (
        f"  - {{job_name: {name}, static_configs: [{{targets: ['{address}']}}]}}\n"
        for name, address in targets.items()
    )
    path.write_text(CONFIGURATION + "".join(jobs))
    return path


def ask(port: int, query: str) -> list[Any]:
    """The vector that a query is answered with; empty while nobody answers."""
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return list(json.load(answer)["data"]["result"])
    except OSError:
        return []


def stored_by(port: int) -> Stored:
    """What it has of a target, without what it adds itself. Of a native histogram: count and sum."""

    def stored(job: str) -> dict[Key, float]:
        found: dict[Key, float] = {}
        for series in ask(port, f'{{job="{job}"}}'):
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
def prometheus(folder: Path, targets: dict[str, str], *features: str) -> Iterator[Stored]:
    port = free_port()
    with running(
        find("prometheus", "prometheus"),
        f"--config.file={configure(folder, targets)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *([f"--enable-feature={','.join(features)}"] if features else []),
    ):
        yield stored_by(port)


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
        yield stored_by(port)
