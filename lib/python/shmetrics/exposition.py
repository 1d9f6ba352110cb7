# SPDX-License-Identifier: MIT
"""exposition - a registry's segment as bytes for a scraper"""

from __future__ import annotations

from ._core import CONTENT_TYPE_TEXT_004
from .registry import REGISTRY, CollectorRegistry

CONTENT_TYPE_PLAIN_0_0_4 = CONTENT_TYPE_TEXT_004
CONTENT_TYPE_LATEST = CONTENT_TYPE_PLAIN_0_0_4


def generate_latest(registry: CollectorRegistry = REGISTRY) -> bytes:
    """The whole segment, the records of all processes in it, in the text format 0.0.4.

    Other threads run on meanwhile. A program with many workers has shmetrics-collector do this
    instead.
    """
    return registry._render()
