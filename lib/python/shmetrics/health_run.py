# SPDX-License-Identifier: MIT
"""health_run - one run of a health check's function, which may take for ever

A plain function runs in a daemon thread of its own: nothing else can be kept from it, and nothing
else waits for it. An async one, or what a plain one returns to be awaited, runs on an event loop.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from concurrent.futures import Future
from time import monotonic
from typing import TYPE_CHECKING, Any, Awaitable, Optional, Tuple

if TYPE_CHECKING:
    from .health_runner import Check, Runner

# How long a loop may take to answer that it is not stuck.
_PULSE_SECONDS = 0.5


class Run:
    """A run in progress. Its result is set by whoever runs it; the rest is the runner's."""

    def __init__(self, check: Check, runner: Runner, now: float) -> None:
        self.started = now
        self.deadline = now + check.timeout
        self.is_overdue = False
        self.result: Optional[Tuple[bool, str, float]] = None  # up, detail, duration
        self._check = check
        self._runner = runner
        self._future: Optional[Future[Any]] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._pulse: Optional[threading.Event] = None  # set by a loop that is not stuck
        if is_async(check.function):
            self._call()
        else:
            threading.Thread(
                target=self._call, name=f"shmetrics-health-{check.name}", daemon=True
            ).start()

    def look_overdue(self, now: float) -> bool:
        """The deadline has passed. True: the application's event loop is stuck, so that nothing is
        known. is_overdue says whether it is the function that takes too long."""
        loop = self._loop
        if self.is_overdue or loop is None or self._runner.is_own_loop(loop):
            self._give_up()
            return False
        if self._pulse is None:
            self._pulse = threading.Event()
            try:
                loop.call_soon_threadsafe(self._pulse.set)
            except RuntimeError:  # closed meanwhile: the application is about to end
                return True
            self.deadline = now + _PULSE_SECONDS
            return False
        self._give_up()
        return not self._pulse.is_set()

    def _give_up(self) -> None:
        self.is_overdue = True
        if self._future is not None:
            self._future.cancel()

    def _call(self) -> None:
        try:
            value = self._check.function()
            if inspect.isawaitable(value):
                self._await(value)
                return
            self._end(value, None)
        except BaseException as error:
            self._end(None, error)

    def _await(self, value: Awaitable[Any]) -> None:
        async def wait() -> Tuple[Any, Optional[BaseException]]:
            try:
                return await value, None
            except SystemExit as error:  # it would end the loop, and with the loop the application
                return None, error

        waiting = wait()
        self._loop = self._runner.loop_for(self._check)
        try:
            self._future = asyncio.run_coroutine_threadsafe(waiting, self._loop)
        except RuntimeError as error:  # the loop was closed this very moment
            waiting.close()
            self._end(None, error)
            return
        self._future.add_done_callback(self._awaited)

    def _awaited(self, future: Future[Any]) -> None:
        if future.cancelled():
            self._end(None, asyncio.CancelledError("cancelled"))
        else:
            error = future.exception()
            self._end(*((None, error) if error else future.result()))

    def _end(self, value: Any, error: Optional[BaseException]) -> None:
        up, detail = value is not False, ""
        if error is not None:
            up, detail = False, _reason(error)
        elif not up:
            detail = "the check returned False"
        self.result = (up, detail, monotonic() - self.started)
        self._runner.wake()


def _reason(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f"{name}: {error}"
    except Exception:  # it cannot even say what it is
        return name


def is_async(function: Any) -> bool:
    """Whether calling it only makes a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)
    )
