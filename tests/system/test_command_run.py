# SPDX-License-Identifier: MIT
"""`shmetrics run`: the command's status, its signals, its orphans, its collector, its segment."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Iterator

import pytest

import command
from command import AS_FIRST_PROCESS, AS_NOBODY_SPECIAL, Bench, Lines, children, give_away
from command import is_gone, process_state, recorder, until

NO_COLLECTOR = "--no-collector"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    yield from command.bench(tmp_path)


# ---- the command and its status ----


@pytest.mark.parametrize("status", [0, 1, 3, 125, 255])
def test_returns_the_status_of_the_command(bench: Bench, status: int) -> None:
    assert bench.call("run", NO_COLLECTOR, "--", "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_returns_128_and_the_signal_that_killed_the_command(
    bench: Bench, number: signal.Signals
) -> None:
    done = bench.call("run", NO_COLLECTOR, "--", "sh", "-c", f"kill -{int(number)} $$")
    assert done.returncode == 128 + number


def test_returns_127_for_a_command_that_is_not_there_and_starts_no_collector(bench: Bench) -> None:
    log = bench.fake_collector()
    done = bench.call("run", "--", "no-such-command")
    assert (done.returncode, done.stderr) == (
        127,
        "shmetrics: no-such-command: No such file or directory\n",
    )
    assert bench.files() == [] and not log.exists()


def test_returns_126_for_a_command_that_may_not_be_run(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("data")
    for path in (tmp_path / "data", tmp_path):
        done = bench.call("run", NO_COLLECTOR, "--", str(path))
        assert (done.returncode, done.stderr) == (126, f"shmetrics: {path}: Permission denied\n")


def test_passes_arguments_and_standard_streams_through(bench: Bench) -> None:
    script = 'printf "<%s>" "$@"; cat; echo err >&2'
    done = bench.call(
        "run",
        "-q",
        NO_COLLECTOR,
        "--",
        "sh",
        "-c",
        script,
        "x",
        "-q",
        "a b",
        "--help",
        "",
        input="in",
    )
    assert (done.stdout, done.stderr) == ("<-q><a b><--help><>in", "err\n")


def test_leaves_signal_mask_and_dispositions_as_they_were(bench: Bench) -> None:
    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR1})
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    shown = ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]
    without = subprocess.run(
        shown, preexec_fn=prepare, capture_output=True, text=True, check=True
    ).stdout
    done = bench.call("run", NO_COLLECTOR, "--", *shown, preexec_fn=prepare)
    assert (done.returncode, done.stdout) == (0, without)


# ---- the segment ----


def test_names_the_segment_by_its_absolute_path(bench: Bench) -> None:
    bench.environment["SHMETRICS_DIR"] = bench.folder.name
    done = bench.call(
        "run", NO_COLLECTOR, "--", "sh", "-c", "echo $SHMETRICS_SEGMENT", cwd=bench.folder.parent
    )
    path = Path(done.stdout.strip())
    assert path.parent == bench.folder and path.name.startswith("run-") and path.suffix == ".smx1"
    assert done.stderr == f"shmetrics: recording into {path}\n"


def test_holds_a_slot_for_the_whole_run_and_removes_its_own_segment(bench: Bench) -> None:
    run, _, pid = bench.run_recorder(NO_COLLECTOR)
    (entry,) = bench.listing().values()
    assert (entry["state"], [w["pid"] for w in entry["writers"]]) == ("live", [run.pid])
    os.kill(pid, signal.SIGKILL)
    assert run.wait(command.DEADLINE) == 137
    assert bench.files() == []


def test_makes_a_segment_with_the_limits_that_are_asked_for(bench: Bench) -> None:
    limits = ("--limit", "series_max=5000", "--limit", f"size_max_bytes={2 << 20}")
    bench.run_recorder(NO_COLLECTOR, *limits)
    (entry,) = bench.listing().values()
    assert (entry["series_max"], entry["size_max_bytes"]) == (5000, 2 << 20)


def test_leaves_a_named_segment_which_keep_goes_on_with(bench: Bench) -> None:
    writer = [sys.executable, str(Path(command.__file__)), "shop"]
    environment = {**bench.environment, **command.preload()}
    for options, count in ([], 2), (["--keep"], 4), ([], 2):
        run = [str(command.SHMETRICS), "run", "--segment", "shop", NO_COLLECTOR, *options, "--"]
        done = subprocess.run(
            [*run, *writer], env=environment, stdin=subprocess.DEVNULL, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        assert bench.listing()["shop"]["state"] == "dead"
        assert (
            f'duration_seconds_bucket{{le="1.0"}} {count + count // 2}\n'
            in bench.call("dump", "shop").stdout
        )


@pytest.mark.parametrize("where", ["nowhere", "not ours", "no room"])
def test_runs_the_command_without_metrics_where_no_segment_can_be_made(
    bench: Bench, where: str, tmp_path: Path
) -> None:
    shown = ["sh", "-c", 'echo "[$SHMETRICS_SEGMENT]"; exit 7']
    call = [str(command.SHMETRICS), "run", "--", *shown]
    if where == "nowhere":
        bench.environment["SHMETRICS_DIR"] = str(tmp_path / "nowhere")
    elif where == "not ours":
        give_away(bench.folder, 0o755)
        call = [*AS_NOBODY_SPECIAL, *call]
    else:
        mount = f"mount -t tmpfs -o size=64k none {tmp_path} && SHMETRICS_DIR={tmp_path}"
        call = ["unshare", "--mount", "sh", "-c", f'{mount} exec "$@"', "sh", *call]
    bench.environment["SHMETRICS_SEGMENT"] = "stale"
    done = subprocess.run(
        call, env=bench.environment, capture_output=True, text=True, timeout=command.DEADLINE
    )
    assert (done.returncode, done.stdout) == (7, "[]\n"), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("shmetrics: segment ") and line.endswith(
        ": the command runs without metrics"
    )


def test_says_that_it_does_not_hold_a_segment_without_a_free_slot(bench: Bench) -> None:
    bench.writer("shop", "1")
    done = bench.call("run", "-q", "--segment", "shop", NO_COLLECTOR, "--", "sh", "-c", "exit 7")
    assert done.returncode == 7
    (line,) = done.stderr.splitlines()
    assert line.endswith(": the segment lives only while processes of the command hold it")


@pytest.mark.parametrize("limit", range(4, 10))
def test_runs_the_command_where_descriptors_run_out(bench: Bench, limit: int) -> None:
    bench.fake_collector()
    call = ["prlimit", f"--nofile={limit}", str(bench.shmetrics), "run", "--", "sh", "-c", "exit 7"]
    done = subprocess.run(
        call, env=bench.environment, capture_output=True, text=True, timeout=command.DEADLINE
    )
    assert done.returncode == 7, done.stderr
    assert (
        bench.call("run", NO_COLLECTOR, "--", "true").returncode == 0
    )  # and what could not be removed goes now
    assert bench.files() == []


def test_the_next_run_removes_what_a_killed_one_left(bench: Bench) -> None:
    run, _, pid = bench.run_recorder(NO_COLLECTOR)
    run.kill()
    run.wait(command.DEADLINE)
    assert not is_gone(pid), "the command does not die with a killed run"
    assert len(bench.files()) == 1
    assert bench.call("run", NO_COLLECTOR, "--", "true").returncode == 0
    assert bench.files() == []


def test_the_next_run_spares_what_is_in_use_or_not_a_run_s(bench: Bench) -> None:
    living, _, _ = bench.run_recorder(NO_COLLECTOR)
    (live,) = bench.files()
    bench.end(bench.writer("shop"))
    bench.end(bench.writer("run-1-0123456x"))
    bench.end(bench.writer("run-1-01234567"))
    (bench.folder / "run-2-01234567.smx1").write_bytes(os.urandom(9000))
    (bench.folder / "run-3-01234567.smx1").symlink_to("shop.smx1")
    (bench.folder / "run-4-01234567.smx1").mkdir()
    held = bench.writer("run-5-01234567")
    before = set(bench.files())
    assert bench.call("run", NO_COLLECTOR, "--", "true").returncode == 0
    assert before - set(bench.files()) == {"run-1-01234567.smx1"} and live in before
    bench.end(held)
    assert living.poll() is None


LEAVES = """
import os, subprocess, sys
call = [sys.executable, sys.argv[1], os.environ["SHMETRICS_SEGMENT"]]
writer = subprocess.Popen(call, stdout=subprocess.PIPE)
print(writer.pid, writer.stdout.readline())
"""


def test_spares_what_a_first_process_of_another_namespace_holds(bench: Bench) -> None:
    call = [*AS_FIRST_PROCESS, str(bench.shmetrics), "run", NO_COLLECTOR, "--", *recorder()]
    bench.started.append(subprocess.Popen(call, env=bench.environment, stdout=subprocess.PIPE))
    Lines(bench.started[-1].stdout).find("ready")
    (held,) = bench.files()
    assert held.startswith("run-1-")
    for before in ([], AS_FIRST_PROCESS):
        assert bench.call("run", NO_COLLECTOR, "--", "true", before=before).returncode == 0
        assert bench.files() == [held]


def test_runs_that_start_and_end_at_once_leave_each_other_s_segments_alone(bench: Bench) -> None:
    see = """sh -c '[ -e "$SHMETRICS_SEGMENT" ]'"""
    look = f'for i in $(seq 50); do "$0" run -q --no-collector -- {see} || exit 1; done'
    loops = [
        subprocess.Popen(["sh", "-c", look, str(bench.shmetrics)], env=bench.environment)
        for _ in range(4)
    ]
    bench.started += loops
    assert [loop.wait(4 * command.DEADLINE) for loop in loops] == [0, 0, 0, 0]
    assert bench.files() == []


def test_leaves_a_segment_that_processes_of_the_command_still_hold(bench: Bench) -> None:
    bench.environment.update(command.preload())
    process = bench.start(
        "run",
        NO_COLLECTOR,
        "--",
        sys.executable,
        "-c",
        LEAVES,
        command.__file__,
        stdin=subprocess.PIPE,
    )
    assert process.wait(command.DEADLINE) == 0
    writer = int(Lines(process.stdout).next().split()[0])
    told = Lines(process.stderr).find("left behind")
    assert told.startswith(
        f"shmetrics: 1 process that the command left behind still holds {bench.folder}/run-"
    )
    assert f"(pid {writer})" in told
    assert len(bench.files()) == 1
    assert process.stdin
    process.stdin.close()
    until(lambda: is_gone(writer), "the writer ends")
    assert bench.call("run", NO_COLLECTOR, "--", "true").returncode == 0
    assert bench.files() == []


# ---- signals ----

PASSED_ON = [1, 2, 3, 10, 12, 13, 14, 15, 16, 18, 23, 24, 25, 26, 27, 28, 29, 30, 34, 50, 64]


def test_passes_every_signal_on(bench: Bench) -> None:
    run, lines, pid = bench.run_recorder(NO_COLLECTOR)
    for number in PASSED_ON:
        run.send_signal(number)
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        assert lines.next() == f"got {name}"
    assert run.poll() is None
    os.kill(pid, signal.SIGKILL)
    assert run.wait(command.DEADLINE) == 137


def test_lives_as_long_as_a_command_that_does_not_obey(bench: Bench) -> None:
    run, lines, pid = bench.run_recorder(NO_COLLECTOR)
    for _ in range(3):
        run.terminate()
        assert lines.next() == "got SIGTERM"
    assert run.poll() is None and not is_gone(pid)


# Sends 10 to its group, itself and the run included; tells when 12 comes how many it has had.
SENDER = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [10, 12])
os.write(1, b"ready\\n")
for i in range(20):
    os.kill(0, 10)
    had = 0
    while signal.sigwait([10, 12]) == 10:
        had += 1
        os.write(1, b"had %d\\n" % had)
os.write(1, b"end\\n")
"""


