"""Leading, for as long as the lease can be renewed: asked for again and again, lost at most once.

With the database down the leader stays the leader: nobody can take over meanwhile. After a pause of its own
(it was frozen) it is not sure of that until it has asked: see `sure`. It may also be cut off from a database
that a standby reaches, and cannot tell the two apart: from a term on it stores in its spool and tells nobody
anything: see `drives`. Where nobody stood by when it last asked, there is nobody who could have taken over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from storage.errors import StorageError
from storage.lease import Lease, LeaseLost, LeaseRunOut, Tenure
from storage.lease_rules import has_run_out, still_sure

log = logging.getLogger(__name__)


def own_clock() -> float:
    """Seconds that go on while this program is frozen, and while its machine is asleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leadership:
    """`tenure` was asked for at `taken_at`, by `now`. `run` renews it every `every_s` seconds."""

    def __init__(
        self,
        lease: Lease,
        tenure: Tenure,
        *,
        taken_at: float,
        every_s: float,
        now: Callable[[], float] = own_clock,
    ) -> None:
        self.tenure = tenure
        self.problem = ""
        """Why it was not renewed the last time."""
        self.lost: LeaseLost | None = None
        self.stood_by = False
        """Whether another program stood by when it was last renewed."""
        self._lease = lease
        self._every_s = every_s
        self._now = now
        self._renewed = self._heard = taken_at
        self._asked = asyncio.Condition()

    @property
    def unrenewed_s(self) -> float:
        """Seconds since it was last renewed."""
        return self._now() - self._renewed

    @property
    def cut_off(self) -> bool:
        """Whether another program may lead by now, for all that this one can tell."""
        if self.lost is not None:
            return True
        return self.stood_by and has_run_out(self._renewed, self._now(), self._lease.term)

    async def run(self) -> None:
        """Renew it until cancelled; `LeaseLost` once another leads."""
        while True:
            await self.ask()
            if self.lost is not None:
                log.critical("lease: %s", self.lost)
                raise self.lost
            await asyncio.sleep(self._every_s)

    async def ask(self) -> bool:
        """Renew it now; whether this program still leads, as far as anybody can tell."""
        began = self._now()  # an answer may have lain there for as long as we were frozen
        try:
            renewed = None if self.lost is not None else await self._lease.renew(self.tenure)
            if renewed is not None:
                self._heard = self._renewed = began
                self.stood_by, self.problem = renewed.stood_by, ""
            elif self.lost is None:
                self.lost = LeaseLost(await self._words())
        except Exception as error:  # noqa: BLE001  whatever it is, there is another try
            if not self.problem:
                log.warning("lease: not renewed, to be tried again: %s", error)
            self.problem = str(error)
            if isinstance(
                error, StorageError
            ):  # the database has been asked, and nobody else reaches it either
                self._heard = began
        async with self._asked:
            self._asked.notify_all()
        return self.lost is None

    async def sure(self) -> None:
        """Returns at once as a rule; after a pause, once it is known that nobody else leads. `LeaseLost`."""
        while self.lost is None and not still_sure(self._heard, self._now(), self._lease.term):
            async with self._asked:
                await self._asked.wait()
        if self.lost is not None:
            raise self.lost

    async def drives(self) -> None:
        """As `sure`, for what may meet another leader's doings: `LeaseRunOut` once there may be one."""
        await self.sure()
        if self.cut_off:
            raise LeaseRunOut(
                f"the lease (fence {self.tenure.fence}) has not been renewed for {self.unrenewed_s:.0f} s "
                "and another program stood by: it may lead by now; until that is known nodes are told nothing"
            )

    async def give_up(self) -> None:
        """Let whoever stands by lead at once; if that cannot be told, they lead after a term."""
        if self.lost is None:
            with suppress(StorageError):
                await self._lease.give_up(self.tenure)

    async def _words(self) -> str:
        who = "another program leads"
        with suppress(StorageError):
            row = (await self._lease.look()).row
            who = "nobody is known to lead" if row is None else f"{row.holder} leads, by fence {row.fence}"
        return (
            f"this program has lost the lease (fence {self.tenure.fence}) while it could not renew it: "
            f"{who}; it stops, leaves the telephones alone and stores nothing more"
        )
