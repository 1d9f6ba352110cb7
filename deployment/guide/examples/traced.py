#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""traced - an observation that carries its trace: SHMETRICS_SEGMENT=shop python traced.py

Needs opentelemetry-sdk. No spans are exported; a program sets an exporter where the provider is made.
"""

import signal

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from shmetrics import Histogram
from shmetrics.tracing import exemplar

TOOK = Histogram("order_duration_seconds", "Time an order took.", buckets=(0.1, 1, 10))

trace.set_tracer_provider(TracerProvider())
with trace.get_tracer("shop").start_as_current_span("order") as span:
    TOOK.observe(0.5, exemplar())
print(f"trace {span.get_span_context().trace_id:032x}", flush=True)
signal.pause()
