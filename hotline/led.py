"""Whether another program leads: nobody changes tables, or puts a backup back, under one that does."""

from __future__ import annotations

from core.clock import SECOND
from core.errors import Conflict
from hotline.settings import Settings
from hotline.tokens import Tokens
from storage import Database
from storage.lease import Lease, has_leases


async def require_not_led(settings: Settings, *, then: str) -> None:
    """`Conflict` while a program of another data folder than these settings' leads: stop it, `then` do it.

    One of this folder's may: the caller holds the folder's lock, or has that one stopped before.
    """
    facts = Database(settings.ledger_url, name="ledger")
    if facts.is_sqlite:
        return
    await facts.open()
    try:
        if not await has_leases(facts):
            return
        look = await Lease(facts, term=round(settings.lease.term_s * SECOND)).look()
    finally:
        await facts.close()
    row = look.row
    if row is not None and not look.expired and row.token not in Tokens(settings.data_dir).read():
        raise Conflict(f"{row.holder} leads on these databases: stop it and its standbys, then {then}")
