# SPDX-License-Identifier: MIT
"""covering - a context manager around every call of a function, of whatever kind the function is

A coroutine function is covered while it is awaited, a generator while it is iterated; each stays of
its kind. A generator that its consumer closes early leaves by GeneratorExit.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable, ContextManager, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def cover(function: F, enter: Callable[[], ContextManager[Any]]) -> F:
    """function, each call of which happens inside a context manager of its own from enter().

    What a plain or a coroutine function returns is offered to the manager's returned(), if any.
    """
    make = _wrap_plain
    if inspect.iscoroutinefunction(function):
        make = _wrap_coroutine
    elif inspect.isasyncgenfunction(function):
        make = _wrap_async_generator
    elif inspect.isgeneratorfunction(function):
        make = _wrap_generator
    return cast(F, functools.wraps(function)(make(function, enter)))


def _wrap_plain(function: Any, enter: Any) -> Any:
    def plain(*args: Any, **kwargs: Any) -> Any:
        with enter() as call:
            result = function(*args, **kwargs)
            call.returned(result)
            return result

    return plain


def _wrap_coroutine(function: Any, enter: Any) -> Any:
    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        with enter() as call:
            result = await function(*args, **kwargs)
            call.returned(result)
            return result

    return coroutine


def _wrap_generator(function: Any, enter: Any) -> Any:
    def generator(*args: Any, **kwargs: Any) -> Any:
        with enter():
            return (yield from function(*args, **kwargs))

    return generator


def _wrap_async_generator(function: Any, enter: Any) -> Any:
    async def generator(*args: Any, **kwargs: Any) -> Any:
        with enter():
            inner = function(*args, **kwargs)
            try:
                item = await inner.__anext__()
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as error:
                        item = await inner.athrow(error)
                    else:
                        item = await inner.asend(sent)
            except StopAsyncIteration:
                return
            finally:
                await inner.aclose()

    return generator
