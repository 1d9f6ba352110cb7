# SPDX-License-Identifier: MIT
"""conftest - the live stack, once for all tests of this folder"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in ("tests/support", "tests/system", "deployment/demo", "deployment"):
    sys.path.insert(0, str(ROOT / folder))

from running import Stack, running  # noqa: E402


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All of it, with traffic; what tests change in it they set right again."""
    with running(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stops and kills parts of the stack comes last: others read from it what it did undisturbed."""
    items.sort(key=lambda item: item.get_closest_marker("disturbs") is not None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "disturbs: stops, kills or slows parts of the live stack")
    os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")
