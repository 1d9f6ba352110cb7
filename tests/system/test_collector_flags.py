# SPDX-License-Identifier: MIT
"""test_collector_flags - shmetrics-collector's flags, its log, and how it starts and ends"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import COLLECTOR, Collector, wait_until  # noqa: E402


BAD_FLAGS = [
    (["--segment=a/b/.c"], "--segment"),
    (["--segment="], "--segment"),
    (["--segment=x[a-"], "--segment"),
    (["--segment=a b"], "--segment"),
    (["--segment=" + "a" * 129], "--segment"),
    (["--segment.dir="], "--segment.dir"),
    (["--segment.owner=no-such-user"], "--segment.owner"),
    (["--segment.owner=-1"], "--segment.owner"),
    (["--segment.max-bytes=0"], "--segment.max-bytes"),
    (["--segment.max-bytes=1TB"], "--segment.max-bytes"),
    (["--segment.max-bytes=99999999999999999999"], "--segment.max-bytes"),
    (["--segment.max-bytes=18014398509481985KiB"], "--segment.max-bytes"),
    (["--web.listen-address=9798"], "--web.listen-address"),
    (["--web.listen-address=127.0.0.1:99999"], "--web.listen-address"),
    (["--web.listen-address=127.0.0.1:"], "--web.listen-address"),
    (["--web.listen-address=::1:9798"], "--web.listen-address"),
    (["--web.listen-address=[]:9798"], "--web.listen-address"),
    (["--web.listen-address=300.1.1.1:9798"], "--web.listen-address"),
    (["--web.listen-address=:9798", "--web.listen-address=:9798"], "--web.listen-address"),
    (["--web.listen-address=:9798", "--web.listen-address=127.0.0.1:9798"], "beside :9798"),
    (["--web.listen-address=0.0.0.0:9798", "--web.listen-address=127.0.0.1:9798"], "beside 0.0"),
    (["--web.listen-address=[::]:9798", "--web.listen-address=[::1]:9798"], "beside [::]:9798"),
    (["--web.listen-address=localhost:9798", "--web.listen-address=localhost:9798"], "beside local"),
    (["--segment.dir=/etc/passwd"], "--segment.dir"),
    (["--segment.dir=/etc/passwd/sub"], "--segment.dir"),
    (["--segment=/etc/passwd/*"], "--segment"),
    (["--web.telemetry-path=metrics"], "--web.telemetry-path"),
    (["--web.telemetry-path=/health"], "--web.telemetry-path"),
    (["--web.telemetry-path=/a?b"], "--web.telemetry-path"),
    (["--web.max-requests=many"], "--web.max-requests"),
    (["--web.max-requests=-1"], "--web.max-requests"),
    (["--web.config.file="], "--web.config.file"),
    (["--web.systemd-socket=yes"], "--web.systemd-socket"),
    (["--web.enable-lifecycle=yes"], "--web.enable-lifecycle"),
    (["--log.level=loud"], "--log.level"),
    (["--log.format=xml"], "--log.format"),
    (["--no-such-flag"], "--no-such-flag"),
    (["--segment"], "--segment"),
    (["--check-config=yes"], "--check-config"),
    (["app"], "app"),
]


def test_closed_standard_descriptors_stand_for_nothing_else(folder: Path) -> None:
    """A log line would go to whatever file or client had got their numbers."""
    command = [str(COLLECTOR), f"--segment.dir={folder}", "--web.listen-address=127.0.0.1:0"]
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
    process = subprocess.Popen(shell)
    try:
        opened = Path(f"/proc/{process.pid}/fd")
        wait_until(lambda: sum(1 for _ in opened.iterdir()) > 5, "it listens")
        assert [str((opened / number).readlink()) for number in "012"] == ["/dev/null"] * 3
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("flags", "named"), BAD_FLAGS, ids=[" ".join(flags)[:40] for flags, _ in BAD_FLAGS]
)
def test_names_a_bad_flag_and_its_rule_in_one_line(flags: List[str], named: str) -> None:
    result = subprocess.run(
        [str(COLLECTOR), *flags], capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert named in result.stderr
    assert flags[-1].split("=", 1)[-1] in result.stderr


def test_checks_its_flags_without_starting() -> None:
    command = [
        str(COLLECTOR),
        "--check-config",
        "--segment=app-*",
        "--web.listen-address=[::1]:0",
        "--segment.max-bytes=2GiB",
    ]
    assert subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("127.0.0.1:9798", "127.0.0.1:9799"),
        ("127.0.0.1:9798", "[::1]:9798"),
        ("0.0.0.0:9798", "[::]:9798"),
    ],
)
def test_takes_addresses_that_do_not_meet(addresses: Tuple[str, str]) -> None:
    flags = [f"--web.listen-address={address}" for address in addresses]
    command = [str(COLLECTOR), "--check-config", *flags]
    assert subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0


def test_takes_a_folder_that_is_not_there_yet(folder: Path) -> None:
    command = [str(COLLECTOR), "--check-config", f"--segment.dir={folder / 'later'}"]
    assert subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0


@pytest.mark.parametrize("flag", ["--help", "--version", "--check-config"])
def test_fails_when_nobody_can_read_what_it_says(flag: str) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [str(COLLECTOR), flag], stdout=full, stderr=subprocess.PIPE, timeout=20, check=False
        )
    assert result.returncode == 1
    assert result.stderr == b"shmetrics-collector: cannot write: No space left on device\n"


def test_explains_every_flag() -> None:
    result = subprocess.run(
        [str(COLLECTOR), "--help"], capture_output=True, text=True, timeout=20, check=True
    )
    for flag in {flag for _, flag in BAD_FLAGS if flag.startswith("--")} - {"--no-such-flag"} | {
        "--version",
        "--help",
    }:
        assert f"  {flag}" in result.stdout
    version = subprocess.run(
        [str(COLLECTOR), "--version"], capture_output=True, text=True, timeout=20, check=True
    )
    assert version.stdout.startswith("shmetrics-collector ")


def test_its_readme_has_the_help_of_the_program() -> None:
    """One source: the table in collector/options.c. After a change of it, paste what --help says."""
    result = subprocess.run(
        [str(COLLECTOR), "--help"], capture_output=True, text=True, timeout=20, check=True
    )
    readme = Path(__file__).resolve().parents[2] / "collector" / "README.md"
    assert f"```text\n{result.stdout}```\n" in readme.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_it_is_told_to(folder: Path, number: signal.Signals) -> None:
    with Collector(folder) as collector:
        assert collector.stop(number) == 0
        assert collector.log_lines("msg=stopped")


def test_names_an_address_that_is_taken(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = subprocess.run(
            [str(COLLECTOR), f"--segment.dir={folder}", f"--web.listen-address={address}"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert result.returncode == 1
        assert address in result.stderr and "in use" in result.stderr


def test_logs_json_if_asked(folder: Path) -> None:
    (folder / "bad.smx1").write_bytes(b'\x00\xff"\\\n')
    with Collector(folder, "--log.format=json", "--log.level=debug") as collector:
        collector.request("/x%22%0A%FF")
        collector.stop()
        events = [json.loads(line) for line in collector.lines]
    assert all({"ts", "level", "msg"} <= event.keys() for event in events)
    assert [event["segment"] for event in events if event["msg"] == "segment cannot be served"] == [
        "bad"
    ]
    assert [event["path"] for event in events if event["msg"] == "request"] == ['/x"\n\ufffd']


def test_logs_only_what_was_asked_for(folder: Path) -> None:
    (folder / "bad.smx1").write_bytes(b"x")
    process = subprocess.Popen(
        [
            str(COLLECTOR),
            f"--segment.dir={folder}",
            "--web.listen-address=127.0.0.1:0",
            "--log.level=error",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    process.terminate()
    assert process.communicate(timeout=30)[1] == ""
