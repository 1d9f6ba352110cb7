# SPDX-License-Identifier: MIT
"""health_runner - when a process runs its health checks: each in one process, none waits for another

All that decides is in the thread of the Runner, which only waits and starts; functions run elsewhere
(health_run.py), so that it always gets its turn.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
import threading
from time import monotonic
from typing import Any, Callable, Dict, List, Optional

from ._core import HealthCheck
from .health_run import Run, is_async

logger = logging.getLogger("shmetrics")

# Before the first run in a process: for what comes behind check() in the same module, such as
# mount(), and so that workers that start together do not all run everything once.
_FIRST_DELAY = (0.1, 0.35)
# From look to look whether the application is still being loaded; what serves from within an import
# is not waited for longer than the second.
_LOADING_SECONDS, _LOADING_AT_MOST_SECONDS = 0.1, 60.0
# The thread woke so much too late: the process was stopped, and what it was at is out of date.
_STOOD_STILL_SECONDS = 1.0
# How much later than our own report an outcome must be to be another's: more than a call takes.
_ANOTHERS_SECONDS = 0.001


def _is_loading() -> bool:
    """Whether the main thread is importing: a server that loads the application before it forks its
    workers shall not have run anything by then."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


class Check:
    """A check of this process. Only the runner's thread touches what changes."""

    def __init__(
        self,
        name: str,
        function: Callable[[], Any],
        interval: float,
        ttl: float,
        timeout: float,
        loop: Optional[asyncio.AbstractEventLoop],
        outcome: HealthCheck,
    ) -> None:
        self.name = name
        self.function = function
        self.interval = interval
        self.ttl = ttl
        self.timeout = timeout
        self.loop = loop
        self.outcome = outcome
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nothing has run in this process yet."""
        self.run: Optional[Run] = None
        self.due = monotonic() + random.uniform(*_FIRST_DELAY)
        self.patience = self.due + self.interval  # the application's loop is waited for until then
        self.reported = float("-inf")  # when this process last reported

    def give_up_lead(self) -> None:
        self.run = None
        self.reported = float("-inf")

    def status(self) -> Dict[str, Any]:
        last = self.outcome.last()
        if last is None:
            up, age, duration, detail = False, None, None, ""
        else:
            up, age, duration, detail = last
        is_stale = age is None or age > self.ttl
        return {
            "name": self.name,
            "status": "stale" if is_stale else "up" if up else "down",
            "detail": detail,
            "age_seconds": age,
            "ttl_seconds": self.ttl,
            "duration_seconds": duration,
        }

    def step(self, now: float, runner: Runner) -> float:
        """Do what is due; when to look again."""
        if self.run is not None:
            self._look_at_run(self.run, now)
        if self.run is None and now >= self.due:
            if runner.waits_for_loop and now < self.patience and self._lacks_loop(runner):
                return self.patience
            if self._leads(now):
                self.due = now + self.interval
                self.run = Run(self, runner, now)
            else:
                left = self.ttl / 2 - self.outcome.age()
                self.due = now + max(left, 0.01) + random.uniform(0, self.interval / 20)
        return self.due if self.run is None else self.run.deadline

    def _leads(self, now: float) -> bool:
        """Whether this process is the one that runs it: the last outcome is its own, or so old that
        whoever reported it is not to be waited for."""
        age = self.outcome.age()
        return age >= self.ttl / 2 or now - age <= self.reported + _ANOTHERS_SECONDS

    def _lacks_loop(self, runner: Runner) -> bool:
        return self.loop is None and runner.app_loop is None and is_async(self.function)

    def _look_at_run(self, run: Run, now: float) -> None:
        if run.result is not None:
            if not run.is_overdue:  # what came too late has been reported as that
                self._report(*run.result)
            self.run = None
        elif now >= run.deadline:
            stuck = run.look_overdue(now)
            if stuck:  # our event loop, which says nothing of the dependency: let another try
                self.give_up_lead()
            elif run.is_overdue:
                self._report(False, f"timed out after {self.timeout:g} s", now - run.started)
                run.deadline = now + self.interval

    def _report(self, up: bool, detail: str, duration: float) -> None:
        self.outcome.report(up, duration, detail)
        self.reported = monotonic()


class Runner:
    """The thread that starts what is due, and what a process knows of itself."""

    def __init__(self) -> None:
        self.checks: Dict[str, Check] = {}
        self.is_serving = False  # else a process that forks is taken for one that others serve for
        self.waits_for_loop = False  # mount(): the application will say which loop it has
        self.app_loop: Optional[asyncio.AbstractEventLoop] = None
        self._own_loop: Optional[asyncio.AbstractEventLoop] = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: Optional[threading.Thread] = None
        self._watches_forks = False

    def add(self, added: Check) -> None:
        with self._lock:
            if added.name in self.checks:
                raise ValueError(f"health check {added.name}: there is one of this name already")
            self.checks[added.name] = added
            if not self._watches_forks:
                self._watches_forks = True
                os.register_at_fork(
                    before=self._before_fork,
                    after_in_parent=self._after_fork_in_parent,
                    after_in_child=self._after_fork_in_child,
                )
            self._start_thread()
        self.wake()

    def status(self) -> List[Dict[str, Any]]:
        return [one.status() for one in list(self.checks.values())]

    def serve(self, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        """This process serves, on this loop if it has one. Called often: it must be quick."""
        if self.is_serving and (loop is None or loop is self.app_loop):
            return
        with self._lock:
            self.is_serving = True
            self.app_loop = loop or self.app_loop
            self._start_thread()
        self.wake()

    def wake(self) -> None:
        self._wake.set()

    def loop_for(self, one: Check) -> asyncio.AbstractEventLoop:
        """Where an async check runs in this process: always the same, as clients belong to one."""
        if one.loop is None or one.loop.is_closed():
            one.loop = self.app_loop
        if one.loop is None or one.loop.is_closed():
            one.loop = self.own_loop()
        return one.loop

    def own_loop(self) -> asyncio.AbstractEventLoop:
        if self._own_loop is None:
            self._own_loop = asyncio.new_event_loop()
            threading.Thread(
                target=self._own_loop.run_forever, name="shmetrics-health-loop", daemon=True
            ).start()
        return self._own_loop

    def is_own_loop(self, loop: asyncio.AbstractEventLoop) -> bool:
        return loop is self._own_loop

    def stop(self) -> None:
        """No more is started in this process; serve() and add() begin again."""
        self._thread = None  # it ends by itself
        self._wake.set()

    def _start_thread(self) -> None:
        if self._thread is None and self.checks:
            self._thread = threading.Thread(
                target=self._work, args=(self._wake,), name="shmetrics-health", daemon=True
            )
            self._thread.start()

    def _work(self, wake: threading.Event) -> None:
        patience = monotonic() + _LOADING_AT_MOST_SECONDS
        while self._thread is threading.current_thread():
            wake.clear()
            if not self.is_serving and monotonic() < patience and _is_loading():
                for one in list(self.checks.values()):
                    one.begin_anew()
                wake.wait(_LOADING_SECONDS)
                continue
            now = monotonic()
            until = min(self._step(one, now) for one in list(self.checks.values()))
            wake.wait(min(max(0.0, until - now), threading.TIMEOUT_MAX))
            if monotonic() > max(until, now) + _STOOD_STILL_SECONDS:
                for one in list(self.checks.values()):
                    one.give_up_lead()

    def _step(self, one: Check, now: float) -> float:
        try:
            return one.step(now, self)
        except Exception as error:  # such as no more threads: the outcome will be stale
            logger.warning("shmetrics: health check %s cannot be run: %s", one.name, error)
            one.give_up_lead()
            return now + one.interval

    def _before_fork(self) -> None:
        """A process that does not serve forks those that do: without this thread, which a child
        would not have and an interpreter warns of."""
        self._lock.acquire()
        thread = self._thread
        if thread is not None and not self.is_serving:
            self.stop()
            thread.join(_STOOD_STILL_SECONDS)

    def _after_fork_in_parent(self) -> None:
        self._lock.release()

    def _after_fork_in_child(self) -> None:
        """Only this thread came along. A child of one that serves is a helper, until it serves."""
        was_serving, self.is_serving = self.is_serving, False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread = self._own_loop = self.app_loop = None
        for one in self.checks.values():
            one.loop = None
            one.begin_anew()
        if not was_serving:
            self._start_thread()


RUNNER = Runner()
