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
from .exposition import (
    CONTENT_TYPE_LATEST,
    CONTENT_TYPE_PLAIN_0_0_4,
    CONTENT_TYPE_PLAIN_1_0_0,
    MetricsHandler,
    delete_from_gateway,
    generate_latest,
    instance_ip_grouping_key,
    make_asgi_app,
    make_wsgi_app,
    push_to_gateway,
    pushadd_to_gateway,
    start_http_server,
    start_wsgi_server,
    write_to_textfile,
)
from .gc_collector import GC_COLLECTOR, GCCollector
from .metrics import (
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Summary,
    disable_created_metrics,
    enable_created_metrics,
)
from .metrics_core import Metric
from .native_histogram import NativeHistogram
from .platform_collector import PLATFORM_COLLECTOR, PlatformCollector
from .process_collector import PROCESS_COLLECTOR, ProcessCollector
from .registry import REGISTRY, CollectorRegistry, DuplicateTimeseries
from .samples import Exemplar, Sample
from .sampling import Sampler, sample_collectors
from .segment import configure

__all__ = [
    "CONTENT_TYPE_LATEST",
    "CONTENT_TYPE_PLAIN_0_0_4",
    "CONTENT_TYPE_PLAIN_1_0_0",
    "CollectorRegistry",
    "Counter",
    "DuplicateTimeseries",
    "Enum",
    "ExceptionCounter",
    "Exemplar",
    "GCCollector",
    "GC_COLLECTOR",
    "Gauge",
    "Histogram",
    "Info",
    "InprogressTracker",
    "Metric",
    "MetricsHandler",
    "NativeHistogram",
    "PLATFORM_COLLECTOR",
    "PROCESS_COLLECTOR",
    "PlatformCollector",
    "ProcessCollector",
    "REGISTRY",
    "Sample",
    "Sampler",
    "Segment",
    "Summary",
    "Timer",
    "__version__",
    "configure",
    "delete_from_gateway",
    "disable_created_metrics",
    "enable_created_metrics",
    "generate_latest",
    "instance_ip_grouping_key",
    "make_asgi_app",
    "make_wsgi_app",
    "push_to_gateway",
    "pushadd_to_gateway",
    "sample_collectors",
    "start_http_server",
    "start_wsgi_server",
    "write_to_textfile",
]
