"""/api/bulletins (公告): what holds now, for everybody; written, approved and withdrawn by right (KB-10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from core.clock import instant, moment
from core.errors import NotFound
from ticketing.bulletins import Bulletin, Bulletins, Reader
from web.route import ApiRequest, In, Out, Route

WRITE, APPROVE = "bulletins.write", "bulletins.approve"
_TAG = "bulletins"


class BulletinIn(In):
    """Shown from `valid_from` until before `valid_until`, once another has approved it."""

    title: str = Field(min_length=1, max_length=60)
    text: str = Field(min_length=1, max_length=2_000)
    valid_from: AwareDatetime
    valid_until: AwareDatetime


class BulletinOut(Out):
    """`approved_by`, `withdrawn_by`: empty as long as nobody has."""

    id: int
    title: str
    text: str
    author: str
    written_at: datetime
    valid_from: datetime
    valid_until: datetime
    approved_by: str
    withdrawn_by: str


class ShownOut(BulletinOut):
    """With when one has read it."""

    read_at: datetime | None


class ShownListOut(Out):
    """Those that hold now, newest first."""

    bulletins: list[ShownOut]


class BulletinsOut(Out):
    """The newest, whatever became of them."""

    bulletins: list[BulletinOut]


class ReaderOut(Out):
    """Somebody it was announced to."""

    staff: str
    read_at: datetime | None


class ReadersOut(Out):
    """By number."""

    readers: list[ReaderOut]


class BulletinsApi:
    """The handlers."""

    def __init__(self, bulletins: Bulletins) -> None:
        self._bulletins = bulletins

    def routes(self) -> list[Route]:
        """The routes of this module."""
        path, one = "/api/bulletins", "/api/bulletins/{id}"
        return [
            Route(
                method="GET",
                path=path,
                handler=self._valid,
                right="",
                returns=ShownListOut,
                summary="The announcements that hold now",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=f"{one}/read",
                handler=self._read,
                right="",
                summary="I have read it",
                tag=_TAG,
                status=204,
            ),
            Route(
                method="GET",
                path=f"{path}/all",
                handler=self._all,
                right=WRITE,
                returns=BulletinsOut,
                summary="All announcements, those that wait for approval, too",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path=f"{one}/readers",
                handler=self._readers,
                right=WRITE,
                returns=ReadersOut,
                summary="Who has read an announcement, and who has not",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=path,
                handler=self._write,
                right=WRITE,
                body=BulletinIn,
                returns=BulletinOut,
                summary="Write an announcement; shown once another has approved it",
                tag=_TAG,
                status=201,
            ),
            Route(
                method="POST",
                path=f"{one}/approve",
                handler=self._approve,
                right=APPROVE,
                returns=BulletinOut,
                summary="Approve another's announcement",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=f"{one}/withdraw",
                handler=self._withdraw,
                right=APPROVE,
                returns=BulletinOut,
                summary="Take an announcement back",
                tag=_TAG,
            ),
        ]

    async def _valid(self, request: ApiRequest) -> ShownListOut:
        found = await self._bulletins.valid(request.person.staff)
        return ShownListOut(bulletins=[_shown(one, reader) for one, reader in found])

    async def _read(self, request: ApiRequest) -> None:
        await self._bulletins.read(request.person.staff, _id(request))

    async def _all(self, _request: ApiRequest) -> BulletinsOut:
        return BulletinsOut(bulletins=[BulletinOut(**_fields(one)) for one in await self._bulletins.all()])

    async def _readers(self, request: ApiRequest) -> ReadersOut:
        found = await self._bulletins.readers(_id(request))
        return ReadersOut(readers=[ReaderOut(staff=one.staff, read_at=_at(one.read_at)) for one in found])

    async def _write(self, request: ApiRequest) -> BulletinOut:
        body: BulletinIn = request.body
        written = await self._bulletins.write(
            request.person.staff,
            body.title,
            body.text,
            valid_from=instant(body.valid_from),
            valid_until=instant(body.valid_until),
        )
        return BulletinOut(**_fields(written))

    async def _approve(self, request: ApiRequest) -> BulletinOut:
        return BulletinOut(**_fields(await self._bulletins.approve(request.person.staff, _id(request))))

    async def _withdraw(self, request: ApiRequest) -> BulletinOut:
        return BulletinOut(**_fields(await self._bulletins.withdraw(request.person.staff, _id(request))))


def _id(request: ApiRequest) -> int:
    text = request.path["id"]
    if not text.isdecimal() or len(text) > 15:
        raise NotFound(f"there is no bulletin {text[:20]!r}")
    return int(text)


def _fields(one: Bulletin) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "text": one.text,
        "author": one.author,
        "written_at": moment(one.written_at),
        "valid_from": moment(one.valid_from),
        "valid_until": moment(one.valid_until),
        "approved_by": one.approved_by,
        "withdrawn_by": one.withdrawn_by,
    }


def _shown(one: Bulletin, reader: Reader) -> ShownOut:
    return ShownOut(**_fields(one), read_at=_at(reader.read_at))


def _at(value: int | None) -> datetime | None:
    return None if value is None else moment(value)
