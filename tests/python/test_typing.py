# SPDX-License-Identifier: MIT
"""The types that are promised: mypy --strict on the package, stubtest on the stub of the extension."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SANITIZED

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(SANITIZED, reason="the sanitizer has nothing to find in mypy")


def check(module: str, *arguments: str) -> None:
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_package_is_strictly_typed(platform: str) -> None:
    """With the settings of pyproject.toml, which say strict."""
    check("mypy", "--no-incremental", "--cache-dir", os.devnull, "--platform", platform)


def test_the_stub_says_what_the_extension_has() -> None:
    check(
        "mypy.stubtest",
        "shmetrics._core",
        "--mypy-config-file",
        "pyproject.toml",
        # What no two of them can be bases of one class: too young for most checkers.
        "--ignore-disjoint-bases",
    )
