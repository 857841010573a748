"""Sessions: kept on the server, known to the browser by a random token of which we keep the digest alone.

A session ends when it is idle for too long, when it is too old, when it is ended, or when its person leaves.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from core.clock import MINUTE, SECOND, Clock, Duration, Instant
from core.errors import NotFound
from core.names import fits
from storage import Database, StorageError
from web.ended_there import EndedThere, end_those, name_kept
from web.errors import LockedOut, ProviderOnly, WrongSignIn
from web.lockout import LockoutRule
from web.password_book import PasswordBook
from web.password_rules import MustChange, PasswordRule
from web.passwords import Passwords
from web.problems import Invalid
from web.route import People, Principal
from web.session import PASSWORD, PROVIDER, Session, SessionLimits, Started
from web.sign_in_record import SignInRecord
from web.tables import sessions

_log = structlog.get_logger("web.sessions")
_BELIEVED: Duration = 5 * SECOND
"""How long a session is used without asking the database: another process may have ended it."""
_SEEN_EVERY: Duration = MINUTE
_WRONG = "staff number and password do not belong together"


@dataclass(slots=True)
class _Known:
    session: Session
    asked: Instant
    stored_seen: Instant


class Sessions:
    """Signing in, and knowing again who has. `on_end` is told the id of each session that ends."""

    def __init__(
        self,
        database: Database,
        people: People,
        *,
        clock: Clock,
        passwords: Passwords | None = None,
        limits: SessionLimits | None = None,
        lockout: LockoutRule | None = None,
        rule: PasswordRule | None = None,
    ) -> None:
        self.people = people
        self.limits = limits or SessionLimits()
        self.book = PasswordBook(database, people, clock=clock, passwords=passwords, rule=rule)
        self._database = database
        self._clock = clock
        self._record = SignInRecord(database, clock=clock, rule=lockout or LockoutRule())
        self._known: dict[str, _Known] = {}
        self._on_end: list[Callable[[str], None]] = []

    def on_end(self, listener: Callable[[str], None]) -> None:
        """Have `listener` called with the id of every session that ends here."""
        self._on_end.append(listener)

    async def sign_in(self, staff: str, password: str, *, address: str = "", client: str = "") -> Started:
        """A new session. `WrongSignIn`, or `LockedOut` with the time that remains; `ProviderOnly`.

        A number that does not exist takes as long and is counted and locked like one that does.
        """
        if not fits("staff", staff):
            await self.book.nobody(password)
            raise WrongSignIn(_WRONG)
        locked = await self._record.tried(staff)
        right = await self.book.check(staff, password)
        person = self.people.principal(staff)
        if right is None or person is None:
            _log.warning("sign-in refused", staff=staff, address=address, locked=bool(locked))
            if locked:
                raise LockedOut(locked)
            raise WrongSignIn(_WRONG)
        async with self._database.write() as connection:
            await self._record.right(connection, staff)
        if right.barred:
            raise ProviderOnly("you sign in by the provider; ask an administrator if you cannot any more")
        return await self.begin(person, address=address, client=client, must_change=right.must_change)

    async def begin(
        self,
        person: Principal,
        *,
        address: str,
        client: str,
        way: str = PASSWORD,
        must_change: MustChange = MustChange.NO,
        subject: str = "",
        provider_session: str = "",
    ) -> Started:
        """A session for somebody who has shown who they are. `subject`, `provider_session`: what the identity
        provider calls them and its own session.
        """
        for over in [k.session.id for k in self._known.values() if self._is_over(k.session, self._clock())]:
            self._forget(over)
        new, token = self._new(person, address, client), secrets.token_urlsafe(32)
        async with self._database.write() as connection:
            before = await self._record.succeeded(
                connection, person.staff, new.address, by_provider=way == PROVIDER
            )
            session = replace(
                new,
                way=way,
                must_change=must_change.value,
                before_at=before.at,
                before_address=before.address,
                before_failed=before.failed,
                provider_subject=name_kept(subject),
                provider_session=name_kept(provider_session),
            )
            await connection.execute(delete(sessions).where(self._over()))
            row = _row(session) | {"token_sha256": _digest(token)}
            await connection.execute(insert(sessions).values(row))
        self._known[_digest(token)] = _Known(session, session.started, session.started)
        _log.info(
            "signed in", staff=person.staff, session=session.id, way=way, must_change=session.must_change
        )
        return Started(session, person, token)

    async def change_password(self, session_id: str, person: Principal, old: str, new: str) -> None:
        """One's own; what `PasswordBook.change` refuses, or `LockedOut`. One's other sessions end."""
        locked = await self._record.tried(person.staff)
        try:
            await self.book.change(person, old, new)
        except WrongSignIn:
            _log.warning("change of password refused", staff=person.staff, locked=bool(locked))
            if locked:
                raise LockedOut(locked) from None
            raise
        except Invalid:
            async with self._database.write() as connection:
                await self._record.right(connection, person.staff)
            raise
        mine = (sessions.c.staff == person.staff) & (sessions.c.id != session_id)
        async with self._database.write() as connection:
            await self._record.right(connection, person.staff)
            ended = list((await connection.execute(select(sessions.c.id).where(mine))).scalars())
            await connection.execute(delete(sessions).where(mine))
            free = update(sessions).where(sessions.c.id == session_id).values(must_change="")
            await connection.execute(free)
        for known in self._known.values():
            if known.session.id == session_id:
                known.session = replace(known.session, must_change="")
        self.forget(ended)
        _log.info("password changed", staff=person.staff, sessions_ended=len(ended))

    async def reset_password(self, staff: str, *, by: str) -> str:
        """A new initial password, to be shown once; `NotFound`. The person's sessions end."""
        clear, ended = await self.book.reset(staff, by=by)
        self.forget(ended)
        _log.info("password made anew", staff=staff, by=by, sessions_ended=len(ended))
        return clear

    async def find(self, token: str) -> tuple[Session, Principal] | None:
        """Whose session it is; None if it is none (any more). Counts as a sign of life.

        While the database is down, sessions we knew before go on.
        """
        digest, now = _digest(token), self._clock()
        known = self._known.get(digest)
        if known is None or now - known.asked >= _BELIEVED:
            known = await self._ask(digest, known, now)
        if known is None:
            return None
        person = self.people.principal(known.session.staff)
        if person is None or self._is_over(known.session, now):
            self._forget(known.session.id)  # its row goes at the next sign-in
            return None
        known.session = replace(known.session, seen=now)
        return known.session, person

    async def of(self, staff: str) -> list[Session]:
        """The living sessions of one person, newest first."""
        query = select(sessions).where(sessions.c.staff == staff).order_by(sessions.c.started.desc())
        async with self._database.read() as connection:
            found = [_session(row) for row in (await connection.execute(query)).mappings()]
        now = self._clock()
        return [session for session in found if not self._is_over(session, now)]

    async def owner(self, session_id: str) -> str:
        """Whose session it is; `NotFound`."""
        query = select(sessions.c.staff).where(sessions.c.id == session_id)
        async with self._database.read() as connection:
            staff = (await connection.execute(query)).scalar_one_or_none()
        if staff is None:
            raise NotFound(f"there is no session {session_id[:40]!r}: it has ended already, or never was")
        return str(staff)

    async def end(self, session_id: str) -> None:
        """End one session; once it has ended nothing happens."""
        async with self._database.write() as connection:
            await connection.execute(delete(sessions).where(sessions.c.id == session_id))
        self._forget(session_id)

    async def end_with_provider(self, ended: EndedThere) -> int:
        """End what the provider has ended; how many those were. `LogoutRefused` if it has said so before."""
        async with self._database.write() as connection:
            ids = await end_those(connection, ended, self._clock())
        self.forget(ids)
        return len(ids)

    def forget(self, session_ids: Iterable[str]) -> None:
        """These have ended in the database: here, too, and for all who listen."""
        for session_id in session_ids:
            self._forget(session_id)

    def _forget(self, session_id: str) -> None:
        for digest in [d for d, known in self._known.items() if known.session.id == session_id]:
            del self._known[digest]
        for listener in self._on_end:
            listener(session_id)

    def _new(self, person: Principal, address: str, client: str) -> Session:
        now = self._clock()
        return Session(
            id=secrets.token_urlsafe(12),
            staff=person.staff,
            started=now,
            seen=now,
            address=address[:45],
            client=client[:200],
        )

    async def _ask(self, digest: str, known: _Known | None, now: Instant) -> _Known | None:
        try:
            async with self._database.read() as connection:
                query = select(sessions).where(sessions.c.token_sha256 == digest)
                row = (await connection.execute(query)).mappings().first()
        except StorageError:
            if known is None:
                raise
            _log.warning("session believed without the database", session=known.session.id)
            known.asked = now
            return known
        if row is None:
            self._known.pop(digest, None)
            return None
        session = _session(row)
        if known is not None:
            session = replace(session, seen=max(session.seen, known.session.seen))
        fresh = _Known(session, now, row["seen"])
        self._known[digest] = fresh
        if not self._is_over(session, now) and now - fresh.stored_seen >= _SEEN_EVERY:
            await self._store_seen(fresh, now)
        return fresh

    async def _store_seen(self, known: _Known, now: Instant) -> None:
        statement = update(sessions).where(sessions.c.id == known.session.id).values(seen=now)
        try:
            async with self._database.write() as connection:
                await connection.execute(statement)
        except StorageError as error:
            _log.warning("sign of life not stored", session=known.session.id, error=str(error))
        else:
            known.stored_seen = now

    def _is_over(self, session: Session, now: Instant) -> bool:
        return now - session.seen >= self.limits.idle or now - session.started >= self.limits.longest

    def _over(self) -> ColumnElement[bool]:
        now = self._clock()
        return or_(sessions.c.seen <= now - self.limits.idle, sessions.c.started <= now - self.limits.longest)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _session(row: RowMapping) -> Session:
    return Session(**{name: row[name] for name in Session.__slots__})


def _row(session: Session) -> dict[str, str | int]:
    return {name: getattr(session, name) for name in Session.__slots__}
