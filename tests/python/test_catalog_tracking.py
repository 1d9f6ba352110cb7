# SPDX-License-Identifier: MIT
"""The one-line helpers: as context managers and decorators, on every kind of function."""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any, AsyncIterator, Iterator, Optional

import pytest

import shmetrics
from shmetrics.catalog import track_agent, track_llm, track_retrieval

Registry = shmetrics.CollectorRegistry


def executions(registry: Registry, status: str, intent: str = "create") -> Optional[float]:
    labels = {"agent_name": "booking", "intent": intent, "status": status}
    return registry.get_sample_value("agent_executions_total", labels)


def running(registry: Registry) -> Optional[float]:
    return registry.get_sample_value("agent_concurrent_executions", {"agent_name": "booking"})


def durations(registry: Registry) -> Optional[float]:
    return registry.get_sample_value(
        "agent_execution_duration_seconds_count", {"agent_name": "booking"}
    )


def test_an_agent_that_succeeds(registry: Registry) -> None:
    with track_agent("booking", registry=registry) as execution:
        assert running(registry) == 1
        execution.intent = "create"
    assert running(registry) == 0
    assert executions(registry, "success") == durations(registry) == 1


def test_an_agent_that_fails(registry: Registry) -> None:
    error = KeyError("a text that is no label")
    with pytest.raises(KeyError) as raised, track_agent("booking", "create", registry=registry):
        raise error
    assert raised.value is error
    with track_agent("booking", "create", registry=registry) as execution:
        execution.fail(TimeoutError())
    assert executions(registry, "error") == durations(registry) == 2
    assert executions(registry, "success") is None
    for name in ("KeyError", "TimeoutError"):
        labels = {"agent_name": "booking", "error_type": name}
        assert registry.get_sample_value("agent_errors_total", labels) == 1
    assert running(registry) == 0


def test_a_cancelled_agent_has_not_failed(registry: Registry) -> None:
    @track_agent("booking", "create", registry=registry)
    async def work(started: asyncio.Event) -> None:
        started.set()
        await asyncio.Event().wait()

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.ensure_future(work(started))
        await started.wait()
        assert running(registry) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert executions(registry, "cancelled") == 1 and running(registry) == 0
    assert not [m for m in registry.collect() if m.name == "agent_errors"]


def test_a_decorated_function_may_call_itself(registry: Registry) -> None:
    @track_agent("booking", "create", registry=registry)
    def count(depth: int) -> int:
        """Counts."""
        assert running(registry) == 4 - depth
        return 1 + count(depth - 1) if depth else 0

    assert count(3) == 3
    assert count.__doc__ == "Counts." and count.__name__ == "count"
    assert executions(registry, "success") == 4 and running(registry) == 0


def test_coroutines_overlap(registry: Registry) -> None:
    @track_agent("booking", "create", registry=registry)
    async def work(gate: asyncio.Event) -> str:
        await gate.wait()
        return "done"

    async def main() -> None:
        gate = asyncio.Event()
        tasks = [asyncio.ensure_future(work(gate)) for _ in range(3)]
        await asyncio.sleep(0)
        assert running(registry) == 3
        gate.set()
        assert await asyncio.gather(*tasks) == ["done"] * 3

    assert inspect.iscoroutinefunction(work)
    asyncio.run(main())
    assert executions(registry, "success") == 3 and running(registry) == 0


def test_a_generator_is_covered_while_it_is_iterated(registry: Registry) -> None:
    @track_agent("booking", "create", registry=registry)
    def words() -> Iterator[str]:
        got = yield "one"
        assert got == "sent"
        with pytest.raises(ValueError):
            yield "two"
        yield "three"

    generator: Any = words()
    assert running(registry) is None and inspect.isgeneratorfunction(words)
    assert next(generator) == "one" and running(registry) == 1
    assert generator.send("sent") == "two"
    assert generator.throw(ValueError()) == "three"
    assert list(generator) == [] and running(registry) == 0
    assert executions(registry, "success") == 1
    closed: Any = words()
    next(closed)
    closed.close()
    assert executions(registry, "cancelled") == 1 and running(registry) == 0


