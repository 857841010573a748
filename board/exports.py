"""Reports too long for one answer: ordered, made aside as a job, kept for a time, fetched by who ordered.

    number = await exports.order(query, by="8001")     # of the job
    export = await exports.of(number, by="8001")       # how far it is; `NotFound` for anybody else
    file = await exports.fetched(number, by="8001")    # on record before a byte of it leaves

A sheet lies in `folder` under its job's number; beside one of agents a list of those whom it may hold, which
the right still has to reach at fetching. When it is ready, the job that removes it is put with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from board.export_sheet import Order, make_sheet
from board.report_schemas import RIGHT, By, SheetQuery
from board.report_service import Reports
from board.reports import Asked
from board.roster import names_of
from core.clock import DAY, SECOND, Clock, Duration, Instant, moment
from core.errors import Conflict, NotFound
from core.names import StaffId
from directory.lookup import Directory
from storage import Database
from storage.audit import Access, record_access
from storage.jobs.model import Hopeless, Job, JobState
from storage.jobs.queue import Jobs
from storage.jobs.work import Work

MAKE, REMOVE = "reports.export", "reports.remove"
MOST_EXPORT_ROWS = 60_000
"""Two years of days of 80 agents, a quarter of hours of 25 queues."""
MOST_OPEN = 3
"""Of one person: whoever needs more at a time asks for a longer step."""
_PURPOSE = "reports"
_json = msgspec.json.encode


class Exports:
    """`keep`: how long a sheet that is ready can be fetched."""

    def __init__(
        self,
        *,
        database: Database,
        jobs: Jobs,
        reports: Reports,
        directory: Callable[[], Directory],
        folder: Path,
        clock: Clock,
        zone: ZoneInfo,
        keep: Duration,
    ) -> None:
        self._database, self._jobs, self._reports, self._directory = database, jobs, reports, directory
        self._folder, self._clock, self._zone, self._keep = folder, clock, zone, keep
        jobs.register(MAKE, self._make)
        jobs.register(REMOVE, self._remove)

    def asked(self, query: SheetQuery) -> Asked:
        """What the report is about. `BadInput` for what cannot be one."""
        return query.asked(self._zone)

    async def order(self, query: SheetQuery, *, by: str) -> int:
        """Have a sheet made; its number. The same order again, while the first is under way, has its number.
        `BadInput` for what cannot be a report, `Conflict` if too many of theirs are under way.
        """
        self.asked(query)
        asked = query.model_dump(mode="json", by_alias=True)
        digest = hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()
        key = f"{by}:{digest}"
        async with self._database.write() as connection:
            under_way = await self._jobs.listed(
                connection, states=(JobState.WAITING, JobState.RUNNING), kind=MAKE
            )
            theirs = {job.key for job in under_way if job.payload["by"] == by}
            if key not in theirs and len(theirs) >= MOST_OPEN:
                raise Conflict(f"{MOST_OPEN} of your reports are under way: wait for one, or cancel it")
            return await self._jobs.put(connection, MAKE, key, {"by": by, "query": asked})

    async def of(self, number: int, *, by: str) -> Job:
        """The order, as it stands. `NotFound` if there is none, or it is another's."""
        async with self._database.read() as connection:
            job = await self._jobs.find(connection, number)
        if job is None or job.kind != MAKE or job.payload["by"] != by:
            raise NotFound(f"you have ordered no report of the number {number}")
        return job

    async def cancel(self, number: int, *, by: str) -> None:
        """Let it not be made. `Conflict` if it is being made, or is."""
        await self.of(number, by=by)
        async with self._database.write() as connection:
            if not await self._jobs.cancel(connection, number):
                raise Conflict(f"report {number} does not wait any more: look how it stands")

    async def fetched(self, number: int, *, by: str) -> tuple[Path, str]:
        """The file of one that is ready, and what it is called; that it is taken away is then on record.

        `Conflict` if it is not ready, or holds agents whom the right of `by` does not reach any more;
        `NotFound` if it has been removed since.
        """
        job = await self.of(number, by=by)
        if job.state is not JobState.DONE:
            raise Conflict(f"report {number} is not ready: it is {job.state}")
        file = self._folder / job.result
        if not await asyncio.to_thread(file.is_file):
            raise NotFound(f"report {number} is kept no longer: order it anew")
        query = SheetQuery.model_validate(job.payload["query"])
        if not await asyncio.to_thread(self._still_reached, file, query, by):
            raise Conflict(
                f"report {number} has agents whom your right {RIGHT!r} does not reach any more: order it anew"
            )
        async with self._database.write() as connection:
            access = Access(
                at=self._clock(), staff=by, action="export", subject=f"report:{number}", purpose=_PURPOSE
            )
            await record_access(connection, access)
        since = moment(query.asked(self._zone).since, self._zone)
        return file, f"{query.by}-{since:%Y%m%d}-{query.step}.xlsx"

    def kept_until(self, job: Job) -> Instant | None:
        """Until when the sheet of one that is ready can be fetched."""
        return None if job.state is not JobState.DONE or job.ended_at is None else job.ended_at + self._keep

    # ------------------------------------------------------------------ the jobs

    async def _make(self, work: Work) -> None:
        job = work.job
        query = SheetQuery.model_validate(job.payload["query"])
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        aside = self._folder / f"{job.number}-{job.turn}.part"
        order = Order(
            url=self._database.url.render_as_string(hide_password=False),
            by=query.by,
            asked=self._reached(query, str(job.payload["by"])),
            most=MOST_EXPORT_ROWS,
            counted=await self._reports.bring_up(),
            names=dict(names_of(self._directory(), query.language)),
            zone=self._zone.key,
            language=query.language,
            made_at=self._clock(),
            file=aside,
        )
        file = self._folder / f"{job.number}.xlsx"
        try:
            await work.apart(make_sheet, order)
            if query.by is By.AGENT:
                await asyncio.to_thread(_agents_of(file).write_bytes, _json(sorted(order.asked.names)))
            async with work.finish(file.name) as connection:
                # Within the unit of work that says it is ours: a turn that is past puts nothing in place.
                await asyncio.to_thread(aside.rename, file)
                at = self._clock() + self._keep
                await self._jobs.put(connection, REMOVE, str(job.number), {"file": file.name}, at=at)
        finally:
            await asyncio.to_thread(aside.unlink, missing_ok=True)

    def _reached(self, query: SheetQuery, by: str) -> Asked:
        """The agents whom the right of whoever ordered reaches by now: the order may have waited."""
        directory, asked = self._directory(), query.asked(self._zone)
        person = directory.staff.get(StaffId(by))
        scope = directory.rights(by).get(RIGHT) if person is not None and person.active else None
        if scope is None:
            raise Hopeless(f"{by} may not see reports any more")
        reached = query.within(directory.within(by, scope), asked)
        if asked.names and not reached.names:
            raise Hopeless(f"the right {RIGHT!r} of {by} reaches none of these agents any more")
        return reached

    def _still_reached(self, file: Path, query: SheetQuery, by: str) -> bool:
        """Whether the right of `by` reaches all agents of a sheet, as of now."""
        directory = self._directory()
        scope = directory.rights(by).get(RIGHT) if StaffId(by) in directory.staff else None
        if scope is None or query.by is By.QUEUE:
            return scope is not None
        reach = directory.within(by, scope)
        if reach.staff is None:
            return True
        noted = _agents_of(file)
        agents: list[str] = msgspec.json.decode(noted.read_bytes()) if noted.exists() else []
        return bool(agents) and reach.staff.issuperset(agents)

    async def _remove(self, work: Work) -> None:
        """The sheet, and what killed processes have left of others."""
        await asyncio.to_thread(self._sweep, str(work.job.payload["file"]), self._clock())

    def _sweep(self, name: str, now: Instant) -> None:
        (self._folder / name).unlink(missing_ok=True)
        _agents_of(self._folder / name).unlink(missing_ok=True)
        for left in self._folder.glob("*.part"):
            if left.stat().st_mtime < (now - DAY) / SECOND:
                left.unlink(missing_ok=True)


def _agents_of(file: Path) -> Path:
    """Beside a sheet: which agents it was made of; none in it stands for everybody."""
    return file.with_suffix(".agents")