def test_does_not_give_the_command_back_what_it_sent_to_its_group(bench: Bench) -> None:
    python = [sys.executable, "-c", SENDER]
    run = bench.start("run", NO_COLLECTOR, "--", *python, start_new_session=True)
    lines = Lines(run.stdout)
    assert lines.next() == "ready"
    for _ in range(20):
        assert lines.next() == "had 1"
        run.send_signal(12)  # the run takes 10 before 12: were 10 passed on, it would be by now
    assert lines.next() == "end"
    assert run.wait(command.DEADLINE) == 0


def test_keeps_its_own_broken_pipe_to_itself(bench: Bench) -> None:
    end, broken = os.pipe()
    os.close(end)
    run, lines, _ = bench.run_recorder(NO_COLLECTOR, stderr=broken)  # where it says that it records
    os.close(broken)
    run.terminate()  # SIGPIPE is taken before SIGTERM
    assert lines.next() == "got SIGTERM"


class Terminal:
    """`shmetrics run` in a terminal of its own, as the session's leader or under a shell."""

    def __init__(
        self, bench: Bench, *before: str, recording: list[str], **environment: str
    ) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            arguments = [*before, str(bench.shmetrics), "run", NO_COLLECTOR, "--", *recording]
            os.execvpe(arguments[0], arguments, {**bench.environment, **environment})
        bench.pids.append(self.pid)
        self.lines = Lines(self.master)
        self.recorder = int(self.lines.find("ready ").split()[1])
        bench.pids.append(self.recorder)

    def type(self, text: bytes) -> None:
        os.write(self.master, text)


