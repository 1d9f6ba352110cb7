# SPDX-License-Identifier: MIT
"""context_managers - what time(), track_inprogress() and count_exceptions() give

Each is a context manager and a decorator, as in prometheus_client. Decorating a coroutine function
covers what it awaits, and leaves it a coroutine function; prometheus_client would cover its
creation only.
"""

from __future__ import annotations

import functools
import inspect
from types import TracebackType
from typing import Any, Callable, ContextManager, Optional, Tuple, Type, TypeVar, Union, cast

from . import _core

F = TypeVar("F", bound=Callable[..., Any])

ExceptionTypes = Union[Type[BaseException], Tuple[Type[BaseException], ...]]


def _decorate(function: F, enter: Callable[[], ContextManager[Any]]) -> F:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with enter():
                return await function(*args, **kwargs)

        return cast(F, coroutine)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with enter():
            return function(*args, **kwargs)

    return cast(F, wrapper)


class ExceptionCounter:
    """Counts the exceptions of these types that leave a block or function."""

    def __init__(self, counter: _core.Counter, exception: ExceptionTypes) -> None:
        self._counter = counter
        self._exception = exception

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        typ: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if isinstance(value, self._exception):
            self._counter.inc()

    def __call__(self, function: F) -> F:
        return _decorate(function, lambda: self)


class InprogressTracker:
    """Counts up while a block or function runs."""

    def __init__(self, gauge: _core.Gauge) -> None:
        self._gauge = gauge

    def __enter__(self) -> None:
        self._gauge.inc()

    def __exit__(
        self,
        typ: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._gauge.dec()

    def __call__(self, function: F) -> F:
        return _decorate(function, lambda: self)


class Timer(_core.Timer):
    """Gives a metric the seconds a block or function took, and keeps them in `duration`."""

    def __call__(self, function: F) -> F:
        # Each call has a timer of its own: calls overlap.
        return _decorate(function, lambda: Timer(self._metric, self._callback_name))
