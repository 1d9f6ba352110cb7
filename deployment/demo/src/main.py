# SPDX-License-Identifier: MIT
"""main - the reference backend: bookings by form and by chat, in several workers, measured by shmetrics.

    shmetrics run -- uvicorn src.main:app --workers 4
    python -m uvicorn src.main:app --reload

What it uses is set by the environment, and is in this process where nothing is set: DATABASE_URL
(PostgreSQL; else SQLite), REDIS_URL, VECTOR_STORE_URL and LLM_URL (standins/ has both of these).

The middleware is put around the whole application, not added inside it: so the answer that stands for an
unexpected exception passes through it too, and carries its duration like any other. Around both are /health,
/api/v1/health/live, /api/v1/health/ready and /api/v1/metrics: probes and scrapes are not counted as requests.
"""

import asyncio
import datetime
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from shmetrics import catalog, health
from shmetrics.asgi import Middleware

from . import assistant, database, knowledge, llm, sessions


class NewUser(BaseModel):
    """Who registers."""

    name: str = Field(min_length=1, max_length=100)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)


class User(NewUser):
    """A registered user."""

    model_config = ConfigDict(from_attributes=True)
    id: int


class NewBooking(BaseModel):
    """What is to be booked."""

    user_id: int
    service: database.Service
    day: datetime.date


class Booking(NewBooking):
    """A booking as it stands."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    cancelled: bool


class Message(BaseModel):
    """What a user says to the assistant."""

    user_id: int
    text: str = Field(min_length=1, max_length=1000)


class Reply(BaseModel):
    """What the assistant made of it."""

    intent: str
    text: str


@asynccontextmanager
async def lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Of one worker: all its connections, and what is checked in the background."""
    catalog.define()
    await asyncio.to_thread(database.prepare)
    model, store = llm.LLM(), knowledge.open_store()
    api.state.sessions = sessions.open_sessions()
    api.state.assistant = assistant.Assistant(store, model)
    health.check("database", database.check, interval=2, ttl=10)
    if isinstance(api.state.sessions, sessions.RedisSessions):
        health.check("redis", api.state.sessions.check, interval=2, ttl=10)
    if isinstance(store, knowledge.RemoteStore):
        health.check("vector_store", store.check, interval=2, ttl=10)
    yield
    await model.close()
    await api.state.sessions.close()
    database.engine.dispose()


api = FastAPI(title="Bookings", lifespan=lifespan)


@api.exception_handler(Exception)
async def failed(_request: Request, _error: Exception) -> JSONResponse:
    """The answer for what nobody expected. uvicorn closes the connection after it, so the answer says so."""
    return JSONResponse({"detail": "internal error"}, 500, headers={"Connection": "close"})


@api.exception_handler(assistant.Unavailable)
@api.exception_handler(RedisError)
@api.exception_handler(OperationalError)
async def unavailable(_request: Request, _error: Exception) -> JSONResponse:
    """The answer while something that it needs is down."""
    return JSONResponse({"detail": "not available at the moment"}, 503)


@api.post("/api/v1/users", status_code=201)
def register(new: NewUser) -> User:
    """Registers a user; an e-mail address only once."""
    try:
        with database.writing() as session:
            row = database.User(name=new.name, email=new.email)
            session.add(row)
            session.flush()
            user = User.model_validate(row)
    except IntegrityError as error:
        raise HTTPException(409, "this e-mail address is registered") from error
    catalog.user_registered()
    return user


@api.get("/api/v1/users/{user_id}")
def user(user_id: int) -> User:
    """One user."""
    with database.reading() as session:
        row = session.get(database.User, user_id)
        if row is None:
            raise HTTPException(404, "no such user")
        return User.model_validate(row)


@api.get("/api/v1/users/{user_id}/bookings")
def bookings_of(user_id: int) -> list[Booking]:
    """The last bookings of a user."""
    wanted = (
        select(database.Booking)
        .where(database.Booking.user_id == user_id)
        .order_by(database.Booking.id.desc())
        .limit(20)
    )
    with database.reading() as session:
        return [Booking.model_validate(row) for row in session.scalars(wanted)]


@api.post("/api/v1/bookings", status_code=201)
def book(new: NewBooking) -> Booking:
    """Makes a booking."""
    row = assistant.add_booking(new.user_id, new.service, new.day)
    if row is None:
        raise HTTPException(404, "no such user")
    return Booking.model_validate(row)


@api.get("/api/v1/bookings")
def bookings_by_service() -> dict[str, int]:
    """How often each service is booked."""
    wanted = (
        select(database.Booking.service, func.count())
        .where(~database.Booking.cancelled)
        .group_by(database.Booking.service)
    )
    with database.reading() as session:
        return {service: count for service, count in session.execute(wanted)}


@api.post("/api/v1/chat")
async def chat(message: Message, request: Request) -> Reply:
    """Understands a message and does what it asks for."""
    began, active = await request.app.state.sessions.touch(message.user_id)
    if began:
        catalog.chat_session()
    catalog.set_active_users(active)
    intent, text = await request.app.state.assistant.reply(message.user_id, message.text)
    return Reply(intent=intent, text=text)


@api.get("/api/v1/slow")
async def slow(seconds: Annotated[float, Query(ge=0, le=60)] = 0.05) -> dict[str, float]:
    """Takes its time, as a slow upstream would."""
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


@api.get("/api/v1/fail")
def fail(really: bool = True) -> dict[str, bool]:
    """Fails with an exception that nobody expects, unless told not to."""
    if really:
        raise RuntimeError("failed, as asked for")
    return {"failed": False}


app = health.mount(Middleware(api, duration_header="x-recorded-duration"))