def test_leaves_what_the_terminal_sends_to_the_terminal(bench: Bench) -> None:
    terminal = Terminal(bench, recording=recorder())
    for _ in range(5):
        terminal.type(b"\x03")
        assert terminal.lines.find("got").endswith("got SIGINT")  # behind the terminal's ^C
        terminal.type(b"\x1c")
        assert terminal.lines.find("got").endswith("got SIGQUIT")
        os.kill(terminal.pid, signal.SIGUSR1)  # SIGINT and SIGQUIT are taken before it
        assert terminal.lines.find("got") == "got SIGUSR1"
    fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("4H", 40, 132, 0, 0))
    assert terminal.lines.find("got") == "got SIGWINCH"
    os.kill(terminal.pid, 64)
    assert terminal.lines.find("got") == "got SIGRTMAX"


HANGS_UP = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
print("ready", os.getpid(), flush=True)
signal.sigwait([signal.SIGHUP])
"""


def test_passes_on_the_hang_up_of_a_session_that_it_leads(bench: Bench) -> None:
    terminal = Terminal(bench, recording=[sys.executable, "-c", HANGS_UP])
    os.close(terminal.master)

    def ended() -> os.waitid_result | None:
        return os.waitid(os.P_PID, terminal.pid, os.WEXITED | os.WNOHANG)

    result = until(ended, "the run ends with its command")
    assert result and (result.si_code, result.si_status) == (os.CLD_EXITED, 0)


def test_is_stopped_with_the_command_and_continued_with_it(bench: Bench) -> None:
    shell = 'set -m; "$@"; echo stopped $?; fg >/dev/null; echo ended $?'
    recording = recorder(signal.SIGTSTP)
    terminal = Terminal(bench, "bash", "-c", shell, "bash", recording=recording)
    run = int(Path(f"/proc/{terminal.recorder}/stat").read_text().rpartition(")")[2].split()[1])
    terminal.type(b"\x1a")
    assert terminal.lines.find("stopped") == f"stopped {128 + signal.SIGTSTP}"
    assert terminal.lines.find("got") == "got SIGCONT"
    until(lambda: process_state(run) == "S", "the run waits again")
    os.kill(terminal.recorder, signal.SIGKILL)
    assert terminal.lines.find("ended") == "ended 137"


def test_stops_the_command_and_itself_when_told_to(bench: Bench) -> None:
    run, lines, pid = bench.run_recorder(
        NO_COLLECTOR
    )  # in our group, which has a parent: it may be stopped
    run.send_signal(signal.SIGTSTP)
    assert lines.next() == "got SIGTSTP"
    until(
        lambda: process_state(run.pid) in "TS",
        "it is stopped, or goes on if nobody could continue it",
    )
    run.send_signal(signal.SIGCONT)
    assert lines.next() == "got SIGCONT"
    run.send_signal(signal.SIGUSR1)
    assert lines.next() == "got SIGUSR1"


# ---- orphans ----

# A hundred processes whose parents are dead, each living until the end of input.
ORPHANS = """
import os, signal, sys
for i in range(100):
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            os.read(0, 1)
        os._exit(0)
    os.wait()
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("before", [[], AS_FIRST_PROCESS])
def test_reaps_orphans_also_as_the_first_process(bench: Bench, before: list[str]) -> None:
    command_line = [
        *before,
        str(command.SHMETRICS),
        "run",
        NO_COLLECTOR,
        "--",
        sys.executable,
        "-c",
        ORPHANS,
    ]
    top = subprocess.Popen(
        command_line, env=bench.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    bench.started.append(top)
    Lines(top.stdout).find("ready")
    run = children(top.pid)[0] if before else top.pid
    until(lambda: len(children(run)) == 101, "the orphans are its children")
    assert top.stdin
    top.stdin.close()
    until(lambda: len(children(run)) == 1, "the orphans are reaped")
    os.kill(children(run)[0], signal.SIGKILL)
    assert top.wait(command.DEADLINE) == 137
    assert bench.files() == []


def test_returns_when_the_command_does_though_its_children_live(bench: Bench) -> None:
    run = bench.start("run", "-q", NO_COLLECTOR, "--", "sh", "-c", "sleep 1000 & echo $!; exit 4")
    bench.pids.append(int(Lines(run.stdout).next()))
    assert run.wait(command.DEADLINE) == 4
    assert not is_gone(bench.pids[-1])


def test_as_the_first_process_obeys_a_signal_from_outside(bench: Bench) -> None:
    before = AS_FIRST_PROCESS
    command_line = [
        *before,
        str(command.SHMETRICS),
        "run",
        NO_COLLECTOR,
        "--",
        *recorder(signal.SIGTERM),
    ]
    top = subprocess.Popen(command_line, env=bench.environment, stdout=subprocess.PIPE)
    bench.started.append(top)
    Lines(top.stdout).find("ready")
    os.kill(children(top.pid)[0], signal.SIGTERM)
    assert top.wait(command.DEADLINE) == 143
    assert bench.files() == []
