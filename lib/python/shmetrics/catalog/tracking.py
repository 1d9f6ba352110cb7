# SPDX-License-Identifier: MIT
"""tracking - one measured run of a block or function: agents, language models, retrievals

Each is a context manager, and a decorator for functions, coroutine functions, generators and
asynchronous generators (which are measured from their first item to their end). A run belongs to
one thread or task. It ends as a success, as an error (an exception leaves it) or cancelled (by
asyncio, or a generator that its consumer closed); the exception goes on its way.

Durations carry the trace that is going on as an exemplar (shmetrics.tracing).
"""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import Any, Callable, Optional, Sized, Type, TypeVar, Union, cast

from ..metrics import Counter, Gauge, Histogram
from ..registry import CollectorRegistry
from ..tracing import exemplar
from .covering import cover
from .instruments import metric
from .usage import usage_of
from .values import error_type

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R", bound="Run")

SUCCESS = "success"
ERROR = "error"
CANCELLED = "cancelled"


def _is_cancelled(error: BaseException) -> bool:
    if isinstance(error, GeneratorExit):
        return True
    asyncio = sys.modules.get("asyncio")  # takes long to load: not for who has no event loop
    return asyncio is not None and isinstance(error, asyncio.CancelledError)


class Run:
    """What the three have in common."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._began = 0.0
        self._status = SUCCESS
        self._error: Optional[str] = None

    def _again(self: R) -> R:
        """A new run like this one: a decorated function may run many times, also at once."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Records that it began."""

    def _end(self, seconds: float) -> None:
        """Records how it ended."""
        raise NotImplementedError

    def _counter(self, name: str) -> Counter:
        return cast(Counter, metric(name, self._registry))

    def _gauge(self, name: str) -> Gauge:
        return cast(Gauge, metric(name, self._registry))

    def _observe(self, name: str, value: float, *labels: str) -> None:
        histogram = cast(Histogram, metric(name, self._registry))
        (histogram.labels(*labels) if labels else histogram).observe(value, exemplar())

    def __enter__(self: R) -> R:
        self._status, self._error = SUCCESS, None
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
        if value is not None and _is_cancelled(value):
            self._status, self._error = CANCELLED, None
        elif value is not None:
            self.fail(value)
        self._end(seconds)

    def fail(self, error: Union[BaseException, str]) -> None:
        """Says that it failed, where no exception leaves it.

        error: an exception, whose class becomes the label, or a text of a closed set.
        """
        self._status, self._error = ERROR, error_type(error)

    def returned(self, result: object) -> None:
        """Takes what there is to know from what a decorated function returned."""

    def __call__(self, function: F) -> F:
        return cover(function, self._again)


class AgentRun(Run):
    """An execution of an agent: counted by its outcome, timed, and in the gauge while it runs.

    intent: may be set inside the block, when it is known only there.
    """

    def __init__(self, name: str, intent: str, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._name = name
        self.intent = intent

    def _again(self) -> AgentRun:
        return AgentRun(self._name, self.intent, self._registry)

    def _begin(self) -> None:
        self._gauge("agent_concurrent_executions").labels(self._name).inc()

    def _end(self, seconds: float) -> None:
        self._gauge("agent_concurrent_executions").labels(self._name).dec()
        self._counter("agent_executions_total").labels(self._name, self.intent, self._status).inc()
        self._observe("agent_execution_duration_seconds", seconds, self._name)
        if self._error is not None:
            self._counter("agent_errors_total").labels(self._name, self._error).inc()


class LLMCall(Run):
    """A request to a language model: counted, timed, with the tokens it used."""

    def __init__(self, model: str, operation: str, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self._model = model
        self._operation = operation

    def _again(self) -> LLMCall:
        return LLMCall(self._model, self._operation, self._registry)

    def _end(self, seconds: float) -> None:
        self._counter("llm_requests_total").labels(self._model, self._operation).inc()
        self._observe("llm_request_duration_seconds", seconds, self._model, self._operation)
        if self._error is not None:
            self._counter("llm_errors_total").labels(self._model, self._error).inc()

    def returned(self, result: object) -> None:
        """The tokens of an answer of OpenAI's or Anthropic's client."""
        self.tokens(*usage_of(getattr(result, "usage", None)))

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

    def _end(self, seconds: float) -> None:
        self._counter("rag_retrievals_total").labels(self._namespace, self._status).inc()
        self._observe("rag_retrieval_duration_seconds", seconds, self._namespace)

    def returned(self, result: object) -> None:
        """The number of chunks, if they have a length."""
        if isinstance(result, Sized):
            self.chunks(len(result))

    def chunks(self, count: int) -> None:
        """Observes how many chunks were found."""
        self._observe("rag_chunks_retrieved", count, self._namespace)

    def grounding(self, score: float) -> None:
        """Observes how far the answer rests on what was found, 0 to 1; also after the end."""
        self._observe("rag_grounding_score", score)
