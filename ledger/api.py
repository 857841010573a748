"""/api/calls: the calls one may see, and one of them with all its parts."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from core.errors import NotFound
from ledger.call_record import CallRecord
from ledger.calls import CallBook
from ledger.ladder import ladder
from ledger.schemas import CallOut, CallsOut, CallsQuery, StoryOut, StoryQuery, call_out, story_out
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
            Route(
                method="GET",
                path="/api/calls/{call}/story",
                handler=self._story,
                right=RIGHT,
                scoped=True,
                query=StoryQuery,
                returns=StoryOut,
                summary="One call in order, line by line",
                tag="calls",
            ),
            Route(
                method="GET",
                path="/api/calls/{call}/story.svg",
                handler=self._drawn,
                right=RIGHT,
                scoped=True,
                query=StoryQuery,
                produces="image/svg+xml",
                summary="The same as a ladder diagram",
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
        return call_out(await self._visible(request))

    async def _story(self, request: ApiRequest) -> StoryOut:
        record = await self._visible(request)
        story = await self._book.story(record.call)
        return story_out(story, request.query.language, arrival_seen=record.arrival_seen)

    async def _drawn(self, request: ApiRequest) -> web.StreamResponse:
        record = await self._visible(request)
        drawing = ladder(await self._book.story(record.call), request.query.language)
        return web.Response(text=drawing, content_type="image/svg+xml", headers={"Cache-Control": "no-store"})

    async def _visible(self, request: ApiRequest) -> CallRecord:
        record = await self._book.call_record(request.path["call"])
        reach = request.person.reach(RIGHT)
        if reach.staff is not None and not any(leg.agent in reach for leg in record.legs):
            # The same words as for a call that does not exist: whether it does is not theirs to know.
            raise NotFound(f"no call {record.call!r} is known: look at its number again")
        return record
