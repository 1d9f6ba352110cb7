# SPDX-License-Identifier: MIT
"""The catalogue: the guide's 24 families by name, and helpers that record them once, whatever is measured."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any, AsyncIterator, Iterator

import pytest

import shmetrics
from shmetrics import catalog
from shmetrics.asgi import Middleware
from shmetrics.catalog.__main__ import markdown

REFERENCE = Path(__file__).resolve().parents[2] / "deployment" / "METRICS.md"

# As the guide lists them, name and labels where it states them.
GUIDE: dict[str, tuple[str, ...] | None] = {
    "http_requests_total": ("method", "endpoint", "status_code"),
    "http_request_duration_seconds": None,
    "http_requests_in_progress": None,
    "agent_executions_total": ("agent_name", "intent", "status"),
    "agent_execution_duration_seconds": None,
    "agent_errors_total": ("agent_name", "error_type"),
    "agent_concurrent_executions": None,
    "llm_requests_total": ("model", "operation"),
    "llm_tokens_used_total": ("model", "token_type"),
    "llm_request_duration_seconds": None,
    "llm_errors_total": None,
    "db_queries_total": ("operation", "table"),
    "db_query_duration_seconds": None,
    "db_connections_active": None,
    "db_connection_pool_size": None,
    "rag_retrievals_total": ("namespace", "status"),
    "rag_retrieval_duration_seconds": None,
    "rag_chunks_retrieved": None,
    "rag_grounding_score": None,
    "bookings_created_total": None,
    "complaints_created_total": None,
    "chat_sessions_total": None,
    "user_registrations_total": None,
    "active_users": None,
}

Registry = shmetrics.CollectorRegistry


def value(registry: Registry, name: str, **labels: str) -> float | None:
    found: float | None = registry.get_sample_value(name, labels)
    return found


def test_the_table_has_the_families_of_the_guide() -> None:
    assert [family.name for family in catalog.FAMILIES] == list(GUIDE)
    for name, labels in GUIDE.items():
        assert labels is None or catalog.BY_NAME[name].labels == labels


def test_every_threshold_of_the_alerts_is_a_bound() -> None:
    assert 5.0 in catalog.BY_NAME["http_request_duration_seconds"].buckets
    assert 10.0 in catalog.BY_NAME["agent_execution_duration_seconds"].buckets
    assert 1.0 in catalog.BY_NAME["db_query_duration_seconds"].buckets
    assert 0.45 in catalog.BY_NAME["rag_grounding_score"].buckets


def test_every_family_is_served_as_the_table_says(registry: Registry) -> None:
    catalog.define(registry=registry)
    served = {metric.name: metric for metric in registry.collect()}
    for family in catalog.FAMILIES:
        metric = served.get(family.name.removesuffix("_total"))
        if metric is None:
            assert family.labels  # it has no series yet, so nothing to show
            continue
        assert metric.type == family.kind
        assert metric.documentation == family.help


def test_define_knows_its_areas(registry: Registry) -> None:
    catalog.define("Business", registry=registry)
    assert value(registry, "bookings_created_total") == 0
    assert value(registry, "http_requests_in_progress") is None
    with pytest.raises(ValueError, match="no area of the catalogue"):
        catalog.define("Weather", registry=registry)


def test_the_reference_is_what_the_table_says() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == markdown(), (
        "make it again: python -m shmetrics.catalog --markdown > deployment/METRICS.md"
    )


def test_importing_makes_no_metric() -> None:
    code = (
        "import shmetrics, shmetrics.catalog as catalog;"
        " assert not set(shmetrics.REGISTRY._names_to_collectors) & set(catalog.BY_NAME)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_middleware_and_the_catalogue_share_their_metrics(registry: Registry) -> None:
    async def app(*_: Any) -> None: ...

    Middleware(app, registry=registry)
    assert catalog.metric("http_requests_total", registry) is registry._names_to_collectors["http_requests_total"]
    catalog.define(registry=registry)
    Middleware(app, registry=registry)
    with pytest.raises(ValueError, match="other buckets"):
        Middleware(app, registry=registry, buckets=(1.0, 2.0))


def test_a_metric_of_the_application_is_taken_if_it_is_alike(registry: Registry) -> None:
    mine = shmetrics.Counter("bookings_created_total", "Mine.", registry=registry)
    catalog.booking_created(registry=registry)
    assert catalog.metric("bookings_created_total", registry) is mine
    assert value(registry, "bookings_created_total") == 1


def test_a_metric_that_is_not_alike_is_refused(registry: Registry) -> None:
    shmetrics.Gauge("active_users", "", ["tenant"], registry=registry, multiprocess_mode="livesum")
    with pytest.raises(ValueError, match="active_users: the registry has another metric"):
        catalog.set_active_users(1, registry=registry)


# ---- the helpers ----


def agent_values(registry: Registry, error: str) -> dict[str, Any]:
    return {
        "success": value(registry, "agent_executions_total", agent_name="a", intent="i", status="success"),
        "error": value(registry, "agent_executions_total", agent_name="a", intent="i", status="error"),
        "timed": value(registry, "agent_execution_duration_seconds_count", agent_name="a"),
        "errors": value(registry, "agent_errors_total", agent_name="a", error_type=error),
        "running": value(registry, "agent_concurrent_executions", agent_name="a"),
    }


def test_an_agent_is_counted_by_its_outcome(registry: Registry) -> None:
    with catalog.track_agent("a", "i", registry=registry):
        assert value(registry, "agent_concurrent_executions", agent_name="a") == 1
    with pytest.raises(KeyError):
        with catalog.track_agent("a", "i", registry=registry):
            raise KeyError("k")
    assert agent_values(registry, "KeyError") == {
        "success": 1, "error": 1, "timed": 2, "errors": 1, "running": 0,
    }  # fmt: skip


def test_a_cancelled_agent_is_an_error(registry: Registry) -> None:
    @catalog.track_agent("a", "i", registry=registry)
    async def waits() -> None:
        await asyncio.Event().wait()

    async def cancel() -> None:
        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        assert value(registry, "agent_concurrent_executions", agent_name="a") == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert agent_values(registry, "CancelledError")["errors"] == 1
    assert agent_values(registry, "CancelledError")["running"] == 0


def test_every_kind_of_function_can_be_decorated(registry: Registry) -> None:
    track = catalog.track_agent("a", "i", registry=registry)

    @track
    def plain(x: int) -> int:
        return x

    @track
    async def coroutine(x: int) -> int:
        await asyncio.sleep(0)
        return x

    @track
    def generator(x: int) -> Iterator[int]:
        yield x

    @track
    async def asynchronous(x: int) -> AsyncIterator[int]:
        yield x

    async def collect() -> list[int]:
        assert await coroutine(2) == 2
        return [item async for item in asynchronous(4)]

    assert plain(1) == 1 and plain.__name__ == "plain"
    assert list(generator(3)) == [3]
    assert asyncio.run(collect()) == [4]
    assert agent_values(registry, "")["success"] == 4


def test_a_generator_that_is_left_early_is_no_error(registry: Registry) -> None:
    @catalog.track_agent("a", "i", registry=registry)
    def numbers() -> Iterator[int]:
        yield 1
        yield 2

    running = numbers()
    next(running)
    running.close()
    assert agent_values(registry, "GeneratorExit") == {
        "success": 1, "error": None, "timed": 1, "errors": None, "running": 0,
    }  # fmt: skip


def test_a_decorated_function_runs_many_times_at_once(registry: Registry) -> None:
    @catalog.track_agent("a", "i", registry=registry)
    async def waits(event: asyncio.Event) -> None:
        await event.wait()

    async def many() -> None:
        event = asyncio.Event()
        tasks = [asyncio.ensure_future(waits(event)) for _ in range(5)]
        await asyncio.sleep(0)
        assert value(registry, "agent_concurrent_executions", agent_name="a") == 5
        event.set()
        await asyncio.gather(*tasks)

    asyncio.run(many())
    assert agent_values(registry, "")["running"] == 0


def test_a_model_call_counts_tokens_and_failures(registry: Registry) -> None:
    with catalog.track_llm("m", "answer", registry=registry) as call:
        call.tokens(prompt=10, completion=3)
    with pytest.raises(TimeoutError):
        with catalog.track_llm("m", "answer", registry=registry) as call:
            call.tokens(prompt=5)
            raise TimeoutError
    with catalog.track_llm("m", "answer", registry=registry) as call:
        call.fail("http_429")
    assert value(registry, "llm_requests_total", model="m", operation="answer") == 3
    assert value(registry, "llm_request_duration_seconds_count", model="m", operation="answer") == 3
    assert value(registry, "llm_tokens_used_total", model="m", token_type="prompt") == 15
    assert value(registry, "llm_tokens_used_total", model="m", token_type="completion") == 3
    assert value(registry, "llm_errors_total", model="m", error_type="TimeoutError") == 1
    assert value(registry, "llm_errors_total", model="m", error_type="http_429") == 1


def test_a_retrieval_says_what_it_found(registry: Registry) -> None:
    with catalog.track_retrieval("faq", registry=registry) as retrieval:
        retrieval.chunks(3)
    retrieval.grounding(0.45)
    with pytest.raises(OSError):
        with catalog.track_retrieval("faq", registry=registry):
            raise OSError
    catalog.grounding_score(0.9, registry=registry)
    assert value(registry, "rag_retrievals_total", namespace="faq", status="success") == 1
    assert value(registry, "rag_retrievals_total", namespace="faq", status="error") == 1
    assert value(registry, "rag_chunks_retrieved_sum", namespace="faq") == 3
    assert value(registry, "rag_retrieval_duration_seconds_count", namespace="faq") == 2
    assert value(registry, "rag_grounding_score_bucket", le="0.45") == 1
    assert value(registry, "rag_grounding_score_count") == 2


def test_business_events_are_one_line_each(registry: Registry) -> None:
    catalog.booking_created(registry=registry)
    catalog.complaint_created(registry=registry)
    catalog.chat_session(registry=registry)
    catalog.user_registered(registry=registry)
    catalog.set_active_users(12, registry=registry)
    for name in ("bookings_created_total", "complaints_created_total", "chat_sessions_total"):
        assert value(registry, name) == 1
    assert value(registry, "user_registrations_total") == 1
    assert value(registry, "active_users") == 12
