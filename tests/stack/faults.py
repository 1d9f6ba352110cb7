# SPDX-License-Identifier: MIT
"""faults - what goes wrong in the stack while a `with` lasts"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import traffic
from running import Stack

LOCKED_SECONDS = 2.0
FREE_SECONDS = 0.2


@contextlib.contextmanager
def model(stack: Stack, **control: float) -> Iterator[None]:
    """The language model behaves like this."""
    stack.llm.be(**control)
    try:
        yield
    finally:
        stack.llm.be_healthy()


# Kinds of requests.
FAILS = traffic.Route("GET", "/api/v1/fail", lambda *_: ("/api/v1/fail?really=true", None))
IS_SLOW = traffic.Route("GET", "/api/v1/slow", lambda *_: ("/api/v1/slow?seconds=5.5", None))
ASKS = traffic.Route(
    "POST", "/api/v1/chat", lambda *_: ("/api/v1/chat", {"user_id": 1, "text": "When are you open?"})
)


@contextlib.contextmanager
def requests(stack: Stack, rate: float, *routes: traffic.Route) -> Iterator[None]:
    """So many more requests a second of these kinds, by connections enough for those that take 12 s."""
    extra = stack.traffic.more(*routes, connections=int(rate * 12), rate=rate)
    try:
        yield
    finally:
        stack.traffic.finish(extra)


@contextlib.contextmanager
def locked_tables(stack: Stack) -> Iterator[None]:
    """Somebody locks the tables, again and again, for two seconds each time: statements wait."""
    over = threading.Event()
    address = f"postgresql://test@127.0.0.1:{stack.dependencies['database'].port}/postgres"

    def lock() -> None:
        with psycopg.connect(address) as connection:
            while not over.wait(FREE_SECONDS):
                with connection.transaction():
                    connection.execute("LOCK TABLE users, bookings IN ACCESS EXCLUSIVE MODE")
                    over.wait(LOCKED_SECONDS)

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def killed(stack: Stack, name: str) -> Iterator[None]:
    """A program and all its processes are gone, by SIGKILL."""
    stack.kill(name)
    try:
        yield
    finally:
        stack.restart(name)


@contextlib.contextmanager
def suspended(stack: Stack, workers: int) -> Iterator[None]:
    """So many of the backend's workers hang, by SIGSTOP."""
    stack.suspend("backend", workers)
    try:
        yield
    finally:
        stack.resume("backend")
