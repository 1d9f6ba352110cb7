# SPDX-License-Identifier: MIT
"""test_health - health checks: what is up, who runs them, and that nothing waits for them"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any, Callable, Iterator, Optional

import pytest

from conftest import Run, until
from shmetrics import Segment, health
from shmetrics._core import HealthCheck
from shmetrics.health_runner import Check, Runner

INTERVAL = 0.05
TTL = 30.0  # a busy machine shall not make an outcome stale


@pytest.fixture
def segment() -> Segment:
    return Segment.open_private()


@pytest.fixture
def runner() -> Iterator[Runner]:
    made = Runner()
    yield made
    made.stop()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An application's loop, in a thread."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), made).result()  # what came before is over
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


Add = Callable[..., Check]


@pytest.fixture
def add(runner: Runner, segment: Segment) -> Add:
    def add_check(
        name: str,
        function: Callable[[], Any],
        *,
        timeout: float = 20.0,
        loop: Optional[asyncio.AbstractEventLoop] = None,
    ) -> Check:
        added = Check(name, function, INTERVAL, TTL, timeout, loop, HealthCheck(segment, name, TTL))
        runner.add(added)
        return added

    return add_check


def wait_for(check: Check, status: str, detail: str = "") -> None:
    def is_so() -> bool:
        said = check.status()
        return said["status"] == status and detail in said["detail"]

    until(is_so, f"{check.name} is {status} {detail}: {check.status()}")


# ---- outcomes ----


def test_a_check_is_stale_before_its_first_run(segment: Segment) -> None:
    check = Check("x", int, 5, 15, 1, None, HealthCheck(segment, "x", 15))
    assert check.status() == {
        "name": "x",
        "status": "stale",
        "detail": "",
        "age_seconds": None,
        "ttl_seconds": 15,
        "duration_seconds": None,
    }


def test_what_returns_is_up_and_what_raises_is_down_with_its_reason(add: Add) -> None:
    broken = [False]

    def ping() -> None:
        if broken[0]:
            raise ConnectionRefusedError("nobody listens")

    async def ping_async() -> None:
        ping()

    checks = [add("plain", ping), add("async", ping_async), add("lambda", lambda: ping_async())]
    for check in checks:
        wait_for(check, "up")
    broken[0] = True
    for check in checks:
        wait_for(check, "down", "ConnectionRefusedError: nobody listens")
    broken[0] = False
    for check in checks:
        wait_for(check, "up")


def test_false_is_down_and_nothing_else_that_is_returned(add: Add) -> None:
    wait_for(add("false", lambda: False), "down", "the check returned False")
    for value in (None, 0, "", True):
        wait_for(add(f"value {value!r}", lambda value=value: value), "up")


def test_even_an_exit_is_only_down(add: Add) -> None:
    wait_for(add("exit", lambda: sys.exit(3)), "down", "SystemExit: 3")


def test_an_exit_in_an_async_function_does_not_end_the_loop(
    add: Add, loop: asyncio.AbstractEventLoop
) -> None:
    async def leave() -> None:
        sys.exit(3)

    async def ping() -> None:
        pass

    for place, where in (("thread", None), ("application", loop)):
        wait_for(add(f"exit {place}", leave, loop=where), "down", "SystemExit: 3")
        wait_for(add(f"ping {place}", ping, loop=where), "up")


def test_an_error_that_cannot_be_told_is_down_all_the_same(add: Add) -> None:
    class Untold(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    def fail() -> None:
        raise Untold

    wait_for(add("untold", fail), "down", "Untold")


def test_an_interval_may_be_longer_than_a_thread_can_wait(runner: Runner, segment: Segment) -> None:
    outcome = HealthCheck(segment, "once", 1e300)
    rare = Check("once", int, 1e299, 1e300, 20.0, None, outcome)
    runner.add(rare)
    wait_for(rare, "up")
    later = Check("later", int, INTERVAL, TTL, 20.0, None, HealthCheck(segment, "later", TTL))
    runner.add(later)
    wait_for(later, "up")


def test_an_old_outcome_is_stale_and_so_is_its_readiness(segment: Segment) -> None:
    check = Check("x", int, 5, 1e-9, 1, None, HealthCheck(segment, "x", 1e-9))
    check.outcome.report(True, 0.0, "")
    assert check.status()["status"] == "stale"


def test_a_plain_function_that_hangs_is_down_and_holds_up_nobody(add: Add) -> None:
    go_on = threading.Event()
    hanging = add("hanging", go_on.wait, timeout=0.1)
    other = add("other", lambda: None)
    wait_for(hanging, "down", "timed out after 0.1 s")
    wait_for(other, "up")
    age = other.outcome.age()
    until(lambda: other.outcome.age() < age or age < INTERVAL, "the other runs on")
    wait_for(hanging, "down", "timed out")
    threads = [t for t in threading.enumerate() if t.name == "shmetrics-health-hanging"]
    assert len(threads) == 1, "a function that hangs is not called again"
    go_on.set()
    wait_for(hanging, "up")


def test_an_async_function_that_hangs_is_cancelled_and_down(add: Add) -> None:
    seen = []

    async def hang() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    wait_for(add("hanging", hang, timeout=0.1), "down", "timed out after 0.1 s")
    until(lambda: "cancelled" in seen, "it is cancelled")


# ---- where they run ----


def test_an_async_function_runs_on_the_loop_it_is_given(
    add: Add, loop: asyncio.AbstractEventLoop
) -> None:
    seen = []

    async def ping() -> None:
        seen.append(asyncio.get_running_loop())

    wait_for(add("given", ping, loop=loop), "up")
    assert set(seen) == {loop}


def test_without_a_loop_it_always_runs_on_the_same_one_in_a_thread(
    runner: Runner, add: Add
) -> None:
    seen = []

    async def ping() -> None:
        seen.append((asyncio.get_running_loop(), threading.current_thread().name))

    wait_for(add("own", ping), "up")
    runner.serve(asyncio.new_event_loop())  # an application's, too late for this one
    until(lambda: len(seen) > 3, "it runs on")
    assert set(seen) == {(runner.own_loop(), "shmetrics-health-loop")}


def test_a_stuck_loop_of_the_application_is_not_taken_for_the_dependency(
    add: Add, loop: asyncio.AbstractEventLoop
) -> None:
    async def ping() -> None:
        pass

    check = add("database", ping, timeout=0.1, loop=loop)
    wait_for(check, "up")
    go_on = threading.Event()
    loop.call_soon_threadsafe(go_on.wait)
    until(lambda: check.reported == float("-inf"), "it leaves the check to others")
    assert check.status()["status"] == "up", "the last outcome still stands"
    go_on.set()


def test_a_plain_function_does_not_run_on_the_loop(
    add: Add, loop: asyncio.AbstractEventLoop
) -> None:
    seen = []
    wait_for(add("plain", lambda: seen.append(threading.current_thread().name), loop=loop), "up")
    assert set(seen) == {"shmetrics-health-plain"}


# ---- one process of many ----

WORKER = """
    import os, sys, time
    from shmetrics import health

    def ping():
        with open(sys.argv[1], "a") as log:
            log.write(f"{os.getpid()}\\n")

    health.check("database", ping, interval=0.1, ttl=2)
    print("ready", flush=True)
    sys.stdin.read()
