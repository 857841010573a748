"""Retention: what the settings keep for a time only is removed every night, once nobody is owed it any more.

Each kind of thing knows how it is removed (`ledger`, `board`, `recordings`); here is what all have in common:
until when, what is still owed, and that every run is written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from board.retention import IntervalsRetention
from core.clock import DAY, HOUR, Clock, Instant, instant_on, iso, local_day
from core.errors import HotlineError
from hotline.settings import RetentionSettings, Settings
from ledger.retention import FactsRetention
from ledger.retention_calls import CallsRetention
from ledger.tables import calls, legs
from recordings.holds import holds
from recordings.retention import RecordingsRetention
from storage import Database
from storage.months import month_of, shifted
from storage.partitions import need_months
from storage.retention import Outcome, What, begin_run, end_run, last_runs
from storage.waker import Waker
from ticketing.owed import owed_calls

AT_MINUTE = 150
"""Half past two in the night of the bank's zone: a day's proof has been made by then, if its timer is set."""
MONTHS_AHEAD = 2
_AGAIN = HOUR
"""After a run that could not be made."""
_STANDS_STILL = "retention stands still"
_log = structlog.get_logger("hotline.retention")


class Remover(Protocol):
    """One kind of thing that has a time to be kept for."""

    @property
    def what(self) -> What: ...

    async def remove(self, before: Instant, owed: Mapping[str, str], /, *, dry: bool) -> Outcome: ...


class Retention:
    """`folders`: node → its recordings folder. `run` is the service's task, `carry_out` one run.

    `problem`: why the service's last night did not remove what it should have, "" if it did.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        main: Database,
        facts: Database,
        folders: Mapping[str, Path],
        clock: Clock,
    ) -> None:
        self.problem = ""
        self._wanted = settings.retention
        self._zone = settings.zone_info
        self._main, self._clock = main, clock
        # Facts last: the list of calls is made of them, and a proof needs them.
        self._removers: Sequence[Remover] = (
            RecordingsRetention(database=main, folders=folders),
            CallsRetention(main),
            IntervalsRetention(main),
            FactsRetention(ledger=facts, main=main, zone=self._zone, clock=clock),
        )

    async def run(self) -> None:
        """Every night, until cancelled; a night that the service was off is made up for at the next start."""
        waker = Waker(clock=self._clock)
        due = 0
        while True:
            if self._clock() >= due:
                due = await self._night()
            await waker.sleep(due, late_commits=False)

    async def _night(self) -> Instant:
        """Do what is due; when to look again."""
        now = self._clock()
        try:
            await self._make_months(now)
            due = await self._next_due()
            if due <= now:
                outcomes = await self.carry_out(dry=False)
                due = await self._next_due()
                short = [f"{one.what} cut short: {one.problem}" for one in outcomes if one.problem]
                self.problem = "; ".join(short)
            elif self.problem.startswith(_STANDS_STILL):
                self.problem = ""
        except (HotlineError, SQLAlchemyError, OSError) as error:
            self.problem = f"{_STANDS_STILL}: {error}"
            _log.exception("retention_stands_still", next_try_s=_AGAIN // 1_000_000)
            return now + _AGAIN
        return due

    async def carry_out(self, *, dry: bool) -> list[Outcome]:
        """One run over everything that the settings keep for a time; `dry`: say only what would go."""
        now = self._clock()
        limits = dict(limits_of(self._wanted, now))
        async with self._main.read() as connection:
            owed = await owed_calls(connection)
            owed |= {one.call: f"held by {one.by}: {one.reason}" for one in await holds(connection)}
        outcomes = []
        for remover in self._removers:
            if remover.what in limits:
                outcomes.append(await self._carry_out(remover, limits[remover.what], owed, dry=dry))
        return outcomes

    async def _carry_out(
        self, remover: Remover, before: Instant, owed: Mapping[str, str], *, dry: bool
    ) -> Outcome:
        if dry:
            return await remover.remove(before, owed, dry=True)
        async with self._main.write() as connection:
            number = await begin_run(connection, remover.what, before, self._clock())
        try:
            outcome = await remover.remove(before, owed, dry=False)
        except (HotlineError, SQLAlchemyError, OSError) as error:
            # The others still have their turn; what went is gone, and the next night goes on from there.
            outcome = Outcome(what=remover.what, before=before, problem=str(error))
            _log.exception("retention_cut_short", what=remover.what)
        async with self._main.write() as connection:
            await end_run(connection, number, outcome, self._clock())
        _log.info(
            "retention", what=outcome.what, removed=outcome.removed, before=iso(before), kept=outcome.kept
        )
        return outcome

    async def _make_months(self, now: Instant) -> None:
        ahead = [shifted(month_of(now), number) for number in range(MONTHS_AHEAD + 1)]
        async with self._main.write() as connection:
            await need_months(connection, (calls, legs), ahead)

    async def _next_due(self) -> Instant:
        """The first night's hour after the last run began; at once if there never was one."""
        if not any(limits_of(self._wanted, self._clock())):
            return self._clock() + DAY
        async with self._main.read() as connection:
            runs = await last_runs(connection, 1)
        if not runs:
            return 0
        began = runs[0].began_at
        due = instant_on(local_day(began, self._zone), AT_MINUTE, self._zone)
        if due <= began:
            due = instant_on(local_day(began, self._zone) + timedelta(days=1), AT_MINUTE, self._zone)
        return due


def limits_of(wanted: RetentionSettings, now: Instant) -> Iterator[tuple[What, Instant]]:
    """What is older may go, of each kind that is not kept for ever: by whole months, recordings by days."""
    if wanted.recordings_days:
        yield What.RECORDINGS, now - wanted.recordings_days * DAY
    months = {
        What.CALLS: wanted.calls_months,
        What.INTERVALS: wanted.intervals_months,
        What.FACTS: wanted.facts_months,
    }
    for what, number in months.items():
        if number:
            yield what, shifted(month_of(now), -number)
