# SPDX-License-Identifier: MIT
"""business - "ConvergeAI - Business": what users did, and how well they were served"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from . import alerts, frame
from .panels import AnyPanel, Query, graph, number
from .promql import increases, quantile, rates, share, values

_EVENTS = (
    ("Chat sessions", "chat_sessions_total"),
    ("Bookings", "bookings_created_total"),
    ("Complaints", "complaints_created_total"),
    ("Registrations", "user_registrations_total"),
)


def _totals() -> list[AnyPanel]:
    totals: list[AnyPanel] = [
        number(
            title,
            "In the time that is shown.",
            "locale",
            Query(increases(name), title.lower()),
            decimals=0,
        )
        for title, name in _EVENTS
    ]
    bookings, chats = increases("bookings_created_total"), increases("chat_sessions_total")
    return [
        number("Active users", "Now.", "short", Query(values("active_users", of="max"), "users")),
        *totals,
        number(
            "Bookings per chat",
            "Bookings for each chat session. Bookings made without a chat count too.",
            "short",
            Query(f"{bookings} / ({chats} > 0)", "bookings"),
            decimals=2,
        ),
    ]


def _hourly(title: str, name: str) -> AnyPanel:
    return graph(
        title,
        "Per hour, at the rate of each moment.",
        "short",
        Query(f"3600 * {rates(name)}", title.lower()),
    )


def _over_time() -> list[AnyPanel]:
    ended = rates("agent_executions_total", by=("intent",))
    complaints, bookings = (rates(f"{what}_created_total") for what in ("complaints", "bookings"))
    return [
        *(_hourly(f"{title} per hour", name) for title, name in _EVENTS),
        graph(
            "Active users",
            "What any worker said last.",
            "short",
            Query(values("active_users", of="max"), "users"),
        ),
        graph(
            "Complaints for each booking",
            "Complaints divided by bookings, at the rate of each moment.",
            "percentunit",
            Query(share(complaints, bookings), "complaints"),
        ),
        graph(
            "What users want",
            "Share of each intent in what the agents did.",
            "percentunit",
            Query(
                f"{ended} / on () group_left () ({rates('agent_executions_total')} > 0)", "{{intent}}"
            ),
            stacked=True,
        ),
        graph(
            "Quality of answers",
            "How far answers rest on what was retrieved: median of the grounding score.",
            "percentunit",
            Query(quantile(0.5, "rag_grounding_score"), "median", exemplar=True),
            alert=alerts.LOW_GROUNDING_SCORE,
        ),
        graph(
            "Users kept waiting",
            "Share of requests that took longer than 2.5 s, a bound of the histogram.",
            "percentunit",
            Query(
                "1 - "
                + share(
                    rates("http_request_duration_seconds_bucket", 'le="2.5"'),
                    rates("http_request_duration_seconds_count"),
                ),
                "over 2.5 s",
            ),
        ),
    ]


def _native_quality() -> AnyPanel:
    return graph(
        "Quality of answers (native)",
        "For applications that record the score as a native histogram: the same, without `_bucket`.",
        "percentunit",
        Query(quantile(0.5, "rag_grounding_score", native=True), "median"),
    )


def make() -> builders.Dashboard:
    """The dashboard."""
    made = frame.begin(
        "convergeai-business",
        "ConvergeAI - Business",
        "Chats, bookings, complaints, registrations and users; the quality they saw.",
        "bookings_created_total",
    )
    frame.add_row(made, "In the time that is shown", _totals())
    frame.add_row(made, "Over time", _over_time())
    frame.add_row(made, "Native histograms", [_native_quality()], collapsed=True)
    return made
