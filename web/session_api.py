"""/api/session: sign in, who am I, sign out; /api/sessions: where am I signed in, and ending that.

/api/sign-in tells a page, before anybody is known, which ways of signing in there are.
"""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from pydantic import Field, SecretStr

from core.clock import moment
from web.endpoint import Gate, answer
from web.errors import NotSignedIn
from web.route import ApiRequest, In, Out, Principal, Route
from web.scope import joined
from web.session import Session, Started, csrf_token
from web.sessions import Sessions


class SignIn(In):
    """Staff number and password."""

    staff: str = Field(min_length=1, max_length=20, description="工号")
    password: SecretStr = Field(min_length=1, max_length=200)


class WaysOut(Out):
    """How one may sign in here. `provider`: what to call it; empty where there is none."""

    provider: str


class BeforeOut(Out):
    """The sign-in before this one, and how many tries have failed in between."""

    at: datetime
    address: str
    failed: int


class PersonOut(Out):
    """Who is signed in, and what they may do."""

    staff: str
    name: str
    roles: list[str]
    rights: list[str] = Field(description="with how far they go: calls.read, or calls.read.own, .team, .unit")
    csrf_token: str = Field(description="to be sent as X-CSRF-Token with every change")
    session: str
    expires_at: datetime = Field(description="the end in any case; idleness may end it earlier")
    idle_s: int = Field(description="the session ends after so many seconds without a request")
    way: str = Field(description="password or provider: how they signed in")
    must_change: str = Field(
        description="initial or expired: nothing else is open before the password is changed; empty: all is"
    )
    password_length: int = Field(description="least characters of a new password")
    before: BeforeOut | None = Field(description="empty at the first sign-in")


class SessionOut(Out):
    """One living session."""

    id: str
    staff: str
    started_at: datetime
    seen_at: datetime
    address: str
    client: str
    way: str
    current: bool


class SessionsOut(Out):
    """Living sessions, newest first."""

    sessions: list[SessionOut]


class OfWhom(In):
    """Whose sessions; empty for one's own."""

    staff: str = Field(default="", max_length=8)


class SessionApi:
    """The handlers; `provider`: what to call the one that people may sign in by."""

    def __init__(self, gate: Gate, *, provider: str = "") -> None:
        self._gate = gate
        self._sessions: Sessions = gate.sessions
        self._provider = provider

    def routes(self) -> list[Route]:
        """The routes of this module."""
        ways = Route(
            method="GET",
            path="/api/sign-in",
            handler=self._ways,
            right=None,
            returns=WaysOut,
            summary="Which ways of signing in there are",
            tag="session",
        )
        return [ways, *self._own_session(), *self._all_sessions()]

    def _own_session(self) -> list[Route]:
        path, tag = "/api/session", "session"
        return [
            Route(
                method="POST",
                path=path,
                handler=self._sign_in,
                right=None,
                body=SignIn,
                returns=PersonOut,
                summary="Sign in with staff number and password",
                tag=tag,
            ),
            Route(
                method="GET",
                path=path,
                handler=self._who,
                right="",
                returns=PersonOut,
                summary="Who is signed in, with the current CSRF token",
                tag=tag,
                before_change=True,
            ),
            Route(
                method="DELETE",
                path=path,
                handler=self._sign_out,
                right="",
                summary="Sign out",
                tag=tag,
                before_change=True,
            ),
        ]

    def _all_sessions(self) -> list[Route]:
        return [
            Route(
                method="GET",
                path="/api/sessions",
                handler=self._list,
                right="",
                wider=("sessions.end",),
                scoped=True,
                query=OfWhom,
                returns=SessionsOut,
                summary="Living sessions: one's own or, with sessions.end, those of another",
                tag="session",
            ),
            Route(
                method="DELETE",
                path="/api/sessions/{session}",
                handler=self._end,
                right="",
                wider=("sessions.end",),
                scoped=True,
                summary="End a session: one's own or, with sessions.end, another's",
                tag="session",
            ),
        ]

    async def _sign_in(self, request: ApiRequest) -> web.StreamResponse:
        body: SignIn = request.body
        started = await self._sessions.sign_in(
            body.staff,
            body.password.get_secret_value(),
            address=request.raw.remote or "",
            client=request.raw.headers.get("User-Agent", ""),
        )
        response = answer(self._own_session()[0], self._started(started))
        self._gate.open(response, started)
        return response

    async def _ways(self, _request: ApiRequest) -> WaysOut:
        return WaysOut(provider=self._provider)

    async def _who(self, request: ApiRequest) -> PersonOut:
        token = request.raw.cookies[self._gate.cookie]
        found = await self._sessions.find(token)
        if found is None:
            raise NotSignedIn("the session has just ended: sign in again")
        return self._person(found[1], found[0], token)

    async def _sign_out(self, request: ApiRequest) -> web.StreamResponse:
        await self._sessions.end(request.session_id)
        response = web.Response(status=204)
        response.del_cookie(
            self._gate.cookie, path="/", httponly=True, secure=self._gate.secure, samesite="Strict"
        )
        return response

    async def _list(self, request: ApiRequest) -> SessionsOut:
        query: OfWhom = request.query
        staff = query.staff or request.person.staff
        if staff != request.person.staff:
            request.person.require_of("sessions.end", staff)
        found = await self._sessions.of(staff)
        return SessionsOut(sessions=[_session_out(one, request.session_id) for one in found])

    async def _end(self, request: ApiRequest) -> None:
        session_id = request.path["session"]
        owner = await self._sessions.owner(session_id)
        if owner != request.person.staff:
            request.person.require_of("sessions.end", owner)
        await self._sessions.end(session_id)

    def _started(self, started: Started) -> PersonOut:
        return self._person(started.person, started.session, started.token)

    def _person(self, person: Principal, session: Session, token: str) -> PersonOut:
        return PersonOut(
            staff=person.staff,
            name=person.name,
            roles=list(person.roles),
            rights=sorted(joined(*grant) for grant in person.rights.items()),
            csrf_token=csrf_token(token),
            session=session.id,
            expires_at=moment(session.started + self._sessions.limits.longest),
            idle_s=self._sessions.limits.idle // 1_000_000,
            way=session.way,
            must_change=session.must_change,
            password_length=self._sessions.book.rule.length,
            before=_before(session),
        )


def _before(session: Session) -> BeforeOut | None:
    if not session.before_at:
        return None
    return BeforeOut(
        at=moment(session.before_at), address=session.before_address, failed=session.before_failed
    )


def _session_out(session: Session, current: str) -> SessionOut:
    return SessionOut(
        id=session.id,
        staff=session.staff,
        started_at=moment(session.started),
        seen_at=moment(session.seen),
        address=session.address,
        client=session.client,
        way=session.way,
        current=session.id == current,
    )
