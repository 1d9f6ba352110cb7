# SPDX-License-Identifier: MIT
"""test_multiprocess_faults - what goes wrong in prometheus_client's multiprocess mode goes right here

Attacks I1, I2, I4, I5, I7 and I11. Each test runs the same program on both. What the other makes of it is
asserted too: it documents the fault, and shows that the test would see it. Workers of real servers that are
killed with requests in progress: test_servers.py. The first increment after a fork with many series:
bench/after_fork.c.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import expocheck  # noqa: E402
import independent  # noqa: E402
from collector import Collector  # noqa: E402
from side_by_side import Library, Multiprocess, Shmetrics, died_of  # noqa: E402

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces: needs root")


@pytest.fixture
def ours() -> Iterator[Library]:
    with Shmetrics() as library:
        yield library


@pytest.fixture
def theirs() -> Iterator[Library]:
    with Multiprocess() as library:
        yield library


NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")

# ---- processes that end ----

IN_PROGRESS = """
busy = Gauge("busy", "Requests in progress.", multiprocess_mode="livesum")
done = Counter("done", "Requests done.")
busy.inc()
done.inc(3)
"""


def test_a_killed_worker_leaves_no_request_in_progress(ours: Library, theirs: Library) -> None:
    for library, left in (ours, 1), (theirs, 2):
        library.start(IN_PROGRESS)
        library.start(IN_PROGRESS).kill()
        assert library.value("busy") == left
        assert library.value("done_total") == 6


# A worker, and one with the pid of the first after its death. Both are in a namespace of their own,
# whose next pid can be chosen.
SAME_PID = """
import os, signal

def worker(status):
    pid = os.fork()
    if pid == 0:
        from {library} import Counter, Gauge
        busy = Gauge("busy", "", multiprocess_mode="liveall")
        busy.inc()
        Counter("done", "").inc()
        os.kill(os.getpid(), signal.SIGKILL) if status == "dies" else os.write(1, b"%d\\n" % os.getpid())
        signal.pause()
    return pid

first = worker("dies")
os.waitpid(first, 0)
with open("/proc/sys/kernel/ns_last_pid", "w") as file:
    file.write(str(first - 1))
second = worker("lives")
assert first == second, (first, second)
signal.pause()
"""


@needs_root
def test_a_worker_with_the_pid_of_a_dead_one_does_not_inherit_its_gauge(
    ours: Library, theirs: Library
) -> None:
    for library, held in (ours, 1), (theirs, 2):
        library.start('Counter("other", "")')  # lives on: the generation does
        with subprocess.Popen(
            [
                *NAMESPACE,
                *(sys.executable, "-c", SAME_PID.format(library=library.name)),
            ],
            env=library.environment(),
            stdout=subprocess.PIPE,
            text=True,
        ) as namespace:
            assert namespace.stdout
            try:
                pid = namespace.stdout.readline().strip()
                assert library.values("busy", "pid") == {pid: held}
                assert library.value("done_total") == 2
            finally:
                namespace.kill()


@needs_root
def test_workers_of_two_pid_namespaces_do_not_write_over_each_other(
    ours: Library, theirs: Library
) -> None:
    """As in two containers that share the folder: the pid of both is 1."""
    code = """
    done = Counter("done", "")
    busy = Gauge("busy", "", multiprocess_mode="liveall")
    """
    for library in ours, theirs:
        one, other = library.start(code, NAMESPACE), library.start(code, NAMESPACE)
        assert one.pid == other.pid
        one.do("done.inc(5); busy.set(7)")
        other.do("done.inc(3); busy.set(8)")
        one.do("done.inc(1)")
    assert ours.value("done_total") == 9
    assert ours.values("busy", "pid") == {"1": 7, "1-2": 8}
    assert theirs.value("done_total") != 9
    assert list(theirs.values("busy", "pid").values()) in ([7], [8])


# ---- increments inside increments ----

# A number during whose addition something else happens, wherever the addition is made in Python.
ALARM_SECONDS = 5
INTERRUPTED = """
import signal

class Interrupted(float):
    def __radd__(self, other):
        happens()
        return float(self) + other

counter = Counter("x", "")
signal.alarm({seconds})  # by default it ends the process: who hangs is told by the signal
"""

HANDLER = """
def handle(number, frame):
    counter.inc()

def happens():
    signal.raise_signal(signal.SIGUSR1)

signal.signal(signal.SIGUSR1, handle)
counter.inc(Interrupted(1))
"""


def test_a_signal_handler_increments_what_is_being_incremented(
    ours: Library, theirs: Library
) -> None:
    worker = ours.start(INTERRUPTED.format(seconds=60))
    worker.do(
        """
        handled = 0
        def handle(number, frame):
            global handled
            handled += 1
            counter.inc()

        signal.signal(signal.SIGPROF, handle)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        count = 0
        while handled < 50:
            counter.inc()
            count += 1
        signal.setitimer(signal.ITIMER_PROF, 0)
        Gauge("expected", "", multiprocess_mode="livesum").set(count + handled)
        """
    )
    worker.do(HANDLER)
    # Ours makes no addition in Python, so nothing happens during it.
    assert ours.value("x_total") == (ours.value("expected") or 0) + 1
    worker = theirs.start(INTERRUPTED.format(seconds=ALARM_SECONDS))
    worker.tell(HANDLER)
    assert died_of(worker.end(), signal.SIGALRM), "it does not wait for its own lock any more"


FORK = """
inside, forked = threading.Event(), threading.Event()

