# SPDX-License-Identifier: MIT
"""The catalogue: the guide's 24 families by name, and helpers that record them once, whatever is measured."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import shmetrics
from shmetrics import catalog
from shmetrics.asgi import Middleware
from shmetrics.catalog.__main__ import markdown
from shmetrics.catalog.values import LabelValues, error_type

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


def test_the_table_as_json() -> None:
    command = [sys.executable, "-m", "shmetrics.catalog", "--json"]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert [family["name"] for family in printed] == list(GUIDE)
    assert printed[-1]["mode"] == "mostrecent"


def test_threads_that_are_first_get_the_same_metric(registry: Registry) -> None:
    barrier = threading.Barrier(8)
    found = []

    def first() -> None:
        barrier.wait()
        found.append(catalog.metric("llm_requests_total", registry))

    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(map(id, found))) == 1


def test_label_values_stop_growing() -> None:
    values = LabelValues(2)
    assert [values("a"), values("b"), values("c"), values("a")] == ["a", "b", "<other>", "a"]
    assert len(LabelValues(1)("x" * 5000)) == 100
    assert error_type(KeyError("something that nobody foresaw")) == "KeyError"


def test_importing_loads_no_library() -> None:
    code = """if True:
        import sys, shmetrics.catalog, shmetrics.tracing
        optional = {"sqlalchemy", "httpx", "httpx2", "openai", "anthropic", "django", "opentelemetry",
                    "flask", "litestar", "asyncio"}
        assert not optional & set(sys.modules), optional & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True)
