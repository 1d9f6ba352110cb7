# SPDX-License-Identifier: MIT
"""That `from prometheus_client import X` can become `from shmetrics import X`, name by name."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any, Iterator, TypeVar

import prometheus_client
import pytest

import shmetrics

MODULES = [
    "",
    "asgi",
    "core",
    "decorator",
    "exposition",
    "gc_collector",
    "metrics",
    "metrics_core",
    "openmetrics.exposition",
    "parser",
    "platform_collector",
    "process_collector",
    "registry",
    "samples",
    "utils",
    "validation",
]

# What theirs has and ours has not, and why.
ABSENT = {
    # A copy of another package: its parts, of which prometheus_client uses decorate() alone.
    "decorator": {
        *("Def", "FunctionMaker", "ContextManager", "contextmanager", "append", "dispatch_on"),
        *("decorator", "fix", "fixed", "get_init"),
    },
    # The inside of another parser.
    "parser": {"parse_labels", "replace_escape_sequence", "replace_help_escaping"},
}

# Parameters that differ, and why.
DIFFERENT_PARAMETERS = {
    # How theirs makes the children of a metric.
    "_labelvalues",
    # Of a gauge that is defined without a mode: liveall, which forgets the dead.
    "multiprocess_mode",
    # How ours finds its segment.
    "segment",
}


def names_of(module: Any) -> list[str]:
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
        and not isinstance(value, TypeVar)
    )


def both() -> Iterator[Any]:
    for module in MODULES:
        suffix = "." + module if module else ""
        theirs = importlib.import_module("prometheus_client" + suffix)
        ours = importlib.import_module("shmetrics" + suffix)
        for name in names_of(theirs):
            if name not in ABSENT.get(module, ()):
                yield pytest.param(ours, theirs, name, id=f"{module or 'prometheus_client'}.{name}")


def parameters(function: Any) -> list[tuple[str, Any]]:
    return [
        (parameter.name, described(parameter.default))
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in DIFFERENT_PARAMETERS
    ]


def described(default: Any) -> Any:
    """Of a function, class or registry its name: each library has its own."""
    if callable(default):
        return getattr(default, "__name__", "") if not inspect.isclass(default) else "class"
    if type(default).__name__ in ("CollectorRegistry", "_DefaultRegistry"):
        return "REGISTRY"
    return default


@pytest.mark.parametrize("ours, theirs, name", list(both()))
def test_what_theirs_has_ours_has(ours: Any, theirs: Any, name: str) -> None:
    mine, reference = getattr(ours, name), getattr(theirs, name)
    assert inspect.isclass(mine) == inspect.isclass(reference)
    assert callable(mine) == callable(reference)
    if inspect.isclass(reference) and issubclass(reference, BaseException):
        assert [base.__name__ for base in mine.__mro__] == [
            base.__name__ for base in reference.__mro__
        ]


def callables() -> Iterator[Any]:
    for parameter in both():
        ours, theirs, name = parameter.values
        reference = getattr(theirs, name)
        if inspect.isfunction(reference) or inspect.isclass(reference):
            yield parameter


@pytest.mark.parametrize("ours, theirs, name", list(callables()))
def test_it_takes_the_same_arguments(ours: Any, theirs: Any, name: str) -> None:
    mine, reference = getattr(ours, name), getattr(theirs, name)
    if getattr(reference, "_is_protocol", False) or name == "MetricWrapperBase":
        pytest.skip("nobody calls it")
    assert parameters(mine) == parameters(reference)
    if not inspect.isclass(reference):
        return
    for method, function in inspect.getmembers(reference, inspect.isfunction):
        if not method.startswith("_"):
            assert parameters(getattr(mine, method)) == parameters(function), method


@pytest.mark.parametrize("name", ["DEFAULT_BUCKETS"])
def test_the_constants_are_theirs(name: str) -> None:
    assert getattr(shmetrics.Histogram, name) == getattr(prometheus_client.Histogram, name)


def test_importing_does_nothing_but_define() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import threading, os, sys, signal\n"
            "before = (signal.getsignal(signal.SIGTERM), os.listdir('/proc/self/fd'))\n"
            "opened = []\n"
            "sys.addaudithook(lambda event, args: event == 'open' and opened.append(args[0]))\n"
            "import shmetrics\n"
            "assert threading.active_count() == 1\n"
            "assert before == (signal.getsignal(signal.SIGTERM), os.listdir('/proc/self/fd'))\n"
            "assert not [name for name in opened if str(name).startswith(('/proc', '/dev'))]\n"
            "assert 'asyncio' not in sys.modules\n",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
