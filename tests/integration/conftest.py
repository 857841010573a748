"""The databases of this program's tests: each test that asks for them runs on every kind we support."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres, redis
from tests.support.databases import Databases, Files, ServerDatabases, Templates
from tests.support.postgres import Cluster
from tests.support.redis import RedisServer

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """A PostgreSQL for this run of the tests, gone at its end."""
    with postgres.cluster() as running:
        yield running


@pytest.fixture(scope="session")
def templates(server: Cluster) -> Templates:
    """Migrated databases to copy."""
    return Templates(server)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis for this run of the tests, gone at its end."""
    with redis.redis_server() as running:
        yield running


@pytest.fixture
def server_databases(server: Cluster, templates: Templates) -> Iterator[ServerDatabases]:
    """Databases on PostgreSQL, for what only a server can do."""
    made = ServerDatabases(server, templates)
    yield made
    made.close()


@pytest.fixture(params=KINDS)
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """This test's databases, once as files and once on a server."""
    if request.param == "sqlite":
        return Files(tmp_path)
    found: ServerDatabases = request.getfixturevalue("server_databases")
    return found
