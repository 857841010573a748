"""Mails that come back: read from a Maildir, matched to the notice they are about, and written down.

Only a mail with a token of ours is believed (`returning`). What is written down is committed before the mail
is moved: a process killed between the two finds the mail again, and the notice settled.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import select

from core.clock import Clock
from core.masking import mask_mail, mask_text
from storage.database import Database
from storage.notices.bounce import Bounce, Fate, NotReadable, read_bounce
from storage.notices.maildir import ASIDE, HANDLED, Maildir, Unfit
from storage.notices.model import Notice
from storage.notices.outbox import Notices
from storage.notices.returning import Returns
from storage.notices.tables import notice_ways, notices
from storage.notices.undeliverable import block

LARGEST = 256 * 1024
"""Bytes. Our own mails are a few kB, so is what comes back of them."""
MOST_AT_A_LOOK = 200
KEEP_HANDLED_S = 30 * 24 * 60 * 60.0
_LOOK_S = 30.0
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")
_SAME_WAY = (notice_ways.c.person == notices.c.person) & (notice_ways.c.channel == notices.c.channel)
_log = structlog.get_logger("storage.notices")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to: how many mails were about notices of ours, and how many were set aside."""

    handled: int = 0
    aside: int = 0


class BounceReader:
    """`run` is the task. `problem`: why nothing is read, "" if all is well."""

    def __init__(
        self, *, database: Database, notices: Notices, maildir: Maildir, returns: Returns, clock: Clock
    ) -> None:
        self.problem = ""
        self._database, self._notices, self._maildir = database, notices, maildir
        self._returns, self._clock = returns, clock

    async def run(self) -> None:
        """Look every half a minute, until cancelled."""
        while True:
            try:
                while (await self.look()) != Looked():
                    pass
                await asyncio.to_thread(self._maildir.sweep, KEEP_HANDLED_S)
                self.problem = ""
            except Exception as error:  # noqa: BLE001  nothing may end this task: not a folder, not a database
                self.problem = f"mails that come back are not read: {error}"
                _log.warning("bounces_not_read", why=str(error), next_try_s=_LOOK_S)
            await asyncio.sleep(_LOOK_S)

    async def look(self) -> Looked:
        """Deal with what has come back. OSError if the folder is away, `DatabaseDown` if that is."""
        handled = aside = 0
        for file in await asyncio.to_thread(self._maildir.waiting, MOST_AT_A_LOOK):
            try:
                bounce, about = await asyncio.to_thread(self._understood, file)
            except FileNotFoundError:  # a mail program has moved it
                continue
            except (NotReadable, Unfit, OSError) as why:
                await asyncio.to_thread(self._maildir.put, file, ASIDE)
                _log.warning("bounce_set_aside", mail=file.name, why=str(why))
                aside += 1
                continue
            await self._written_down(bounce, about)
            await asyncio.to_thread(self._maildir.put, file, HANDLED)
            handled += 1
        return Looked(handled, aside)

    def _understood(self, file: Path) -> tuple[Bounce, str]:
        """What it says, and of which notice."""
        bounce = read_bounce(self._maildir.read(file))
        numbers = self._returns.numbers_in(bounce.named)
        if len(numbers) != 1:
            raise NotReadable(f"it is about no one mail of ours: {len(numbers)} marks that we signed")
        return bounce, numbers[0]

    async def _written_down(self, bounce: Bounce, provider_id: str) -> None:
        if bounce.fate is Fate.OTHER:
            return
        async with self._database.write() as connection:
            query = (
                select(notices.c.id, notices.c.person, notice_ways.c.address)
                .join_from(notices, notice_ways, isouter=True, onclause=_SAME_WAY)
                .where(notices.c.provider_id == provider_id)
            )
            row = (await connection.execute(query)).first()
            person, address = ("", "") if row is None else (row.person, row.address or "")
            detail = _detail(bounce)
            permanent = bounce.fate is Fate.RETURNED
            came_of_it = await self._notices.returned(
                connection, provider_id, permanent=permanent, detail=detail
            )
            # Forwarded mail comes back with an address we never wrote to: that says nothing of ours.
            blocked = permanent and address.lower() in bounce.gone
            if blocked and await block(connection, address, detail, clock=self._clock):
                told = _told(person, address, provider_id)
                await self._notices.put(connection, told, [])
        _log.warning(
            "notice_returned",
            notice=None if row is None else row.id,
            fate=bounce.fate,
            status=bounce.status,
            came_of_it=came_of_it,
            address_blocked=blocked,
        )


def _told(person: str, address: str, provider_id: str) -> Notice:
    """For the page of whoever gets no mail any more."""
    return Notice(
        person=person,
        subject="您的邮箱收不到系统邮件",
        text=f"发往 {mask_mail(address)} 的邮件被退回,系统已停止向该地址发送。"
        "请登记其他邮箱,或联系系统管理员核对后恢复。",
        key=f"undeliverable:{provider_id}",
        cause="notices:email",
    )


def _detail(bounce: Bounce) -> str:
    """The far end's words without addresses in them."""
    words = _ADDRESS.sub("…", bounce.words)
    return mask_text(" ".join(part for part in (bounce.status, words) if part))
