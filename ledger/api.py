"""/api/calls: the calls one may see, and one of them with all its parts."""

from __future__ import annotations

from dataclasses import replace

from core.errors import NotFound
from ledger.calls import CallBook
from ledger.schemas import CallOut, CallsOut, CallsQuery, call_out
from web.route import ApiRequest, Route

_ALL = "calls.read"
_OWN = "calls.read.own"


class CallsApi:
    """With `calls.read` every call; with `calls.read.own` those that were offered to oneself."""

    def __init__(self, book: CallBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="GET",
                path="/api/calls",
                handler=self._find,
                right=_OWN,
                wider=(_ALL,),
                query=CallsQuery,
                returns=CallsOut,
                summary="Calls, newest first; one's own only, without calls.read",
                tag="calls",
            ),
            Route(
                method="GET",
                path="/api/calls/{call}",
                handler=self._show,
                right=_OWN,
                wider=(_ALL,),
                returns=CallOut,
                summary="One call with its waits, legs, survey and tickets",
                tag="calls",
            ),
        ]

    async def _find(self, request: ApiRequest) -> CallsOut:
        query: CallsQuery = request.query
        search = query.search()
        if not request.person.may(_ALL):
            if search.agent not in (None, request.person.staff):
                request.person.require(_ALL)
            search = replace(search, agent=request.person.staff)
        page = await self._book.find_calls(search, limit=query.limit, page=query.page)
        return CallsOut(calls=[call_out(record) for record in page.calls], more=page.more)

    async def _show(self, request: ApiRequest) -> CallOut:
        record = await self._book.call_record(request.path["call"])
        mine = any(leg.agent == request.person.staff for leg in record.legs)
        if not (mine or request.person.may(_ALL)):
            # The same words as for a call that does not exist: whether it does is not theirs to know.
            raise NotFound(f"no call {record.call!r} is known: look at its number again")
        return call_out(record)
