# SPDX-License-Identifier: MIT
"""assistant - what becomes of a message: chat, agent, retrieval, language model, booking.

Rules find the intent, and the intent an agent: `bookings` books, lists and cancels; `support` answers
questions and takes complaints. An agent looks up what it needs to know in the vector store and lets the
language model say it. Bookings are made even while the model or the store is down; questions are not
answered then.
"""

import asyncio
import datetime
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import get_args

import httpx
from sqlalchemy import select

from shmetrics import catalog

from . import database, knowledge
from .llm import LLM

SERVICES = get_args(database.Service)

_BOOK = re.compile(r"\bbook (?:a |an )?(?P<service>[a-z]+)(?: on (?P<day>\d{4}-\d{2}-\d{2}))?", re.I)
_CANCEL = re.compile(r"\bcancel (?:booking )?(?P<number>\d{1,9})\b", re.I)
_COMPLAIN = re.compile(r"\bcomplain\b(?:.*?\bbooking (?P<number>\d{1,9})\b)?", re.I)
_LIST = re.compile(r"\b(?:list|show|my)\b.*\bbookings\b", re.I)


class Unavailable(Exception):
    """Something that the answer needs is down."""


def add_booking(user_id: int, service: str, day: datetime.date) -> database.Booking | None:
    """Books for a user; None if there is no such user."""
    with database.writing() as session:
        if session.get(database.User, user_id) is None:
            return None
        booking = database.Booking(user_id=user_id, service=service, day=day)
        session.add(booking)
        session.flush()
        session.expunge(booking)
    catalog.booking_created()
    return booking


def cancel_booking(user_id: int, number: int) -> bool:
    """Cancels a booking of a user; False if there is none to cancel."""
    with database.writing() as session:
        booking = session.get(database.Booking, number)
        if booking is None or booking.user_id != user_id or booking.cancelled:
            return False
        booking.cancelled = True
    return True


def add_complaint(user_id: int, number: int | None, text: str) -> bool:
    """Files a user's complaint, about a booking if it has a number; False if the user has none such."""
    with database.writing() as session:
        if session.get(database.User, user_id) is None:
            return False
        booking = session.get(database.Booking, number) if number is not None else None
        if number is not None and (booking is None or booking.user_id != user_id):
            return False
        session.add(database.Complaint(user_id=user_id, booking_id=number, text=text))
    catalog.complaint_created()
    return True


def list_bookings(user_id: int) -> list[str]:
    """The next bookings of a user, a line each."""
    wanted = (
        select(database.Booking)
        .where(database.Booking.user_id == user_id, ~database.Booking.cancelled)
        .order_by(database.Booking.day)
        .limit(20)
    )
    with database.reading() as session:
        return [f"{booking.id}: {booking.service} on {booking.day}" for booking in session.scalars(wanted)]


class Assistant:
    """The assistant of one worker."""

    def __init__(self, store: knowledge.Store, llm: LLM) -> None:
        self._store = store
        self._llm = llm

    async def reply(self, user_id: int, message: str) -> tuple[str, str]:
        """The intent found in a message, and the answer after carrying it out. Fails: Unavailable."""
        agent, intent, carry_out = self._understand(user_id, message)
        with catalog.track_agent(agent, intent):
            return intent, await carry_out()

    def _understand(self, user_id: int, message: str) -> tuple[str, str, Callable[[], Awaitable[str]]]:
        """Which agent is to do what."""
        if said := _COMPLAIN.search(message):
            number = int(said["number"]) if said["number"] else None
            return "support", "complain", partial(self._complain, user_id, number, message)
        if said := _CANCEL.search(message):
            return "bookings", "cancel", partial(self._cancel, user_id, int(said["number"]))
        if _LIST.search(message):
            return "bookings", "list", partial(self._list, user_id)
        if said := _BOOK.search(message):
            return "bookings", "book", partial(self._book, user_id, said["service"].lower(), said["day"])
        return "support", "question", partial(self._answer, message)

    async def _look_up(self, namespace: str, question: str) -> list[knowledge.Chunk]:
        with catalog.track_retrieval(namespace) as retrieval:
            chunks = await self._store.query(namespace, knowledge.embed(question), knowledge.TOP_K)
            retrieval.chunks(len(chunks))
        return chunks

    async def _say(self, operation: str, namespace: str, question: str) -> str:
        """What the model makes of what the store has on a question. Fails: httpx.HTTPError."""
        chunks = await self._look_up(namespace, question)
        if not chunks:
            return ""
        answer = await self._llm.ask(operation, question, " ".join(chunk.text for chunk in chunks))
        catalog.grounding_score(knowledge.grounding(answer, chunks))
        return answer

    async def _book(self, user_id: int, service: str, day: str | None) -> str:
        if service not in SERVICES:
            return f"We do not offer {service}, but {', '.join(SERVICES)}."
        tomorrow = datetime.date.today() + datetime.timedelta(days=1)
        try:
            wanted = datetime.date.fromisoformat(day) if day else tomorrow
        except ValueError:
            return f"There is no day {day}."
        booking = await asyncio.to_thread(add_booking, user_id, service, wanted)
        if booking is None:
            return "I do not know you yet."
        try:
            terms = await self._say("confirm", "services", service)
        except httpx.HTTPError:
            terms = ""  # the booking stands without it
        return f"Booking {booking.id}: {booking.service} on {wanted}. {terms}".rstrip()

    async def _cancel(self, user_id: int, number: int) -> str:
        if await asyncio.to_thread(cancel_booking, user_id, number):
            return f"Booking {number} is cancelled."
        return f"You have no booking {number}."

    async def _complain(self, user_id: int, number: int | None, message: str) -> str:
        if await asyncio.to_thread(add_complaint, user_id, number, message):
            return "We are sorry. Somebody will look at it."
        return f"You have no booking {number}." if number is not None else "I do not know you yet."

    async def _list(self, user_id: int) -> str:
        lines = await asyncio.to_thread(list_bookings, user_id)
        return "\n".join(lines) or "You have no bookings."

    async def _answer(self, question: str) -> str:
        try:
            answer = await self._say("answer", "faq", question)
        except httpx.HTTPError as error:
            raise Unavailable("questions cannot be answered now") from error
        return answer or "I can answer questions, book a service, list your bookings, or cancel one."