"""


class Workers:
    """Processes that all have the same check, and a log of who ran it."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log = log
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(WORKER), str(log)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]
        for process in self.processes:
            assert process.stdout and process.stdout.readline() == "ready\n"

    def runs(self) -> list[int]:
        return [int(line) for line in self.log.read_text().split()] if self.log.exists() else []

    def leader(self) -> int:
        """Who alone has run the last ten."""
        until(lambda: len(set(self.runs()[-10:])) == 1 and len(self.runs()) >= 10, "one leads")
        return self.runs()[-1]

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe
                pipe.close()


@pytest.fixture
def workers(environment: dict[str, str], tmp_path: Path) -> Iterator[Workers]:
    started = Workers(environment, tmp_path / "runs")
    yield started
    started.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_process_runs_a_check_and_another_takes_over(
    workers: Workers, number: signal.Signals
) -> None:
    leader = workers.leader()
    os.kill(leader, number)
    before = len(workers.runs())
    until(
        lambda: len(workers.runs()) >= before + 12 and leader not in workers.runs()[-10:],
        "another has taken over",
    )
    assert workers.leader() != leader
    if number is signal.SIGSTOP:
        os.kill(leader, signal.SIGCONT)
        workers.leader()  # still one


def test_importing_starts_no_thread_and_opens_no_segment(run: Run, segment_directory: Path) -> None:
    run(
        """
        import threading
        from shmetrics import health
        assert threading.active_count() == 1
        assert health.status() == []
        """
    )
    assert list(segment_directory.iterdir()) == []


