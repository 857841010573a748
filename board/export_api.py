"""/api/reports/exports: a long report ordered as a sheet, looked after, and fetched by whoever ordered it."""

from __future__ import annotations

import re
from datetime import datetime

from aiohttp import web

from board.exports import Exports
from board.report_api import SHEET, reached
from board.report_schemas import RIGHT, SheetQuery
from core.clock import moment
from core.errors import NotFound
from storage.jobs.model import Job, JobState
from web.route import ApiRequest, Out, Route

_PATH, _TAG = "/api/reports/exports", "reports"
_OWN = "how one's own order stands, nothing of what is in it"
_NUMBER = re.compile(r"[1-9]\d{0,17}")


class ExportOut(Out):
    """How an order stands: `waiting`, `running`, `done` (fetch it before `kept_until`), `dead` (`why`) or
    `cancelled`. `steps_done` of `steps`, and `doing` in words, while it is made.
    """

    number: int
    state: JobState
    steps_done: int
    steps: int
    doing: str
    why: str
    ordered_at: datetime
    ended_at: datetime | None
    kept_until: datetime | None


class ExportsApi:
    """The handlers."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    def routes(self) -> list[Route]:
        """The routes of this module."""
        one = f"{_PATH}/{{number}}"
        return [
            Route(
                method="POST",
                path=_PATH,
                handler=self._order,
                right=RIGHT,
                scoped=True,
                body=SheetQuery,
                returns=ExportOut,
                status=202,
                summary="Order a report that is too long for one answer",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path=one,
                handler=self._show,
                right=RIGHT,
                unscoped=_OWN,
                returns=ExportOut,
                summary="How one's own order stands",
                tag=_TAG,
            ),
            Route(
                method="DELETE",
                path=one,
                handler=self._cancel,
                right=RIGHT,
                unscoped=_OWN,
                summary="Cancel one's own order while it waits",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path=f"{one}/file",
                handler=self._fetch,
                right=RIGHT,
                unscoped="one's own order, compared with what the right reaches by now",
                produces=SHEET,
                summary="The sheet, once it is ready; on record",
                tag=_TAG,
            ),
        ]

    async def _order(self, request: ApiRequest) -> ExportOut:
        query: SheetQuery = request.body
        reached(query, request.person, self._exports.asked(query))
        number = await self._exports.order(query, by=request.person.staff)
        return self._out(await self._exports.of(number, by=request.person.staff))

    async def _show(self, request: ApiRequest) -> ExportOut:
        return self._out(await self._exports.of(_number(request), by=request.person.staff))

    async def _cancel(self, request: ApiRequest) -> None:
        await self._exports.cancel(_number(request), by=request.person.staff)

    async def _fetch(self, request: ApiRequest) -> web.StreamResponse:
        file, name = await self._exports.fetched(_number(request), by=request.person.staff)
        headers = {
            "Content-Type": SHEET,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return web.FileResponse(file, headers=headers)

    def _out(self, job: Job) -> ExportOut:
        until = self._exports.kept_until(job)
        return ExportOut(
            number=job.number,
            state=job.state,
            steps_done=job.done,
            steps=job.total,
            doing=job.doing if job.state is JobState.RUNNING else "",
            why=job.error,
            ordered_at=moment(job.put_at),
            ended_at=None if job.ended_at is None else moment(job.ended_at),
            kept_until=None if until is None else moment(until),
        )


def _number(request: ApiRequest) -> int:
    given = request.path["number"]
    if not _NUMBER.fullmatch(given):
        raise NotFound(f"{given[:24]!r} is no number of an order")
    return int(given)
