# SPDX-License-Identifier: MIT
"""database - users and bookings in SQLite, shared by several worker processes.

Readers and one writer work side by side in SQLite's WAL mode. A writer takes its lock at the start
(BEGIN IMMEDIATE): one that first read and then wrote would fail at once, whatever the busy timeout,
if somebody else had written in between. No connection is opened before `prepare`, which runs in each
worker, so none is ever shared across a fork.
"""

import datetime
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import ForeignKey, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.schema import CreateIndex, CreateTable

from . import instruments

PATH = os.path.abspath(os.environ.get("DEMO_DATABASE", "demo.db"))
BUSY_TIMEOUT_MS = 10_000

engine = create_engine(f"sqlite:///{PATH}", pool_size=8, max_overflow=32)
_writing = engine.execution_options(immediate=True)

_TOUCHED = re.compile(r"^\s*(\w+)(?:.*?\b(?:FROM|INTO))?\s+(\w+)", re.IGNORECASE | re.DOTALL)
_OPERATIONS = {"SELECT", "INSERT", "UPDATE", "DELETE"}


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


@event.listens_for(engine, "connect")
def _set_up_connection(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin, not by the driver
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


@event.listens_for(engine, "begin")
def _begin(connection: Any) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@event.listens_for(engine, "checkout")
def _checked_out(*_unused: Any) -> None:
    instruments.DB_CONNECTIONS.inc()


@event.listens_for(engine, "checkin")
def _checked_in(*_unused: Any) -> None:
    instruments.DB_CONNECTIONS.dec()


@event.listens_for(engine, "before_cursor_execute")
def _query_begins(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, *_: Any) -> None:
    context.demo_began = time.perf_counter()


@event.listens_for(engine, "after_cursor_execute")
def _query_ends(_connection: Any, _cursor: Any, text: str, _values: Any, context: Any, *_: Any) -> None:
    touched = _TOUCHED.match(text)
    if touched and touched[1].upper() in _OPERATIONS:
        operation, table = touched[1].lower(), touched[2]
        instruments.DB_QUERIES.labels(operation, table).inc()
        instruments.DB_QUERY_DURATION.labels(operation, table).observe(
            time.perf_counter() - context.demo_began
        )


def prepare() -> None:
    """Creates what is missing. Several workers may call it at once: one goes first, the others wait.

    The change to WAL mode is why a lock is needed: SQLite does not wait its busy timeout for it.
    """
    with open(PATH + ".lock", "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.connect() as connection:
            # outside a transaction, so past SQLAlchemy
            connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
        with _writing.begin() as connection:
            for table in Base.metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))


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
