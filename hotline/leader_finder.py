"""Where a web process finds the leader: as the lease says, or as the setting does where that says nothing."""

from __future__ import annotations

import asyncio

import structlog

from core.clock import SECOND
from hotline.settings import Settings
from hotline.settings_section import origin
from storage import Database, StorageError
from storage.lease import Lease
from web.forward import Forward

_log = structlog.get_logger("hotline.web")
_ANSWER_MS = 2_000


class LeaderFinder:
    """Looks at the lease as often as it is renewed; while it cannot, the last leader known stays."""

    def __init__(self, settings: Settings, forward: Forward) -> None:
        self._settings = settings
        self._forward = forward
        self._facts = Database(settings.ledger_url, name="ledger", answer_timeout_ms=_ANSWER_MS)
        self._lease = Lease(self._facts, term=round(settings.lease.term_s * SECOND))

    async def run(self) -> None:
        """Until cancelled. Without a ledger on a server there is no lease, and nothing to look at."""
        if self._facts.is_sqlite:
            await asyncio.Event().wait()
        told = False
        try:
            while True:
                try:
                    await self._facts.open()
                    await self.look()
                    told = False
                except StorageError as error:
                    if not told:
                        _log.warning("the lease cannot be looked at", problem=str(error))
                    told = True
                await asyncio.sleep(self._settings.lease.renew_s)
        finally:
            await self._facts.close()

    async def look(self) -> None:
        """Lead to where the lease says."""
        row = (await self._lease.look()).row
        if row is None or not row.address:
            return
        try:
            self._forward.lead_to(origin(row.address))
        except ValueError as error:
            _log.warning("the leader has no address", holder=row.holder, problem=str(error))
