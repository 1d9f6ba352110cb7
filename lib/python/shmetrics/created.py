# SPDX-License-Identifier: MIT
"""created - whether x_created is exported: when a counter, histogram or summary was made

prometheus_client exports it unless told not to. Here it is the other way round, for a Prometheus
stores every x_created as a series of its own.
"""

from __future__ import annotations

import os


def _get_use_created() -> bool:
    setting = os.environ.get("PROMETHEUS_DISABLE_CREATED_SERIES", "true")
    return setting.lower() in ("false", "0", "f")


_use_created = _get_use_created()


def use_created() -> bool:
    return _use_created


def disable_created_metrics() -> None:
    """Do not export x_created: the default."""
    global _use_created
    _use_created = False


def enable_created_metrics() -> None:
    """Export x_created beside each counter, histogram and summary, from this process.

    PROMETHEUS_DISABLE_CREATED_SERIES=false does it from the start.
    """
    global _use_created
    _use_created = True
