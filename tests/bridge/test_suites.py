# SPDX-License-Identifier: MIT
"""The test suites that packages ship in their sdists: each test ends with the bridge as without.

With it each test has a segment of its own (fresh_segment.py). Not compared: prometheus_client's
tests of its files (test_multiprocess.py: one process plays several, by made-up process numbers), and
its test of TLS with wrong certificates, which does not always end alike. The sdist of
prometheus-fastapi-instrumentator has no tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as tree
from pathlib import Path

import pytest

from command import SHMETRICS
from conftest import ROOT

HERE = Path(__file__).parent
SDISTS = ROOT / "build" / "bridge" / "sdists"

CLIENT_OPTIONS = ["--ignore=tests/test_multiprocess.py", "--deselect=tests/test_exposition.py::TestWsgiTLS"]

SUITES = {
    "django-prometheus": ["django_prometheus/tests"],
    "prometheus_flask_exporter": ["tests"],
    "starlette_exporter": ["tests"],
    "prometheus_client": ["tests", *CLIENT_OPTIONS],
}


def pinned(name: str) -> str:
    """The requirement for that package in requirements.txt."""
    lines = (HERE / "requirements.txt").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}==")]
    return line


def unpack(name: str, folder: Path) -> Path:
    """The source of the package as it is on PyPI; downloaded once."""
    requirement = pinned(name)
    archive_name = requirement.replace("-", "_").replace("==", "-") + ".tar.gz"
    if not (SDISTS / archive_name).is_file():
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
        command = [*pip, "--no-build-isolation", "-d", str(SDISTS), requirement]
        subprocess.run(command, check=True)
    shutil.unpack_archive(SDISTS / archive_name, folder)
    (source,) = folder.iterdir()
    if name == "starlette_exporter":  # left out of the sdist, and needed by its tests
        (source / "tests" / "static").mkdir()
        (source / "tests" / "static" / "test.txt").write_text("text")
    return source


def outcomes(
    source: Path, report: Path, variables: dict[str, str], arguments: list[str], bridge: bool
) -> dict[str, str]:
    """How each test of a suite ends."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    if bridge:
        run = [str(SHMETRICS), "run", "-q", "--no-collector", "--bridge", "--"]
        command = [*run, *command, "-p", "fresh_segment"]
    environment = {**os.environ, "PYTHONPATH": str(HERE), **variables}
    done = subprocess.run(
        [*command, *arguments], cwd=source, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    ends = {}
    for case in tree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        tags = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        ends[name] = tags[0] if tags else "passed"
    return ends


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_ends_as_without_the_bridge(name: str, segments: Path, tmp_path: Path) -> None:
    source = unpack(name, tmp_path / "source")
    variables = {"SHMETRICS_DIR": str(segments)}
    without = outcomes(source, tmp_path / "without.xml", variables, SUITES[name], bridge=False)
    assert list(without.values()).count("passed") > 10
    assert outcomes(source, tmp_path / "with.xml", variables, SUITES[name], bridge=True) == without


def test_the_core_suite_passes_with_every_registry_in_the_segment(segments: Path, tmp_path: Path) -> None:
    source = unpack("prometheus_client", tmp_path / "source")
    suite = ["tests/test_core.py"]
    variables = {"SHMETRICS_DIR": str(segments)}
    without = outcomes(source, tmp_path / "without.xml", variables, suite, bridge=False)
    (tmp_path / "files").mkdir()
    variables["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path / "files")
    assert outcomes(source, tmp_path / "with.xml", variables, suite, bridge=True) == without
    assert list((tmp_path / "files").iterdir()) == []
