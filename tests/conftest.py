# SPDX-License-Identifier: MIT
"""conftest - what all Python tests start from

The signals are as a shell's foreground has them: a job in the background of a script has SIGINT ignored, and
so has every program it starts; programs that are sent SIGINT by a test must not inherit that.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Iterator

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "races: the collector's threads meet in it; it runs under ThreadSanitizer too"
    )


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own for segments."""
    from collector import segment_folder  # of tests/support, where who asks for this has taken it from, too

    with segment_folder() as path:
        yield path
