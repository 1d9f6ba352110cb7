# SPDX-License-Identifier: MIT
"""shmetrics - metrics of a program's processes in one segment of shared memory

The names are prometheus_client's::

    from shmetrics import Counter

    requests = Counter("my_requests_total", "Requests answered", ["method"])
    requests.labels("GET").inc()

Importing does nothing but define. The segment named by SHMETRICS_SEGMENT or by configure() is
opened by the first metric on REGISTRY; shmetrics-collector serves it.
"""

from ._core import VERSION as __version__
from ._core import Segment
from .context_managers import ExceptionCounter, InprogressTracker, Timer
from .exposition import CONTENT_TYPE_LATEST, CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from .metrics import Counter, Gauge, Histogram
from .metrics_core import Metric
from .registry import REGISTRY, CollectorRegistry, DuplicateTimeseries
from .samples import Exemplar, Sample
from .segment import configure

__all__ = [
    "CONTENT_TYPE_LATEST",
    "CONTENT_TYPE_PLAIN_0_0_4",
    "CollectorRegistry",
    "Counter",
    "DuplicateTimeseries",
    "ExceptionCounter",
    "Exemplar",
    "Gauge",
    "Histogram",
    "InprogressTracker",
    "Metric",
    "REGISTRY",
    "Sample",
    "Segment",
    "Timer",
    "__version__",
    "configure",
    "generate_latest",
]
