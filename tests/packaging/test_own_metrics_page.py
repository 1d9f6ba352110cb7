# SPDX-License-Identifier: MIT
"""The reference of the collector's own metrics is what its table says today, every row of it once."""

from __future__ import annotations

import sys
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "deployment" / "guide"
sys.path.insert(0, str(GUIDE))

import own_metrics  # noqa: E402


def test_the_page_is_fresh() -> None:
    again = "python deployment/guide/own_metrics.py >deployment/guide/own-metrics.md"
    assert (GUIDE / "own-metrics.md").read_text(encoding="utf-8") == own_metrics.page(), again


def test_every_metric_has_a_row() -> None:
    page = own_metrics.page()
    for metric in own_metrics.OWN:
        assert page.count(f"| `{metric.name}` |") == 1, metric.name
