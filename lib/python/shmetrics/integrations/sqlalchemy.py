# SPDX-License-Identifier: MIT
"""sqlalchemy - statements and connections of an engine (pip install shmetrics[sqlalchemy])

    engine = create_engine(...)
    instrument(engine)

db_queries_total and db_query_duration_seconds by operation and table, db_connections_active and
db_connection_pool_size, from the engine's and its pool's own events. Statements that fail are
counted and timed as well. A statement's table is the first that it names, so the labels are as many
as the schema has tables; what is no select, insert, update or delete is the operation "other"
without a table. The connections are those that this process opened.
"""

from __future__ import annotations

import os
import re
import weakref
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, Tuple, Union, cast

from sqlalchemy import Engine, event

from .. import catalog
from ..metrics import Counter, Gauge, Histogram
from ..registry import REGISTRY, CollectorRegistry

if TYPE_CHECKING:  # needs greenlet
    from sqlalchemy.ext.asyncio import AsyncEngine

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_STATEMENT = re.compile(r"\s*(?:with\b.*?\)\s*)?(select|insert|update|delete)\b", re.IGNORECASE | re.DOTALL)
_NAME = r'((?:[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\])(?:\.(?:[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\]))*)'
_TABLE = {
    "select": re.compile(r"\bfrom\s+" + _NAME, re.IGNORECASE),
    "insert": re.compile(r"\binto\s+" + _NAME, re.IGNORECASE),
    "update": re.compile(r"\bupdate\s+(?:only\s+)?" + _NAME, re.IGNORECASE),
    "delete": re.compile(r"\bfrom\s+(?:only\s+)?" + _NAME, re.IGNORECASE),
}

_instrumented: "weakref.WeakSet[Engine]" = weakref.WeakSet()


@lru_cache(maxsize=1024)
def classify(statement: str) -> Tuple[str, str]:
    """The operation and the table of a statement, as they become labels; ("other", "") for what has none."""
    text = _COMMENT.sub(" ", statement)
    found = _STATEMENT.match(text)
    if found is None:
        return "other", ""
    operation = found[1].lower()
    table = _TABLE[operation].search(text, found.start(1))
    name = table[1].rpartition(".")[2].strip('"`[]') if table else ""
    return operation, name


def instrument(engine: Union[Engine, "AsyncEngine"], *, registry: CollectorRegistry = REGISTRY) -> None:
    """Records what an engine does from now on. A second call for the same engine has no effect."""
    target: Engine = getattr(engine, "sync_engine", cast(Engine, engine))
    if target in _instrumented:
        return
    _instrumented.add(target)
    _watch_statements(target, registry)
    _watch_connections(target, registry)


def _watch_statements(engine: Engine, registry: CollectorRegistry) -> None:
    queries = cast(Counter, catalog.metric("db_queries_total", registry))
    durations = cast(Histogram, catalog.metric("db_query_duration_seconds", registry))

    def record(context: Any) -> None:
        began = context.__dict__.pop("shmetrics_began", None)
        if began is None:
            return
        operation, table = classify(context.statement or "")
        queries.labels(operation, table).inc()
        durations.labels(operation, table).observe(perf_counter() - began)

    def before(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool) -> None:
        if context is not None:
            context.shmetrics_began = perf_counter()

    def after(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool) -> None:
        if context is not None:
            record(context)

    def failed(error: Any) -> None:
        if error.execution_context is not None:
            record(error.execution_context)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)


def _watch_connections(engine: Engine, registry: CollectorRegistry) -> None:
    active = cast(Gauge, catalog.metric("db_connections_active", registry))
    size = cast(Gauge, catalog.metric("db_connection_pool_size", registry))

    # What a fork's child inherits is the parent's to count: a record says which process did.
    def connected(_connection: Any, record: Any) -> None:
        record.info["shmetrics_opened"] = os.getpid()
        size.inc()

    def closed(_connection: Any, record: Any) -> None:
        if record.info.pop("shmetrics_opened", None) == os.getpid():
            size.dec()

    def checked_out(_connection: Any, record: Any, _proxy: Any) -> None:
        record.info["shmetrics_taken"] = os.getpid()
        active.inc()

    def checked_in(_connection: Any, record: Any) -> None:
        if record.info.pop("shmetrics_taken", None) == os.getpid():
            active.dec()

    def detached(connection: Any, record: Any) -> None:
        checked_in(connection, record)
        closed(connection, record)

    # An engine's listeners follow its pool when dispose() makes a new one.
    event.listen(engine, "connect", connected)
    event.listen(engine, "close", closed)
    event.listen(engine, "detach", detached)
    event.listen(engine, "checkout", checked_out)
    event.listen(engine, "checkin", checked_in)
