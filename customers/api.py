"""/api/customers: found by number, read whole for a purpose, kept one by one or by spreadsheet."""

from __future__ import annotations

from customers.model import Details
from customers.rules import highest
from customers.schemas import (
    ChangesOut,
    CustomerChange,
    CustomerIn,
    CustomerOut,
    CustomersOut,
    CustomerWholeOut,
    NoteIn,
    NoteOut,
    OfNumber,
    SheetIn,
    SheetOut,
    WhyRead,
    change_out,
    customer_out,
    note_out,
    sheet_out,
    whole_out,
)
from customers.service import Customers
from directory.grid import MEDIA_TYPE
from web.errors import NotJson
from web.route import ApiRequest, Route

FIND, READ, NOTE, CHANGE = "customers.find", "customers.read", "customers.note", "customers.change"
_PATH, _TAG = "/api/customers", "customers"


class CustomersApi:
    """The handlers."""

    def __init__(self, customers: Customers) -> None:
        self._customers = customers

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [*self._reading(), *self._keeping()]

    def _reading(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path=_PATH,
                handler=self._find,
                right=FIND,
                query=OfNumber,
                returns=CustomersOut,
                summary="Who has a telephone number, masked",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path=f"{_PATH}/{{id}}",
                handler=self._read,
                right=READ,
                query=WhyRead,
                returns=CustomerWholeOut,
                summary="One customer with notes, unmasked, for a purpose; on record",
                tag=_TAG,
            ),
            Route(
                method="GET",
                path=f"{_PATH}/{{id}}/changes",
                handler=self._changes,
                right=READ,
                query=WhyRead,
                returns=ChangesOut,
                summary="Every change of a customer's record, unmasked, for a purpose; on record",
                tag=_TAG,
            ),
        ]

    def _keeping(self) -> list[Route]:
        return [
            Route(
                method="POST",
                path=_PATH,
                handler=self._create,
                right=CHANGE,
                body=CustomerIn,
                returns=CustomerOut,
                status=201,
                summary="Keep a new customer",
                tag=_TAG,
            ),
            Route(
                method="PUT",
                path=f"{_PATH}/{{id}}",
                handler=self._change,
                right=CHANGE,
                body=CustomerChange,
                returns=CustomerOut,
                summary="Change a customer's details; those left out stay",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=f"{_PATH}/{{id}}/notes",
                handler=self._note,
                right=NOTE,
                body=NoteIn,
                returns=NoteOut,
                status=201,
                summary="Write a note on a customer",
                tag=_TAG,
            ),
            Route(
                method="POST",
                path=f"{_PATH}/sheet",
                handler=self._take_in,
                right=CHANGE,
                query=SheetIn,
                returns=SheetOut,
                summary="Take customers in from a spreadsheet, all of it or nothing; tried first",
                tag=_TAG,
            ),
        ]

    async def _find(self, request: ApiRequest) -> CustomersOut:
        query: OfNumber = request.query
        found = await self._customers.find(query.number)
        return CustomersOut(customers=[customer_out(one) for one in found], level=highest(found))

    async def _read(self, request: ApiRequest) -> CustomerWholeOut:
        query: WhyRead = request.query
        found, notes = await self._customers.read(
            request.path["id"], by=request.person.staff, purpose=query.purpose, reason=query.reason
        )
        return whole_out(found, notes)

    async def _changes(self, request: ApiRequest) -> ChangesOut:
        query: WhyRead = request.query
        found = await self._customers.changes(
            request.path["id"], by=request.person.staff, purpose=query.purpose, reason=query.reason
        )
        return ChangesOut(changes=[change_out(one) for one in found])

    async def _create(self, request: ApiRequest) -> CustomerOut:
        body: CustomerIn = request.body
        details = Details(**({"name": ""} | body.told()))
        made = await self._customers.create(body.id, details, by=request.person.staff, reason=body.reason)
        return customer_out(made)

    async def _change(self, request: ApiRequest) -> CustomerOut:
        body: CustomerChange = request.body
        changed = await self._customers.change(
            request.path["id"], body.version, body.told(), by=request.person.staff, reason=body.reason
        )
        return customer_out(changed)

    async def _note(self, request: ApiRequest) -> NoteOut:
        body: NoteIn = request.body
        return note_out(await self._customers.note(request.path["id"], body.text, by=request.person.staff))

    async def _take_in(self, request: ApiRequest) -> SheetOut:
        asked: SheetIn = request.query
        if request.raw.content_type != MEDIA_TYPE:
            raise NotJson(f"send the sheet as {MEDIA_TYPE}")
        taken = await self._customers.take_in(
            await request.raw.read(),
            by=request.person.staff,
            reason=asked.reason,
            dry_run=asked.dry_run,
        )
        return sheet_out(taken, dry_run=asked.dry_run)
