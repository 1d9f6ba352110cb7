# SPDX-License-Identifier: MIT
"""protobuf - a registry as delimited protocol buffers: a MetricFamily of Prometheus for each family

A Prometheus that takes in native histograms asks for this format.
"""

from __future__ import annotations

from typing import Mapping

from ._core import CONTENT_TYPE_PROTOBUF, FORMAT_PROTOBUF
from .openmetrics.escaping import UNDERSCORES
from .registry import REGISTRY, Collector
from .scraping.exposing import expose

CONTENT_TYPE_LATEST = CONTENT_TYPE_PROTOBUF

__all__ = ("CONTENT_TYPE_LATEST", "generate_latest")


def generate_latest(registry: Collector = REGISTRY, escaping: str = UNDERSCORES) -> bytes:
    """What a registry collects, in delimited protocol buffers.

    escaping: of names beyond the older character set.
    """
    return expose(registry, FORMAT_PROTOBUF, escaping)


def is_asked_for(media_type: str, parameters: Mapping[str, str]) -> bool:
    """Whether a clause of an Accept header means these messages."""
    return (
        media_type == "application/vnd.google.protobuf"
        and parameters.get("proto") == "io.prometheus.client.MetricFamily"
        and parameters.get("encoding") == "delimited"
    )
