# SPDX-License-Identifier: MIT
"""exposers - our collector and client_golang with the same values, and the parsers written in Go"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
from collector import BUILD, Collector, segment_folder  # noqa: E402

HERE = Path(__file__).resolve().parent
PROGRAMS = BUILD / "judges"

OWN = "shmetrics_"  # what our collector says of its segments
Key = tuple[str, frozenset[tuple[str, str]]]


def build() -> str:
    """Builds the programs in Go. Returns why they cannot be built, or nothing."""
    go = shutil.which("go")
    if not go:
        return "there is no go: https://go.dev/dl"
    command = [go, "build", "-o", f"{PROGRAMS}/", "./expose", "./parse"]
    subprocess.run(command, cwd=HERE, check=True)
    return ""


@dataclass
class Body:
    content_type: str
    body: bytes


def fetch(url: str, accept: str) -> Body:
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return Body(answer.headers["Content-Type"], answer.read())


class Exposer:
    """Where it serves, and an answer; ours is judged by the strict checker besides."""

    def __init__(self, address: str, collector: Collector | None = None) -> None:
        self.address = address
        self.collector = collector

    def scrape(self, accept: str) -> Body:
        if not self.collector:
            return fetch(f"http://{self.address}/metrics", accept)
        answer = self.collector.request("/metrics", headers={"Accept": accept} if accept else {})
        assert answer.status == 200
        return Body(answer.headers["Content-Type"], answer.body)


@contextlib.contextmanager
def running(command: list[str | Path], told: list[dict[str, Any]], **environment: str) -> Iterator[str]:
    """A program that is told of the families; its first line."""
    with subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(told) + "\n")
            process.stdin.flush()
            line = process.stdout.readline().strip()
            assert line, "it said nothing"
            yield line
        finally:
            process.stdin.close()


@contextlib.contextmanager
def ours(told: list[dict[str, Any]]) -> Iterator[Exposer]:
    command: list[str | Path] = [sys.executable, HERE / "families.py"]
    with segment_folder() as folder:
        environment = {"SHMETRICS_DIR": str(folder), "SHMETRICS_SEGMENT": "judged"}
        with running(command, told, **environment), Collector(
            folder, "--web.disable-exporter-metrics"
        ) as collector:
            yield Exposer(f"127.0.0.1:{collector.port}", collector)


@contextlib.contextmanager
def client_golang(told: list[dict[str, Any]]) -> Iterator[Exposer]:
    with running([PROGRAMS / "expose"], told) as address:
        yield Exposer(address)


# ---- what was read ----


@dataclass
class Read:
    samples: dict[Key, float] = field(default_factory=dict)
    families: dict[str, tuple[str, str]] = field(default_factory=dict)  # type and help
    natives: dict[Key, tuple[int, dict[int, int]]] = field(default_factory=dict)  # schema, buckets
    exemplars: dict[Key, tuple[frozenset[tuple[str, str]], float]] = field(default_factory=dict)


def key_of(name: str, labels: dict[str, str]) -> Key:
    """A bound is the number that it is: client_golang has another form of it in text 0.0.4."""
    shown = dict(labels)
    if "le" in shown:
        shown["le"] = expocheck.canonical_float(float(shown["le"]))
    return name, frozenset(shown.items())


def read(parser: str, body: Body) -> Read:
    """As a parser written in Go reads it: "prometheus" or "expfmt"."""
    done = subprocess.run(
        [PROGRAMS / "parse", parser, body.content_type], input=body.body, capture_output=True
    )
    assert done.returncode == 0, f"{parser}, {body.content_type}: {done.stderr.decode()}"
    told, found = json.loads(done.stdout), Read()
    for one in told["samples"] or ():
        if one["name"].startswith(OWN):
            continue
        key = key_of(one["name"], one["labels"])
        assert key not in found.samples, f"{key} twice"
        found.samples[key] = float(one["value"])
    for name, about in told["families"].items():
        if not name.startswith(OWN):
            found.families[name] = about["type"], about["help"]
    for one in told["natives"] or ():
        buckets = {int(index): int(count) for index, count in one["positive"].items() if count != "0"}
        assert not one["negative"]
        found.natives[key_of(one["name"], one["labels"])] = one["schema"], buckets
        found.samples[key_of(one["name"] + "_sum", one["labels"])] = float(one["sum"])
        found.samples[key_of(one["name"] + "_count", one["labels"])] = float(one["count"])
    for one in told["exemplars"] or ():
        assert float(one["time"]) > 1e9, one
        on = key_of(one["of"]["name"], one["of"]["labels"])
        found.exemplars[on] = frozenset(one["labels"].items()), float(one["value"])
    return found
