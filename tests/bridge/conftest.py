# SPDX-License-Identifier: MIT
"""conftest - folders, environments and servers for the tests of the bridge"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Callable, Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from serving import segment_folder  # noqa: E402

Run = Callable[..., str]


@pytest.fixture
def segments() -> Iterator[Path]:
    with segment_folder() as folder:
        yield folder


@pytest.fixture
def environment(segments: Path) -> dict[str, str]:
    """For a program that records into the segment "test"."""
    removed = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    return {**kept, "SHMETRICS_DIR": str(segments), "SHMETRICS_SEGMENT": "test"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """run(code, **variables): what a program printed, that must end well and complain of nothing."""

    def run_program(code: str, complaint: str = "", **variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert complaint in done.stderr if complaint else not done.stderr, done.stderr
        return done.stdout

    return run_program
