# SPDX-License-Identifier: MIT
"""conftest - the two exposers, once for all tests of this folder"""

from __future__ import annotations

from collections.abc import Iterator

import exposers
import families
import pytest


@pytest.fixture(scope="session")
def told() -> list[dict[str, object]]:
    return families.families()


@pytest.fixture(scope="session")
def judged(told: list[dict[str, object]]) -> Iterator[tuple[exposers.Exposer, exposers.Exposer]]:
    """Ours and client_golang."""
    missing = exposers.build()
    if missing:
        pytest.skip(missing)
    with exposers.ours(told) as ours, exposers.client_golang(told) as reference:
        yield ours, reference
