"""/api/calls/{call}/customer: who calls, and what was before, while the telephone still rings."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from core.clock import moment
from core.errors import NotFound
from core.masking import mask_number
from customers.api import FIND
from customers.history import CallerHistory, History
from customers.model import Level
from customers.rules import highest
from customers.schemas import CustomerOut, customer_out
from ledger.api import RIGHT as CALLS
from ledger.call_record import CallRecord
from ledger.calls import CallBook
from web.route import ApiRequest, Out, Principal, Route

SUMMARIES, TICKETS = "summaries.read", "tickets.read"
_STORED_WITHIN_S = 1.0
"""With the ledger's database gone it would never be."""


class WrittenOut(Out):
    """A summary, or a work order, which has no `type`. `href`: where it is read, for a purpose and on record;
    null if you may not."""

    number: str
    type: str = Field(description="of a summary: code of its call type")
    agent: str
    href: str | None


class EarlierCallOut(Out):
    """A call of the same customer. `agents`: who talked with them. `href`: null if you may not open it."""

    call: str
    at: datetime
    queue: str
    outcome: str
    agents: list[str]
    outgoing: bool
    href: str | None
    summaries: list[WrittenOut]
    tickets: list[WrittenOut]


class CallCustomerOut(Out):
    """Who calls: nobody who is known is `ordinary`. Newest call first.

    `complete` false: the databases did not answer in time; what is missing is not known.
    """

    call: str
    number: str
    level: str
    language: str
    customers: list[CustomerOut]
    whole: list[str] = Field(description="where each of them is read whole, for a purpose and on record")
    calls: list[EarlierCallOut]
    more: bool
    complete: bool


class CallerApi:
    """The handler. A call is shown to whom it was offered, and to whom `calls.read` opens it."""

    def __init__(self, calls: CallBook, history: CallerHistory) -> None:
        self._calls = calls
        self._history = history

    def routes(self) -> list[Route]:
        """The route of this module."""
        return [
            Route(
                method="GET",
                path="/api/calls/{call}/customer",
                handler=self._show,
                right=FIND,
                returns=CallCustomerOut,
                summary="Who calls, with their last calls: of one's own calls, or within calls.read; masked",
                tag="customers",
            )
        ]

    async def _show(self, request: ApiRequest) -> CallCustomerOut:
        # Whoever is told of the call by the live topic asks in the same moment, before it is stored.
        await self._calls.told_so_far(_STORED_WITHIN_S)
        record = await self._calls.call_record(request.path["call"])
        if not _opens(request.person, CALLS, record):
            # The same words as for a call that does not exist: whether it does is not theirs to know.
            raise NotFound(f"no call {record.call!r} is known: look at its number again")
        return _out(record, await self._history.of(record), request.person)


def _opens(person: Principal, right: str, record: CallRecord) -> bool:
    """Whether `right` opens to the person what an agent of this call did; one's own is open to everybody."""
    reach = person.reach(right)
    return reach.staff is None or any(leg.agent == person.staff or leg.agent in reach for leg in record.legs)


def _out(record: CallRecord, history: History, person: Principal) -> CallCustomerOut:
    level = max((highest(history.customers), Level(record.level or Level.ORDINARY)), key=lambda one: one.rank)
    spoken = [one.details.language for one in history.customers[:1]]
    return CallCustomerOut(
        call=record.call,
        number=mask_number(record.caller),
        level=level.value,
        language=next(filter(None, (record.prefers, *spoken)), ""),
        customers=[customer_out(one) for one in history.customers],
        whole=[f"/api/customers/{one.id}" for one in history.customers],
        calls=[_earlier(one, person) for one in history.calls],
        more=history.more,
        complete=history.complete,
    )


def _earlier(record: CallRecord, person: Principal) -> EarlierCallOut:
    talked = list(dict.fromkeys(leg.agent for leg in record.answered_legs))
    summaries = [leg for leg in record.legs if leg.summary]
    opened_by = summaries[0].agent if summaries else ""
    opens_tickets = _opens(person, TICKETS, record)
    return EarlierCallOut(
        call=record.call,
        at=moment(record.began_at),
        queue=record.queue,
        outcome=record.outcome.value,
        agents=talked,
        outgoing=bool(record.about),
        href=f"/api/calls/{record.call}" if _opens(person, CALLS, record) else None,
        summaries=[
            WrittenOut(
                number=leg.summary,
                type=leg.summary_type,
                agent=leg.agent,
                href=_link(
                    "summaries",
                    leg.summary,
                    leg.agent == person.staff or person.may_of(SUMMARIES, leg.agent),
                ),
            )
            for leg in summaries
        ],
        tickets=[
            WrittenOut(number=number, type="", agent=opened_by, href=_link("tickets", number, opens_tickets))
            for number in record.tickets
        ],
    )


def _link(kind: str, number: str, opens: bool) -> str | None:
    return f"/api/{kind}/{number}" if opens else None
