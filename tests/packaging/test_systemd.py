# SPDX-License-Identifier: MIT
"""test_systemd - the units: well-formed, hardened, and their sandbox is one that the collector can live in

    1  systemd itself finds no fault with them
    2  what they expose is little, by systemd's own measure
    3  ExecStart serves on a socket that is handed over, without a network of its own
    4  the collector makes no system call, opens no kind of socket and maps no memory that its unit forbids

There is no systemd running here, so for 4 what strace sees is compared with what the unit says.
"""

from __future__ import annotations

import contextlib
import functools
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from collector import COLLECTOR, DEADLINE, Writer, segment_folder, wait_until  # noqa: E402
from expocheck import Samples, parse  # noqa: E402
from prometheus import free_port  # noqa: E402

UNITS = Path(__file__).resolve().parents[2] / "deployment" / "systemd"
SERVICES = ("shmetrics-collector.service", "convergeai-backend.service")
EXPOSURE_MAX = 20  # tenths; 100 is without any protection


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"there is no {name}; on Debian: apt-get install {package}")
    return found


def analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [program("systemd-analyze", "systemd"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def settings(unit: str) -> Dict[str, List[str]]:
    """Of all sections; a setting may be given several times."""
    found: Dict[str, List[str]] = {}
    for line in (UNITS / unit).read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


# ---- 1, 2: what systemd says ----


def verified(folder: Path, change: Tuple[str, str] = ("", "")) -> str:
    """What `systemd-analyze verify` says where the programs are others that exist."""
    for path in UNITS.glob("*.s*e*"):
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(), flags=re.MULTILINE)
        (folder / path.name).write_text(text.replace(*change))
    done = analyze("verify", "--man=no", *sorted(folder.iterdir()))
    return done.stdout + done.stderr


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    assert verified(tmp_path) == ""
    assert {path.name for path in tmp_path.iterdir()} == {*SERVICES, "shmetrics-collector.socket"}


FAULTS = [("PrivateNetwork=yes", "PrivateNetwrk=yes"), ("=127.0.0.1:9798", "=127.0.0.1:x")]


@pytest.mark.parametrize("change", FAULTS)
def test_systemd_does_find_faults(tmp_path: Path, change: Tuple[str, str]) -> None:
    assert change[1].partition("=")[0] in verified(tmp_path, change)


@pytest.mark.parametrize("unit", SERVICES)
def test_little_is_exposed(unit: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", UNITS / unit)
    assert done.returncode == 0, done.stdout[-200:]


def test_the_users_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    command = [program("systemd-sysusers", "systemd"), f"--root={tmp_path}", str(UNITS / "sysusers.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("may not make users of another root here")
    assert done.returncode == 0, done.stderr
    made = {line.partition(":")[0] for line in (tmp_path / "etc" / "passwd").read_text().splitlines()}
    used = {user for unit in SERVICES for name in ("User", "Group", "SupplementaryGroups")
            for user in settings(unit).get(name, [])}  # fmt: skip
    assert used == made


def test_the_collector_looks_where_the_backend_writes() -> None:
    collector, backend = settings(SERVICES[0]), settings(SERVICES[1])
    (folder,) = backend["RuntimeDirectory"]
    assert f"--segment.dir=/run/{folder}" in collector["ExecStart"][0]
    assert f"--segment.owner={backend['User'][0]}" in collector["ExecStart"][0]
    assert collector["SupplementaryGroups"] == backend["Group"]
    assert backend["RuntimeDirectoryMode"] == ["0750"], "the group may pass through"
    assert any(f"SHMETRICS_DIR=%t/{folder}" in line for line in backend["Environment"])


# ---- 3: the socket ----


def exec_start(segments: Path) -> List[str]:
    """With the program and the folder of the test."""
    command = shlex.split(settings(SERVICES[0])["ExecStart"][0])
    assert command[0].endswith("/shmetrics-collector")
    flags = [flag for flag in command[1:] if not flag.startswith("--segment.owner=")]
    here = [f"--segment.dir={segments}" if flag.startswith("--segment.dir=") else flag for flag in flags]
    assert len(here) == len(command) - 2 and f"--segment.dir={segments}" in here
    return [str(COLLECTOR), *here]


@contextlib.contextmanager
def activated(segments: Path, *before: str) -> Iterator[Tuple[str, "subprocess.Popen[str]"]]:
    """Started by the first who connects; `before` is what the collector is started by."""
    listen = f"127.0.0.1:{free_port()}"
    activate = [program("systemd-socket-activate", "systemd"), f"--listen={listen}"]
    process = subprocess.Popen(
        [*activate, *before, *exec_start(segments)], stderr=subprocess.PIPE, text=True
    )
    try:
        yield f"http://{listen}/metrics", process
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


def scrape(url: str) -> Samples:
    """{} while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return parse(answer.read())
    except OSError:
        return {}


def may(*command: str) -> bool:
    return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0


def test_it_serves_on_the_socket_and_has_no_network(tmp_path: Path) -> None:
    assert settings("shmetrics-collector.socket")["ListenStream"] == ["127.0.0.1:9798"]
    alone = ["unshare", "--net"] if may("unshare", "--net") else []
    with segment_folder() as segments, Writer(segments, "app") as writer:
        writer.do("gauge busy 1")
        with activated(segments, *alone) as (url, _):
            wait_until(lambda: scrape(url).get(("busy", frozenset())) == 1, "the first scrape has started it")


# ---- 4: the sandbox ----


@functools.lru_cache(None)
def set_of(group: str) -> Set[str]:
    """The system calls of one of systemd's groups."""
    done = analyze("syscall-filter", "--no-pager", group)
    names: Set[str] = set()
    for line in done.stdout.splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            names |= set_of(name)
        elif name and not name.startswith("#"):
            names.add(name)
    assert names, done.stderr
    return names


def allowed(unit: str) -> Set[str]:
    (permitted, refused) = settings(unit)["SystemCallFilter"]
    assert not permitted.startswith("~") and refused.startswith("~")
    names = set().union(*(set_of(group) for group in permitted.split()))
    return names - set().union(*(set_of(group) for group in refused[1:].split()))


def exercise(url: str, segments: Path) -> None:
    """A segment comes, is scraped in every way, and goes."""
    wait_until(lambda: scrape(url), "it is started")
    with Writer(segments, "app", "--counters", "2000") as writer:
        writer.do("gauge busy 1")
        wait_until(lambda: scrape(url).get(("busy", frozenset())) == 1, "it has found the segment")
        for name, value in (("Accept-Encoding", "gzip"), ("Accept", "application/openmetrics-text")):
            urllib.request.urlopen(urllib.request.Request(url, headers={name: value}), timeout=10).close()
        for path in ("/api/v1/health/ready", "/api/v1/sd", "/"):
            urllib.request.urlopen(url.replace("/metrics", path), timeout=10).close()
    live = ("shmetrics_segment_writers", frozenset({("segment", "app"), ("state", "live")}))
    wait_until(lambda: scrape(url).get(live) == 0, "the writer is gone")


def test_the_collector_does_nothing_that_its_sandbox_forbids(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    # -D: the collector keeps the process id that the socket was handed to.
    strace = [program("strace", "strace"), "-D", "-f", "-o", str(trace)]
    if not may(*strace):
        pytest.skip("may not trace here")
    with segment_folder() as segments, activated(segments, *strace) as (url, process):
        exercise(url, segments)
    wait_until(lambda: f"{process.pid} +++ exited" in re.sub(" +", " ", trace.read_text()), "all is written")
    lines = trace.read_text(errors="replace").splitlines()
    calls = {found[1] for line in lines if (found := re.match(r"\d+ +(?:<\.\.\. )?([a-z_0-9]+)[ (]", line))}
    assert {"epoll_wait", "mmap", "inotify_init1", "exit_group"} <= calls, "it was traced from end to end"
    assert calls - allowed(SERVICES[0]) == set()
    families = {found[1] for line in lines if (found := re.search(r" socket\((AF_\w+)", line))}
    assert families <= set(settings(SERVICES[0])["RestrictAddressFamilies"][0].split())
    assert not [line for line in lines if "PROT_WRITE|PROT_EXEC" in line]
