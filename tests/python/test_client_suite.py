# SPDX-License-Identifier: MIT
"""prometheus_client's own tests, run on shmetrics: its sdist with the name of the package replaced.

What may fail is listed in client_suite_differences.py, with the reason; a test that fails and is not
there is a failure, and so is one that is there and passes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from client_suite_differences import ADAPTATIONS, DIFFERENCES, UNSTABLE, VERSION

FILES = [
    "test_aiohttp.py",
    "test_asgi.py",
    "test_core.py",
    "test_django.py",
    "test_exposition.py",
    "test_gc_collector.py",
    "test_graphite_bridge.py",
    "test_parser.py",
    "test_platform_collector.py",
    "test_process_collector.py",
    "test_samples.py",
    "test_twisted.py",
    "test_utils.py",
    "test_wsgi.py",
]


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tests, rewritten."""
    folder = tmp_path_factory.mktemp("prometheus_client")
    download = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        + ["--disable-pip-version-check", "--dest", str(folder), f"prometheus_client=={VERSION}"],
        capture_output=True,
        text=True,
    )
    if download.returncode != 0:
        pytest.skip(f"pip cannot download prometheus_client {VERSION}: {download.stderr[-500:]}")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        sdist.extractall(folder)
    (tests,) = folder.glob("*/tests")
    for path in tests.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for old, new in ADAPTATIONS.get(path.name, {}).items():
            assert old in text, f"{path.name} has no {old!r}: adapt it to this version"
            text = text.replace(old, new)
        path.write_text(re.sub(r"\bprometheus_client\b", "shmetrics", text), encoding="utf-8")
    return tests


@pytest.mark.parametrize("file", FILES)
def test_their_tests_pass(file: str, suite: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    environment = {name: value for name, value in os.environ.items() if "SHMETRICS" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        + ["-c", os.devnull, "--rootdir", str(suite), file],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert report.exists(), done.stdout + done.stderr
    failed, passed = set(), set()
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}"
        bad = case.find("failure") is not None or case.find("error") is not None
        (failed if bad else passed).add(name)
    expected = {name for names in DIFFERENCES.get(file, {}).values() for name in names}
    assert passed and not failed - expected - set(UNSTABLE), done.stdout
    assert not expected - failed, "these pass: take them from the list of differences"
