"""Does the history of the directory say what the chain of accesses says it said? (SEC-17, SEC-20)

Every change has a link in the chain with the digest of its content, so that a row of the history cannot be
altered, added or taken away without altering the chain, and that `storage.audit_chain` finds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import select

from directory import store
from directory.book import ACTION, APPLIED, PURPOSE
from directory.changes import digest
from directory.tables import directory_changes
from storage import Database
from storage.audit import access_log

_PAGE = 200


async def faults(database: Database) -> AsyncIterator[str]:
    """What does not fit, a sentence each, in the order of the changes; none if all of it holds."""
    async with database.read() as connection:
        query = (
            select(access_log.c.subject, access_log.c.reason)
            .where(access_log.c.action.in_((ACTION, APPLIED)), access_log.c.purpose == PURPOSE)
            .order_by(access_log.c.seq)
        )
        # The last word counts: what was planned may have changed less on its day than it would have before.
        linked = {row.subject: row.reason for row in await connection.execute(query)}
        numbers = (
            await connection.execute(select(directory_changes.c.number).order_by(directory_changes.c.number))
        ).scalars()
        known = list(numbers)
        for start in range(0, len(known), _PAGE):
            for change in await store.load_changes(connection, known[start : start + _PAGE]):
                what = f"change {change.number} of the directory"
                link = linked.pop(f"directory:{change.number}", None)
                if link is None:
                    yield f"{what} has no link in the chain: it was put there by hand"
                elif link != digest(change):
                    yield f"{what} is not what it was: its link says otherwise"
    for subject in linked:
        yield f"change {subject.removeprefix('directory:')} of the directory is gone: only its link is left"
