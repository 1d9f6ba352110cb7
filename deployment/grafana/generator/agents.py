# SPDX-License-Identifier: MIT
"""agents - "ConvergeAI - Agents and LLM cost": which agent, which model, and what it costs

Prices are variables, in US dollars for a million tokens; the defaults are examples, no provider's list.
"""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.builders import dashboard as builders

from . import alerts, frame
from .histograms import native
from .panels import AnyPanel, Query, graph, number
from .promql import increases, quantile, rates, share, values

PROMPT_PRICE = "2.50"
COMPLETION_PRICE = "10.00"
AGENT = 'agent_name=~"$agent"'
MODEL = 'model=~"$model"'
_PRICED = (("prompt", "$prompt_price"), ("completion", "$completion_price"))


def _cost(tokens: list[str], by: str = "") -> str:
    """Dollars for tokens of each type; a type that a model does not have counts nothing."""
    prices = (price for _, price in _PRICED)
    priced = " or ".join(f"{each} * {price} / 1e6" for each, price in zip(tokens, prices, strict=True))
    return f"sum{by} ({priced})"


def _tokens(form: Callable[..., str], *by: str) -> list[str]:
    """Of each type that has a price, by rates or increases."""
    matchers = [f'token_type="{kind}"' for kind, _ in _PRICED]
    return [form("llm_tokens_used_total", MODEL, each, by=(*by, "token_type")) for each in matchers]


def _now() -> list[AnyPanel]:
    spent = _cost(_tokens(increases))
    asked = increases("llm_requests_total", MODEL)
    chats = increases("chat_sessions_total")
    return [
        number(
            "Agent executions",
            "Per second.",
            "ops",
            Query(rates("agent_executions_total", AGENT), "executions"),
        ),
        number(
            "Running agents",
            "Executions that have not ended.",
            "short",
            Query(values("agent_concurrent_executions", AGENT), "executions"),
        ),
        number(
            "LLM cost per hour",
            "At the present rate: tokens times the prices chosen above.",
            "currencyUSD",
            Query(f"3600 * {_cost(_tokens(rates))}", "per hour"),
            decimals=2,
        ),
        number(
            "LLM cost",
            "In the time that is shown: tokens times the prices chosen above.",
            "currencyUSD",
            Query(spent, "cost"),
            decimals=2,
        ),
        number(
            "Cost of a request",
            "Mean cost of a request to a language model, in the time that is shown.",
            "currencyUSD",
            Query(f"{spent} / ({asked} > 0)", "per request"),
            decimals=5,
        ),
        number(
            "Cost of a chat",
            "Cost of language models for each chat session, in the time that is shown.",
            "currencyUSD",
            Query(f"{spent} / ({chats} > 0)", "per chat"),
            decimals=5,
        ),
    ]


def _agents() -> list[AnyPanel]:
    ran = rates("agent_executions_total", AGENT, by=("agent_name",))
    failed = rates("agent_executions_total", AGENT, 'status="error"', by=("agent_name",))
    intents = rates("agent_executions_total", AGENT, by=("agent_name", "intent"))
    outcomes = rates("agent_executions_total", AGENT, by=("status",))
    errors = rates("agent_errors_total", AGENT, by=("agent_name", "error_type"))
    by_agent = ("agent_name",)
    return [
        graph(
            "Executions by agent and intent",
            "Executions that ended, per second.",
            "ops",
            Query(intents, "{{agent_name}} {{intent}}"),
            stacked=True,
        ),
        graph(
            "Executions by outcome",
            "success, error, or cancelled, which is no error.",
            "ops",
            Query(outcomes, "{{status}}"),
            stacked=True,
        ),
        graph(
            "Error rate by agent",
            "Share of each agent's executions that ended by an error.",
            "percentunit",
            Query(share(failed, ran), "{{agent_name}}"),
            alert=alerts.HIGH_AGENT_ERROR_RATE,
        ),
        graph(
            "Errors by type",
            "Exceptions that ended an execution, per second. Empty if there were none.",
            "cps",
            Query(errors, "{{agent_name}} {{error_type}}"),
            stacked=True,
        ),
        graph(
            "Duration by agent, p95",
            "95th percentile of each agent.",
            "s",
            Query(
                quantile(0.95, "agent_execution_duration_seconds", AGENT, by=by_agent),
                "{{agent_name}}",
                True,
            ),
            alert=alerts.SLOW_AGENT_EXECUTION,
        ),
        graph(
            "Running by agent",
            "Executions that have not ended. Grows without end: an agent hangs.",
            "short",
            Query(values("agent_concurrent_executions", AGENT, by=by_agent), "{{agent_name}}"),
        ),
    ]


def _models() -> list[AnyPanel]:
    asked = rates("llm_requests_total", MODEL, by=("model",))
    failed = rates("llm_errors_total", MODEL, by=("model",))
    tokens = rates("llm_tokens_used_total", MODEL, by=("model",))
    return [
        graph(
            "Cost per hour by model",
            "At the rate of each moment: tokens times the prices chosen above.",
            "currencyUSD",
            Query(f"3600 * {_cost(_tokens(rates, 'model'), ' by (model)')}", "{{model}}"),
            stacked=True,
        ),
        graph(
            "Tokens by model",
            "Tokens per second, by type.",
            "cps",
            Query(
                rates("llm_tokens_used_total", MODEL, by=("model", "token_type")),
                "{{model}} {{token_type}}",
            ),
            stacked=True,
        ),
        graph(
            "Tokens of a request",
            "Mean number of tokens, of prompt and completion together, that a request used.",
            "short",
            Query(f"{tokens} / ({asked} > 0)", "{{model}}"),
        ),
        graph(
            "Requests by model",
            "Requests that ended, well or not, per second.",
            "reqps",
            Query(
                rates("llm_requests_total", MODEL, by=("model", "operation")), "{{model}} {{operation}}"
            ),
            stacked=True,
        ),
        graph(
            "Error rate by model",
            "Share of each model's requests that failed.",
            "percentunit",
            Query(share(failed, asked), "{{model}}"),
            alert=alerts.HIGH_LLM_ERROR_RATE,
        ),
        graph(
            "Duration by model, p95",
            "95th percentile of each model.",
            "s",
            Query(
                quantile(0.95, "llm_request_duration_seconds", MODEL, by=("model",)), "{{model}}", True
            ),
        ),
    ]


def make() -> builders.Dashboard:
    """The dashboard."""
    dollars = "US dollars for a million tokens. The default is an example."
    made = frame.begin(
        "convergeai-agents",
        "ConvergeAI - Agents and LLM cost",
        "Agents by intent and outcome; language models by tokens, speed and cost.",
        "agent_executions_total",
        frame.chosen(
            "agent", "agent_executions_total", 'job=~"$job"', text="Agents", label="agent_name"
        ),
        frame.chosen("model", "llm_requests_total", 'job=~"$job"', text="Language models"),
        frame.price("prompt_price", "prompt, $ per 1M", dollars, PROMPT_PRICE),
        frame.price("completion_price", "completion, $ per 1M", dollars, COMPLETION_PRICE),
    )
    frame.add_row(made, "Now", _now())
    frame.add_row(made, "Agents", _agents())
    frame.add_row(made, "LLM", _models())
    frame.add_row(
        made,
        "Native histograms",
        [
            native("Agent duration (native)", "agent_execution_duration_seconds"),
            native("LLM duration (native)", "llm_request_duration_seconds"),
        ],
        collapsed=True,
    )
    return made
