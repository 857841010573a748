"""What `hotline check` says of the lease: who leads, since when it was renewed, and what was set aside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from core.clock import SECOND, iso
from hotline.databases import existing
from hotline.findings import Finding, Weight, good
from hotline.settings import Settings
from ledger.spool import lines_set_aside
from storage import StorageError
from storage.lease import Lease
from storage.lease_rules import Look
from storage.urls import database_url, file_of

_ABOUT = "lease"


def of_lease(settings: Settings) -> Iterator[Finding]:
    """Nothing of a lease where there can be none, or the database does not answer: others say that."""
    if file_of(database_url(settings.ledger_url, "database.ledger")) is None:
        with suppress(StorageError):
            yield _of(asyncio.run(_looked(settings)))
    if lost := lines_set_aside(settings.data_dir / "ledger.spool"):
        yield Finding(
            Weight.WARNING,
            "ledger",
            f"{lost} facts were set aside in {settings.data_dir}: another has led since they were spooled",
            'read docs/operations.md, "A standby"; keep the files `ledger.spool.superseded-*` elsewhere',
        )


async def _looked(settings: Settings) -> Look:
    async with existing(settings.ledger_url, "ledger") as facts:
        return await Lease(facts, term=round(settings.lease.term_s * SECOND)).look()


def _of(look: Look) -> Finding:
    row = look.row
    if row is None or row.given_up:
        return good(_ABOUT, "nobody leads")
    said = f"{row.holder} leads, by fence {row.fence}, renewed {iso(row.renewed)}"
    if look.expired:
        return Finding(
            Weight.WARNING, _ABOUT, f"{said}, and run out since", "start the service, or its standby"
        )
    return good(_ABOUT, said)
