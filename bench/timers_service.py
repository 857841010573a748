"""The service of `bench timers`: `hotline serve`, whole, with one more kind of timer whose effect is counted.

Run as a program; its settings are those of the environment.
"""

from __future__ import annotations

import sys

import uvloop
from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import HotlineError
from hotline import configuration, logs
from hotline.serve import assembled, until_told
from hotline.settings import Settings
from storage.notices.model import ChannelName, Notice
from storage.notices.outbox import Notices
from storage.timers import Handler, Timer

KIND = "bench.effect"
effects = Table(
    "bench_effects",
    MetaData(),
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("timer", String(40), nullable=False),
    sqlite_autoincrement=True,
)
"""One row each time a timer is fired; nothing keeps a timer from having two, so that doubles can be seen."""


def effect(notices: Notices) -> Handler:
    """Its handler: a row and, where the timer says whom to tell, a notice."""

    async def fire(connection: AsyncConnection, timer: Timer) -> None:
        await connection.execute(insert(effects), {"timer": timer.name})
        if person := timer.payload.get("person"):
            notice = Notice(
                person=person,
                subject="到期提醒",
                text=f"事项 {timer.name} 已到期,请处理。",
                key=timer.name,
                cause=timer.owner,
                urgent=timer.payload["urgent"],
            )
            await notices.put(connection, notice, [ChannelName.SMS])

    return fire


async def _serve(settings: Settings) -> None:
    hotline = await assembled(settings)
    hotline.due.timers.register(KIND, effect(hotline.due.notices))
    await until_told(hotline)


def main() -> int:
    """As `hotline serve`."""
    try:
        settings = configuration.load()
        logs.configure(settings.log)
        uvloop.run(_serve(settings))
    except HotlineError as problem:
        print(f"bench timers: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
