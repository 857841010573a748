"""/api/directory/sheets: a section taken away as a spreadsheet, and a spreadsheet taken in as one change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web
from pydantic import Field

from core.errors import NotFound
from directory import sheet
from directory.book import DirectoryBook
from directory.changes_api import AskedIn, ChangeOut, carry_out, sight_of
from directory.errors import Refused
from directory.grid import MEDIA_TYPE, SheetRefused
from directory.remit import CLOSED
from directory.rights import CHANGE, READ
from directory.sheet import Row
from web.errors import Forbidden, NotJson
from web.route import ApiRequest, Route

_PATH, _TAG = "/api/directory/sheets/{section}", "directory"


class SheetIn(AskedIn):
    """How a sheet is taken in. Without `dry_run=false` it is only tried: a sheet is long, and soon sent."""

    dry_run: bool = Field(default=True, description="only say what would change")


class SheetsApi:
    """The handlers."""

    def __init__(self, book: DirectoryBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="GET",
                path=_PATH,
                handler=self._take_away,
                right=READ,
                scoped=True,
                produces=MEDIA_TYPE,
                summary="Staff or a list as a spreadsheet; on record",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=_PATH,
                handler=self._take_in,
                right=CHANGE,
                scoped=True,
                query=SheetIn,
                returns=ChangeOut,
                summary="Take staff or a list in from a spreadsheet, all of it or nothing; tried first",
                tag=_TAG,
            ),
        ]

    async def _take_away(self, request: ApiRequest) -> web.StreamResponse:
        section, sight = _section(request), sight_of(request.person)
        if sight is not None and section in CLOSED:
            raise Forbidden(f"{section} is about customers: it is for those who have {READ!r} for everybody")
        await self._book.exported(section, by=request.person.staff)
        present = await self._book.entries()
        shown = {entry: body for entry, body in present.entries.items() if not sight or sight.shows(*entry)}
        return web.Response(
            body=await asyncio.to_thread(sheet.written, section, shown),
            content_type=MEDIA_TYPE,
            headers={
                "Content-Disposition": f'attachment; filename="{section}.xlsx"',
                "Cache-Control": "no-store",
            },
        )

    async def _take_in(self, request: ApiRequest) -> ChangeOut:
        section, asked = _section(request), request.query
        if request.raw.content_type != MEDIA_TYPE:
            raise NotJson(f"send the sheet as {MEDIA_TYPE}")
        content = await request.raw.read()
        present = await self._book.entries()
        rows = await asyncio.to_thread(sheet.read, section, content, present.entries)
        lines = [row.line for row in rows]
        if asked.effective_on in (None, self._book.today()):
            # A row is laid over its entry as it was read: a loan made meanwhile, say, must not be lost.
            lines = [replace(line, seen=present.touched.get(line.entry, 0)) for line in lines]
        try:
            return await carry_out(self._book, lines, asked, by=request.person.staff)
        except Refused as refused:
            raise _at_cells(refused, section, rows) from refused


def _section(request: ApiRequest) -> str:
    section = request.path["section"]
    if section not in sheet.COLUMNS:
        raise NotFound(f"{section[:24]!r} cannot be had as a sheet; can: {', '.join(sheet.COLUMNS)}")
    return section


def _at_cells(refused: Refused, section: str, rows: Sequence[Row]) -> SheetRefused:
    return SheetRefused([sheet.at_its_cell(one, section, rows) for one in refused.refusals])
