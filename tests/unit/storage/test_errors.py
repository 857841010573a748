"""Which of our errors a driver's error becomes."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from psycopg import errors as server

from core.errors import BadInput
from storage.errors import DatabaseDown, SchemaMismatch, translated_cause


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (sqlite3.OperationalError("database or disk is full"), DatabaseDown),
        (sqlite3.OperationalError("database is locked"), DatabaseDown),
        (sqlite3.DatabaseError("file is not a database"), DatabaseDown),
        (sqlite3.InterfaceError("bad cursor"), DatabaseDown),
        (sqlite3.OperationalError("no such table: facts"), SchemaMismatch),
        (sqlite3.OperationalError("table facts has no column named origin"), SchemaMismatch),
        (sqlite3.IntegrityError("UNIQUE constraint failed: facts.seq"), type(None)),
        (sqlite3.ProgrammingError("Cannot operate on a closed database."), type(None)),
    ],
)
def test_the_server_is_blamed_for_its_own_failures_only(error: Exception, ours: type[Exception]) -> None:
    found = translated_cause(error, "main", "here.db")
    assert type(found) is ours
    if found is not None:
        assert str(error) in str(found)
        assert "here.db" in str(found)


@pytest.mark.parametrize(
    ("error", "ours", "advice"),
    [
        (server.UndefinedTable('relation "facts" does not exist'), SchemaMismatch, "run the migrations"),
        (server.UndefinedColumn('column "x" does not exist'), SchemaMismatch, "run the migrations"),
        (server.AdminShutdown("terminating connection"), DatabaseDown, "it was stopped"),
        (server.LockNotAvailable("canceling statement due to lock timeout"), DatabaseDown, "pg_locks"),
        (
            server.QueryCanceled("canceling statement due to statement timeout"),
            DatabaseDown,
            "longer than we",
        ),
        (server.DiskFull("could not extend file"), DatabaseDown, "its disk is full"),
        (server.ReadOnlySqlTransaction("cannot execute INSERT"), DatabaseDown, "name the primary"),
        (server.DeadlockDetected("deadlock detected"), DatabaseDown, "try again"),
        (server.InsufficientPrivilege("permission denied for schema public"), DatabaseDown, "the owner"),
        (server.IndexCorrupted("index is damaged"), DatabaseDown, "look at the server and its log"),
        (
            psycopg.OperationalError("server closed the connection unexpectedly"),
            DatabaseDown,
            "that the server",
        ),
        (psycopg.OperationalError("连接失败: 致命错误"), DatabaseDown, "host, port, user and database"),
        (
            psycopg.OperationalError('FATAL:  database "x" does not exist'),
            DatabaseDown,
            "create the database",
        ),
        (psycopg.InterfaceError("the connection is closed"), DatabaseDown, "check that the server runs"),
        (psycopg.DataError("text fields cannot contain NUL"), BadInput, "leave such characters"),
        (server.NumericValueOutOfRange("bigint out of range"), BadInput, "leave such characters and numbers"),
    ],
)
def test_what_a_server_says_is_told_with_what_to_do(
    error: Exception, ours: type[Exception], advice: str
) -> None:
    found = translated_cause(error, "main", "postgresql+psycopg://hotline@db/hotline")
    assert type(found) is ours
    assert advice in str(found)
    assert "postgresql+psycopg://hotline@db/hotline" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        server.UniqueViolation("duplicate key"),
        server.ForeignKeyViolation("no such row"),
        server.SyntaxError("a mistake of ours"),
        psycopg.ProgrammingError("the query has 2 placeholders but 1 parameters were passed"),
    ],
)
def test_what_only_the_feature_can_judge_is_left_to_it(error: Exception) -> None:
    assert translated_cause(error, "main", "here") is None


def test_rows_that_a_server_quotes_are_not_told_on() -> None:
    error = server.NotNullViolation("null value in column\nDETAIL:  Failing row contains (1, 张三).")
    assert translated_cause(error, "main", "here") is None
    error = server.DiskFull("could not extend file\nCONTEXT:  COPY facts, line 1: 张三")
    assert "张三" not in str(translated_cause(error, "main", "here"))
