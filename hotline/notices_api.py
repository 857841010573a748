"""/api/notices: what one has been told, and how one wants to be told. Everybody reaches their own only."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from core.clock import Clock, moment
from storage import Database
from storage.notices.model import ChannelName, Preferences, Quiet, Sending, Way
from storage.notices.outbox import Notices
from storage.notices.preferences import preferences_of, set_quiet, set_way
from web.route import ApiRequest, In, Out, Route

_OWN = ""
"""Anyone signed in; nothing here reaches another person's."""
_TIME = r"([01]\d|2[0-3]):[0-5]\d"


class NoticesQuery(In):
    """`before`: `more` of the page before."""

    before: int | None = Field(default=None, ge=1)
    limit: int = Field(default=50, ge=1, le=200)


class NoticeOut(Out):
    """One notice. `cause`: what it is about, `ticket:GD20261122-000001`."""

    id: int
    subject: str
    text: str
    cause: str
    urgent: bool
    at: datetime
    read_at: datetime | None


class NoticesOut(Out):
    """Newest first; `unread`: of all of them. `more` is None at the end."""

    unread: int
    notices: list[NoticeOut]
    more: int | None


class ReadIn(In):
    """The notices that have been read."""

    ids: list[int] = Field(min_length=1, max_length=200)


class ReadOut(Out):
    """`read`: how many of them were one's own and new; `unread`: how many are left."""

    read: int
    unread: int


class WayIn(In):
    """An address, and whether it is to be used."""

    address: str = Field(max_length=254)
    on: bool = True


class QuietIn(In):
    """When one is left alone: from and to a time of the day, over midnight if the second is earlier."""

    since: str = Field(pattern=_TIME, examples=["21:00"])
    until: str = Field(pattern=_TIME, examples=["08:00"])
    working_days_only: bool = False


class PreferencesIn(In):
    """All of it; a way that is left out is forgotten."""

    email: WayIn | None = None
    sms: WayIn | None = None
    quiet: QuietIn


class WayOut(Out):
    """As `WayIn`."""

    address: str
    on: bool


class QuietOut(Out):
    """As `QuietIn`."""

    since: str
    until: str
    working_days_only: bool


class PreferencesOut(Out):
    """The list on one's page cannot be switched off and is not among the ways."""

    email: WayOut | None
    sms: WayOut | None
    quiet: QuietOut


class NoticesApi:
    """The handlers. `database`: the main one."""

    def __init__(self, notices: Notices, database: Database, clock: Clock) -> None:
        self._notices = notices
        self._database = database
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes of this module."""
        path, tag = "/api/notices", "notices"
        return [
            Route(
                method="GET",
                path=path,
                handler=self._list,
                right=_OWN,
                query=NoticesQuery,
                returns=NoticesOut,
                summary="What one has been told, newest first",
                tag=tag,
            ),
            Route(
                method="POST",
                path=f"{path}/read",
                handler=self._read,
                right=_OWN,
                body=ReadIn,
                returns=ReadOut,
                summary="Mark one's own notices as read",
                tag=tag,
            ),
            Route(
                method="GET",
                path=f"{path}/preferences",
                handler=self._wishes,
                right=_OWN,
                returns=PreferencesOut,
                summary="By which ways one is told, and when one is left alone",
                tag=tag,
            ),
            Route(
                method="PUT",
                path=f"{path}/preferences",
                handler=self._wish,
                right=_OWN,
                body=PreferencesIn,
                returns=PreferencesOut,
                summary="Change that",
                tag=tag,
            ),
        ]

    async def _list(self, request: ApiRequest) -> NoticesOut:
        query: NoticesQuery = request.query
        person = request.person.staff
        async with self._database.read() as connection:
            unread = await self._notices.unread(connection, person)
            found = await self._notices.page(connection, person, before=query.before, limit=query.limit + 1)
        shown = found[: query.limit]
        more = shown[-1].id if len(found) > query.limit else None
        return NoticesOut(unread=unread, notices=[_notice_out(one) for one in shown], more=more)

    async def _read(self, request: ApiRequest) -> ReadOut:
        body: ReadIn = request.body
        person = request.person.staff
        async with self._database.write() as connection:
            read = await self._notices.mark_read(connection, person, body.ids)
            unread = await self._notices.unread(connection, person)
        return ReadOut(read=read, unread=unread)

    async def _wishes(self, request: ApiRequest) -> PreferencesOut:
        async with self._database.read() as connection:
            return _preferences_out(await preferences_of(connection, request.person.staff))

    async def _wish(self, request: ApiRequest) -> PreferencesOut:
        body: PreferencesIn = request.body
        person = request.person.staff
        quiet = Quiet(
            since=_minute(body.quiet.since),
            until=_minute(body.quiet.until),
            working_days_only=body.quiet.working_days_only,
        )
        async with self._database.write() as connection:
            for channel, given in ((ChannelName.EMAIL, body.email), (ChannelName.SMS, body.sms)):
                way = Way(given.address, given.on) if given is not None else None
                await set_way(connection, person, channel, way, clock=self._clock)
            await set_quiet(connection, person, quiet, clock=self._clock)
            return _preferences_out(await preferences_of(connection, person))


def _notice_out(sending: Sending) -> NoticeOut:
    notice = sending.notice
    return NoticeOut(
        id=sending.id,
        subject=notice.subject,
        text=notice.text,
        cause=notice.cause,
        urgent=notice.urgent,
        at=moment(sending.created_at),
        read_at=moment(sending.read_at) if sending.read_at is not None else None,
    )


def _preferences_out(wishes: Preferences) -> PreferencesOut:
    ways = {name: WayOut(address=way.address, on=way.on) for name, way in wishes.ways.items()}
    return PreferencesOut(
        email=ways.get(ChannelName.EMAIL),
        sms=ways.get(ChannelName.SMS),
        quiet=QuietOut(
            since=_time(wishes.quiet.since),
            until=_time(wishes.quiet.until),
            working_days_only=wishes.quiet.working_days_only,
        ),
    )


def _minute(time: str) -> int:
    hours, _, minutes = time.partition(":")
    return int(hours) * 60 + int(minutes)


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
