"""/api/reports: figures over time, per queue or per agent, as JSON and as a spreadsheet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from aiohttp import web

from board.report_schemas import RIGHT, By, IntervalsOut, IntervalsQuery, SheetQuery
from board.report_service import MOST_ROWS, MOST_SHEET_ROWS, Basis, Reports
from board.report_sheet import About, sheet_of
from board.reports import AgentReport, Asked, QueueReport
from board.roster import names_of
from core.clock import Clock, moment
from directory.lookup import Directory
from web.route import ApiRequest, Principal, Route

SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ReportsApi:
    """The handlers. `zone`: the bank's, in which a day begins and a sheet's times are."""

    def __init__(
        self, reports: Reports, *, directory: Callable[[], Directory], clock: Clock, zone: ZoneInfo
    ) -> None:
        self._reports, self._directory, self._clock, self._zone = reports, directory, clock, zone

    def routes(self) -> list[Route]:
        """The routes of this module."""
        path = "/api/reports/intervals"
        return [
            Route(
                method="GET",
                path=path,
                handler=self._show,
                right=RIGHT,
                scoped=True,
                query=IntervalsQuery,
                returns=IntervalsOut,
                summary="Figures by interval, per queue or, as far as reports.read reaches, per agent",
                tag="reports",
            ),
            Route(
                method="GET",
                path=f"{path}.xlsx",
                handler=self._sheet,
                right=RIGHT,
                scoped=True,
                query=SheetQuery,
                produces=SHEET,
                summary="The same as a spreadsheet",
                tag="reports",
            ),
        ]

    async def _show(self, request: ApiRequest) -> IntervalsOut:
        query: IntervalsQuery = request.query
        asked = reached(query, request.person, query.asked(self._zone))
        report, basis = await self._report(query, asked, MOST_ROWS)
        return IntervalsOut(
            by=query.by,
            step=query.step,
            since=moment(asked.since, self._zone),
            until=moment(asked.until, self._zone),
            zone=self._zone.key,
            counted=basis.counted,
            gaps=list(basis.gaps),
            queues=report if isinstance(report, QueueReport) else None,
            agents=report if isinstance(report, AgentReport) else None,
        )

    async def _sheet(self, request: ApiRequest) -> web.StreamResponse:
        query: SheetQuery = request.query
        asked = reached(query, request.person, query.asked(self._zone))
        report, basis = await self._report(query, asked, MOST_SHEET_ROWS)
        about = About(
            since=asked.since,
            until=asked.until,
            made_at=self._clock(),
            counted=basis.counted,
            gaps=basis.gaps,
            names=names_of(self._directory(), query.language),
            zone=self._zone,
            language=query.language,
        )
        name = f"{query.by}-{moment(asked.since, self._zone):%Y%m%d}-{query.step}.xlsx"
        return web.Response(
            body=await asyncio.to_thread(sheet_of, report, about),
            content_type=SHEET,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )

    async def _report(
        self, query: IntervalsQuery, asked: Asked, most: int
    ) -> tuple[QueueReport | AgentReport, Basis]:
        if query.by is By.AGENT:
            return await self._reports.of_agents(asked, most)
        return await self._reports.of_queues(asked, most)


def reached(query: IntervalsQuery, person: Principal, asked: Asked) -> Asked:
    """The agents that the right reaches; `Forbidden` if another is named. Queues are nobody's own."""
    if query.by is By.AGENT:
        for name in sorted(asked.names):
            person.require_of(RIGHT, name)
    return query.within(person.reach(RIGHT), asked)
