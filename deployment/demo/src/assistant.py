# SPDX-License-Identifier: MIT
"""assistant - a chat agent of three intents: book a service, list one's bookings, cancel one."""

import datetime
import re
from collections.abc import Callable
from functools import partial
from typing import get_args

from sqlalchemy import select

from . import database, instruments

AGENT = "bookings"
SERVICES = get_args(database.Service)

_BOOK = re.compile(r"\bbook (?:a |an )?(?P<service>[a-z]+)(?: on (?P<day>\d{4}-\d{2}-\d{2}))?", re.I)
_CANCEL = re.compile(r"\bcancel (?:booking )?(?P<number>\d{1,9})\b", re.I)
_LIST = re.compile(r"\b(?:list|show|my)\b.*\bbookings\b", re.I)


def add_booking(user_id: int, service: str, day: datetime.date) -> database.Booking | None:
    """Books for a user; None if there is no such user."""
    with database.writing() as session:
        if session.get(database.User, user_id) is None:
            return None
        booking = database.Booking(user_id=user_id, service=service, day=day)
        session.add(booking)
        session.flush()
        session.expunge(booking)
    instruments.BOOKINGS_CREATED.labels(service).inc()
    return booking


def _book(said: re.Match[str], user_id: int) -> str:
    service = said["service"].lower()
    if service not in SERVICES:
        return f"We do not offer {service}, but {', '.join(SERVICES)}."
    tomorrow = datetime.date.today() + datetime.timedelta(days=1)
    try:
        day = datetime.date.fromisoformat(said["day"]) if said["day"] else tomorrow
    except ValueError:
        return f"There is no day {said['day']}."
    booking = add_booking(user_id, service, day)
    return f"Booking {booking.id}: {booking.service} on {day}." if booking else "I do not know you yet."


def _cancel(said: re.Match[str], user_id: int) -> str:
    with database.writing() as session:
        booking = session.get(database.Booking, int(said["number"]))
        if booking is None or booking.user_id != user_id or booking.cancelled:
            return f"You have no booking {said['number']}."
        booking.cancelled = True
    return f"Booking {said['number']} is cancelled."


def _list(_said: re.Match[str], user_id: int) -> str:
    wanted = (
        select(database.Booking)
        .where(database.Booking.user_id == user_id, ~database.Booking.cancelled)
        .order_by(database.Booking.day)
        .limit(20)
    )
    with database.reading() as session:
        lines = [f"{booking.id}: {booking.service} on {booking.day}" for booking in session.scalars(wanted)]
    return "\n".join(lines) or "You have no bookings."


_INTENTS: list[tuple[str, re.Pattern[str], Callable[[re.Match[str], int], str]]] = [
    ("cancel", _CANCEL, _cancel),
    ("list", _LIST, _list),
    ("book", _BOOK, _book),
]


def understand(message: str) -> tuple[str, Callable[[int], str]] | None:
    """The intent of a message and what carries it out for a user; None if there is none."""
    for intent, pattern, carry_out in _INTENTS:
        if said := pattern.search(message):
            return intent, partial(carry_out, said)
    return None


def reply(user_id: int, message: str) -> tuple[str, str]:
    """The intent found in a message, and the answer after carrying it out."""
    understood = understand(message)
    if understood is None:
        return "unknown", "I can book a service, list your bookings, or cancel one."
    intent, carry_out = understood
    status = "error"
    with (
        instruments.AGENTS_RUNNING.labels(AGENT).track_inprogress(),
        instruments.AGENT_DURATION.labels(AGENT).time(),
    ):
        try:
            answer = carry_out(user_id)
            status = "success"
        finally:
            instruments.AGENT_EXECUTIONS.labels(AGENT, intent, status).inc()
    return intent, answer
