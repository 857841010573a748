"""Where the service of a measurement keeps what it writes: its own files, or servers of the bench's own.

A server belongs to one measurement, as Asterisk does: it runs on our core, beside the service, and its
processor time counts with the service's. With PostgreSQL goes a Redis, which carries the live feed to web
processes: a service that has one publishes all that its screens show, whether anybody listens or not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hotline.settings import DatabaseSettings
from tests.support.postgres import cluster
from tests.support.redis import redis_server

_AS_IN_SERVICE = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "wal_level": "replica",
}
"""PostgreSQL's own defaults, where a test's server differs: what is stored has to be on the disk."""


class Kind(StrEnum):
    """What it stores in."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class Stores:
    """`settings`: for the service; empty URLs are files. `redis`: its URL, empty without one. `processes`:
    ids of the servers' processes now."""

    settings: DatabaseSettings = field(default_factory=DatabaseSettings)
    redis: str = ""
    processes: Callable[[], Sequence[int]] = tuple


@contextmanager
def stores(kind: Kind) -> Iterator[Stores]:
    """Empty databases, and a Redis beside a server; the servers end with the block."""
    if kind is Kind.SQLITE:
        yield Stores()
        return
    with cluster(Path(tempfile.gettempdir()), _AS_IN_SERVICE) as server, redis_server() as feed:
        main, ledger = (server.url(server.create(name)) for name in ("main", "ledger"))
        settings = DatabaseSettings(main=main, ledger=ledger)
        yield Stores(settings, feed.url, lambda: [*server.processes, feed.pid])
