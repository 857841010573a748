"""Who calls, and what there was between them and the hotline before, for the agent whose telephone rings.

Found by number, through the indexes of the customers and of the list of calls: nothing is read through. A
call names its summaries and work orders; what stands in those is read at their own routes, by right and for a
purpose. No call waits for this, and nobody who answers one does for long: slow and dead are "not known".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from core.dialling import spellings
from core.errors import BadInput, HotlineError
from customers import rules
from customers.model import Customer
from customers.service import Customers
from ledger.call_record import CallRecord
from ledger.calls import CallBook, CallSearch

_log = structlog.get_logger("customers")
MOST_CALLS = 10
LIMIT_S = 2.0
"""An agent who has to answer within seconds is not helped by what comes later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """`customers`: the most favoured first. `calls`: earlier ones, newest first; `more`: there are others.

    `complete` False: it could not be found out in time, or at all.
    """

    customers: Sequence[Customer] = ()
    calls: Sequence[CallRecord] = ()
    more: bool = False
    complete: bool = True


class CallerHistory:
    """`limit_s`: what takes longer is left out."""

    def __init__(self, customers: Customers, calls: CallBook, *, limit_s: float = LIMIT_S) -> None:
        self._customers = customers
        self._calls = calls
        self._limit_s = limit_s

    async def of(self, call: CallRecord) -> History:
        """Who calls there and called before; it raises nothing."""
        try:
            number = rules.check_number(call.caller, "caller")
        except BadInput:
            return History()  # withheld, or no number at all
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._found(call, number)
        except TimeoutError:
            why = f"no answer within {self._limit_s:g} s"
        except HotlineError as error:
            why = str(error)
        _log.warning("customers.no_history", call=call.call, why=why)
        return History(complete=False)

    async def _found(self, call: CallRecord, number: str) -> History:
        customers = await self._customers.find(number)
        # A number that several share says of none of them at which other numbers they can be reached.
        numbers = {number, *(customers[0].details.numbers if len(customers) == 1 else ())}
        callers = frozenset(way for one in numbers for way in spellings(one))
        page = await self._calls.find_calls(CallSearch(callers=callers), limit=MOST_CALLS + 1)
        earlier = [one for one in page.calls if one.call != call.call]
        more = bool(page.more) or len(earlier) > MOST_CALLS
        return History(customers=customers, calls=earlier[:MOST_CALLS], more=more)
