# SPDX-License-Identifier: MIT
"""client_suite_differences - the tests of prometheus_client that shmetrics does not pass, and why

By file and reason; test_client_suite.py runs them all and checks that this is the whole list.
"""

from __future__ import annotations

from typing import Dict, List

# The version whose tests these are.
VERSION = "0.26.0"

# What is replaced in a file before it runs, besides the name of the package.
ADAPTATIONS: Dict[str, Dict[str, str]] = {
    # The answer is made in a thread, so that the event loop goes on; it is not there in 0 seconds. Vary
    # and Content-Length are answered, too.
    "test_asgi.py": {
        "receive_output(0)": "receive_output(1)",
        "num_of_headers = 2 if compressed else 1": "num_of_headers = 4 if compressed else 3",
    },
    "test_wsgi.py": {
        "num_of_headers = 2 if compressed else 1": "num_of_headers = 4 if compressed else 3",
    },
    # shmetrics.bridge is the bridge from prometheus_client.
    "test_graphite_bridge.py": {"prometheus_client.bridge.graphite": "prometheus_client.graphite"},
}

# Fail now and then with prometheus_client, too: the server closes the connection before or after the
# client has written its request.
UNSTABLE: List[str] = ["TestWsgiTLS.test_mtls_untrusted_client_cert_raises"]

_CREATED = (
    "x_created is not exported unless enable_created_metrics() asks for it: a Prometheus stores each as "
    "a series. In histograms and summaries _sum stands before _count."
)
_UNIT = "The unit of a counter cannot be 'total', which is the suffix of all counters."
_EXEMPLARS = (
    "enable_legacy_validation() does not reach into recording: an exemplar with such a label name is not "
    "an error, it is not kept."
)

_SMALL = "An answer of less than 1,000 bytes is not compressed: it would not get smaller."
_BOUNDS = (
    "Bounds and quantiles are written in one form, 0.0 for 0: a Prometheus 2 takes the two for different "
    "series."
)

DIFFERENCES: Dict[str, Dict[str, List[str]]] = {
    "test_aiohttp.py": {_SMALL: ["AioHTTPTest.test_gzip"]},
    "test_asgi.py": {_SMALL: ["ASGITest.test_gzip"]},
    "test_core.py": {
        _CREATED: ["TestCounter.test_reset"],
        _UNIT: ["TestMetricWrapper.test_name_cleanup_before_unit_append"],
        _EXEMPLARS: [
            "TestCounter.test_exemplar_invalid_label_name",
            "TestHistogram.test_exemplar_invalid_legacy_label_name",
        ],
    },
    "test_exposition.py": {
        _CREATED: [
            "TestGenerateText.test_counter",
            "TestGenerateText.test_counter_total",
            "TestGenerateText.test_counter_utf8",
            "TestGenerateText.test_counter_utf8_escaped_underscores",
            "TestGenerateText.test_histogram",
            "TestGenerateText.test_summary",
        ],
        _UNIT: ["TestGenerateText.test_counter_name_unit_append"],
    },
    "test_parser.py": {_BOUNDS: ["TestParse.test_roundtrip"]},
    "test_wsgi.py": {_SMALL: ["WSGITest.test_gzip"]},
}