def happens():
    inside.set()
    forked.wait()

def increment():
    counter.inc(Interrupted(1))
    inside.set()

thread = threading.Thread(target=increment)
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    signal.alarm({seconds})
    counter.inc()
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
forked.set()
thread.join()
signal.alarm(0)
assert status == {expected}, status
"""


def test_a_child_forked_during_an_increment_of_another_thread_increments(
    ours: Library, theirs: Library
) -> None:
    for library, status in (ours, 0), (theirs, -signal.SIGALRM):
        worker = library.start(INTERRUPTED.format(seconds=60))
        worker.do(FORK.format(seconds=ALARM_SECONDS, expected=int(status)))
    assert ours.value("x_total") == 2


# ---- what is removed, what was there before ----


def test_a_removed_series_is_gone(ours: Library, theirs: Library) -> None:
    for library in ours, theirs:
        one, other = (library.start('x = Counter("x", "", ["a"])') for _ in range(2))
        one.do('x.labels("1").inc(); x.labels("2").inc()')
        other.do('x.labels("1").inc()')
        one.do('x.remove("1")')
    assert ours.values("x_total", "a") == {"2": 1}
    assert theirs.values("x_total", "a") == {"1": 2, "2": 1}


OLD = """
Counter("requests", "Requests.", ["path"]).labels("/").inc(100)
Histogram("seconds", "How long.", buckets=[1, 2]).observe(1.5)
Gauge("state", "State.", multiprocess_mode="max").set(50)
"""
NEW = """
Gauge("requests", "Requests now.", ["path", "method"], multiprocess_mode="livesum").labels("/", "GET").set(3)
Histogram("seconds", "How long.", buckets=[5]).observe(1.5)
Counter("state", "States.").inc()
"""


def test_what_an_older_deployment_left_is_not_served_as_this_ones(
    ours: Library, theirs: Library
) -> None:
    for library in ours, theirs:
        library.start(OLD).kill()
        library.start(NEW)
    samples = ours.samples()
    assert samples["requests", frozenset({("path", "/"), ("method", "GET")})] == 3
    assert samples["state_total", frozenset()] == 1
    assert ours.values("seconds_bucket", "le") == {"5.0": 1, "+Inf": 1}
    assert {name for name, _ in samples} == {
        "requests",
        "state_total",
        "seconds_bucket",
        "seconds_sum",
        "seconds_count",
    }
    found = theirs.samples()  # two deployments in one
    assert {dict(key[1])["le"] for key in found if key[0] == "seconds_bucket"} > {"1.0", "5.0"}
    assert found["seconds_count", frozenset()] == 2


# ---- a full file system ----


@needs_root
@pytest.mark.parametrize("size", ["64k", "1m"])
def test_a_full_file_system_is_not_noticed(size: str) -> None:
    """Both in a tmpfs of their own, which is in the mount namespace of the worker alone."""
    code = """
    counter = Counter("x", "", ["a"])
    for number in range(20000):
        counter.labels(str(number) * 20).inc()
    """
    for library, survives in (Shmetrics, True), (Multiprocess, False):
        folder = tempfile.mkdtemp(prefix="smx-faults.")
        script = f'mount -t tmpfs -o size={size} tmpfs {folder} && exec "$@"'
        before = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
        with library(Path(folder)) as here:
            worker = here.start("", before)
            if survives:
                worker.do(code)
                worker.do("counter.labels('more').inc()")
            else:
                worker.tell(code)
                assert worker.end() != 0, "it survives a full file system"


# ---- consistency ----

OBSERVE = """
seconds = Histogram("seconds", "", buckets=[1, 2])

def observe():
    while True:
        seconds.observe(1.5)

threading.Thread(target=observe, daemon=True).start()
"""


def test_sum_and_count_agree_in_every_scrape(ours: Library) -> None:
    """Of observations that are all 1.5, by four processes at full speed; two are killed meanwhile."""
    workers = [ours.start(OBSERVE) for _ in range(4)]
    with Collector(ours.folder) as collector:
        history = expocheck.ScrapeHistory()
        counts = []
        for turn in range(60):
            if turn in (20, 40):
                workers.pop().kill()
            samples = history.add(collector.request("/metrics").body)
            counts.append(samples["seconds_count", frozenset()])
            assert samples["seconds_sum", frozenset()] == 1.5 * counts[-1]
            openmetrics = independent.judge(
                collector.request("/metrics", headers=independent.ACCEPT).body
            )
            assert (
                openmetrics["seconds_sum", frozenset()]
                == 1.5 * openmetrics["seconds_count", frozenset()]
            )
    assert 0 < counts[0] < counts[-1]


def test_a_worker_killed_in_the_middle_of_an_observation_leaves_no_sum_without_its_count(
    ours: Library, theirs: Library
) -> None:
    """Killed at any instruction: tests/stress/kill.c. Here, where the other compares with a bound."""
    code = """
    class Fatal(float):
        def __le__(self, bound):
            os.kill(os.getpid(), signal.SIGKILL)

    seconds = Histogram("seconds", "", buckets=[1, 2])
    seconds.observe(1.5)
    """
    for library in ours, theirs:
        worker = library.start(code)
        worker.tell("seconds.observe(Fatal(1.5))\nos.kill(os.getpid(), signal.SIGKILL)")
        assert died_of(worker.end(), signal.SIGKILL)
    assert (ours.value("seconds_sum"), ours.value("seconds_count")) == (3, 2)
    assert (theirs.value("seconds_sum"), theirs.value("seconds_count")) == (3, 1)
