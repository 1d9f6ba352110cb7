# SPDX-License-Identifier: MIT
"""health - checks of what the application depends on, run in the background of one worker

    from shmetrics import health

    health.check("database", ping_database)             # async or plain; every 5 s
    health.check("redis", redis.ping, interval=2, ttl=10)
    app = health.mount(app)                             # /health, /api/v1/health/ready, ...

The outcome is in the segment: every worker's own readiness and the collector's
(/api/v1/health/ready) answer from it at once, and no request waits for a dependency. Guaranteed:

 1. One worker runs a check. Another takes over when the outcome is older than half its time to live,
    whatever became of the first: killed, stopped, its event loop stuck. For a moment two may run it,
    which does no harm.
 2. A function that raises, returns False, or takes longer than its timeout is down. An outcome older
    than its time to live is stale, and stale is down.
 3. A function cannot hold up the application: a plain one runs in a thread of its own, an async one
    on the application's event loop, or, where none is known, on one in a thread.
 4. No thread is started before the first check(), and none is lost by a fork: of a process that
    forks its workers, the workers run the checks and not the process itself.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Callable, Dict, List, Optional

from ._core import HealthCheck, Segment
from .health_app import mount as mount
from .health_runner import RUNNER, Check
from .segment import default_segment, open_private

logger = logging.getLogger("shmetrics")

__all__ = ["check", "mount", "start", "status"]


def check(
    name: str,
    function: Callable[[], Any],
    *,
    interval: float = 5.0,
    ttl: Optional[float] = None,
    timeout: Optional[float] = None,
    loop: Optional[asyncio.AbstractEventLoop] = None,
    segment: Optional[Segment] = None,
) -> None:
    """Run a function in the background and store its outcome.

    name: of the dependency, as it is served. Once a process.
    function: without arguments, plain or async. It returns, and the dependency is up; it raises, and
    it is down, with the exception as the detail. False is down, too. Where it uses a pool of
    connections, let the client try a second time on a new one (Redis: retry and retry_on_error;
    SQLAlchemy: pool_pre_ping): one that has waited in the pool since the other end was started
    again fails, and says nothing of the other end.
    interval: seconds from run to run. ttl: how long an outcome counts; three intervals unless given,
    and more than two. timeout: of one run; what is left of half the ttl unless given.
    loop: where an async function runs. By default the loop that runs where check() is called, or
    that of the application given to mount(); otherwise one in a thread.
    segment: as everywhere; by default that of REGISTRY.

    ValueError: the name is taken or none, or the times do not fit together.
    """
    ttl = 3 * interval if ttl is None else ttl
    if not 0 < interval < ttl / 2:
        raise ValueError(
            f"health check {name}: its interval, {interval:g} s, must be above 0 and below half its "
            f"ttl, {ttl:g} s: another worker takes over then"
        )
    timeout = min(interval, ttl / 2 - interval) if timeout is None else timeout
    if not 0 < timeout < ttl:
        raise ValueError(
            f"health check {name}: its timeout, {timeout:g} s, must be above 0 and below its ttl, "
            f"{ttl:g} s"
        )
    if not callable(function):
        raise TypeError(f"health check {name}: {function!r} is not callable")
    if loop is None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass
    if loop is not None:
        RUNNER.is_serving = True
    RUNNER.add(
        Check(name, function, interval, ttl, timeout, loop, _outcome(name, ttl, segment))
    )


def status() -> List[Dict[str, Any]]:
    """The checks of this process, each as readiness tells it: name, status ("up", "down" or
    "stale"), detail, age_seconds, ttl_seconds, duration_seconds. A look at memory."""
    return RUNNER.status()


def start() -> None:
    """Say that this process serves: it runs checks even if it forks.

    Not needed where mount() is used, or check() is called with an event loop running.
    """
    RUNNER.serve(None)


def _outcome(name: str, ttl: float, segment: Optional[Segment]) -> HealthCheck:
    try:
        return HealthCheck(segment or default_segment(), name, ttl)
    except OSError as error:  # no room: the application goes on, and its own readiness works
        logger.warning("shmetrics: only this process sees health check %s: %s", name, error)
        return HealthCheck(open_private(), name, ttl)
