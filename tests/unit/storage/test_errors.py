"""Which of our errors a driver's error becomes."""

from __future__ import annotations

import sqlite3

import pytest

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
