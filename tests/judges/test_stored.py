# SPDX-License-Identifier: MIT
"""What real scrapers store of us is what they store of client_golang with the same values (I12)"""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import servers
from collector import wait_until
from exposers import Exposer
from prometheus import CLASSIC, NATIVE, Edition, parameters

SERIES_MIN = 45
# Its handler has no OpenMetrics 2.0.
PROTOBUF = [edition for edition in NATIVE if edition.format == "protobuf"]


def assert_stores_the_same(stored: servers.Stored, native: bool) -> None:
    wait_until(lambda: len(stored("ours")) > SERIES_MIN, "what we expose is stored", 60)
    # It comes bit by bit: only what stays different is.
    with contextlib.suppress(AssertionError):
        wait_until(lambda: stored("ours") == stored("reference"), "both are stored", 20)
    ours, reference = stored("ours"), stored("reference")
    assert ours == reference
    assert any(name.endswith("of a native") for name, _ in ours) == native


@pytest.fixture
def targets(judged: tuple[Exposer, Exposer]) -> dict[str, str]:
    return {"ours": judged[0].address, "reference": judged[1].address}


@pytest.mark.parametrize("edition", parameters(*CLASSIC, *PROTOBUF))
def test_prometheus_stores_the_same_of_both(
    targets: dict[str, str], tmp_path: Path, edition: Edition
) -> None:
    with servers.prometheus(tmp_path, targets, edition) as stored:
        assert_stores_the_same(stored, native=edition.native)


def test_vmagent_stores_the_same_of_both(targets: dict[str, str], tmp_path: Path) -> None:
    with servers.vmagent(tmp_path, targets) as stored:
        assert_stores_the_same(stored, native=False)
