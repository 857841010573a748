"""/api/directory/entries and /changes: what the directory holds, entry by entry, and every change of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pydantic import Field

from core.clock import moment
from core.errors import BadInput, NotFound
from core.names import StaffId
from directory.book import DirectoryBook
from directory.changes import MOST_LINES, Change, ChangeState, Line
from directory.entries import SECTIONS
from directory.remit import Sight
from directory.rights import CHANGE, READ
from web.route import ApiRequest, In, Out, Principal, Route

_MOST = 200
_TAG = "directory"
_SECTION = f"^({'|'.join(SECTIONS)})$"


class EntriesQuery(In):
    """Of which section; all without one."""

    section: str = Field(default="", pattern=f"{_SECTION}|^$")
    key: str = Field(default="", max_length=40)


class EntryOut(Out):
    """`change`: number of the change that touched it last, to be sent back as `seen`."""

    section: str
    key: str
    entry: dict[str, Any]
    change: int


class EntriesOut(Out):
    """In the order in which people see them. `change`: the last one that is in force."""

    entries: list[EntryOut]
    change: int


class LineIn(In):
    """What is to become of one entry; `entry` null removes it."""

    section: str = Field(pattern=_SECTION)
    key: str = Field(min_length=1, max_length=40)
    entry: dict[str, Any] | None = Field(description="in the words of the seed file; null: remove it")
    seen: int | None = Field(
        default=None, ge=0, description="`change` of the entry as you saw it: refused if it is another by now"
    )


class AskedIn(In):
    """How a change is made."""

    reason: str = Field(min_length=1, max_length=200, description="why, for whoever reads the history")
    effective_on: date | None = Field(default=None, description="the day it begins; today without one")
    dry_run: bool = Field(default=False, description="only say what would change")


class ChangeIn(AskedIn):
    """Some lines that belong together: all are carried out, or none is."""

    lines: list[LineIn] = Field(min_length=1, max_length=MOST_LINES)


class LineOut(Out):
    """One entry before and after; null where there was, or is to be, nothing."""

    section: str
    key: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ChangeOut(Out):
    """`number` is 0 for a dry run. `problem`: why a planned change was refused on its day.

    `hidden`: how many lines it has besides that are not open to whoever asks; `problem` is not told then.
    """

    number: int
    at: datetime | None
    by: str
    by_name: str
    reason: str
    effective_on: date | None
    state: str
    applied_at: datetime | None
    problem: str
    lines: list[LineOut]
    hidden: int = 0


class ChangesQuery(In):
    """What is given must hold of a change."""

    section: str = Field(default="", pattern=f"{_SECTION}|^$")
    key: str = Field(default="", max_length=40)
    state: str = Field(default="", pattern=f"^({'|'.join(ChangeState)})?$")
    limit: int = Field(default=50, ge=1, le=_MOST)
    page: str = Field(default="", pattern=r"^\d{0,18}$", description="`more` of the page before")


class ChangesOut(Out):
    """Newest first; `more` is empty at the end."""

    changes: list[ChangeOut]
    more: str


class ChangesApi:
    """The handlers."""

    def __init__(self, book: DirectoryBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="GET",
                path="/api/directory/entries",
                handler=self._entries,
                right=READ,
                scoped=True,
                query=EntriesQuery,
                returns=EntriesOut,
                summary="What the directory holds, entry by entry",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path="/api/directory/changes",
                handler=self._changes,
                right=READ,
                scoped=True,
                query=ChangesQuery,
                returns=ChangesOut,
                summary="Who changed what and when, with before and after",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path="/api/directory/changes",
                handler=self._change,
                right=CHANGE,
                scoped=True,
                body=ChangeIn,
                returns=ChangeOut,
                summary="Change the directory, now or on a day to come; or try what would change",
                tag=_TAG,
            ),
            Route(
                method="DELETE",
                path="/api/directory/changes/{number}",
                handler=self._withdraw,
                right=CHANGE,
                scoped=True,
                returns=ChangeOut,
                summary="Withdraw a change that is planned for a day to come",
                tag=_TAG,
            ),
        ]

    async def _entries(self, request: ApiRequest) -> EntriesOut:
        query: EntriesQuery = request.query
        present, sight = await self._book.entries(), sight_of(request.person)
        found = [
            EntryOut(
                section=section, key=key, entry=dict(body), change=present.touched.get((section, key), 0)
            )
            for (section, key), body in present.entries.items()
            if query.section in ("", section) and query.key in ("", key)
            if sight is None or sight.shows(section, key)
        ]
        if query.key and not found:
            raise NotFound(f"{query.section or 'the directory'} has no {query.key!r}")
        return EntriesOut(entries=found, change=self._book.number)

    async def _changes(self, request: ApiRequest) -> ChangesOut:
        query: ChangesQuery = request.query
        if query.key and not query.section:
            raise BadInput("query.key", "name the section as well: keys are those of a section")
        sight = sight_of(request.person)
        found = await self._book.history(
            section=query.section,
            key=query.key,
            state=query.state,
            before=int(query.page) if query.page else None,
            limit=query.limit + 1,
            sight=sight,
        )
        shown = found[: query.limit]
        more = str(shown[-1].number) if len(found) > query.limit else ""
        return ChangesOut(changes=[_out(self._book, change, sight) for change in shown], more=more)

    async def _change(self, request: ApiRequest) -> ChangeOut:
        body: ChangeIn = request.body
        lines = [Line(one.section, one.key, one.entry, seen=one.seen) for one in body.lines]
        return await carry_out(self._book, lines, body, by=request.person.staff)

    async def _withdraw(self, request: ApiRequest) -> ChangeOut:
        number = request.path["number"]
        if not number.isdecimal() or len(number) > 18:
            raise NotFound(f"there is no change {number[:40]!r} of the directory")
        return _out(self._book, await self._book.withdraw(int(number), by=request.person.staff))


async def carry_out(book: DirectoryBook, lines: Sequence[Line], asked: AskedIn, *, by: str) -> ChangeOut:
    """Make the change, or only try it, and tell what came of it."""
    if not asked.dry_run:
        made = await book.change(lines, by=by, reason=asked.reason, effective_on=asked.effective_on)
        return _out(book, made)
    would = await book.try_out(lines, by=by, effective_on=asked.effective_on)
    return ChangeOut(
        number=0,
        at=None,
        by=by,
        by_name=_name(book, by),
        reason=asked.reason,
        effective_on=asked.effective_on,
        state="dry_run",
        applied_at=None,
        problem="",
        lines=[_line_out(line) for line in would],
    )


def sight_of(person: Principal) -> Sight | None:
    """What of the directory is open to them; None: all of it."""
    staff = person.reach(READ).staff
    return None if staff is None else Sight(person.staff, staff)


def _out(book: DirectoryBook, change: Change, sight: Sight | None = None) -> ChangeOut:
    own = sight is None or (change.by == sight.by and change.state is not ChangeState.APPLIED)
    lines = [line for line in change.lines if own or sight is None or sight.shows(line.section, line.key)]
    hidden = len(change.lines) - len(lines)
    return ChangeOut(
        number=change.number,
        at=moment(change.at),
        by=change.by,
        by_name=_name(book, change.by),
        reason=change.reason,
        effective_on=change.effective_on,
        state=change.state.value,
        applied_at=None if change.applied_at is None else moment(change.applied_at),
        problem="" if hidden else change.problem,
        lines=[_line_out(line) for line in lines],
        hidden=hidden,
    )


def _name(book: DirectoryBook, number: str) -> str:
    person = book.present.staff.get(StaffId(number))
    return person.name if person is not None else ""


def _line_out(line: Line) -> LineOut:
    return LineOut(section=line.section, key=line.key, before=_plain(line.before), after=_plain(line.after))


def _plain(body: Any) -> dict[str, Any] | None:
    return None if body is None else dict(body)
