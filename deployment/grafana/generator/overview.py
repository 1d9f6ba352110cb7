# SPDX-License-Identifier: MIT
"""overview - "ConvergeAI - System Overview": is it up, is it fast, which part is not"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from . import alerts, frame
from .histograms import durations, native
from .panels import UP, AnyPanel, Query, graph, number, states
from .promql import mean, quantile, rates, share, values


def _now() -> list[AnyPanel]:
    all_requests = rates("http_requests_total")
    failed = rates("http_requests_total", 'status_code=~"5.."')
    return [
        number("Requests", "Answered per second.", "reqps", Query(all_requests, "requests")),
        number(
            "Errors",
            "Share of requests answered with 5xx. Empty without traffic.",
            "percentunit",
            Query(share(failed, all_requests), "errors"),
            alert=alerts.HIGH_ERROR_RATE,
        ),
        number(
            "Latency, p95",
            "19 of 20 requests were answered within this time.",
            "s",
            Query(quantile(0.95, "http_request_duration_seconds"), "p95"),
            alert=alerts.HIGH_LATENCY,
        ),
        number(
            "In progress",
            "Requests being answered now, in all workers.",
            "short",
            Query(values("http_requests_in_progress"), "requests"),
        ),
        number(
            "Live writers",
            "Processes that record metrics: the workers, and `shmetrics run` if it started them.",
            "short",
            Query(values("shmetrics_segment_writers", 'state="live"'), "processes"),
        ),
        number(
            "Dependencies",
            "Down if any health check is down or its outcome is older than its time to live.",
            "none",
            Query(values("shmetrics_health_up", of="min"), "all"),
            words=UP,
        ),
    ]


def _http() -> list[AnyPanel]:
    per_route = ("method", "endpoint")
    by_endpoint = rates("http_requests_total", by=per_route)
    failed_by_endpoint = rates("http_requests_total", 'status_code=~"5.."', by=per_route)
    failed = rates("http_requests_total", 'status_code=~"5.."')
    slow = Query(
        quantile(0.95, "http_request_duration_seconds", by=per_route), "{{method}} {{endpoint}}", True
    )
    return [
        graph(
            "Requests by status",
            "Requests answered per second, by status code.",
            "reqps",
            Query(rates("http_requests_total", by=("status_code",)), "{{status_code}}"),
            stacked=True,
        ),
        graph(
            "Error rate",
            "Share of requests answered with 5xx. A gap is a time without requests.",
            "percentunit",
            Query(share(failed, rates("http_requests_total")), "5xx"),
            alert=alerts.HIGH_ERROR_RATE,
        ),
        graph(
            "Response time",
            "Median and 95th percentile over all requests. Dots are exemplars: they lead to a trace.",
            "s",
            *durations("http_request_duration_seconds"),
            alert=alerts.HIGH_LATENCY,
        ),
        graph(
            "Requests by endpoint",
            "Requests answered per second. The endpoint is the route's template.",
            "reqps",
            Query(by_endpoint, "{{method}} {{endpoint}}"),
            stacked=True,
        ),
        graph(
            "Error rate by endpoint",
            "Share of each endpoint's requests answered with 5xx.",
            "percentunit",
            Query(share(failed_by_endpoint, by_endpoint), "{{method}} {{endpoint}}"),
        ),
        graph("Response time by endpoint, p95", "95th percentile of each endpoint.", "s", slow),
    ]


def _agents() -> list[AnyPanel]:
    agent = ("agent_name",)
    ran = rates("agent_executions_total", by=agent)
    failed = rates("agent_executions_total", 'status="error"', by=agent)
    return [
        graph(
            "Agent executions",
            "Executions that ended, per second.",
            "ops",
            Query(ran, "{{agent_name}}"),
            stacked=True,
        ),
        graph(
            "Agent error rate",
            "Share of each agent's executions that ended by an error.",
            "percentunit",
            Query(share(failed, ran), "{{agent_name}}"),
            alert=alerts.HIGH_AGENT_ERROR_RATE,
        ),
        graph(
            "Agent duration",
            "Median and 95th percentile of each agent.",
            "s",
            *durations("agent_execution_duration_seconds", *agent),
            alert=alerts.SLOW_AGENT_EXECUTION,
        ),
    ]


def _llm() -> list[AnyPanel]:
    asked = rates("llm_requests_total")
    return [
        graph(
            "LLM requests",
            "Requests that ended, well or not, per second.",
            "reqps",
            Query(rates("llm_requests_total", by=("model", "operation")), "{{model}} {{operation}}"),
            stacked=True,
            width=6,
        ),
        graph(
            "LLM error rate",
            "Share of requests to language models that failed.",
            "percentunit",
            Query(share(rates("llm_errors_total"), asked), "errors"),
            alert=alerts.HIGH_LLM_ERROR_RATE,
            width=6,
        ),
        graph(
            "LLM duration",
            "Median and 95th percentile over all models.",
            "s",
            *durations("llm_request_duration_seconds"),
            width=6,
        ),
        graph(
            "LLM tokens",
            "Tokens per second, as the models report them.",
            "cps",
            Query(
                rates("llm_tokens_used_total", by=("model", "token_type")), "{{model}} {{token_type}}"
            ),
            stacked=True,
            width=6,
        ),
    ]


def _database() -> list[AnyPanel]:
    per_statement = ("operation", "table")
    return [
        graph(
            "Statements",
            "Statements executed per second.",
            "ops",
            Query(rates("db_queries_total", by=per_statement), "{{operation}} {{table}}"),
            stacked=True,
            width=6,
        ),
        graph(
            "Statement duration",
            "Median and 95th percentile over all statements.",
            "s",
            *durations("db_query_duration_seconds"),
            alert=alerts.SLOW_DATABASE_QUERIES,
            width=6,
        ),
        graph(
            "Statement duration by table, p95",
            "95th percentile of each operation on each table.",
            "s",
            Query(
                quantile(0.95, "db_query_duration_seconds", by=per_statement),
                "{{operation}} {{table}}",
                True,
            ),
            width=6,
        ),
        graph(
            "Connections",
            "In use, and what the pools of all workers hold. Equal for long: requests wait.",
            "short",
            Query(values("db_connections_active"), "in use"),
            Query(values("db_connection_pool_size"), "in the pools"),
            width=6,
        ),
    ]


def _retrieval() -> list[AnyPanel]:
    found = Query(mean("rag_chunks_retrieved", by=("namespace",)), "{{namespace}}")
    return [
        graph(
            "Grounding score",
            "How far answers rest on what was retrieved: median, and the lowest tenth.",
            "percentunit",
            Query(quantile(0.5, "rag_grounding_score"), "median", exemplar=True),
            Query(quantile(0.1, "rag_grounding_score"), "p10", exemplar=True),
            alert=alerts.LOW_GROUNDING_SCORE,
            width=6,
        ),
        graph(
            "Retrievals",
            "Retrievals that ended, per second.",
            "ops",
            Query(rates("rag_retrievals_total", by=("namespace", "status")), "{{namespace}} {{status}}"),
            stacked=True,
            width=6,
        ),
        graph(
            "Retrieval duration",
            "Median and 95th percentile over all namespaces.",
            "s",
            *durations("rag_retrieval_duration_seconds"),
            width=6,
        ),
        graph("Chunks found", "Mean number of chunks that a retrieval found.", "short", found, width=6),
    ]


def _dependencies() -> list[AnyPanel]:
    checks = Query(values("shmetrics_health_up", by=("check",), of="min"), "{{check}}")
    worst = values("shmetrics_health_check_duration_seconds", by=("check",), of="max")
    return [
        states("Dependencies", "The outcome of each health check; a stale one is down.", checks, UP),
        graph(
            "Health check duration",
            "How long each check took when it last ran.",
            "s",
            Query(worst, "{{check}}"),
            width=12,
        ),
    ]


def _native() -> list[AnyPanel]:
    return [
        native("Response time (native)", "http_request_duration_seconds"),
        native("Agent duration (native)", "agent_execution_duration_seconds"),
        native("LLM duration (native)", "llm_request_duration_seconds"),
        native("Statement duration (native)", "db_query_duration_seconds"),
        native("Retrieval duration (native)", "rag_retrieval_duration_seconds"),
        native("Grounding score (native)", "rag_grounding_score", "percentunit", q=0.1),
    ]


def make() -> builders.Dashboard:
    """The dashboard."""
    made = frame.begin(
        "convergeai-overview",
        "ConvergeAI - System Overview",
        "Requests, agents, language models, database and retrieval of the backend.",
        "http_requests_total",
    )
    frame.add_row(made, "Now", _now())
    frame.add_row(made, "HTTP", _http())
    frame.add_row(made, "Agents", _agents())
    frame.add_row(made, "LLM", _llm())
    frame.add_row(made, "Database", _database())
    frame.add_row(made, "RAG", _retrieval())
    frame.add_row(made, "Dependencies", _dependencies())
    frame.add_row(made, "Native histograms", _native(), collapsed=True)
    return made
