# SPDX-License-Identifier: MIT
"""SQLAlchemy: what a real engine and its pool do, as db_* of the catalogue."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

import shmetrics
from shmetrics.integrations.sqlalchemy import classify, instrument

Registry = shmetrics.CollectorRegistry


@pytest.fixture
def engine(registry: Registry, tmp_path: Path) -> Engine:
    made = create_engine(f"sqlite:///{tmp_path / 'test.db'}", pool_size=3)
    instrument(made, registry=registry)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE things (a INTEGER)"))
    return made


def queries(registry: Registry, operation: str, table: str) -> float | None:
    labels = {"operation": operation, "table": table}
    counted: float | None = registry.get_sample_value("db_queries_total", labels)
    assert registry.get_sample_value("db_query_duration_seconds_count", labels) == counted
    return counted


def connections(registry: Registry) -> tuple[float | None, float | None]:
    return (
        registry.get_sample_value("db_connections_active"),
        registry.get_sample_value("db_connection_pool_size"),
    )


@pytest.mark.parametrize(
    ("statement", "operation", "table"),
    [
        ("SELECT a FROM things WHERE a = 1", "select", "things"),
        ("select 1", "select", ""),
        ('SELECT "t"."a" FROM "public"."things" AS t', "select", "things"),
        ("INSERT INTO `things` (a) VALUES (1)", "insert", "things"),
        ("INSERT INTO [dbo].[things] (a) VALUES (1)", "insert", "things"),
        ("UPDATE things SET a = 1", "update", "things"),
        ("UPDATE ONLY things SET a = 1", "update", "things"),
        ("DELETE FROM things", "delete", "things"),
        ("  -- a remark FROM nowhere\n SELECT a FROM things", "select", "things"),
        ("/* SELECT */ DELETE FROM things", "delete", "things"),
        ("WITH recent AS (SELECT 1) SELECT * FROM recent", "select", ""),
        ("WITH x AS (SELECT 1 FROM a) INSERT INTO things SELECT * FROM x", "insert", "things"),
        ("WITH x AS (DELETE FROM things RETURNING *) SELECT * FROM x", "select", "things"),
        ("WITH x AS (SELECT count(*) FROM a) SELECT * FROM x, things", "select", "a"),
        ("SELECT 'from lies', 'it''s from there' FROM things", "select", "things"),
        ('SELECT "a from b" FROM "my things"', "select", "my things"),
        ("SELECT (SELECT count(*) FROM b) FROM things", "select", "things"),
        ("SELECT extract(year FROM day) FROM things", "select", "things"),
        ("SELECT trim(both FROM day)", "select", ""),
        ("SELECT * FROM (SELECT * FROM things) AS anon_1", "select", "things"),
        ("SELECT * FROM (things JOIN others)", "select", "things"),
        ("SELECT * FROM ((SELECT 1 FROM things) UNION (SELECT 1 FROM b))", "select", "things"),
        ("INSERT OR REPLACE INTO things DEFAULT VALUES", "insert", "things"),
        ("SELECT * FROM", "select", ""),
        ("DELETE FROM (", "delete", ""),
        ("SELECT )) FROM things", "select", "things"),
        ("EXPLAIN SELECT * FROM things", "other", ""),
        ("PRAGMA journal_mode", "other", ""),
        ("CREATE TABLE things (a INTEGER)", "other", ""),
        ("", "other", ""),
    ],
)
def test_a_statement_has_an_operation_and_a_table(statement: str, operation: str, table: str) -> None:
    assert classify(statement) == (operation, table)


def test_statements_are_counted_and_timed(registry: Registry, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO things VALUES (:a)"), [{"a": 1}, {"a": 2}])
        for _ in range(3):
            connection.execute(text("SELECT a FROM things"))
    assert queries(registry, "insert", "things") == 1  # one statement, whatever it was given
    assert queries(registry, "select", "things") == 3
    assert queries(registry, "other", "") == 1


def test_a_statement_that_fails_is_counted_once(registry: Registry, engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(OperationalError):
        connection.execute(text("SELECT a FROM nothing"))
    assert queries(registry, "select", "nothing") == 1


def test_connections_in_use_and_in_the_pool(registry: Registry, engine: Engine) -> None:
    assert connections(registry) == (0, 1)
    with engine.connect(), engine.connect():
        assert connections(registry) == (2, 2)
    assert connections(registry) == (0, 2)
    engine.dispose()
    assert connections(registry) == (0, 0)
    with engine.connect() as connection:
        assert connections(registry) == (1, 1)
        connection.invalidate()
    assert connections(registry) == (0, 0)


def test_a_connection_found_lost_at_its_checkout_is_in_use_once(registry: Registry, engine: Engine) -> None:
    lost = iter((True, False, True, False))

    def ping(*_arguments: object) -> None:
        if next(lost):
            raise DisconnectionError

    event.listen(engine, "checkout", ping)
    for _ in range(2):
        with engine.connect():
            assert connections(registry) == (1, 1)
        assert connections(registry) == (0, 1)


def test_a_detached_connection_is_no_longer_in_use_by_the_pool(registry: Registry, engine: Engine) -> None:
    connection = engine.connect()
    connection.detach()
    connection.close()
    active, size = connections(registry)
    assert (active, size) == (0, 0)


def test_a_child_does_not_give_back_what_its_parent_took(registry: Registry, engine: Engine) -> None:
    with engine.connect():
        child = os.fork()
        if child == 0:
            try:
                engine.dispose()
                os._exit(0 if connections(registry) in ((0, 0), (0, 1), (1, 1)) else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert connections(registry) == (1, 1)


def test_instrumenting_twice_counts_once(registry: Registry, engine: Engine) -> None:
    instrument(engine, registry=registry)
    with engine.connect() as connection:
        connection.execute(text("SELECT a FROM things"))
    assert queries(registry, "select", "things") == 1


def test_an_asynchronous_engine(registry: Registry, tmp_path: Path) -> None:
    async def use() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
        instrument(engine, registry=registry)
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE things (a INTEGER)"))
            await connection.execute(text("SELECT a FROM things"))
            assert connections(registry) == (1, 1)
        await engine.dispose()

    asyncio.run(use())
    assert queries(registry, "select", "things") == 1
    assert connections(registry) == (0, 0)
