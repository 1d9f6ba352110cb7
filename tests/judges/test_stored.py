# SPDX-License-Identifier: MIT
"""What real scrapers store of us is what they store of client_golang with the same values (I12)"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import servers
from collector import wait_until
from exposers import Exposer

SERIES_MIN = 45
Scraper = Callable[[Path, dict[str, str]], AbstractContextManager[servers.Stored]]


def with_native_histograms(folder: Path, targets: dict[str, str]) -> AbstractContextManager[servers.Stored]:
    return servers.prometheus(folder, targets, "native-histograms", "exemplar-storage")


@pytest.mark.parametrize("scraper", [servers.prometheus, with_native_histograms, servers.vmagent])
def test_stores_the_same_of_both(judged: tuple[Exposer, Exposer], tmp_path: Path, scraper: Scraper) -> None:
    targets = {"ours": judged[0].address, "reference": judged[1].address}
    with scraper(tmp_path, targets) as stored:
        wait_until(lambda: len(stored("ours")) > SERIES_MIN, "what we expose is stored", 60)
        # It comes bit by bit: only what stays different is.
        with contextlib.suppress(AssertionError):
            wait_until(lambda: stored("ours") == stored("reference"), "both are stored", 20)
        ours, reference = stored("ours"), stored("reference")
    assert ours == reference
    assert any(name.endswith("of a native") for name, _ in ours) == (scraper is with_native_histograms)
