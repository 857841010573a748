"""What `hotline check` says of the lease: who leads, since when it was renewed, who would take over, and what
was set aside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from core.clock import SECOND, iso
from hotline.databases import existing
from hotline.edition import edition
from hotline.findings import Finding, Weight, good
from hotline.settings import Settings
from ledger.spool import lines_set_aside
from storage import StorageError
from storage.lease import Lease, Standby
from storage.lease_rules import Look
from storage.urls import database_url, file_of

_ABOUT, _STANDBY = "lease", "standby"


def of_lease(settings: Settings) -> Iterator[Finding]:
    """Nothing of a lease where there can be none, or the database does not answer: others say that."""
    if file_of(database_url(settings.ledger_url, "database.ledger")) is None:
        with suppress(StorageError):
            look, standby = asyncio.run(_looked(settings))
            yield _of(look)
            yield of_standby(standby, edition())
    if lost := lines_set_aside(settings.data_dir / "ledger.spool"):
        yield Finding(
            Weight.WARNING,
            "ledger",
            f"{lost} facts were set aside in {settings.data_dir}: another has led since they were spooled",
            'read docs/operations.md, "A standby"; keep the files `ledger.spool.superseded-*` elsewhere',
        )


def of_standby(found: Standby | None, own: str) -> Finding:
    """`own`: the edition of this program, which the leader on this host runs."""
    if found is None:
        return good(_STANDBY, 'nobody has ever stood by (docs/operations.md, "A standby")')
    silent = f"gave its last sign of life {found.silent // SECOND} s ago"
    if not found.there:
        return Finding(
            Weight.WARNING,
            _STANDBY,
            f"{found.holder} {silent}: should the leader die now, nobody takes over",
            "start hotline-standby there, or read its log",
        )
    if found.edition != own:
        other = found.edition or "one that does not say which"
        return Finding(
            Weight.WARNING,
            _STANDBY,
            f"{found.holder} stands by with another version ({other}, here {own})",
            "`./run upgrade` there, or restart it if it runs from this release",
        )
    return good(_STANDBY, f"{found.holder} stands by with this version, {silent}")


async def _looked(settings: Settings) -> tuple[Look, Standby | None]:
    async with existing(settings.ledger_url, "ledger") as facts:
        lease = Lease(facts, term=round(settings.lease.term_s * SECOND))
        return await lease.look(), await lease.standby()


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
