# SPDX-License-Identifier: MIT
"""conftest - what all Python tests start from: the signals as a shell's foreground has them, and a mark

A job in the background of a script has SIGINT ignored, and so has every program it starts; programs that are
sent SIGINT by a test must not inherit that.
"""

from __future__ import annotations

import signal

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "races: the collector's threads meet in it; it runs under ThreadSanitizer too"
    )
