"""What goes over the wire. Names and numbers leave masked, but in `CustomerWholeOut` and `ChangesOut`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import Field

from core.clock import moment
from core.masking import mask_number
from customers.model import Change, Customer, Details, Level, Note
from customers.rules import MOST_NAME, MOST_NOTE, mask_name
from customers.service import TakenIn
from web.route import In, Out

MOST_LINES = 500
"""Of a sheet's changes, so many are told line by line."""


class OfNumber(In):
    """Whose number; written in any way."""

    number: str = Field(min_length=3, max_length=40)


class WhyRead(In):
    """Why a record is read whole."""

    purpose: str = Field(default="", description="handling, callback, complaint, investigation or upkeep")
    reason: str = Field(default="", max_length=200)


class DetailsIn(In):
    """A customer's details; of a change, those that are left out stay as they are."""

    name: str = Field(default="", max_length=MOST_NAME)
    level: Level = Level.ORDINARY
    language: str = Field(default="", max_length=8)
    numbers: tuple[str, ...] = ()
    until: date | None = Field(default=None, description="the last day on which they are a customer")
    reason: str = Field(min_length=1, max_length=200, description="why, for whoever reads the history")

    def told(self) -> dict[str, Any]:
        """The details that were sent."""
        return {name: getattr(self, name) for name in Details.__slots__ if name in self.model_fields_set}


class CustomerIn(DetailsIn):
    """A new customer."""

    id: str = Field(max_length=24, description="客户号: the bank's own customer number")


class CustomerChange(DetailsIn):
    """A change. `version`: of the record as it was seen."""

    version: int


class NoteIn(In):
    """Something to be known of a customer."""

    text: str = Field(min_length=1, max_length=MOST_NOTE)


class SheetIn(In):
    """How a sheet is taken in. Without `dry_run=false` it is only tried: a sheet is long, and soon sent."""

    reason: str = Field(min_length=1, max_length=200)
    dry_run: bool = Field(default=True, description="only say what would change")


class CustomerOut(Out):
    """A customer as everybody sees them: `张**`, `138****1111`."""

    id: str
    version: int
    name: str
    level: Level
    language: str
    numbers: list[str]
    until: date | None
    changed_at: datetime
    changed_by: str


class CustomersOut(Out):
    """Those who have the number, the most favoured first: they decide how the call is served (`level`)."""

    customers: list[CustomerOut]
    level: Level


class NoteOut(Out):
    """A note, whose text is free of card and identity numbers."""

    number: int
    at: datetime
    by: str
    text: str


class CustomerWholeOut(CustomerOut):
    """Nothing of it is masked; the reading is on record. Newest note first."""

    notes: list[NoteOut]


class DetailsOut(Out):
    """Details as they were, unmasked."""

    name: str
    level: Level
    language: str
    numbers: list[str]
    until: date | None


class ChangeOut(Out):
    """One change; `before` is null for the first."""

    version: int
    at: datetime
    by: str
    reason: str
    fields: list[str]
    before: DetailsOut | None
    after: DetailsOut


class ChangesOut(Out):
    """Newest first, unmasked; the reading is on record."""

    changes: list[ChangeOut]


class SheetLineOut(Out):
    """What a row makes of a customer: the fields that change, not what they hold."""

    row: int
    id: str
    created: bool
    fields: list[str]


class SheetOut(Out):
    """What a sheet has made, or would make, of the customers; the first lines of it."""

    dry_run: bool
    created: int
    changed: int
    unchanged: int
    lines: list[SheetLineOut]


def customer_out(customer: Customer) -> CustomerOut:
    """Masked."""
    whole = _whole(customer)
    numbers = [mask_number(number) for number in whole["numbers"]]
    return CustomerOut(**(whole | {"name": mask_name(whole["name"]), "numbers": numbers}))


def whole_out(customer: Customer, notes: list[Note]) -> CustomerWholeOut:
    """Unmasked: for those alone whose reading is on record."""
    return CustomerWholeOut(**_whole(customer), notes=[note_out(note) for note in notes])


def note_out(note: Note) -> NoteOut:
    """A note."""
    return NoteOut(number=note.number, at=moment(note.at), by=note.by, text=note.text)


def change_out(change: Change) -> ChangeOut:
    """Unmasked: for those alone whose reading is on record."""
    return ChangeOut(
        version=change.version,
        at=moment(change.at),
        by=change.by,
        reason=change.reason,
        fields=list(change.fields),
        before=None if change.before is None else DetailsOut(**_details(change.before)),
        after=DetailsOut(**_details(change.after)),
    )


def sheet_out(taken: TakenIn, *, dry_run: bool) -> SheetOut:
    """Without any name or number."""
    created = sum(change.before is None for _, change in taken.changes)
    lines = [
        SheetLineOut(row=row, id=change.customer, created=change.before is None, fields=list(change.fields))
        for row, change in taken.changes[:MOST_LINES]
    ]
    return SheetOut(
        dry_run=dry_run,
        created=created,
        changed=len(taken.changes) - created,
        unchanged=taken.unchanged,
        lines=lines,
    )


def _whole(customer: Customer) -> dict[str, Any]:
    return _details(customer.details) | {
        "id": customer.id,
        "version": customer.version,
        "changed_at": moment(customer.changed_at),
        "changed_by": customer.changed_by,
    }


def _details(details: Details) -> dict[str, Any]:
    told = {name: getattr(details, name) for name in Details.__slots__}
    return told | {"numbers": list(details.numbers)}
