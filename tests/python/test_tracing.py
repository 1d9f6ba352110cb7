# SPDX-License-Identifier: MIT
"""The current span of the real OpenTelemetry as the labels of an exemplar."""

from __future__ import annotations

import subprocess
import sys

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from shmetrics import tracing


def test_a_sampled_span_gives_its_ids() -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("span") as span:
        context = span.get_span_context()
        assert tracing.exemplar() == {
            "trace_id": format(context.trace_id, "032x"),
            "span_id": format(context.span_id, "016x"),
        }


def test_without_a_sampled_span_there_is_none() -> None:
    assert tracing.exemplar() is None
    with TracerProvider(sampler=ALWAYS_OFF).get_tracer("test").start_as_current_span("span"):
        assert tracing.exemplar() is None


def test_it_does_not_import_opentelemetry() -> None:
    code = (
        "import sys, shmetrics.tracing as t; assert t.exemplar() is None;"
        " assert 'opentelemetry' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
