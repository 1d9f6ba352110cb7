# SPDX-License-Identifier: MIT
"""Importing does nothing but define: no thread, descriptor, file, handler, hook; nobody else's package."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import shmetrics

# What importing could change of its process, as JSON, before and after the modules named by the arguments.
PROBE = """
import collections.abc, gc, importlib, json, logging, os, signal, sys, threading, typing, warnings, weakref

def state():
    return {
        "threads": [thread.name for thread in threading.enumerate()] + os.listdir("/proc/self/task"),
        "descriptors": sorted(os.listdir("/proc/self/fd")),
        "segments": sorted(os.listdir(os.environ["SHMETRICS_DIR"])),
        "shared mappings": [line for line in open("/proc/self/maps") if line.split()[1][3] == "s"],
        "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "environment": dict(os.environ),
        "working directory": os.getcwd(),
        "garbage callbacks": len(gc.callbacks),
        "garbage thresholds": gc.get_threshold(),
        "profilers": [str(sys.getprofile()), str(sys.gettrace())],
        "log handlers": [str(handler) for handler in logging.root.handlers],
        "warning filters": len(warnings.filters),
        "search path": list(sys.path),
        "import hooks": [len(sys.meta_path), len(sys.path_hooks)],
        "excepthook": str(sys.excepthook),
    }

state()  # what looking itself brings
modules, before = set(sys.modules), state()
for name in sys.argv[1:]:
    importlib.import_module(name)
after = state()
print(json.dumps([before, after, sorted(set(sys.modules) - modules)]))
"""

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(shmetrics.__path__, "shmetrics.")
    if not module.name.endswith("__main__")
)


def probe(module: str, directory: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module],
        env={**os.environ, "SHMETRICS_DIR": str(directory), "SHMETRICS_SEGMENT": "test"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def importable(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:  # an integration of what is not installed
        return False
    return True


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("module", ["shmetrics", *MODULES])
def test_importing_does_nothing_but_define(tmp_path: Path, module: str) -> None:
    if not importable(module):
        pytest.skip(f"{module} needs what is not installed")
    before, after, _ = probe(module, tmp_path)
    for what, value in before.items():
        assert after[what] == value, what
    assert after["segments"] == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="sys.stdlib_module_names is of 3.10")
def test_the_package_needs_the_standard_library_alone(tmp_path: Path) -> None:
    _, _, modules = probe("shmetrics", tmp_path)
    roots = {module.partition(".")[0] for module in modules}
    assert roots - set(sys.stdlib_module_names) == {"shmetrics"}  # type: ignore[attr-defined,unused-ignore]
