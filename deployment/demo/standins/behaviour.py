# SPDX-License-Identifier: MIT
"""behaviour - how a stand-in misbehaves: slow, and failing, as PUT /control tells it"""

import asyncio
import itertools

from fastapi import HTTPException
from pydantic import BaseModel, Field


class Control(BaseModel):
    """Seconds that each answer takes, and the part of the answers that fail."""

    seconds: float = Field(default=0.0, ge=0, le=60)
    failing: float = Field(default=0.0, ge=0, le=1)


def is_due(number: int, part: float) -> bool:
    """Spread evenly rather than by chance: of n answers, it is due for the whole part of n * part."""
    return int(number * part) > int((number - 1) * part)


class Behaviour:
    """Of one stand-in, in one process."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self._numbers = itertools.count(1)

    async def begin(self) -> int:
        """Takes its time, and gives the answer's number. Fails: HTTPException, where this one is to fail."""
        number = next(self._numbers)
        await asyncio.sleep(self.control.seconds)
        if is_due(number, self.control.failing):
            raise HTTPException(500, "failed, as it was told")
        return number
