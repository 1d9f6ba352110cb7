# SPDX-License-Identifier: MIT
"""The current span of the real OpenTelemetry as the labels of an exemplar."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Span

from shmetrics import CollectorRegistry, catalog, tracing
from shmetrics.asgi import Middleware as AsgiMiddleware
from shmetrics.openmetrics.exposition import generate_latest
from shmetrics.wsgi import Middleware as WsgiMiddleware


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


def exemplars(registry: CollectorRegistry, family: str) -> set[str]:
    """The traces that the exposition in OpenMetrics has at the buckets of a family."""
    lines = generate_latest(registry).decode().splitlines()
    assert lines[-1] == "# EOF"
    buckets = [line for line in lines if line.startswith(f"{family}_bucket")]
    found = (re.search(r' # \{.*trace_id="(\w+)"', line) for line in buckets)
    return {match[1] for match in found if match}


def trace_of(span: Span) -> str:
    return format(span.get_span_context().trace_id, "032x")


def test_what_the_catalogue_times_has_the_trace(registry: CollectorRegistry) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("span") as span:
        with catalog.track_agent("a", "i", registry=registry):
            pass
        with catalog.track_llm("m", registry=registry), catalog.track_retrieval("n", registry=registry):
            pass
    with catalog.track_llm("other", registry=registry):
        pass
    for family in ("agent_execution", "llm_request", "rag_retrieval"):
        assert exemplars(registry, f"{family}_duration_seconds") == {trace_of(span)}


def test_a_request_has_the_trace_it_was_answered_in(registry: CollectorRegistry) -> None:
    tracer = TracerProvider().get_tracer("test")
    spans = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        with tracer.start_as_current_span("request") as span:
            spans.append(span)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None: ...

    scope = {"type": "http", "method": "GET", "path": "/"}
    asyncio.run(AsgiMiddleware(app, registry=registry)(scope, None, send))  # type: ignore[arg-type]
    assert exemplars(registry, "http_request_duration_seconds") == {trace_of(spans[0])}


def test_outside_a_trace_nobody_is_asked_for_one(registry: CollectorRegistry) -> None:
    """FastAPI loads OpenTelemetry whether it is used or not: each request would pay for it."""
    asked: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None: ...

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tracing, "exemplar", lambda: asked.append(1))
        middleware: Any = AsgiMiddleware(app, registry=registry)
    scope = {"type": "http", "method": "GET", "path": "/"}
    asyncio.run(middleware(scope, None, send))
    assert not asked
    with TracerProvider().get_tracer("test").start_as_current_span("outer"):
        asyncio.run(middleware(scope, None, send))
    assert asked == [1]


class ElsewhereContext:
    """A runtime context of another kind, as OTEL_PYTHON_CONTEXT may name one."""

    def __init__(self) -> None:
        self.held = [otel_context.Context()]

    def attach(self, context: otel_context.Context) -> int:
        self.held.append(context)
        return len(self.held)

    def get_current(self) -> otel_context.Context:
        return self.held[-1]

    def detach(self, token: int) -> None:
        self.held.pop()


def test_a_context_that_is_kept_elsewhere_is_asked(registry: CollectorRegistry) -> None:
    assert tracing.context_variable() is not None
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(otel_context, "_RUNTIME_CONTEXT", ElsewhereContext())
        assert tracing.context_variable() is None
        test_a_request_has_the_trace_it_was_answered_in(registry)


def test_a_request_over_wsgi_has_the_trace_too(registry: CollectorRegistry) -> None:
    tracer = TracerProvider().get_tracer("test")
    spans = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        with tracer.start_as_current_span("request") as span:
            spans.append(span)
            start_response("200 OK", [])
        return [b""]

    wrapped = WsgiMiddleware(app, registry=registry, endpoint=lambda _: "/")
    wrapped({"REQUEST_METHOD": "GET"}, lambda *_: None)
    assert exemplars(registry, "http_request_duration_seconds") == {trace_of(spans[0])}


@pytest.mark.parametrize("answer", [None, {}, {"trace_id": "x" * 200}, {"trace_id": 7}, ZeroDivisionError()])
def test_an_exemplar_that_is_none_stops_no_answer(registry: CollectorRegistry, answer: Any) -> None:
    sent: list[str] = []

    def exemplar() -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tracing, "exemplar", exemplar)
        patched.setattr(tracing, "context_variable", lambda: None)
        patched.setattr(sys, "unraisablehook", lambda *_: None)
        scope = {"type": "http", "method": "GET", "path": "/"}
        asyncio.run(AsgiMiddleware(app, registry=registry)(scope, None, send))  # type: ignore[arg-type]
    assert sent == ["http.response.start", "http.response.body"]
    labels = {"method": "GET", "endpoint": "<unmatched>"}
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 1
    assert exemplars(registry, "http_request_duration_seconds") == set()
