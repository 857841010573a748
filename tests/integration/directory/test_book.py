"""The directory as it is kept, on real SQLite and PostgreSQL: changes, days, history, evidence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Any

import pytest

from core.clock import DAY, HOUR, Clock, instant_on
from core.errors import BadInput, Conflict, NotFound
from directory.beginning import AGAIN_REASON, SEED_REASON
from directory.book import DirectoryBook
from directory.changes import ChangeState, Line, digest
from directory.entries import entries_of
from directory.errors import Problem, Refused
from directory.evidence import faults
from directory.lookup import Directory
from directory.rights import CHANGE
from directory.seed import DEMO, load
from storage import Database, migrate
from storage.audit import accesses_of
from storage.migrate import migrate_down
from storage.timer_runner import TimerRunner
from storage.timers import Timers
from tests.support.databases import Databases

TODAY, TOMORROW = date(2026, 11, 25), date(2026, 11, 26)
NOON = instant_on(TODAY, 12 * 60)
SEED = load(DEMO, today=TODAY)
BY = "9001"


class Office:
    """A book with its timers at work, and a clock that the test moves."""

    def __init__(self, database: Database, now: int = NOON) -> None:
        self.now = now
        self.database = database
        clock: Clock = lambda: self.now  # noqa: E731
        self.timers = Timers(clock=clock)
        self.book = DirectoryBook(database=database, timers=self.timers, clock=clock, seed=SEED)
        self.runner = TimerRunner(database=database, timers=self.timers, clock=clock, random=lambda: 0.0)
        self.heard: asyncio.Queue[tuple[Directory, Directory]] = asyncio.Queue()
        self.book.listen(lambda before, after: self.heard.put_nowait((before, after)))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Office]:
        """Until left."""
        await self.book.open()
        task = asyncio.create_task(self.book.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def at(self, moment: int) -> None:
        """It is that moment: whatever is due by then happens."""
        self.now = moment
        await self.runner.fire_due()

    def body(self, number: str, **changes: Any) -> dict[str, Any]:
        """A person's entry in the seed's words, with changes."""
        one = self.book.present.staff[number]  # type: ignore[index]
        body = {
            "number": one.number, "name": one.name, "en": one.name_en, "team": one.team,
            "roles": list(one.roles), "skills": dict(one.skills), "languages": dict(one.languages),
        }  # fmt: skip
        return {**body, **changes}

    def line(self, number: str, **changes: Any) -> Line:
        """The same as a line of a change."""
        return Line("staff", number, self.body(number, **changes))


@pytest.fixture
async def office(databases: Databases) -> AsyncIterator[Office]:
    database = Database(databases.url("main"), name="main")
    await database.open()
    try:
        await migrate(database, "main")
        async with Office(database).open() as open_:
            yield open_
    finally:
        await database.close()


async def test_the_seed_is_taken_in_once(office: Office) -> None:
    assert office.book.present == SEED
    changes = await office.book.history(limit=10)
    assert [(one.number, one.by, one.state) for one in changes] == [(1, "", ChangeState.APPLIED)]
    await office.book.change([office.line("1003", team="B")], by=BY, reason="moves")
    async with Office(office.database).open() as again:
        assert again.book.present.staff["1003"].team == "B"  # type: ignore[index]
        assert len(await again.book.history(limit=10)) == 2


async def test_a_change_is_told_and_remembered(office: Office) -> None:
    change = await office.book.change([office.line("1003", team="B")], by=BY, reason="team B is short")
    before, after = office.heard.get_nowait()
    assert (before.staff["1003"].team, after.staff["1003"].team) == ("A", "B")  # type: ignore[index]
    assert after is office.book.present
    (found,) = await office.book.history(section="staff", key="1003", limit=1)
    assert found == change
    assert (found.by, found.reason, found.at) == (BY, "team B is short", NOON)
    assert found.lines[0].before is not None
    assert found.lines[0].before["team"] == "A"
    present = await office.book.entries()
    assert present.touched["staff", "1003"] == change.number


@pytest.mark.rule("SEC-05", "SEC-17", "SEC-20")
async def test_a_change_stands_in_the_chain_with_its_content(office: Office) -> None:
    change = await office.book.change([office.line("1003", team="B")], by=BY, reason="moves")
    async with office.database.read() as connection:
        (access,) = await accesses_of(connection, f"directory:{change.number}")
    assert (access.staff, access.action, access.purpose) == (BY, "change", "administration")
    (found,) = await office.book.history(section="staff", key="1003", limit=1)
    assert access.reason == digest(found)


@pytest.mark.rule("SEC-17", "SEC-20")
@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        (
            "UPDATE directory_changes SET by = '8001' WHERE number = 2",
            "change 2 of the directory is not what",
        ),
        ("UPDATE directory_lines SET after = '{}' WHERE change = 2", "change 2 of the directory is not what"),
        ("DELETE FROM directory_lines WHERE change = 2", "change 2 of the directory is not what"),
        (
            "INSERT INTO directory_changes SELECT 9, at, by, reason, effective_on, state, applied_at, "
            "problem FROM directory_changes WHERE number = 2",
            "change 9 of the directory has no link",
        ),
    ],
)
async def test_a_history_that_was_altered_does_not_fit_the_chain(
    office: Office, databases: Databases, tampering: str, told: str
) -> None:
    await office.book.change([office.line("1003", team="B")], by=BY, reason="moves")
    planned = [office.line("1004", team="B")]
    await office.book.change(planned, by=BY, reason="tomorrow", effective_on=TOMORROW)
    await office.at(instant_on(TOMORROW, 0))
    assert [fault async for fault in faults(office.database)] == []
    databases.ask("main", tampering)
    (found,) = [fault async for fault in faults(office.database)]
    assert told in found


async def test_a_change_that_is_gone_is_missed(office: Office, databases: Databases) -> None:
    await office.book.change([office.line("1003", team="B")], by=BY, reason="moves")
    for table, column in (("directory_lines", "change"), ("directory_changes", "number")):
        databases.ask("main", f"DELETE FROM {table} WHERE {column} = 2")  # noqa: S608
    (found,) = [fault async for fault in faults(office.database)]
    assert found == "change 2 of the directory is gone: only its link is left"


async def test_what_is_refused_leaves_nothing(office: Office) -> None:
    with pytest.raises(Refused):
        await office.book.change([office.line("1003", roles=["pilot"])], by=BY, reason="flies")
    assert len(await office.book.history(limit=10)) == 1
    assert office.heard.empty()
    assert office.book.present == SEED


async def test_a_dry_run_tells_what_would_change_and_writes_nothing(office: Office) -> None:
    (line,) = await office.book.try_out([office.line("1003", team="B")], by=BY)
    assert (line.before or {})["team"] == "A"
    assert (line.after or {})["team"] == "B"
    assert len(await office.book.history(limit=10)) == 1


async def test_two_who_change_the_same_do_not_overwrite_each_other(office: Office) -> None:
    seen = (await office.book.entries()).touched["staff", "1003"]
    lines = [Line("staff", "1003", office.body("1003", team=team), seen=seen) for team in ("B", "C")]
    done = await asyncio.gather(
        *(office.book.change([line], by=BY, reason="moves") for line in lines), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) == ["Change", "Conflict"]


async def test_a_planned_change_begins_on_its_day(office: Office) -> None:
    planned = await office.book.change(
        [office.line("1003", team="B")], by=BY, reason="from tomorrow on", effective_on=TOMORROW
    )
    assert planned.state is ChangeState.PLANNED
    assert office.heard.empty()
    await office.at(instant_on(TOMORROW, 0) - 1)
    assert office.book.present.staff["1003"].team == "A"  # type: ignore[index]
    await office.at(instant_on(TOMORROW, 0))
    _, after = await asyncio.wait_for(office.heard.get(), 10)
    assert after.staff["1003"].team == "B"  # type: ignore[index]
    (found,) = await office.book.history(section="staff", key="1003", limit=1)
    assert (found.state, found.applied_at) == (ChangeState.APPLIED, instant_on(TOMORROW, 0))


async def test_a_day_that_passed_while_nobody_was_there_is_made_up_for(office: Office) -> None:
    await office.book.change(
        [office.line("1003", team="B")], by=BY, reason="from tomorrow on", effective_on=TOMORROW
    )
    async with Office(office.database, NOON + 3 * DAY).open() as later:
        assert later.book.present.staff["1003"].team == "B"  # type: ignore[index]


async def test_a_planned_change_that_does_not_fit_any_more_is_refused_on_its_day(office: Office) -> None:
    coach = {"code": "coach", "zh": "教练", "en": "Coach", "rights": ["calls.read"]}
    added = await office.book.change([Line("roles", "coach", coach)], by=BY, reason="new")
    planned = await office.book.change(
        [office.line("1003", roles=["agent", "coach"])], by=BY, reason="coaches", effective_on=TOMORROW
    )
    await office.book.change([Line("roles", "coach", None)], by=BY, reason="not after all")
    await office.at(instant_on(TOMORROW, 0))
    (found,) = await office.book.history(section="staff", key="1003", limit=1)
    assert added.number < planned.number == found.number
    assert found.state is ChangeState.REFUSED
    assert "no role 'coach'" in found.problem


async def test_a_planned_change_can_be_withdrawn(office: Office) -> None:
    planned = await office.book.change(
        [office.line("1003", team="B")], by=BY, reason="perhaps", effective_on=TOMORROW
    )
    withdrawn = await office.book.withdraw(planned.number, by=BY)
    assert withdrawn.state is ChangeState.WITHDRAWN
    await office.at(instant_on(TOMORROW, 0) + HOUR)
    assert office.book.present.staff["1003"].team == "A"  # type: ignore[index]
    with pytest.raises(Conflict, match="withdrawn"):
        await office.book.withdraw(planned.number, by=BY)
    with pytest.raises(NotFound):
        await office.book.withdraw(99, by=BY)
    async with office.database.read() as connection:
        accesses = await accesses_of(connection, f"directory:{planned.number}")
    assert [(one.staff, one.action) for one in accesses] == [(BY, "change"), (BY, "withdraw")]


async def test_what_was_cannot_be_changed(office: Office) -> None:
    with pytest.raises(BadInput, match="is past"):
        await office.book.change(
            [office.line("1003", team="B")], by=BY, reason="earlier", effective_on=date(2026, 11, 24)
        )


@pytest.mark.rule("SEC-21")
async def test_who_leaves_is_gone_when_the_last_day_is_over(office: Office) -> None:
    await office.book.change([office.line("1003", until=TODAY.isoformat())], by=BY, reason="leaves")
    office.heard.get_nowait()
    assert office.book.present.staff["1003"].active  # type: ignore[index]
    await office.at(instant_on(TOMORROW, 0))
    _, after = await asyncio.wait_for(office.heard.get(), 10)
    assert not after.staff["1003"].active  # type: ignore[index]
    assert after.memberships("1003") == ()


async def test_a_new_entry_comes_after_the_others(office: Office) -> None:
    kinds = list(office.book.present.ticket_kinds)
    praise = {"code": "a_praise", "zh": "表扬", "en": "Praise"}
    await office.book.change([Line("ticket_kinds", "a_praise", praise)], by=BY, reason="asked for")
    assert list(office.book.present.ticket_kinds) == [*kinds, "a_praise"]
    changed = {**praise, "en": "Compliment"}
    await office.book.change([Line("ticket_kinds", "a_praise", changed)], by=BY, reason="a better word")
    assert list(office.book.present.ticket_kinds) == [*kinds, "a_praise"]


def test_somebody_of_the_seed_may_change_it() -> None:
    assert CHANGE in SEED.rights(BY)


def make_up_day(on: str) -> Line:
    """A later notice makes a Saturday of this year a working day."""
    notice = {
        "number": "the bank's own", "published": "2026-11-24", "since": on, "until": on,
        "days": [{"name": "年终决算", "off": "2026-12-07", "work": [on]}],
    }  # fmt: skip
    return Line("holiday_notices", notice["number"], {**notice, "until": "2026-12-07"})


async def test_the_working_calendar_is_changed_like_everything_else(office: Office) -> None:
    saturday = date(2026, 12, 5)
    calendar = office.book.present.calendar
    assert not calendar.works(saturday)
    change = await office.book.change([make_up_day("2026-12-05")], by=BY, reason="annual closing")
    _, after = office.heard.get_nowait()
    assert (after.calendar.works(saturday), after.calendar.edition) == (True, "the bank's own")
    assert not calendar.works(saturday), "what was counted by before is as it was"
    planned = [Line("holiday_notices", "the bank's own", None)]
    await office.book.change(planned, by=BY, reason="not after all", effective_on=TOMORROW)
    assert office.book.present.calendar.works(saturday)
    await office.at(instant_on(TOMORROW, 0))
    _, after = await asyncio.wait_for(office.heard.get(), 10)
    assert after.calendar == calendar
    found = await office.book.history(section="holiday_notices", key="the bank's own", limit=9)
    assert [one.number for one in found] == [change.number + 1, change.number]
    assert office.book.number == change.number + 1
    assert [fault async for fault in faults(office.database)] == []


async def test_a_directory_from_before_takes_its_calendar_in_once(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = entries_of(SEED)
    before = {key: body for key, body in whole.items() if key[0] not in ("calendar", "holiday_notices")}
    database = Database(databases.url("main"), name="main")
    await database.open()
    try:
        await migrate(database, "main")
        with monkeypatch.context() as as_before:
            as_before.setattr("directory.beginning.entries_of", lambda _: before)
            async with Office(database).open():
                pass
        later = Office(database)
        await later.book.refresh()
        assert later.book.present == SEED, "as long as none is stored, the seed's counts"
        for _ in range(2):
            async with Office(database).open() as opened:
                assert opened.book.present == SEED
        taken, first = await later.book.history(limit=10)
        assert (taken.reason, taken.by, first.reason) == (SEED_REASON, "", SEED_REASON)
        assert {line.section for line in first.lines} == {section for section, _ in before}
        assert {line.section for line in taken.lines} == {"calendar", "holiday_notices"}
        assert [fault async for fault in faults(database)] == []
    finally:
        await database.close()


async def test_a_program_from_before_meets_no_entry_that_it_does_not_know_and_nothing_is_lost(
    office: Office,
) -> None:
    await office.book.change([make_up_day("2026-12-05")], by=BY, reason="annual closing")
    today = office.book.present
    await migrate_down(office.database, "main", to="0013")
    sections = {section for section, _ in (await office.book.entries()).touched}
    assert not sections & {"calendar", "holiday_notices"}
    assert "staff" in sections
    await migrate(office.database, "main")
    async with Office(office.database).open() as again:
        assert again.book.present == today
        (taken,) = await again.book.history(limit=1)
    assert (taken.reason, taken.by) == (AGAIN_REASON, "")


async def test_a_guard_refuses_a_change_at_once_and_a_planned_one_on_its_day(office: Office) -> None:
    """It sees the directory before and after, and is asked beside the event loop, where all is read."""
    seen: list[tuple[str, str, bool]] = []
    allowed = {"C"}

    def guard(before: Directory, after: Directory) -> list[Problem]:
        teams = [one.staff["1003"].team for one in (before, after)]  # type: ignore[index]
        seen.append((teams[0], teams[1], threading.current_thread() is threading.main_thread()))
        return [] if teams[1] in allowed else [Problem("staff 1003", "team", "is needed where it is")]

    office.book.guard(guard)
    with pytest.raises(Refused, match="is needed where it is"):
        await office.book.change([office.line("1003", team="B")], by=BY, reason="moves")
    with pytest.raises(Refused):
        await office.book.try_out([office.line("1003", team="B")], by=BY)
    planned = [office.line("1003", team="C")]
    await office.book.change(planned, by=BY, reason="tomorrow", effective_on=TOMORROW)
    allowed.clear()
    await office.at(instant_on(TOMORROW, 0))
    (found,) = await office.book.history(section="staff", key="1003", limit=1)
    assert (found.state, "is needed where it is" in found.problem) == (ChangeState.REFUSED, True)
    assert office.book.present == SEED
    assert seen == [("A", team, False) for team in ("B", "B", "C", "C")]
