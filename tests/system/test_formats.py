# SPDX-License-Identifier: MIT
"""Text 0.0.4 and OpenMetrics say the same, as independent parsers read them (I12)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import independent  # noqa: E402
from collector import BUILD  # noqa: E402

PRINT_EXPOSITION = BUILD / "tests" / "unit" / "print_exposition"
SCRAPES = 10


@pytest.mark.parametrize("seed", range(1000, 1100))
def test_random_families_have_the_same_values_in_both_formats(seed: int) -> None:
    """Of readers that hold anything at all; each seed prints some ten scrapes of some ten families."""
    printed = subprocess.run(
        [PRINT_EXPOSITION, str(seed), str(SCRAPES)], stdout=subprocess.PIPE, check=True
    )
    bodies = printed.stdout.split(b"---\n")[:-1]
    assert len(bodies) == 2 * SCRAPES
    count = 0
    for text, openmetrics in zip(bodies[::2], bodies[1::2]):
        count += independent.assert_agrees(text, openmetrics)
    assert count > SCRAPES
