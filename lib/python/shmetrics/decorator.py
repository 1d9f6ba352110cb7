# SPDX-License-Identifier: MIT
"""decorator - what is left of prometheus_client.decorator: the signature of a decorated function

There it is a copy of the package of that name. Here time(), count_exceptions() and
track_inprogress() use functools.wraps, and inspect.signature() sees through it.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable, List, NamedTuple, Optional, Tuple


class ArgSpec(NamedTuple):
    args: List[str]
    varargs: Optional[str]
    varkw: Optional[str]
    defaults: Optional[Tuple[Any, ...]]


def getargspec(f: Callable[..., Any]) -> ArgSpec:
    """The arguments of a function, of the one below if it is decorated."""
    spec = inspect.getfullargspec(inspect.unwrap(f))
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def decorate(func: Callable[..., Any], caller: Callable[..., Any]) -> Callable[..., Any]:
    """func, called through caller(func, *args, **kwargs)."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return caller(func, *args, **kwargs)

    return wrapper
