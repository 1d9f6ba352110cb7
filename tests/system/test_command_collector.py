# SPDX-License-Identifier: MIT
"""The collector that `shmetrics run` starts: found, started again, stopped, never in the way."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import command  # noqa: E402
import expocheck  # noqa: E402
from command import Bench, Lines, is_gone, process_state, until  # noqa: E402


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from command.bench(tmp_path)


ANY_PORT = ["--listen", "127.0.0.1:0"]


def test_serves_what_the_command_records(bench: Bench) -> None:
    bench.environment.update(command.preload())
    writer = [sys.executable, str(Path(command.__file__)), "shop"]
    run = bench.start("run", "--segment", "shop", *ANY_PORT, "--", *writer, stdin=subprocess.PIPE)
    assert Lines(run.stdout).next() == "recorded"
    url = Lines(run.stderr).find("metrics at").split()[-1]

    def served() -> str:
        try:
            with urllib.request.urlopen(url, timeout=command.DEADLINE) as answer:
                body = answer.read()
                expocheck.parse(body)
                return str(body, "utf-8")
        except OSError:
            return ""

    text = until(served, "the collector answers")
    assert 'requests_total{path="/",method="GET"} 18446744073709551615\n' in text
    assert re.search(r'^shmetrics_segment_writers\{.*state="live".*\} 2$', text, re.MULTILINE)
    bench.end(run)
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=command.DEADLINE)


def test_starts_the_collector_beside_it_with_the_segment_and_the_address(bench: Bench) -> None:
    log = bench.fake_collector()
    run, _, _ = bench.run_recorder(*ANY_PORT)
    (pid,) = bench.collectors(log, 1)
    (file,) = bench.files()
    told = Lines(run.stderr).find("metrics at")
    port = re.fullmatch(r"shmetrics: metrics at http://127\.0\.0\.1:(\d+)/metrics", told)
    assert port and port[1] != "0"
    arguments = f"--segment {bench.folder}/{file} --web.listen-address 127.0.0.1:{port[1]}"
    assert log.read_text() == f"{pid} {arguments}\n"


def test_starts_the_collector_found_in_path_where_none_is_near(
    bench: Bench, tmp_path: Path
) -> None:
    log = bench.fake_collector()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    bench.shmetrics = Path(shutil.move(bench.shmetrics, elsewhere))
    bench.environment["PATH"] += f":{bench.programs}"
    bench.run_recorder(*ANY_PORT)
    bench.collectors(log, 1)


def test_runs_the_command_where_there_is_no_collector(bench: Bench) -> None:
    bench.fake_collector()
    (bench.programs / "shmetrics-collector").unlink()
    done = bench.call("run", "-q", "--", "sh", "-c", "exit 7")
    assert done.returncode == 7
    assert done.stderr == (
        "shmetrics: no shmetrics-collector beside this program or in PATH: the command runs, "
        "its metrics are recorded but not served (where libmicrohttpd, liburcu or libdeflate is missing, "
        "pip install builds the package without it)\n"
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
def test_runs_the_command_where_the_port_is_taken_and_serves_once_it_is_free(
    bench: Bench, address: str
) -> None:
    log = bench.fake_collector()
    family = socket.AF_INET6 if address[0] == "[" else socket.AF_INET
    with socket.socket(family) as taken:
        taken.bind((address.strip("[]"), 0))
        taken.listen()
        port = taken.getsockname()[1]
        run, _, _ = bench.run_recorder("--listen", f"{address}:{port}")
        lines = Lines(run.stderr)
        lines.find("recording into")
        assert lines.next() == (
            f"shmetrics: {address}:{port} is taken by another program: the command runs, its "
            "metrics are recorded but not served until the port is free (--listen takes another)"
        )
        assert not log.exists()
    assert lines.next() == f"shmetrics: metrics at http://{address}:{port}/metrics"
    bench.collectors(log, 1)


def test_says_once_that_it_cannot_listen(bench: Bench) -> None:
    log = bench.fake_collector()
    run, lines, pid = bench.run_recorder("-q", "--listen", "192.0.2.1:9798")
    for _ in range(5):
        run.send_signal(signal.SIGUSR1)
        assert lines.next() == "got SIGUSR1"
    os.kill(pid, signal.SIGKILL)
    assert run.wait(command.DEADLINE) == 137 and not log.exists()
    assert bench.errors(run) == (
        "shmetrics: cannot listen on 192.0.2.1:9798: Cannot assign requested address: the command "
        "runs, its metrics are recorded but not served (--listen takes another)\n"
    )


def test_starts_a_killed_collector_again_and_again(bench: Bench) -> None:
    log = bench.fake_collector()
    run, _, pid = bench.run_recorder("-q", *ANY_PORT)
    for count in range(1, 5):
        os.kill(bench.collectors(log, count)[-1], signal.SIGKILL)
    last = bench.collectors(log, 5)[-1]
    first, *others = log.read_text().splitlines()
    assert {other.split(" ", 1)[1] for other in others} == {
        first.split(" ", 1)[1]
    }, "at the same address"
    os.kill(pid, signal.SIGKILL)
    assert run.wait(command.DEADLINE) == 137
    assert is_gone(last)
    assert (
        bench.errors(run)
        == "shmetrics: the collector ended with signal 9 (Killed); it is started again\n"
    )


def test_does_not_insist_on_a_collector_that_refuses_its_flags(bench: Bench) -> None:
    log = bench.fake_collector("exit 2")
    run, lines, pid = bench.run_recorder("-q", *ANY_PORT)
    told = Lines(run.stderr)
    assert told.next().startswith(
        "shmetrics: the collector does not accept what it was started with: "
    )
    os.kill(pid, signal.SIGKILL)
    assert run.wait(command.DEADLINE) == 137
    assert len(log.read_text().splitlines()) == 1


def test_returns_the_command_s_status_though_the_collector_fails(bench: Bench) -> None:
    log = bench.fake_collector("exit 1")
    three_times = f'until [ -e {log} ] && [ "$(wc -l < {log})" -ge 3 ]; do sleep 0.01; done; exit 7'
    done = bench.call("run", "-q", *ANY_PORT, "--", "sh", "-c", three_times)
    assert done.returncode == 7
    assert done.stderr == "shmetrics: the collector ended with status 1; it is started again\n"


def test_asks_the_collector_to_end_before_it_returns(bench: Bench) -> None:
    log = bench.fake_collector(
        "trap 'echo asked >> $0.end; exit 0' TERM; while :; do sleep 0.01; done"
    )
    run, _, pid = bench.run_recorder(*ANY_PORT)
    (collector,) = bench.collectors(log, 1)
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGKILL)
    assert run.wait(command.DEADLINE) == 137
    assert is_gone(collector)
    assert (bench.programs / "shmetrics-collector.end").read_text() == "asked\n"
    assert bench.files() == []


@pytest.mark.parametrize("impatient", [False, True])
def test_ends_though_the_collector_will_not(bench: Bench, impatient: bool) -> None:
    log = bench.fake_collector("trap '' TERM; while :; do sleep 0.01; done")
    run, _, pid = bench.run_recorder(*ANY_PORT)
    (collector,) = bench.collectors(log, 1)
    os.kill(collector, signal.SIGSTOP)
    until(lambda: process_state(collector) == "T", "the collector is stopped")
    os.kill(pid, signal.SIGKILL)
    if impatient:
        until(lambda: process_state(collector) in "RS", "the collector was continued to hear it")
        run.terminate()
    assert run.wait(command.DEADLINE) == 137
    assert is_gone(collector)


def test_keeps_the_terminal_s_signals_from_the_collector(bench: Bench) -> None:
    log = bench.fake_collector()
    run, lines, _ = bench.run_recorder(*ANY_PORT, start_new_session=True)
    (collector,) = bench.collectors(log, 1)
    assert os.getsid(collector) == collector != os.getsid(run.pid)
    os.killpg(run.pid, signal.SIGINT)
    assert lines.next() == "got SIGINT"
    assert not is_gone(collector)


def test_takes_the_collector_but_not_the_command_with_it_when_killed(bench: Bench) -> None:
    log = bench.fake_collector()
    run, _, pid = bench.run_recorder(*ANY_PORT)
    (collector,) = bench.collectors(log, 1)
    run.kill()
    run.wait(command.DEADLINE)
    until(lambda: is_gone(collector), "the collector ends")
    assert not is_gone(pid)


def test_does_not_keep_the_command_s_output_open(bench: Bench) -> None:
    bench.fake_collector("echo printed; exec sleep 1000")
    done = bench.call("run", *ANY_PORT, "--", "echo", "done")
    assert done.stdout == "done\n"
