# SPDX-License-Identifier: MIT
"""sqlalchemy - statements and connections of an engine (pip install shmetrics[sqlalchemy])

    engine = create_engine(...)
    instrument(engine)

db_queries_total and db_query_duration_seconds by operation and table, db_connections_active and
db_connection_pool_size, from the engine's and its pool's own events. Statements that fail are
counted and timed as well. A statement's table is the first that it names outside parentheses, else
within; of tables the process keeps the first 200 names, later ones are "<other>". What is no select,
insert, update or delete is the operation "other" without a table. The connections are those that
this process opened.
"""

from __future__ import annotations

import os
import re
import weakref
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, List, Optional, Tuple, Union, cast

from sqlalchemy import Engine, event

from .. import catalog
from ..catalog.values import LabelValues
from ..metrics import Counter, Gauge, Histogram
from ..registry import REGISTRY, CollectorRegistry

if TYPE_CHECKING:  # needs greenlet
    from sqlalchemy.ext.asyncio import AsyncEngine

_OPERATIONS = frozenset(("select", "insert", "update", "delete"))
_OTHER = "other"

_instrumented: "weakref.WeakSet[Engine]" = weakref.WeakSet()
_tables = LabelValues(200)

_NOISE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_TOKEN = re.compile(r"\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[\w$]+|[().]")
_BEFORE_TABLE = frozenset(("from", "into", "update"))


@lru_cache(maxsize=1024)
def classify(statement: str) -> Tuple[str, str]:
    """The operation and the table of a statement, as they become labels; ("other", "") for what has none."""
    tokens = _TOKEN.findall(_NOISE.sub(" ", statement))
    words = [token.lower() for token in tokens]
    operation = _operation(words)
    position = _table(words) if operation != _OTHER else None
    return operation, "" if position is None else _tables(tokens[position].strip('"`[]'))


def _operation(words: List[str]) -> str:
    if not words or words[0] not in _OPERATIONS | {"with"}:
        return _OTHER
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in _OPERATIONS:
            return word
    return _OTHER


def _table(words: List[str]) -> Optional[int]:
    """Where the table stands among the words of a statement."""
    defined = {words[i - 1] for i in range(1, len(words) - 1) if words[i] == "as" and words[i + 1] == "("}
    inside: List[bool] = []  # of each open parenthesis: whether it holds a statement
    found: Optional[Tuple[int, int]] = None
    for i, word in enumerate(words[:-1]):
        if word == "(":
            first = next((later for later in words[i:] if later != "("), "")
            inside.append(first in _OPERATIONS | {"with"})
        elif word == ")":
            del inside[-1:]
        elif word in _BEFORE_TABLE and all(inside):  # extract(year from ...) names no table
            name = _name_after(words, i)
            deeper = found is not None and len(inside) >= found[0]
            if name is not None and words[name] not in defined and not deeper:
                found = len(inside), name
    return None if found is None else found[1]


def _name_after(words: List[str], i: int) -> Optional[int]:
    """Where the name ends that begins after words[i]; None if a statement begins there."""
    i += 1
    while i < len(words) - 1 and words[i] in ("only", "("):
        i += 1
    while i < len(words) - 2 and words[i + 1] == ".":
        i += 2
    return None if words[i] in _OPERATIONS | {"(", ")", "."} else i


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

    # In record_info, which outlives the connection: a checkout that finds it lost connects again and
    # is told again, but there is one return.
    def checked_out(_connection: Any, record: Any, _proxy: Any) -> None:
        taken = record.record_info.get("shmetrics_taken")
        record.record_info["shmetrics_taken"] = os.getpid()
        if taken != os.getpid():
            active.inc()

    def checked_in(_connection: Any, record: Any) -> None:
        if record.record_info.pop("shmetrics_taken", None) == os.getpid():
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
