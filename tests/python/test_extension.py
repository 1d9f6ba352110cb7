# SPDX-License-Identifier: MIT
"""The extension: exports, stub, leaks, sub-interpreters."""

from __future__ import annotations

import ast
import gc
import os
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from conftest import SANITIZED, Run

import shmetrics
from shmetrics import _core

PACKAGE = Path(shmetrics.__file__).parent
ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    SANITIZED or not shutil.which("nm"), reason="needs nm, and a build without a sanitizer"
)
def test_it_exports_one_symbol() -> None:
    assert _core.__file__ is not None
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", "--format=posix", _core.__file__],
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["PyInit__core"]


def members(thing: Any) -> set[str]:
    inherited = {"__module__", "__doc__", "__new__", "__repr__"}
    return {name for name in vars(thing) if name not in inherited and not name.startswith("__")}


def test_the_stub_is_complete() -> None:
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    declared: dict[str, set[str]] = {"": set()}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            declared[node.name] = {
                item.name
                for item in node.body
                if isinstance(item, ast.FunctionDef) and not item.name.startswith("__")
            }
        elif isinstance(node, ast.FunctionDef):
            declared[""].add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            declared[""].add(node.target.id)
    classes = {name for name in members(_core) if isinstance(getattr(_core, name), type)}
    assert declared[""] == members(_core) - classes
    assert set(declared) - {""} == classes
    for name in classes:
        assert declared[name] == members(getattr(_core, name)), name


def test_the_package_says_that_it_is_typed() -> None:
    pytest.importorskip("mypy")
    assert (PACKAGE / "py.typed").exists()
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            os.devnull,
            "--strict",
            "--no-incremental",
            "--cache-dir",
            os.devnull,
            "-c",
            "import shmetrics\nc = shmetrics.Counter('x', '')\nreveal_type(c.labels('1'))",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert 'Revealed type is "shmetrics.metrics.Counter"' in done.stdout.replace("_core.", "")


def test_every_method_says_its_arguments() -> None:
    for thing in (_core.Counter, _core.Gauge, _core.Histogram, _core.Metric, _core.Segment, _core):
        for name in members(thing):
            function = getattr(thing, name)
            if callable(function) and not isinstance(function, type):
                assert function.__text_signature__, name
                assert function.__doc__, name


def test_the_version_is_the_headers() -> None:
    assert shmetrics.__version__ == _core.VERSION
    version = ROOT / "include" / "shmetrics" / "version.h"
    assert f'#define SMX_VERSION "{shmetrics.__version__}"' in version.read_text()


def mapping_count() -> int:
    with open("/proc/self/maps") as maps:
        return sum(1 for _ in maps)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_registries_and_metrics_come_and_go_without_leaking() -> None:
    def turn() -> None:
        registry = shmetrics.CollectorRegistry()
        for kind in (shmetrics.Counter, shmetrics.Gauge, shmetrics.Histogram):
            metric = kind(kind.__name__, "Help.", ["a", "b"], registry=registry)
            for number in range(20):
                metric.labels(str(number), "b")
        shmetrics.generate_latest(registry)
        registry.get_sample_value("Counter_total", {"a": "3", "b": "b"})
        with pytest.raises(ValueError):
            shmetrics.Histogram("wrong", "Help.", ["a", "a"], registry=registry)
        with pytest.raises(ValueError):
            shmetrics.Gauge("wrong", "Help.", registry=registry, multiprocess_mode="some")

    def traced() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        turn()
        traced()
        memory, mappings = traced(), mapping_count()
        for _ in range(100):
            turn()
        # One child is 200 bytes, and 100 turns make 6,000.
        assert traced() - memory < 20000
        assert mapping_count() - mappings < 20
    finally:
        tracemalloc.stop()


def test_rendering_lets_other_threads_run(run: Run) -> None:
    run(
        """
        import signal, sys, threading, time
        from shmetrics import Counter, generate_latest
        counter = Counter("x", "", ["a"])
        for number in range(5000):
            counter.labels(number).inc()
        signal.alarm(60)
        sys.setswitchinterval(1000)  # nobody is made to give way
        turns, stop = [0], []

        def count():
            while not stop:
                turns[0] += 1
                time.sleep(0)

        thread = threading.Thread(target=count)
        thread.start()
        while turns[0] < 20:
            generate_latest()
        stop.append(True)
        thread.join()
        """
    )


def test_threads_render_at_once(run: Run) -> None:
    run(
        """
        import threading
        from shmetrics import Counter, REGISTRY, generate_latest
        counter = Counter("x", "", ["a"])
        failures = []

        def work(index):
            for number in range(100):
                counter.labels(f"{index}-{number}").inc()
                text = generate_latest()
                if not text.endswith(b"\\n") or f'a="{index}-{number}"'.encode() not in text:
                    failures.append(number)

        threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not failures
        """
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="isolated sub-interpreters are of 3.12")
def test_isolated_sub_interpreters_record_into_the_same_segment(run: Run) -> None:
    run(
        """
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        import shmetrics
        counter = shmetrics.Counter("x", "")
        counter.inc()
        for _ in range(3):
            one = interpreters.create()
            failure = interpreters.run_string(one, "import shmetrics; shmetrics.Counter('x', '').inc(2)")
            assert failure is None, failure
            interpreters.destroy(one)
        assert shmetrics.REGISTRY.get_sample_value("x_total") == 7
        """
    )
