# SPDX-License-Identifier: MIT
"""instruments - the demo's own metrics; those of HTTP come from shmetrics.asgi.Middleware.

Gauges are `livesum`: what the live workers say, added up. A worker that was killed takes its share along.
"""

from shmetrics import Counter, Gauge, Histogram

USER_REGISTRATIONS = Counter("user_registrations_total", "Users registered.")
BOOKINGS_CREATED = Counter("bookings_created_total", "Bookings made.", ["service"])
CHAT_SESSIONS = Counter("chat_sessions_total", "Chat messages taken.")

AGENT_EXECUTIONS = Counter(
    "agent_executions_total", "Intents carried out by the chat agent.", ["agent_name", "intent", "status"]
)
AGENT_DURATION = Histogram(
    "agent_execution_duration_seconds", "Time an agent took.", ["agent_name"]
)
AGENTS_RUNNING = Gauge(
    "agent_concurrent_executions", "Agents at work.", ["agent_name"], multiprocess_mode="livesum"
)

DB_QUERIES = Counter("db_queries_total", "Statements executed.", ["operation", "table"])
DB_QUERY_DURATION = Histogram(
    "db_query_duration_seconds",
    "Time a statement took.",
    ["operation", "table"],
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0),
)
DB_CONNECTIONS = Gauge(
    "db_connections_active", "Connections in use.", multiprocess_mode="livesum"
)
