# SPDX-License-Identifier: MIT
"""fresh_segment - a pytest plugin: a segment of its own for each test

The suites of the packages take it for granted that a metric which is unregistered and made again
starts from 0. In a segment, which other processes may be using, it goes on.
"""

import itertools
import os

import pytest

from shmetrics import segment
from shmetrics.bridge import families

_numbers = itertools.count()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    os.environ[segment.ENVIRONMENT_VARIABLE] = f"test-{os.getpid()}-{next(_numbers)}"
    segment._opened.clear()
    families.defined_names.clear()
