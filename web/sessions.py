"""Sessions: kept on the server, known to the browser by a random token of which we keep the digest alone.

A session ends when it is idle for too long, when it is too old, when it is ended, or when its person leaves.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from core.clock import MINUTE, SECOND, Clock, Duration, Instant
from core.errors import NotFound
from core.names import fits
from storage import Database, StorageError, take_turn, upsert
from web.errors import LockedOut, WrongSignIn
from web.lockout import Attempts, LockoutRule, counted, remaining
from web.passwords import Passwords
from web.route import People, Principal
from web.tables import sessions, sign_in_failures

_log = structlog.get_logger("web.sessions")
_BELIEVED: Duration = 5 * SECOND
"""How long a session is used without asking the database: another process may have ended it."""
_SEEN_EVERY: Duration = MINUTE
_WRONG = "staff number and password do not belong together"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """`idle`: without a request or an open live connection. `longest`: in any case."""

    idle: Duration = 30 * MINUTE
    longest: Duration = 12 * 60 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`id` names it in lists; the token opens it. `address` and `client`: where it was begun."""

    id: str
    staff: str
    started: Instant
    seen: Instant
    address: str
    client: str


@dataclass(frozen=True, slots=True)
class Started:
    """A new session; `token` goes into the cookie and nowhere else."""

    session: Session
    person: Principal
    token: str


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
    ) -> None:
        self.people = people
        self.limits = limits or SessionLimits()
        self._database = database
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._lockout = lockout or LockoutRule()
        self._known: dict[str, _Known] = {}
        self._on_end: list[Callable[[str], None]] = []

    def on_end(self, listener: Callable[[str], None]) -> None:
        """Have `listener` called with the id of every session that ends here."""
        self._on_end.append(listener)

    async def sign_in(self, staff: str, password: str, *, address: str = "", client: str = "") -> Started:
        """A new session. `WrongSignIn`, or `LockedOut` with the time that remains.

        A number that does not exist takes as long and is counted and locked like one that does.
        """
        if not fits("staff", staff):
            await self._passwords.fits(password, None)
            raise WrongSignIn(_WRONG)
        locked = await self._count_attempt(staff)
        right = await self._passwords.fits(password, self.people.password_hash(staff))
        person = self.people.principal(staff)
        if not right or person is None:
            _log.warning("sign-in refused", staff=staff, address=address, locked=bool(locked))
            if locked:
                raise LockedOut(locked)
            raise WrongSignIn(_WRONG)
        for over in [k.session.id for k in self._known.values() if self._is_over(k.session, self._clock())]:
            self._forget(over)
        started = self._new(person, address, client)
        async with self._database.write() as connection:
            await connection.execute(delete(sign_in_failures).where(sign_in_failures.c.staff == staff))
            await connection.execute(delete(sessions).where(self._over()))
            row = _row(started.session) | {"token_sha256": _digest(started.token)}
            await connection.execute(insert(sessions).values(row))
        now = started.session.started
        self._known[_digest(started.token)] = _Known(started.session, now, now)
        _log.info("signed in", staff=staff, session=started.session.id)
        return started

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

    def _forget(self, session_id: str) -> None:
        for digest in [d for d, known in self._known.items() if known.session.id == session_id]:
            del self._known[digest]
        for listener in self._on_end:
            listener(session_id)

    def _new(self, person: Principal, address: str, client: str) -> Started:
        now = self._clock()
        session = Session(
            id=secrets.token_urlsafe(12),
            staff=person.staff,
            started=now,
            seen=now,
            address=address[:45],
            client=client[:200],
        )
        return Started(session, person, secrets.token_urlsafe(32))

    async def _count_attempt(self, staff: str) -> Duration:
        """Count it as failed; how long the number is locked if it was. `LockedOut` if it is already."""
        now = self._clock()
        table = sign_in_failures
        stale = (table.c.last_at <= now - self._lockout.locked_for) & (table.c.locked_until <= now)
        async with self._database.write() as connection:
            await take_turn(connection, f"sign-in of {staff}")
            await connection.execute(delete(table).where(stale))
            query = select(table.c.failures, table.c.last_at, table.c.locked_until)
            row = (await connection.execute(query.where(table.c.staff == staff))).mappings().first()
            attempts = Attempts(**row) if row is not None else Attempts()
            if wait := remaining(attempts, now):
                raise LockedOut(wait)
            attempts = counted(attempts, self._lockout, now)
            values = {"failures": attempts.failures, "last_at": now, "locked_until": attempts.locked_until}
            await upsert(connection, table, [{"staff": staff} | values])
        return remaining(attempts, now)

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


def csrf_token(token: str) -> str:
    """What our own pages send along in `X-CSRF-Token`: derived, so there is nothing more to keep."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _session(row: RowMapping) -> Session:
    return Session(**{name: row[name] for name in Session.__slots__})


def _row(session: Session) -> dict[str, str | int]:
    return {name: getattr(session, name) for name in Session.__slots__}
