# SPDX-License-Identifier: MIT
"""catalog - the metric catalogue of a backend, and one-line helpers that record it

    from shmetrics import catalog

    with catalog.track_agent("bookings", intent="cancel"):
        ...

    with catalog.track_llm("gpt-4o", operation="answer") as call:
        answer = client.chat.completions.create(...)
        call.tokens(prompt=answer.usage.prompt_tokens, completion=answer.usage.completion_tokens)

    @catalog.track_retrieval("faq")
    async def search(question): ...

    catalog.booking_created()

FAMILIES is the table of the 24 families. They are made when first used; importing makes none. All
helpers take registry=, REGISTRY by default. Label values should come from a closed set: names of
agents, intents, models, never what a user typed.
"""

from __future__ import annotations

from typing import cast

from ..metrics import Counter, Gauge, Histogram
from ..registry import REGISTRY, CollectorRegistry
from .instruments import metric
from .table import BY_NAME, FAMILIES, Family
from .tracking import AgentRun, LLMCall, Retrieval

__all__ = [
    "BY_NAME",
    "FAMILIES",
    "AgentRun",
    "Family",
    "LLMCall",
    "Retrieval",
    "booking_created",
    "chat_session",
    "complaint_created",
    "define",
    "grounding_score",
    "metric",
    "set_active_users",
    "track_agent",
    "track_llm",
    "track_retrieval",
    "user_registered",
]


def define(*areas: str, registry: CollectorRegistry = REGISTRY) -> None:
    """Makes the families of these areas (HTTP, Agents, LLM, Database, RAG, Business), or all 24, now.

    So those without labels are served from 0 before anything happened.
    """
    known = {family.area for family in FAMILIES}
    for area in areas:
        if area not in known:
            raise ValueError(f"{area!r} is no area of the catalogue; there are {', '.join(sorted(known))}")
    for family in FAMILIES:
        if not areas or family.area in areas:
            metric(family.name, registry)


def track_agent(name: str, intent: str = "unknown", *, registry: CollectorRegistry = REGISTRY) -> AgentRun:
    """Around one execution of an agent, or on the function that is one: agent_* of the catalogue.

    As a context manager it gives the AgentRun, whose intent may be set when it is known.
    """
    return AgentRun(name, intent, registry)


def track_llm(model: str, operation: str = "chat", *, registry: CollectorRegistry = REGISTRY) -> LLMCall:
    """Around one request to a language model, or on the function that makes it: llm_* of the catalogue.

    As a context manager it gives the LLMCall, whose tokens() counts what the model says it used. Of a
    decorated function that returns an answer of OpenAI's or Anthropic's client, its usage counts.
    shmetrics.integrations.llm does all of it for a whole client.
    """
    return LLMCall(model, operation, registry)


def track_retrieval(namespace: str, *, registry: CollectorRegistry = REGISTRY) -> Retrieval:
    """Around one retrieval from a vector store, or on the function that makes it: rag_* of the catalogue.

    As a context manager it gives the Retrieval, whose chunks() and grounding() say what came of it. Of
    a decorated function that returns something with a length, the length is the chunks.
    """
    return Retrieval(namespace, registry)


def grounding_score(score: float, *, registry: CollectorRegistry = REGISTRY) -> None:
    """Observes how far an answer rests on what was retrieved: 0 (not at all) to 1 (wholly)."""
    cast(Histogram, metric("rag_grounding_score", registry)).observe(score)


def booking_created(*, registry: CollectorRegistry = REGISTRY) -> None:
    """Counts a booking."""
    cast(Counter, metric("bookings_created_total", registry)).inc()


def complaint_created(*, registry: CollectorRegistry = REGISTRY) -> None:
    """Counts a complaint."""
    cast(Counter, metric("complaints_created_total", registry)).inc()


def chat_session(*, registry: CollectorRegistry = REGISTRY) -> None:
    """Counts a chat session that begins."""
    cast(Counter, metric("chat_sessions_total", registry)).inc()


def user_registered(*, registry: CollectorRegistry = REGISTRY) -> None:
    """Counts a registration."""
    cast(Counter, metric("user_registrations_total", registry)).inc()


def set_active_users(count: float, *, registry: CollectorRegistry = REGISTRY) -> None:
    """Says how many users are active now, in all workers: what any worker said last is served."""
    cast(Gauge, metric("active_users", registry)).set(count)
