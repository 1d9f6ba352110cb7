# SPDX-License-Identifier: MIT
"""`shmetrics run --bridge`: which Python programs import the bridge, when, and what is said if not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Iterator

import pytest

import command
from command import Bench

NO_COLLECTOR = "--no-collector"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from command.bench(tmp_path)


# Stand-ins: what matters here is who imports whom, and when.
IMPORT_IT = """
import importlib.util, sys
importlib.util.find_spec("prometheus_client")  # asking is not importing
print("shmetrics.bridge" in sys.modules, end=" ")
import prometheus_client
print("shmetrics.bridge" in sys.modules, [p for p in sys.path if p.endswith("shmetrics/bridge")])
"""


def bridged(bench: Bench, tmp_path: Path, **packages: str) -> subprocess.CompletedProcess[str]:
    """Runs IMPORT_IT with these packages of the user's in PYTHONPATH."""
    folder = tmp_path / "packages"
    for name, text in {"prometheus_client": "", **packages}.items():
        path = folder / name.replace(".", "/") / "__init__.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    bench.environment["PYTHONPATH"] = str(folder)
    # By a Python in a shell in a Python: the way of the environment survives what is in between.
    nested = "import os, sys; os.execvp('sh', ['sh', '-c', '\"$0\" -c \"$1\"', sys.executable, sys.argv[1]])"
    command_line = [sys.executable, "-c", nested, IMPORT_IT]
    return bench.call("run", "-q", NO_COLLECTOR, "--bridge", "--", *command_line)


def test_bridge_follows_the_import_of_prometheus_client(bench: Bench, tmp_path: Path) -> None:
    bridge = {"shmetrics": "", "shmetrics.bridge": "print('bridged', end=' ')"}
    done = bridged(bench, tmp_path, **bridge)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False bridged True []\n", "")


def test_bridge_runs_the_sitecustomize_of_the_user_too(bench: Bench, tmp_path: Path) -> None:
    theirs = "import sys; print('theirs', __name__ == 'sitecustomize', sys.modules[__name__].MARK)"
    done = bridged(
        bench, tmp_path, sitecustomize="MARK = 1\n" + theirs, shmetrics="", **{"shmetrics.bridge": ""}
    )
    # Once in each interpreter.
    assert done.stdout == "theirs True 1\n" * 2 + "False True []\n", done.stderr


def test_bridge_says_how_to_install_the_package_where_it_is_missing(
    bench: Bench, tmp_path: Path
) -> None:
    done = bridged(bench, tmp_path, shmetrics="raise ImportError('not here')")
    assert (done.returncode, done.stdout) == (0, "False False []\n")
    (line,) = done.stderr.splitlines()
    assert line == (
        f"shmetrics: --bridge: {sys.executable} has no shmetrics.bridge, so its metrics are not "
        f"recorded (not here). Install it there: {sys.executable} -m pip install shmetrics"
    )


def test_bridge_that_fails_does_not_stop_the_application(bench: Bench, tmp_path: Path) -> None:
    done = bridged(bench, tmp_path, shmetrics="", **{"shmetrics.bridge": "1 / 0"})
    assert (done.returncode, done.stdout) == (0, "False False []\n")
    assert done.stderr.startswith("shmetrics: --bridge: prometheus_client is not bridged: ZeroDiv")


def test_bridge_without_its_file_runs_the_command_unbridged(bench: Bench) -> None:
    bench.fake_collector()
    shown = ["sh", "-c", "echo [$PYTHONPATH]; exit 7"]
    bench.environment.pop("PYTHONPATH", None)
    done = bench.call("run", "-q", NO_COLLECTOR, "--bridge", "--", *shown)
    assert (done.returncode, done.stdout) == (7, "[]\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("shmetrics: --bridge: no share/shmetrics/bridge/sitecustomize.py")
    assert "pip install shmetrics" in line


def test_bridge_goes_before_what_is_in_pythonpath(bench: Bench) -> None:
    shown = ["sh", "-c", 'echo "$PYTHONPATH"']
    for before, after in (None, ""), ("", ""), ("/a:/b", ":/a:/b"):
        bench.environment.pop("PYTHONPATH", None)
        if before is not None:
            bench.environment["PYTHONPATH"] = before
        done = bench.call("run", "-q", NO_COLLECTOR, "--bridge", "--", *shown)
        folder, _, rest = done.stdout.rstrip("\n").partition(":")
        assert (Path(folder) / "sitecustomize.py").is_file()
        assert rest == after.removeprefix(":")
