# SPDX-License-Identifier: MIT
"""tracking - one measured run of a block or function: agents, language models, retrievals

Each is a context manager, and a decorator for functions, coroutine functions, generators and
asynchronous generators (which are measured from their first item to their end). A run belongs to
one thread or task.
"""

from __future__ import annotations

import functools
import inspect
from time import perf_counter
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Generator, Optional, Type, TypeVar, cast

from ..metrics import Counter, Gauge, Histogram
from ..registry import CollectorRegistry
from .instruments import metric

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound="Run")

SUCCESS = "success"
ERROR = "error"


class Run:
    """What the three have in common. Leaving by an exception is an error, closing a generator is none."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._began = 0.0
        self._error: Optional[str] = None

    def _again(self: R) -> R:
        """A new run like this one: a decorated function may run many times, also at once."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Records that it began."""

    def _end(self, seconds: float, error_type: Optional[str]) -> None:
        """Records how it ended. error_type: None if well."""
        raise NotImplementedError

    def _counter(self, name: str) -> Counter:
        return cast(Counter, metric(name, self._registry))

    def _gauge(self, name: str) -> Gauge:
        return cast(Gauge, metric(name, self._registry))

    def _histogram(self, name: str) -> Histogram:
        return cast(Histogram, metric(name, self._registry))

    def __enter__(self: R) -> R:
        self._begin()
        self._began = perf_counter()
        return self

    def __exit__(
        self,
        typ: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        seconds = perf_counter() - self._began
        if self._error is None and typ is not None and not issubclass(typ, GeneratorExit):
            self._error = typ.__name__
        self._end(seconds, self._error)

    def fail(self, error_type: str) -> None:
        """Says that it failed, where no exception does. error_type: of a closed set, for labels."""
        self._error = error_type

    def __call__(self, function: F) -> F:
        return decorate(function, self._again)


def decorate(function: F, enter: Callable[[], Run]) -> F:
    """The function, each of its calls within a run of its own; it stays of the kind that it is."""
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def asynchronous_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            with enter():
                items = function(*args, **kwargs)
                try:
                    async for item in items:
                        yield item
                finally:
                    await items.aclose()

        return cast(F, asynchronous_generator)

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with enter():
                return (yield from function(*args, **kwargs))

        return cast(F, generator)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with enter():
                return await function(*args, **kwargs)

        return cast(F, coroutine)

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        with enter():
            return function(*args, **kwargs)

    return cast(F, plain)


class AgentRun(Run):
    """An execution of an agent: counted by its outcome, timed, and in the gauge while it runs."""

    def __init__(self, name: str, intent: str, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._name = name
        self._intent = intent

    def _again(self) -> AgentRun:
        return AgentRun(self._name, self._intent, self._registry)

    def _begin(self) -> None:
        self._gauge("agent_concurrent_executions").labels(self._name).inc()

    def _end(self, seconds: float, error_type: Optional[str]) -> None:
        status = ERROR if error_type else SUCCESS
        self._gauge("agent_concurrent_executions").labels(self._name).dec()
        self._counter("agent_executions_total").labels(self._name, self._intent, status).inc()
        self._histogram("agent_execution_duration_seconds").labels(self._name).observe(seconds)
        if error_type:
            self._counter("agent_errors_total").labels(self._name, error_type).inc()


class LLMCall(Run):
    """A request to a language model: counted, timed, with the tokens it used."""

    def __init__(self, model: str, operation: str, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._model = model
        self._operation = operation

    def _again(self) -> LLMCall:
        return LLMCall(self._model, self._operation, self._registry)

    def _end(self, seconds: float, error_type: Optional[str]) -> None:
        durations = self._histogram("llm_request_duration_seconds")
        self._counter("llm_requests_total").labels(self._model, self._operation).inc()
        durations.labels(self._model, self._operation).observe(seconds)
        if error_type:
            self._counter("llm_errors_total").labels(self._model, error_type).inc()

    def tokens(self, prompt: Optional[int] = None, completion: Optional[int] = None) -> None:
        """Counts the tokens that the model says it used. May be called more than once, also after the end."""
        used = self._counter("llm_tokens_used_total")
        if prompt:
            used.labels(self._model, "prompt").inc(prompt)
        if completion:
            used.labels(self._model, "completion").inc(completion)


class Retrieval(Run):
    """A retrieval from a vector store: counted by its outcome, timed, with what it found."""

    def __init__(self, namespace: str, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._namespace = namespace

    def _again(self) -> Retrieval:
        return Retrieval(self._namespace, self._registry)

    def _end(self, seconds: float, error_type: Optional[str]) -> None:
        status = ERROR if error_type else SUCCESS
        self._counter("rag_retrievals_total").labels(self._namespace, status).inc()
        self._histogram("rag_retrieval_duration_seconds").labels(self._namespace).observe(seconds)

    def chunks(self, count: int) -> None:
        """Observes how many chunks were found."""
        self._histogram("rag_chunks_retrieved").labels(self._namespace).observe(count)

    def grounding(self, score: float) -> None:
        """Observes how far the answer rests on what was found, 0 to 1; also after the end."""
        self._histogram("rag_grounding_score").observe(score)
