"""What people wish: by which ways they are told, and when they are left alone (NOTIFY-01)."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock
from core.errors import BadInput
from core.names import check
from storage.notices.model import NIGHT, ChannelName, Preferences, Quiet, Way
from storage.notices.tables import notice_quiet, notice_ways
from storage.upsert import upsert

_SHAPE = {ChannelName.EMAIL: "mail", ChannelName.SMS: "mobile"}


async def preferences_of(connection: AsyncConnection, person: str) -> Preferences:
    """The wishes of one person; those of somebody who never said anything are to be left alone at night."""
    ways = await connection.execute(select(notice_ways).where(notice_ways.c.person == person))
    quiet = (await connection.execute(select(notice_quiet).where(notice_quiet.c.person == person))).first()
    return Preferences(
        ways={ChannelName(row.channel): Way(row.address, row.wanted) for row in ways},
        quiet=NIGHT
        if quiet is None
        else Quiet(since=quiet.since, until=quiet.until, working_days_only=quiet.working_days_only),
    )


async def set_way(
    connection: AsyncConnection, person: str, channel: ChannelName, way: Way | None, *, clock: Clock
) -> None:
    """An address and whether it is to be used; None forgets it. `BadInput` for what is no address."""
    if way is None:
        mine = (notice_ways.c.person == person) & (notice_ways.c.channel == channel)
        await connection.execute(delete(notice_ways).where(mine))
        return
    if channel not in _SHAPE:
        raise BadInput("channel", f"{channel} needs no address: choose from {', '.join(_SHAPE)}")
    check(_SHAPE[channel], way.address, "address")
    row = {"person": person, "channel": channel, "address": way.address, "wanted": way.on}
    await upsert(connection, notice_ways, [row | {"changed_at": clock()}])


async def set_quiet(connection: AsyncConnection, person: str, quiet: Quiet, *, clock: Clock) -> None:
    """When the person is left alone; `BadInput` for what is no minute of the day."""
    for name, minute in (("since", quiet.since), ("until", quiet.until)):
        if not 0 <= minute < 24 * 60:
            raise BadInput(name, f"{minute} is no minute of the day: 0 to 1439")
    row = {
        "person": person,
        "since": quiet.since,
        "until": quiet.until,
        "working_days_only": quiet.working_days_only,
        "changed_at": clock(),
    }
    await upsert(connection, notice_quiet, [row])
