"""/api/calls: the calls one may see, and one of them with all its parts."""

from __future__ import annotations

from dataclasses import replace

from core.errors import NotFound
from ledger.calls import CallBook
from ledger.schemas import CallOut, CallsOut, CallsQuery, call_out
from web.route import ApiRequest, Route

RIGHT = "calls.read"


class CallsApi:
    """Calls that were offered to somebody `calls.read` reaches; with all of it those of nobody, too."""

    def __init__(self, book: CallBook) -> None:
        self._book = book

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="GET",
                path="/api/calls",
                handler=self._find,
                right=RIGHT,
                scoped=True,
                query=CallsQuery,
                returns=CallsOut,
                summary="Calls, newest first, as far as calls.read reaches",
                tag="calls",
            ),
            Route(
                method="GET",
                path="/api/calls/{call}",
                handler=self._show,
                right=RIGHT,
                scoped=True,
                returns=CallOut,
                summary="One call with its waits, legs, survey and tickets",
                tag="calls",
            ),
        ]

    async def _find(self, request: ApiRequest) -> CallsOut:
        query: CallsQuery = request.query
        search = query.search()
        if search.agent is not None:
            request.person.require_of(RIGHT, search.agent)
        else:
            search = replace(search, agents=request.person.reach(RIGHT).staff)
        page = await self._book.find_calls(search, limit=query.limit, page=query.page)
        return CallsOut(calls=[call_out(record) for record in page.calls], more=page.more)

    async def _show(self, request: ApiRequest) -> CallOut:
        record = await self._book.call_record(request.path["call"])
        reach = request.person.reach(RIGHT)
        if reach.staff is not None and not any(leg.agent in reach for leg in record.legs):
            # The same words as for a call that does not exist: whether it does is not theirs to know.
            raise NotFound(f"no call {record.call!r} is known: look at its number again")
        return call_out(record)
