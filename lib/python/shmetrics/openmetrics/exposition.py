# SPDX-License-Identifier: MIT
"""exposition - families in the OpenMetrics text format"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import FORMAT_OPENMETRICS_100, FORMAT_OPENMETRICS_200
from ..scraping.exposing import EOF as EOF
from ..scraping.exposing import expose
from ..utils import parse_version
from .escaping import (
    ALLOWUTF8,
    DOTS,
    UNDERSCORES,
    VALUES,
    escape_label_name,
    escape_metric_name,
)

if TYPE_CHECKING:
    from ..registry import Collector

CONTENT_TYPE_LATEST = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CONTENT_TYPE_LATEST_2_0 = "application/openmetrics-text; version=2.0.0; charset=utf-8"
ESCAPING_HEADER_TAG = "escaping"

__all__ = (
    "ALLOWUTF8",
    "CONTENT_TYPE_LATEST",
    "CONTENT_TYPE_LATEST_2_0",
    "DOTS",
    "ESCAPING_HEADER_TAG",
    "UNDERSCORES",
    "VALUES",
    "escape_label_name",
    "escape_metric_name",
    "generate_latest",
)


def generate_latest(
    registry: Collector, escaping: str = UNDERSCORES, version: str = "1.0.0"
) -> bytes:
    """What a registry collects, in the OpenMetrics text format.

    escaping: of names beyond the older character set. version: "1.0.0", or "2.0.0", where a histogram
    or a summary is one sample, native ones too.
    """
    is_second = parse_version(version) >= (2, 0, 0)
    return expose(
        registry, FORMAT_OPENMETRICS_200 if is_second else FORMAT_OPENMETRICS_100, escaping
    )
