# SPDX-License-Identifier: MIT
"""test_prepare - deployment/prepare.sh, and bench/run: what those say that prepare a machine

1 A step that takes long says how far it is, 2 one that does not says nothing, 3 one that fails shows the
end of what it said. 4 Nothing that reports outlives the script, however that ends. 5 Who may not install is
told what to run.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Iterator

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 60.0
CALLER = f"""
set -euo pipefail
say() {{ printf '==> %s\\n' "$*"; }}
fail() {{ printf 'caller: %s\\n' "$*" >&2; exit 1; }}
logs=$1
source {ROOT}/deployment/prepare.sh
"""


def start(script: str, logs: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["bash", "-c", CALLER + script, "caller", str(logs)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_of(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


@pytest.fixture
def long_step(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A script with a step that lasts until the file `done` is there; it is reported ten times a second."""
    step = f"""
        printf 'compiling \\xe2\\x94\\x81 50%%\\n' # not all of it is ASCII, as in what pip draws
        until [[ -e {tmp_path}/done ]]; do read -rt 0.1 <> <(:) || true; done"""
    (tmp_path / "step").write_text(step)
    process = start(f"report_seconds=0.1\nrun_logged step bash {tmp_path}/step\necho after", tmp_path)
    yield process
    (tmp_path / "done").touch()
    process.kill()
    process.wait()
    output_of(process).close()


def test_a_long_step_says_how_far_it_is(long_step: "subprocess.Popen[str]", tmp_path: Path) -> None:
    said = output_of(long_step)
    assert any("s: compiling  50%" in line for line in iter(said.readline, ""))
    (tmp_path / "done").touch()
    # To the end of it: who reports does not hold the pipe after the script.
    rest, _ = long_step.communicate(timeout=DEADLINE_SECONDS)
    assert rest.splitlines()[-1] == "after"
    assert long_step.returncode == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_reports_after_the_script(
    long_step: "subprocess.Popen[str]", tmp_path: Path, how: signal.Signals
) -> None:
    assert output_of(long_step).readline().startswith("    ... ")
    os.kill(long_step.pid, how)
    (tmp_path / "done").touch()
    long_step.communicate(timeout=DEADLINE_SECONDS)  # ends when nobody has the pipe open any more
    assert long_step.returncode != 0


def test_a_short_step_says_nothing(tmp_path: Path) -> None:
    said, _ = start("run_logged step echo compiling", tmp_path).communicate(timeout=DEADLINE_SECONDS)
    assert said == ""


def test_a_step_that_fails_shows_what_it_said_and_ends_the_script(tmp_path: Path) -> None:
    process = start("run_logged step bash -c 'echo oops; exit 3'\necho after", tmp_path)
    said, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert said.splitlines() == [
        "    the end of what step said:",
        "    | oops",
        "caller: 'step' failed",
    ]
    assert process.returncode == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root already sees it")
def test_who_is_not_root_is_told_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        + ["bash", "-c", CALLER + "install_packages bash no-such-package", "caller", "/nowhere"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get update && apt-get install --no-install-recommends no-such-package\n" in done.stderr


def test_who_is_not_root_is_told_what_benchmarks_need(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loader = importlib.machinery.SourceFileLoader("bench_run", str(ROOT / "bench" / "run"))
    spec = importlib.util.spec_from_loader("bench_run", loader)
    assert spec is not None
    run = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bench_run", run)
    loader.exec_module(run)
    monkeypatch.setattr(run, "output", lambda *command: "")  # nothing is installed
    monkeypatch.setattr(run, "call", lambda *command, **options: pytest.fail(" ".join(command)))
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(SystemExit) as ended:
        run.install_packages()
    assert ended.value.code == 2
    assert "apt-get install --no-install-recommends build-essential cmake" in capsys.readouterr().err