def test_of_a_process_that_forks_the_children_run_the_checks(run: Run) -> None:
    done = run(
        """
        import os, signal
        from shmetrics import health

        read, write = os.pipe()
        health.check("database", lambda: os.write(write, b"%d\\n" % os.getpid()), interval=0.2, ttl=1)
        children = []
        for _ in range(2):
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
        source = os.fdopen(read)
        seen = {int(source.readline()) for _ in range(20)}
        assert seen <= set(children), (seen, children, os.getpid())
        print(health.status()[0]["status"])
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
        """
    )
    assert done.stdout == "up\n"


def test_while_the_application_is_loaded_nothing_runs(run: Run, tmp_path: Path) -> None:
    """A preloading server forks right behind that."""
    (tmp_path / "application.py").write_text(
        textwrap.dedent(
            """
            import time
            from shmetrics import health

            runs = []
            health.check("database", lambda: runs.append(None), interval=0.1, ttl=60)
            loaded = time.monotonic() + 1
            while time.monotonic() < loaded:
                pass
            assert runs == []
            """
        )
    )
    run(
        """
        import os, sys, threading, time, warnings
        sys.path.insert(0, sys.argv[1])
        warnings.simplefilter("error")  # of a fork with threads
        import application
        child = os.fork()
        if child == 0:
            deadline = time.monotonic() + 60
            while not application.runs and time.monotonic() < deadline:
                time.sleep(0.01)
            os._exit(not application.runs)
        assert threading.active_count() == 1
        assert os.waitpid(child, 0)[1] == 0
        assert application.runs == []
        """,
        str(tmp_path),
    )


def test_a_helper_that_a_serving_process_forks_does_not_run_them(run: Run) -> None:
    run(
        """
        import os, sys, threading
        from shmetrics import health

        health.check("database", lambda: None, interval=0.1, ttl=60)
        health.start()
        child = os.fork()
        if child == 0:
            os._exit(threading.active_count() - 1)
        assert os.waitpid(child, 0)[1] == 0
        assert threading.active_count() > 1
        """
    )


# ---- mistakes ----


@pytest.mark.parametrize(
    "times, rule",
    [
        ({"interval": 0}, "interval, 0 s"),
        ({"interval": 5, "ttl": 10}, "below half its ttl, 10 s"),
        ({"interval": float("nan")}, "interval, nan s"),
        ({"timeout": 0}, "timeout, 0 s"),
        ({"timeout": 15}, "timeout, 15 s"),
    ],
)
def test_times_that_do_not_fit_are_refused(times: dict[str, float], rule: str) -> None:
    with pytest.raises(ValueError, match=f"health check x: .*{rule}"):
        health.check("x", int, **times)
    assert health.status() == []


def test_a_name_is_given_once(runner: Runner, add: Add) -> None:
    add("database", int)
    with pytest.raises(ValueError, match="health check database: there is one of this name"):
        add("database", int)


def test_what_is_no_function_or_no_name_is_refused(segment: Segment) -> None:
    with pytest.raises(TypeError, match="health check x: 3 is not callable"):
        health.check("x", 3, segment=segment)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="its name must be UTF-8 of 1 to 128 bytes"):
        health.check("", int, segment=segment)
    with pytest.raises(TypeError, match="name must be str"):
        health.check(3, int, segment=segment)  # type: ignore[arg-type]


def test_details_are_cut_to_what_there_is_room_for(add: Add) -> None:
    def ping() -> None:
        raise RuntimeError("\udcff" + "ö" * 1000)

    check = add("database", ping)
    wait_for(check, "down", "RuntimeError: \ufffd")
    assert len(check.status()["detail"].encode()) in (479, 480)


def test_what_readiness_says_is_json(add: Add) -> None:
    check = add("database", lambda: None)
    wait_for(check, "up")
    said = json.loads(json.dumps(check.status()))
    assert 0 <= said["age_seconds"] < TTL and said["duration_seconds"] >= 0
