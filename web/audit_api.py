"""/api/audit/accesses: who looked at what, why and when; newest first, in pages.

To list accesses leaves a line in the log, but no row: a chain of readings of the chain would never end.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog
from pydantic import AwareDatetime, Field

from core.clock import instant, moment
from storage import Database
from storage.audit import Access, AccessSearch, find_accesses
from web.route import ApiRequest, In, Out, Route

RIGHT = "audit.read"
MOST = 500
_log = structlog.get_logger("web.audit")


class AccessesQuery(In):
    """What is given must hold of an access."""

    subject: str | None = Field(
        default=None, max_length=80, description="what was looked at, such as summary:ZJ20261122-000001"
    )
    staff: str | None = Field(default=None, pattern=r"^\d{4,8}$", description="who looked")
    purpose: str | None = Field(default=None, pattern=r"^[a-z_]{1,24}$")
    since: AwareDatetime | None = Field(default=None, description="then or later")
    until: AwareDatetime | None = Field(default=None, description="before then")
    limit: int = Field(default=100, ge=1, le=MOST)
    page: str = Field(default="", pattern=r"^\d{0,18}$", description="`more` of the page before")

    def search(self) -> AccessSearch:
        """The same in the chain's terms."""
        return AccessSearch(
            subject=self.subject,
            staff=self.staff,
            purpose=self.purpose,
            since=None if self.since is None else instant(self.since),
            until=None if self.until is None else instant(self.until),
        )


class LinkOut(Out):
    """One access. `seq`: its number in the chain."""

    seq: int
    at: datetime
    staff: str
    action: str
    subject: str
    purpose: str
    reason: str


class LinksOut(Out):
    """Newest first; `more` is empty at the end."""

    accesses: list[LinkOut]
    more: str


class AuditApi:
    """The handler. `database`: the main one, which holds the chain."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        """The routes of this module."""
        return [
            Route(
                method="GET",
                path="/api/audit/accesses",
                handler=self._find,
                right=RIGHT,
                scoped=True,
                query=AccessesQuery,
                returns=LinksOut,
                summary="Who, as far as audit.read reaches, looked at what, why and when",
                tag="audit",
            )
        ]

    async def _find(self, request: ApiRequest) -> LinksOut:
        query: AccessesQuery = request.query
        person, search = request.person, query.search()
        if search.staff is not None:
            person.require_of(RIGHT, search.staff)
        else:
            search = replace(search, among=person.reach(RIGHT).staff)
        asked = query.model_dump(mode="json", exclude_defaults=True)
        _log.info("accesses listed", by=person.staff, asked=asked)
        async with self._database.read() as connection:
            found = await find_accesses(
                connection,
                search,
                limit=query.limit + 1,
                before=int(query.page) if query.page else None,
            )
        shown = found[: query.limit]
        more = str(shown[-1][0]) if len(found) > query.limit else ""
        return LinksOut(accesses=[_link_out(seq, access) for seq, access in shown], more=more)


def _link_out(seq: int, access: Access) -> LinkOut:
    return LinkOut(
        seq=seq,
        at=moment(access.at),
        staff=access.staff,
        action=access.action,
        subject=access.subject,
        purpose=access.purpose,
        reason=access.reason,
    )
