"""Which URLs a database may have, and what is said of the others; never with what may be a password in it."""

from __future__ import annotations

import pytest

from core.errors import BadInput
from storage.urls import database_url, place_of, same_place

PASSWORD = "s3cret"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("what?", "is not a database URL"),
        (f"postgresql+psycopg://hotline:{PASSWORD}/hotline", "is not a database URL"),
        (f"mysql://hotline:{PASSWORD}@db/hotline", "mysql is none of the databases we know"),
        ("sqlite:////tmp/x.db", "begin with sqlite+aiosqlite:"),
        ("sqlite+aiosqlite://", "needs a file"),
        ("sqlite+aiosqlite:///:memory:", "needs a file"),
        (f"postgresql://hotline:{PASSWORD}@db/hotline", "begin with postgresql+psycopg:"),
        (f"postgres://hotline:{PASSWORD}@db/hotline", "begin with postgresql+psycopg:"),
        (f"postgresql+asyncpg://hotline:{PASSWORD}@db/hotline", "begin with postgresql+psycopg:"),
        (f"postgresql+psycopg://hotline:{PASSWORD}@db:5432", "needs a database's name"),
        (f"postgresql+psycopg://hotline:{PASSWORD}@db:5432/", "needs a database's name"),
        (f"postgresql+psycopg://hotline@db/hotline?password={PASSWORD}", "write user:password@"),
        (f"postgresql+psycopg://hotline:x@{PASSWORD}@db/hotline", "write %40 for the @"),
    ],
)
def test_what_cannot_be_a_database_of_ours_is_refused_with_what_would_be_right(text: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        database_url(text, "database.main")
    assert str(refused.value).startswith("database.main: ")
    assert said in str(refused.value)
    assert PASSWORD not in str(refused.value)


def test_people_are_shown_the_place_and_nothing_else() -> None:
    url = database_url(f"postgresql+psycopg://hotline:{PASSWORD}@db:5433/h?sslmode=verify-full", "x")
    assert url.password == PASSWORD
    assert place_of(url) == "postgresql+psycopg://hotline@db:5433/h"
    assert place_of(database_url("sqlite+aiosqlite:////srv/h.db", "x")) == "sqlite+aiosqlite:////srv/h.db"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("postgresql+psycopg://another:one@db/hotline?sslmode=require", True),
        ("postgresql+psycopg://hotline@db/ledger", False),
        ("postgresql+psycopg://hotline@db2/hotline", False),
        ("sqlite+aiosqlite:///hotline", False),
    ],
)
def test_one_database_is_known_again(other: str, same: bool) -> None:
    one = database_url("postgresql+psycopg://hotline@db/hotline", "x")
    assert same_place(one, database_url(other, "x")) is same
