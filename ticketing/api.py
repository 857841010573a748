"""/api/summaries, /api/callbacks and /api/tickets."""

from __future__ import annotations

from core.clock import SECOND, Clock, instant
from ledger.calls import CallBook
from ticketing.callback_schemas import CallbackDone, CallbackOut, CallbacksOut, callback_out
from ticketing.callbacks import Callbacks
from ticketing.model import CallSummary
from ticketing.schemas import (
    OfAgent,
    OfCall,
    OwedListOut,
    SummariesOut,
    SummaryChange,
    SummaryIn,
    SummaryOut,
    TicketIn,
    TicketOut,
    TicketSubmit,
    Unaccounted,
    UnaccountedListOut,
    WhyRead,
    owed_out,
    summary_out,
    ticket_out,
    unaccounted_out,
)
from ticketing.service import SummaryService
from ticketing.store import MOST_UNWRITTEN
from ticketing.work_orders import TicketService
from web.route import ApiRequest, Route

_OWN = ""
"""Anyone signed in; the service lets them at their own records only."""


class TicketingApi:
    """The handlers. `clock` tells how old a duty is, `calls` who joined a talk."""

    def __init__(
        self,
        *,
        summaries: SummaryService,
        callbacks: Callbacks,
        tickets: TicketService,
        calls: CallBook,
        clock: Clock,
    ) -> None:
        self._summaries = summaries
        self._calls = calls
        self._callbacks = callbacks
        self._tickets = tickets
        self._clock = clock

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [*self._summary_routes(), *self._callback_routes(), *self._ticket_routes()]

    def _summary_routes(self) -> list[Route]:
        path, tag = "/api/summaries", "summaries"
        return [
            Route(
                method="GET",
                path=f"{path}/owed",
                handler=self._owed,
                right=_OWN,
                wider=("summaries.correct",),
                scoped=True,
                query=OfAgent,
                returns=OwedListOut,
                summary="Talks without a summary: one's own or, with summaries.correct, another's",
                tag=tag,
            ),
            Route(
                method="GET",
                path=f"{path}/unaccounted",
                handler=self._unaccounted,
                right="summaries.read",
                scoped=True,
                query=Unaccounted,
                returns=UnaccountedListOut,
                summary="Long talks with neither a known customer nor a summary",
                tag=tag,
            ),
            Route(
                method="POST",
                path=path,
                handler=self._save,
                right="summaries.write",
                wider=("summaries.correct",),
                scoped=True,
                body=SummaryIn,
                returns=SummaryOut,
                status=201,
                summary="Write the one summary of a leg",
                tag=tag,
            ),
            Route(
                method="GET",
                path=path,
                handler=self._of_call,
                right=_OWN,
                wider=("summaries.read",),
                scoped=True,
                query=OfCall,
                returns=SummariesOut,
                summary="The summaries of a call that one may read",
                tag=tag,
            ),
            Route(
                method="GET",
                path=f"{path}/{{number}}",
                handler=self._show,
                right=_OWN,
                wider=("summaries.read",),
                scoped=True,
                query=WhyRead,
                returns=SummaryOut,
                summary="One summary: one's own or, with summaries.read and a purpose, another's",
                tag=tag,
            ),
            Route(
                method="PUT",
                path=f"{path}/{{number}}",
                handler=self._change,
                right=_OWN,
                wider=("summaries.correct",),
                scoped=True,
                body=SummaryChange,
                returns=SummaryOut,
                summary="Change a summary: one's own or, with summaries.correct, another's",
                tag=tag,
            ),
        ]

    def _callback_routes(self) -> list[Route]:
        path, tag = "/api/callbacks", "callbacks"
        return [
            Route(
                method="GET",
                path=path,
                handler=self._owed_callbacks,
                right=_OWN,
                wider=("summaries.correct",),
                scoped=True,
                query=OfAgent,
                returns=CallbacksOut,
                summary="The call-backs one owes or, with summaries.correct, another owes",
                tag=tag,
            ),
            Route(
                method="POST",
                path=f"{path}/{{id}}/done",
                handler=self._called_back,
                right=_OWN,
                wider=("summaries.correct",),
                scoped=True,
                body=CallbackDone,
                returns=CallbackOut,
                summary="Say what came of a call-back: one's own or, with summaries.correct, another's",
                tag=tag,
            ),
        ]

    def _ticket_routes(self) -> list[Route]:
        path, tag = "/api/tickets", "tickets"
        return [
            Route(
                method="POST",
                path=path,
                handler=self._open,
                right="tickets.open",
                body=TicketIn,
                returns=TicketOut,
                status=201,
                summary="Open a work order from a summary",
                tag=tag,
            ),
            Route(
                method="GET",
                path=f"{path}/{{number}}",
                handler=self._ticket,
                right=_OWN,
                wider=("tickets.read",),
                scoped=True,
                query=WhyRead,
                returns=TicketOut,
                summary="One work order: one's own or, with tickets.read and a purpose, another's",
                tag=tag,
            ),
            Route(
                method="POST",
                path=f"{path}/{{number}}/submit",
                handler=self._submit,
                right="tickets.open",
                body=TicketSubmit,
                returns=TicketOut,
                summary="Hand a draft to the back office",
                tag=tag,
            ),
        ]

    async def _owed(self, request: ApiRequest) -> OwedListOut:
        agent = _asked_for(request)
        now = self._clock()
        owed = await self._summaries.owed(agent)
        return OwedListOut(agent=agent, owed=[owed_out(one, now) for one in owed])

    async def _unaccounted(self, request: ApiRequest) -> UnaccountedListOut:
        query: Unaccounted = request.query
        talks = await self._summaries.unwritten(
            request.person,
            query.agent,
            instant(query.since),
            instant(query.until),
            query.over_s * SECOND,
        )
        return UnaccountedListOut(
            talks=[
                unaccounted_out(talk, talk.answered_at)
                for talk in talks
                if talk.answered_at is not None and not await self._calls.customer_of(talk.call)
            ],
            more=len(talks) == MOST_UNWRITTEN,
        )

    async def _save(self, request: ApiRequest) -> SummaryOut:
        body: SummaryIn = request.body
        saved = await self._summaries.save(request.person, body.leg, body.text())
        return await self._out(saved, request)

    async def _of_call(self, request: ApiRequest) -> SummariesOut:
        query: OfCall = request.query
        found = await self._summaries.read_of_call(request.person, query.call, query.purpose, query.reason)
        return SummariesOut(summaries=[await self._out(one, request) for one in found])

    async def _show(self, request: ApiRequest) -> SummaryOut:
        query: WhyRead = request.query
        number = request.path["number"]
        found = await self._summaries.read(request.person, number, query.purpose, query.reason)
        return await self._out(found, request)

    async def _change(self, request: ApiRequest) -> SummaryOut:
        body: SummaryChange = request.body
        number = request.path["number"]
        changed = await self._summaries.change(request.person, number, body.version, body.text())
        return await self._out(changed, request)

    async def _out(self, summary: CallSummary, request: ApiRequest) -> SummaryOut:
        joins = await self._calls.joins_of(summary.call, summary.leg)
        return summary_out(summary, request.person, joins)

    async def _owed_callbacks(self, request: ApiRequest) -> CallbacksOut:
        now = self._clock()
        tasks = await self._callbacks.owed(_asked_for(request))
        return CallbacksOut(callbacks=[callback_out(one, now) for one in tasks])

    async def _called_back(self, request: ApiRequest) -> CallbackOut:
        body: CallbackDone = request.body
        ended = await self._callbacks.done(request.person, request.path["id"], body.outcome)
        return callback_out(ended, self._clock())

    async def _open(self, request: ApiRequest) -> TicketOut:
        body: TicketIn = request.body
        opened = await self._tickets.open(request.person, body.summary, body.text(), draft=body.draft)
        return ticket_out(opened)

    async def _ticket(self, request: ApiRequest) -> TicketOut:
        query: WhyRead = request.query
        number = request.path["number"]
        return ticket_out(await self._tickets.read(request.person, number, query.purpose, query.reason))

    async def _submit(self, request: ApiRequest) -> TicketOut:
        body: TicketSubmit = request.body
        number = request.path["number"]
        sent = await self._tickets.submit(request.person, number, body.version, body.text())
        return ticket_out(sent)


def _asked_for(request: ApiRequest) -> str:
    """Whose duties are asked for: one's own or, with summaries.correct, another's."""
    query: OfAgent = request.query
    agent = query.agent or request.person.staff
    if agent != request.person.staff:
        request.person.require_of("summaries.correct", agent)
    return agent
