# SPDX-License-Identifier: MIT
"""client - the installed prometheus_client, as the bridge sees it"""

from __future__ import annotations

from typing import Any

try:
    import prometheus_client as _prometheus_client
except ImportError as error:
    raise ImportError(
        "shmetrics.bridge needs prometheus_client: pip install prometheus_client"
    ) from error
from prometheus_client import exposition as _exposition
from prometheus_client import metrics as _metrics
from prometheus_client import multiprocess as _multiprocess
from prometheus_client import registry as _registry
from prometheus_client import samples as _samples
from prometheus_client import utils
from prometheus_client import values as _values
from prometheus_client.openmetrics import exposition as _openmetrics_exposition

# Its modules differ from version to version: what they have is checked at run time (install.py).
prometheus_client: Any = _prometheus_client
exposition: Any = _exposition
openmetrics_exposition: Any = _openmetrics_exposition
metrics: Any = _metrics
multiprocess: Any = _multiprocess
registry: Any = _registry
values: Any = _values

Metric: Any = prometheus_client.Metric
Exemplar: Any = _samples.Exemplar
REGISTRY: Any = prometheus_client.REGISTRY
PrivateValue: Any = _values.MutexValue
float_to_text: Any = utils.floatToGoString


def version() -> str:
    """Of prometheus_client as it is installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed_version

    try:
        return installed_version("prometheus_client")
    except PackageNotFoundError:
        return "of an unknown version"
