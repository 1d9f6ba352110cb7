# SPDX-License-Identifier: MIT
"""conftest - segments and interpreters for the tests

REGISTRY belongs to a process, so what tests it runs in an interpreter of its own; everything else
uses a registry of its own. Every segment lies in a directory that is removed.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from types import ModuleType
from typing import Callable, Iterator, Optional

import pytest

import shmetrics

DEADLINE_SECONDS = 30.0

SANITIZED = any(name in os.environ.get("LD_PRELOAD", "") for name in ("asan", "tsan"))

# tests/interpreters: what could not be installed for this interpreter. Its tests are left out.
WITHOUT = [name.replace("-", "_") for name in os.environ.get("SMX_WITHOUT", "").split()]


def pytest_ignore_collect(collection_path: Path) -> Optional[bool]:
    if not WITHOUT or collection_path.suffix != ".py":
        return None
    imports = rf"^\s*(?:import|from) (?:{'|'.join(WITHOUT)})\b"
    return True if re.search(imports, collection_path.read_text(), re.MULTILINE) else None


@pytest.fixture
def registry() -> shmetrics.CollectorRegistry:
    return shmetrics.CollectorRegistry()


@pytest.fixture(params=["shmetrics", "prometheus_client"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Ours and theirs: a test with it states what both do."""
    return importlib.import_module(request.param)


def has_named_segments() -> bool:
    try:
        # Refused on Linux too, but not for being unsupported.
        shmetrics.Segment.open("/nowhere/at/all")
    except NotImplementedError:
        return False
    except OSError:
        pass
    return True


# Not on other systems than Linux, nor with the package that is built for them.
NAMED_SEGMENTS = has_named_segments()


@pytest.fixture
def segment_directory() -> Iterator[Path]:
    if not NAMED_SEGMENTS:
        pytest.skip("segments shared between processes need Linux")
    shared_memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    directory = tempfile.mkdtemp(prefix="shmetrics-test-", dir=shared_memory)
    yield Path(directory)
    shutil.rmtree(directory)


@pytest.fixture
def environment(segment_directory: Path) -> dict[str, str]:
    """For an interpreter that records into the segment "test"."""
    return {**os.environ, "SHMETRICS_DIR": str(segment_directory), "SHMETRICS_SEGMENT": "test"}


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """run(code, *arguments, env=None): a program with REGISTRY in the segment "test"; it must end well."""

    def run_program(
        code: str, *arguments: str, env: Optional[dict[str, str]] = None
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), *arguments],
            env=environment if env is None else env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run_program


def until(condition: Callable[[], bool], what: str) -> None:
    """Waits for a condition, and fails by its name."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {DEADLINE_SECONDS} s in vain: {what}")
        time.sleep(0.005)
