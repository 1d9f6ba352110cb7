# SPDX-License-Identifier: MIT
"""validation - which names metrics and labels may have

As in prometheus_client any UTF-8 text is a name, unless PROMETHEUS_LEGACY_NAME_VALIDATION or
enable_legacy_validation() asks this process for the older rules. What a segment demands of names it
checks itself.
"""

from __future__ import annotations

import os
import re

METRIC_NAME_RE = re.compile(r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")
METRIC_LABEL_NAME_RE = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]*$")
RESERVED_METRIC_LABEL_NAME_RE = re.compile(r"^__.*$")

_legacy_validation = os.environ.get("PROMETHEUS_LEGACY_NAME_VALIDATION", "").lower() in (
    "true",
    "1",
    "t",
)


def get_legacy_validation() -> bool:
    return _legacy_validation


def disable_legacy_validation() -> None:
    """Any UTF-8 text may be the name of a family."""
    global _legacy_validation
    _legacy_validation = False


def enable_legacy_validation() -> None:
    """Names match [a-zA-Z_:][a-zA-Z0-9_:]*, as Prometheus before version 3 demands."""
    global _legacy_validation
    _legacy_validation = True


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # lone surrogates
        return False
    return True


def _validate_metric_name(name: str) -> None:
    if not name:
        raise ValueError("metric name cannot be empty")
    if not _is_utf8(name) or _legacy_validation and not METRIC_NAME_RE.match(name):
        raise ValueError(f"invalid metric name {name!r}")


def _validate_label_name(name: str) -> None:
    if _legacy_validation and not _is_valid_legacy_labelname(name):
        raise ValueError(f"invalid label name {name!r}")


def _is_valid_legacy_metric_name(name: str) -> bool:
    return METRIC_NAME_RE.match(name) is not None


def _is_valid_legacy_labelname(name: str) -> bool:
    return (
        METRIC_LABEL_NAME_RE.match(name) is not None
        and RESERVED_METRIC_LABEL_NAME_RE.match(name) is None
    )
