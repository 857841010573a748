"""Rows ⇄ records. Every function works inside the caller's unit of work."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec
from sqlalchemy import RowMapping, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from customers.model import Change, Customer, Details, Level, Note
from customers.tables import customer_changes, customer_notes, customer_numbers, customers
from storage import upsert

_Item = TypeVar("_Item")
_AT_ONCE = 500
"""Rows per statement: SQLite takes 32,766 values in one."""


async def with_number(connection: AsyncConnection, number: str, *, limit: int) -> list[Customer]:
    """Up to `limit` customers who have the number."""
    query = select(customer_numbers.c.customer).where(customer_numbers.c.number == number)
    rows = await connection.execute(query.order_by(customer_numbers.c.customer).limit(limit))
    return list((await load(connection, rows.scalars().all())).values())


async def apart(connection: AsyncConnection) -> list[str]:
    """Every number that belongs to somebody who is served apart."""
    special = or_(customers.c.level != Level.ORDINARY.value, customers.c.language != "")
    theirs = select(customer_numbers.c.number).join(customers).where(special).distinct()
    return list((await connection.execute(theirs)).scalars())


async def sharing(connection: AsyncConnection, numbers: Sequence[str]) -> list[RowMapping]:
    """For `with_its_number`: everybody who has one of these numbers, as many as `slices` gives."""
    query = select(customer_numbers.c.number, customers).join(customers)
    rows = await connection.execute(query.where(customer_numbers.c.number.in_(numbers)))
    return list(rows.mappings())


def with_its_number(row: RowMapping) -> tuple[str, Customer]:
    """Number and customer, of a row of `sharing`."""
    return row["number"], _customer(row, ())


async def load(connection: AsyncConnection, ids: Collection[str]) -> dict[str, Customer]:
    """These customers; unknown ones are left out."""
    found: dict[str, Customer] = {}
    for some in slices(list(ids)):
        numbers: dict[str, list[str]] = {}
        of_these = select(customer_numbers).where(customer_numbers.c.customer.in_(some))
        for row in await connection.execute(of_these.order_by(customer_numbers.c.position)):
            numbers.setdefault(row.customer, []).append(row.number)
        rows = await connection.execute(select(customers).where(customers.c.id.in_(some)))
        for each in rows.mappings():
            found[each["id"]] = _customer(each, numbers.get(each["id"], []))
    return found


async def keep(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Make these changes the present, and remember what was there before."""
    for some in slices(changes):
        await upsert(connection, customers, [_row(change) for change in some])
        await connection.execute(insert(customer_changes), [_change_row(change) for change in some])
        whose = [change.customer for change in some]
        await connection.execute(delete(customer_numbers).where(customer_numbers.c.customer.in_(whose)))
        numbers = [
            {"customer": change.customer, "position": position, "number": number}
            for change in some
            for position, number in enumerate(change.after.numbers, 1)
        ]
        if numbers:
            await connection.execute(insert(customer_numbers), numbers)


async def changes_of(connection: AsyncConnection, customer: str) -> list[Change]:
    """Every change of a customer, newest first."""
    query = select(customer_changes).where(customer_changes.c.customer == customer)
    rows = await connection.execute(query.order_by(customer_changes.c.version.desc()))
    return [_change(row) for row in rows.mappings()]


async def add_note(connection: AsyncConnection, note: Note) -> Note:
    """The note with the number it got; call it when it is one's turn."""
    query = select(func.max(customer_notes.c.number)).where(customer_notes.c.customer == note.customer)
    last = (await connection.execute(query)).scalar_one() or 0
    row = asdict(note) | {"number": last + 1}
    await connection.execute(insert(customer_notes).values(row))
    return Note(**row)


async def notes_of(connection: AsyncConnection, customer: str, *, limit: int) -> list[Note]:
    """The newest `limit` notes on a customer, newest first."""
    query = select(customer_notes).where(customer_notes.c.customer == customer)
    rows = await connection.execute(query.order_by(customer_notes.c.number.desc()).limit(limit))
    return [Note(**row) for row in rows.mappings()]


def _customer(row: RowMapping, numbers: Sequence[str]) -> Customer:
    told = {"name": row["name"], "level": row["level"], "language": row["language"], "until": row["until"]}
    return Customer(
        id=row["id"],
        version=row["version"],
        changed_at=row["changed_at"],
        changed_by=row["changed_by"],
        details=msgspec.convert(told | {"numbers": list(numbers)}, Details),
    )


def _row(change: Change) -> dict[str, Any]:
    details = change.after
    return {
        "id": change.customer,
        "version": change.version,
        "changed_at": change.at,
        "changed_by": change.by,
        "name": details.name,
        "level": Level(details.level).value,
        "language": details.language,
        "until": None if details.until is None else details.until.isoformat(),
    }


def _change_row(change: Change) -> dict[str, Any]:
    return {
        "customer": change.customer,
        "version": change.version,
        "at": change.at,
        "by": change.by,
        "reason": change.reason,
        "before": None if change.before is None else msgspec.json.encode(change.before).decode(),
        "after": msgspec.json.encode(change.after).decode(),
    }


def _change(row: RowMapping) -> Change:
    return Change(
        customer=row["customer"],
        version=row["version"],
        at=row["at"],
        by=row["by"],
        reason=row["reason"],
        before=None if row["before"] is None else msgspec.json.decode(row["before"], type=Details),
        after=msgspec.json.decode(row["after"], type=Details),
    )


def slices(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """As many at once as a statement takes."""
    return (items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE))
