"""What the identity provider has ended, and the sessions of ours that end with it.

Names at the provider are kept as digests: of any length there, of one length here, and telling nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from storage import take_turn
from web.errors import LogoutRefused
from web.tables import logout_tokens, sessions


@dataclass(frozen=True, slots=True)
class EndedThere:
    """The session `session` of the person `subject`, or all of theirs; one of the two may be empty.

    `token`: the number of the token that says so; from `until` on it is refused for its age.
    """

    subject: str
    session: str
    token: str = field(repr=False)
    until: Instant


def name_kept(name: str) -> str:
    """How a name at the provider is kept; nothing for none."""
    return hashlib.sha256(name.encode()).hexdigest() if name else ""


async def end_those(connection: AsyncConnection, ended: EndedThere, now: Instant) -> list[str]:
    """The ids of the sessions that were removed for it, maybe none. `LogoutRefused` if its token was used."""
    token = name_kept(ended.token)
    await take_turn(connection, "logout tokens")
    await connection.execute(delete(logout_tokens).where(logout_tokens.c.until < now))
    used = select(logout_tokens.c.until).where(logout_tokens.c.token_sha256 == token)
    if await connection.scalar(used) is not None:
        raise LogoutRefused("it has been used already (jti)")
    await connection.execute(insert(logout_tokens).values(token_sha256=token, until=ended.until))
    ids = list(await connection.scalars(select(sessions.c.id).where(_of(ended))))
    await connection.execute(delete(sessions).where(sessions.c.id.in_(ids)))
    return ids


def _of(ended: EndedThere) -> ColumnElement[bool]:
    subject = sessions.c.provider_subject == name_kept(ended.subject)
    session = sessions.c.provider_session == name_kept(ended.session)
    if not ended.subject:
        return session
    if not ended.session:
        return subject
    # Of a session whose sign-in came without a name for it, nobody can say that it is another one.
    return subject & (session | (sessions.c.provider_session == ""))
