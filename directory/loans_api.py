"""Other queues for an agent until the end of the day, on a leader's order (临时调队).

A change of the person's own entry, as an administrator would make it, with its history and its link in the
chain of accesses: `lent` names the day, and with the day it is over. Nothing has to be put back, so nothing
that is changed meanwhile is undone. Who is in a call stays in it.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from core.errors import NotFound
from core.names import StaffId
from directory.book import DirectoryBook
from directory.changes import Line
from directory.entries import Body
from web.route import ApiRequest, In, Out, Route

LEND = "agents.lend"
_BACK = "back before the day is over"
_TAG = "agents"
Levels = dict[str, int]


class LoanIn(In):
    """`skills`: business → 1 first line, 2 backup. `languages`: the agent's own if left out."""

    skills: Levels = Field(min_length=1, max_length=50)
    languages: Levels | None = Field(default=None, min_length=1, max_length=50)
    reason: str = Field(min_length=1, max_length=200)


class LoanOut(Out):
    """The agent's queues as they are now. `until`: the last day of it; None: they are the usual ones."""

    agent: str
    until: date | None
    queues: list[str]


class LoansApi:
    """Routes under `/api/agents/{agent}/loan`."""

    def __init__(self, book: DirectoryBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """All routes of this module."""
        path = "/api/agents/{agent}/loan"
        return [
            Route(
                method="PUT",
                path=path,
                handler=self.lend,
                right=LEND,
                scoped=True,
                body=LoanIn,
                returns=LoanOut,
                summary="Put an agent into other queues until the end of the day",
                tag=_TAG,
            ),
            Route(
                method="DELETE",
                path=path,
                handler=self.give_back,
                right=LEND,
                scoped=True,
                returns=LoanOut,
                summary="Put an agent back into their own queues",
                tag=_TAG,
            ),
        ]

    async def lend(self, request: ApiRequest) -> LoanOut:
        """In force at once; refused with the entry's own problems if it does not fit."""
        number, body = self._reached(request), request.body
        entry, seen = await self._entry(number)
        spoken = entry.get("languages", {}) if body.languages is None else body.languages
        lent = {"on": self._book.today().isoformat(), "skills": body.skills, "languages": spoken}
        await self._change(request, number, {**entry, "lent": lent}, seen, body.reason)
        return self._out(number)

    async def give_back(self, request: ApiRequest) -> LoanOut:
        """`NotFound` if the agent is not lent."""
        number = self._reached(request)
        entry, seen = await self._entry(number)
        if "lent" not in entry:
            raise NotFound(f"agent {number} is not lent: there is nothing to end")
        own = {name: value for name, value in entry.items() if name != "lent"}
        await self._change(request, number, own, seen, _BACK)
        return self._out(number)

    # ------------------------------------------------------------------ inside

    def _reached(self, request: ApiRequest) -> StaffId:
        number = StaffId(request.path["agent"])
        if number not in self._book.present.staff:
            raise NotFound(f"there is no agent {number[:8]}")
        request.person.require_of(LEND, number)
        return number

    async def _entry(self, number: str) -> tuple[Body, int]:
        present = await self._book.entries()
        key = ("staff", number)
        return present.entries[key], present.touched.get(key, 0)

    async def _change(self, request: ApiRequest, number: str, entry: Body, seen: int, reason: str) -> None:
        line = Line("staff", number, entry, seen=seen)
        await self._book.change([line], by=request.person.staff, reason=reason, allowed=True)

    def _out(self, number: StaffId) -> LoanOut:
        lent = self._book.present.staff[number].lent
        queues = [str(place.queue) for place in self._book.present.memberships(number)]
        return LoanOut(agent=number, until=lent.on if lent and lent.in_force else None, queues=queues)