def test_an_async_generator_is_covered_while_it_is_iterated(registry: Registry) -> None:
    closed = []

    @track_agent("booking", "create", registry=registry)
    async def words() -> AsyncIterator[str]:
        try:
            got = yield "one"
            assert got == "sent"
            with pytest.raises(ValueError):
                yield "two"
            yield "three"
        finally:
            closed.append(True)

    async def main() -> None:
        generator: Any = words()
        assert await generator.__anext__() == "one" and running(registry) == 1
        assert await generator.asend("sent") == "two"
        assert await generator.athrow(ValueError()) == "three"
        assert [word async for word in generator] == [] and closed == [True]
        assert executions(registry, "success") == 1 and running(registry) == 0
        early: Any = words()
        await early.__anext__()
        await early.aclose()
        assert executions(registry, "cancelled") == 1 and closed == [True, True]

        failing: Any = words()
        await failing.__anext__()
        with pytest.raises(KeyError):
            await failing.athrow(KeyError())

    assert inspect.isasyncgenfunction(words)
    asyncio.run(main())
    assert executions(registry, "error") == 1 and running(registry) == 0


def tokens(registry: Registry, token_type: str) -> Optional[float]:
    labels = {"model": "small", "token_type": token_type}
    return registry.get_sample_value("llm_tokens_used_total", labels)


def test_tokens_of_a_model(registry: Registry) -> None:
    with track_llm("small", "chat", registry=registry) as call:
        call.tokens(prompt=100)
        call.tokens(prompt=20, completion=7)
    assert tokens(registry, "prompt") == 120 and tokens(registry, "completion") == 7
    labels = {"model": "small", "operation": "chat"}
    assert registry.get_sample_value("llm_requests_total", labels) == 1
    assert registry.get_sample_value("llm_request_duration_seconds_count", labels) == 1


@pytest.mark.parametrize(
    "usage",
    [
        SimpleNamespace(prompt_tokens=10, completion_tokens=4),
        SimpleNamespace(
            input_tokens=7, cache_read_input_tokens=3, cache_creation_input_tokens=None, output_tokens=4
        ),
        {"input_tokens": 10, "output_tokens": 4},
    ],
)
def test_a_decorated_function_gives_the_tokens_of_its_answer(registry: Registry, usage: Any) -> None:
    @track_llm("small", registry=registry)
    def ask() -> Any:
        return SimpleNamespace(text="answer", usage=usage)

    assert ask().text == "answer"
    assert tokens(registry, "prompt") == 10 and tokens(registry, "completion") == 4


@pytest.mark.parametrize("usage", [None, "many", {"prompt_tokens": -1}, {"prompt_tokens": "9" * 30}])
def test_a_model_that_reports_nonsense_reports_nothing(registry: Registry, usage: Any) -> None:
    @track_llm("small", registry=registry)
    async def ask() -> Any:
        return SimpleNamespace(usage=usage)

    asyncio.run(ask())
    assert tokens(registry, "prompt") is None


def test_a_model_that_fails_counts_as_a_request_and_an_error(registry: Registry) -> None:
    with pytest.raises(OSError), track_llm("small", registry=registry):
        raise ConnectionResetError
    labels = {"model": "small", "error_type": "ConnectionResetError"}
    assert registry.get_sample_value("llm_errors_total", labels) == 1
    labels = {"model": "small", "operation": "chat"}
    assert registry.get_sample_value("llm_requests_total", labels) == 1


def test_retrieval(registry: Registry) -> None:
    with track_retrieval("faq", registry=registry) as retrieval:
        retrieval.chunks(3)
    retrieval.grounding(0.44)
    with pytest.raises(ValueError), track_retrieval("faq", registry=registry):
        raise ValueError

    @track_retrieval("faq", registry=registry)
    def search() -> list[str]:
        return ["one", "two"]

    search()
    value = registry.get_sample_value
    assert value("rag_retrievals_total", {"namespace": "faq", "status": "success"}) == 2
    assert value("rag_retrievals_total", {"namespace": "faq", "status": "error"}) == 1
    assert value("rag_chunks_retrieved_sum", {"namespace": "faq"}) == 5
    assert value("rag_chunks_retrieved_count", {"namespace": "faq"}) == 2
    assert value("rag_retrieval_duration_seconds_count", {"namespace": "faq"}) == 3
    assert value("rag_grounding_score_bucket", {"le": "0.45"}) == 1
    assert value("rag_grounding_score_bucket", {"le": "0.4"}) == 0
