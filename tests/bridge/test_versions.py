# SPDX-License-Identifier: MIT
"""The bridge on prometheus_client from 0.14 to the newest; and on one that it does not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, Run

VERSIONS = ["0.14.1", "0.16.0", "0.18.0", "0.20.0", "0.21.1", "0.22.1", "0.24.1", "0.26.0"]
CLIENTS = ROOT / "build" / "bridge" / "clients"

CODE = """
import os
import shmetrics.bridge
from prometheus_client import *
from prometheus_client import multiprocess

counter = Counter("c", "", ["a", "b"], namespace="ns", unit="bytes")
gauge = Gauge("g", "", ["a"], multiprocess_mode="livesum")
histogram = Histogram("h", "", ["a"], buckets=[1, 2])
summary, info, enum = Summary("s", ""), Info("i", "", ["a"]), Enum("e", "", ["a"], states=["x", "y"])

def work():
    counter.labels("1", "2").inc(2)
    gauge.labels(a="1").inc()
    histogram.labels("1").observe(1.5, {"trace_id": "x"})
    summary.observe(3)
    info.labels("1").info({"k": "v"})
    enum.labels("1").state("y")

if os.fork() == 0:
    work()
    os._exit(0)
os.wait()
work()
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
for text in (generate_latest(REGISTRY).decode(), generate_latest(registry).decode()):
    for line in ('ns_c_bytes_total{a="1",b="2"} 4.0', 'g{a="1"} 1.0', 'h_bucket{a="1",le="2.0"} 2.0',
                 'h_sum{a="1"} 3.0', "s_count 2.0", 'i_info{a="1",k="v"} 1.0', 'e{a="1",e="y"} 1.0'):
        assert text.splitlines().count(line) == 1, (line, text)
counter.remove("1", "2")
assert REGISTRY.get_sample_value("ns_c_bytes_total", {"a": "1", "b": "2"}) is None
"""


def client(version: str) -> str:
    """A PYTHONPATH with that version, installed once."""
    folder = CLIENTS / version
    if not (folder / "prometheus_client").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
        subprocess.run([*pip, f"prometheus_client=={version}"], check=True)
    return str(folder)


@pytest.mark.parametrize("files", [False, True], ids=["no files", "files"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_records_into_the_segment(run: Run, version: str, files: bool, tmp_path: Path) -> None:
    variables = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)} if files else {}
    run(CODE, PYTHONPATH=client(version), **variables)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_version_is_left_alone_and_named(run: Run) -> None:
    code = """
    import shmetrics.bridge
    from prometheus_client import Counter, generate_latest
    counter = Counter("c", "", ["a"])
    counter.labels("x").inc()
    assert 'c_total{a="x"} 1.0' in generate_latest().decode()
    """
    complaint = "prometheus_client 0.9.0 is not bridged, nothing of it is recorded or sped up: it differs in"
    run(code, complaint, PYTHONPATH=client("0.9.0"))


def test_without_prometheus_client_the_import_says_what_to_install(run: Run, tmp_path: Path) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('hidden')")
    code = """
    try:
        import shmetrics.bridge
    except ImportError as error:
        assert "pip install prometheus_client" in str(error)
    else:
        raise AssertionError
    """
    run(code, PYTHONPATH=str(tmp_path))
