# SPDX-License-Identifier: MIT
"""database - users, bookings and complaints, in SQLite or wherever DATABASE_URL says.

SQLite is shared by several worker processes: readers and one writer work side by side in its WAL mode. A
writer takes its lock at the start (BEGIN IMMEDIATE): one that first read and then wrote would fail at once,
whatever the busy timeout, if somebody else had written in between. No connection is opened before `prepare`,
which runs in each worker, so none is ever shared across a fork.
"""

import datetime
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Engine, ForeignKey, String, create_engine, event, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateIndex, CreateTable

from shmetrics.integrations.sqlalchemy import instrument

PATH = os.path.abspath(os.environ.get("DEMO_DATABASE", "demo.db"))
# psycopg 3 is the driver, also where the URL names none.
URL = re.sub("^postgres(ql)?://", "postgresql+psycopg://", os.environ.get("DATABASE_URL", ""))
URL = URL or f"sqlite:///{PATH}"
BUSY_TIMEOUT_MS = 10_000
_PREPARING = 7_262_018  # PostgreSQL's advisory lock of `prepare`: any number that is this program's

# A closed set, for it is also a label: what users may type freely must never become one.
Service = Literal["cleaning", "gardening", "painting", "plumbing"]


class Base(DeclarativeBase):
    """What all tables have in common."""


class User(Base):
    """Somebody who books."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(200), unique=True)


class Booking(Base):
    """A service booked by a user for a day."""

    __tablename__ = "bookings"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    service: Mapped[str] = mapped_column(String(30))
    day: Mapped[datetime.date]
    cancelled: Mapped[bool] = mapped_column(default=False)


class Complaint(Base):
    """What a user found wrong, with a booking or altogether."""

    __tablename__ = "complaints"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("bookings.id"))
    text: Mapped[str] = mapped_column(String(1000))


engine = create_engine(URL, pool_size=8, max_overflow=32, pool_pre_ping=not URL.startswith("sqlite"))
instrument(engine)
IS_SQLITE = engine.dialect.name == "sqlite"
_writing = engine.execution_options(immediate=True)


def _use_sqlite(sqlite: Engine) -> None:
    """Connections that begin their transactions as said above."""

    @event.listens_for(sqlite, "connect")
    def _set_up_connection(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun by _begin, not by the driver
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(sqlite, "begin")
    def _begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


if IS_SQLITE:
    _use_sqlite(engine)


@contextmanager
def _preparing() -> Iterator[None]:
    """One worker at a time. SQLite does not wait its busy timeout for the change to WAL mode."""
    if IS_SQLITE:
        with open(PATH + ".lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with engine.connect() as connection:
                # outside a transaction, so past SQLAlchemy
                connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            yield
    else:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PREPARING})
            yield


def prepare() -> None:
    """Creates what is missing. Several workers may call it at once: one goes first, the others wait."""
    with _preparing(), _writing.begin() as connection:
        for table in Base.metadata.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(CreateIndex(index, if_not_exists=True))


def check() -> None:
    """For readiness: one statement. Fails: sqlalchemy.exc.SQLAlchemyError."""
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))


@contextmanager
def reading() -> Iterator[Session]:
    """A session for queries."""
    with Session(engine) as session:
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """A session whose changes are committed at the end, or undone by an exception."""
    with Session(_writing) as session, session.begin():
        yield session
