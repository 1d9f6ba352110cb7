# SPDX-License-Identifier: MIT
"""sessions - who has been chatting of late: in Redis where REDIS_URL names one, else in this process.

A session begins with a message of somebody who has not written for SESSION_SECONDS. Active users are those
with a session. In Redis all workers see the same; without it each worker knows its own.
"""

import os
import time
from typing import Protocol

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

SESSION_SECONDS = 300.0
_KEY = "demo:last-seen"


class Sessions(Protocol):
    """Remembers who wrote when."""

    async def touch(self, user_id: int) -> tuple[bool, int]:
        """Notes a message. Returns whether a session began, and how many users are active now."""

    async def close(self) -> None: ...


class LocalSessions:
    """In this process."""

    def __init__(self) -> None:
        self._last_seen: dict[int, float] = {}

    async def touch(self, user_id: int) -> tuple[bool, int]:
        """See Sessions."""
        now = time.time()
        self._last_seen = {
            user: seen for user, seen in self._last_seen.items() if seen > now - SESSION_SECONDS
        }
        began = user_id not in self._last_seen
        self._last_seen[user_id] = now
        return began, len(self._last_seen)

    async def close(self) -> None:
        """Nothing to close."""


class RedisSessions:
    """In a sorted set of Redis, by the time of the last message."""

    def __init__(self, url: str) -> None:
        # A connection that has waited in the pool since Redis was started again is dead, and Redis is
        # not: the second try is on a new one. Else the next check would report that Redis is down.
        self._redis = redis.asyncio.from_url(
            url,
            socket_timeout=5.0,
            socket_connect_timeout=5.0,
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[redis.exceptions.ConnectionError],
        )

    async def touch(self, user_id: int) -> tuple[bool, int]:
        """See Sessions. Fails: redis.RedisError."""
        now = time.time()
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.zremrangebyscore(_KEY, "-inf", now - SESSION_SECONDS)
            pipeline.zadd(_KEY, {str(user_id): now})
            pipeline.zcard(_KEY)
            _, added, active = await pipeline.execute()
        return bool(added), int(active)

    async def check(self) -> None:
        """For readiness. Fails: redis.RedisError."""
        await self._redis.ping()

    async def close(self) -> None:
        """Closes its connections."""
        await self._redis.aclose()


def open_sessions() -> Sessions:
    """The sessions that this worker sees."""
    url = os.environ.get("REDIS_URL")
    return RedisSessions(url) if url else LocalSessions()
