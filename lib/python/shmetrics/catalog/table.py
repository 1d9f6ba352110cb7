# SPDX-License-Identifier: MIT
"""table - the metric catalogue of a backend: 24 families, each with its type, labels, mode and buckets

The one source: the code that records, the reference (METRICS.md, `python -m
shmetrics.catalog`) and the checks of dashboards and alerts all read FAMILIES.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

# prometheus_client's default
LATENCY = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
AGENT_LATENCY = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
LLM_LATENCY = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 120.0)
QUERY_LATENCY = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
RETRIEVAL_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CHUNKS = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 50.0)
SCORE = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Family:
    """A row of the catalogue.

    name: as Prometheus shows it, with _total for counters. kind: counter, gauge or histogram. unit:
    what a value counts. mode: of gauges, what becomes of the processes' values. buckets: of
    histograms, upper bounds. note: why it is as it is, where the guide leaves a choice.
    """

    area: str
    name: str
    kind: str
    help: str
    labels: Tuple[str, ...] = ()
    unit: str = ""
    mode: Optional[str] = None
    buckets: Tuple[float, ...] = ()
    note: str = ""


FAMILIES: Tuple[Family, ...] = (
    Family(
        "HTTP",
        "http_requests_total",
        "counter",
        "HTTP requests answered.",
        ("method", "endpoint", "status_code"),
        "requests",
        note="endpoint is the route's template, never the path a client sent",
    ),
    Family(
        "HTTP",
        "http_request_duration_seconds",
        "histogram",
        "Time from the arrival of an HTTP request to its answer.",
        ("method", "endpoint"),
        "seconds",
        buckets=LATENCY,
        note="a bound at 5 s, the threshold of HighLatency",
    ),
    Family(
        "HTTP",
        "http_requests_in_progress",
        "gauge",
        "HTTP requests not answered yet.",
        (),
        "requests",
        mode="livesum",
        note="a killed worker's share is gone by the next scrape",
    ),
    Family(
        "Agents",
        "agent_executions_total",
        "counter",
        "Executions of an agent that ended.",
        ("agent_name", "intent", "status"),
        "executions",
        note='status is "success", "error" or "cancelled", which is no error',
    ),
    Family(
        "Agents",
        "agent_execution_duration_seconds",
        "histogram",
        "Time an execution of an agent took.",
        ("agent_name",),
        "seconds",
        buckets=AGENT_LATENCY,
        note="a bound at 10 s, the threshold of SlowAgentExecution",
    ),
    Family(
        "Agents",
        "agent_errors_total",
        "counter",
        "Executions of an agent that ended by an exception.",
        ("agent_name", "error_type"),
        "errors",
        note="error_type is the name of the exception's class",
    ),
    Family(
        "Agents",
        "agent_concurrent_executions",
        "gauge",
        "Executions of an agent that have not ended.",
        ("agent_name",),
        "executions",
        mode="livesum",
    ),
    Family(
        "LLM",
        "llm_requests_total",
        "counter",
        "Requests to a language model that ended, well or not.",
        ("model", "operation"),
        "requests",
        note="operation is what the caller says; of an instrumented client chat, completion or embedding",
    ),
    Family(
        "LLM",
        "llm_tokens_used_total",
        "counter",
        "Tokens that language models say they used.",
        ("model", "token_type"),
        "tokens",
        note='token_type is "prompt" or "completion"',
    ),
    Family(
        "LLM",
        "llm_request_duration_seconds",
        "histogram",
        "Time a request to a language model took.",
        ("model", "operation"),
        "seconds",
        buckets=LLM_LATENCY,
    ),
    Family(
        "LLM",
        "llm_errors_total",
        "counter",
        "Requests to a language model that failed.",
        ("model", "error_type"),
        "errors",
        note="the labels are this table's choice: HighLLMErrorRate divides sums of both counters",
    ),
    Family(
        "Database",
        "db_queries_total",
        "counter",
        "Statements executed.",
        ("operation", "table"),
        "statements",
        note="operation is select, insert, update, delete or other",
    ),
    Family(
        "Database",
        "db_query_duration_seconds",
        "histogram",
        "Time a statement took.",
        ("operation", "table"),
        "seconds",
        buckets=QUERY_LATENCY,
        note="a bound at 1 s, the threshold of SlowDatabaseQueries",
    ),
    Family(
        "Database",
        "db_connections_active",
        "gauge",
        "Connections that are checked out of a pool.",
        (),
        "connections",
        mode="livesum",
    ),
    Family(
        "Database",
        "db_connection_pool_size",
        "gauge",
        "Connections that the pools of all workers hold, in use or not.",
        (),
        "connections",
        mode="livesum",
    ),
    Family(
        "RAG",
        "rag_retrievals_total",
        "counter",
        "Retrievals from a vector store that ended.",
        ("namespace", "status"),
        "retrievals",
        note='status is "success", "error" or "cancelled"',
    ),
    Family(
        "RAG",
        "rag_retrieval_duration_seconds",
        "histogram",
        "Time a retrieval took.",
        ("namespace",),
        "seconds",
        buckets=RETRIEVAL_LATENCY,
    ),
    Family(
        "RAG",
        "rag_chunks_retrieved",
        "histogram",
        "Chunks that a retrieval found.",
        ("namespace",),
        "chunks",
        buckets=CHUNKS,
        note="a bound at 0: retrievals that found nothing are the first bucket",
    ),
    Family(
        "RAG",
        "rag_grounding_score",
        "histogram",
        "How far an answer rests on what was retrieved, from 0 to 1.",
        (),
        "ratio",
        buckets=SCORE,
        note="a bound at 0.45, the threshold of LowGroundingScore",
    ),
    Family("Business", "bookings_created_total", "counter", "Bookings made.", (), "bookings"),
    Family("Business", "complaints_created_total", "counter", "Complaints made.", (), "complaints"),
    Family("Business", "chat_sessions_total", "counter", "Chat sessions begun.", (), "sessions"),
    Family("Business", "user_registrations_total", "counter", "Users registered.", (), "users"),
    Family(
        "Business",
        "active_users",
        "gauge",
        "Users active now.",
        (),
        "users",
        mode="mostrecent",
        note="one number for all workers: what was set last, also by one that has ended since",
    ),
)

BY_NAME: Dict[str, Family] = {family.name: family for family in FAMILIES}
