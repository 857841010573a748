"""What a route is, who asks, and what the edge needs to know about people. Features build on this module.

    Route(method="GET", path="/api/calls/{call}", handler=show, right="calls.read",
          returns=CallOut, summary="One call with its legs", tag="calls")

`right` has no default on purpose: a route says who may use it, or it does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from core.clock import Instant
from web.errors import Forbidden, NotSignedIn
from web.scope import Grants, Reach, Scope, joined


class In(BaseModel):
    """Base of request bodies and queries: unknown fields are refused, never silently dropped."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Out(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: `staff` is the 工号; `rights` are those of all their roles together, each as far as it goes.

    `also_called`: their name as it is written otherwise, which a password must not hold either.
    `within`: who is of their team or unit, as of when this was made; without it nobody but themselves is.
    """

    staff: str
    name: str
    also_called: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rights: Grants = field(default_factory=dict)
    within: Callable[[Scope], Reach] | None = field(default=None, repr=False, compare=False)

    def may(self, right: str) -> bool:
        """Whether the person has `right`, however far; the empty right is that of everyone signed in."""
        return not right or right in self.rights

    def reach(self, right: str) -> Reach:
        """Those whose records `right` opens to the person; nobody's without the right."""
        scope = self.rights.get(right)
        if scope is None:
            return Reach(frozenset())
        if scope is Scope.ALL:
            return Reach(None)
        if scope is Scope.OWN or self.within is None:
            return Reach(frozenset({self.staff}))
        return self.within(scope)

    def may_of(self, right: str, staff: str) -> bool:
        """Whether `right` opens what is `staff`'s to the person."""
        return staff in self.reach(right)

    def require(self, *rights: str) -> None:
        """`Forbidden` (403) without one of `rights`, however far: for checks on what is asked for."""
        if not any(self.may(right) for right in rights):
            wanted = " or ".join(repr(right) for right in rights)
            raise Forbidden(f"{self.staff} lacks the right {wanted}: ask an administrator for it")

    def require_of(self, right: str, staff: str) -> None:
        """`Forbidden` (403) unless `right` opens what is `staff`'s to the person."""
        self.require(right)
        if not self.may_of(right, staff):
            held = joined(right, self.rights[right])
            raise Forbidden(f"{self.staff} has the right {held!r}, which does not reach {staff[:8]}")


@dataclass(frozen=True, slots=True)
class Given:
    """A password that set-up has made: its argon2 hash, and when; 0: before times were noted."""

    hash: str
    made_at: Instant = 0


class People(Protocol):
    """What the edge asks about people; `directory` answers."""

    def given_password(self, staff: str) -> Given | None:
        """The password that set-up made for them; None if it made none, or they left.

        It is taken over at its first use, unless a newer one is kept; `web.password_book` does so.
        """

    def principal(self, staff: str) -> Principal | None:
        """The person with their rights as of now; None once they have left (their sessions end)."""

    def known_rights(self) -> frozenset[str]:
        """Every right there is; a route that names another is refused at start-up."""

    def scoped_rights(self) -> frozenset[str]:
        """Those of them that may reach less than everybody; a route that does not care is refused, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request, checked: signed in, right present, body and query valid.

    `body` and `query` are instances of the route's models (None where it has none): annotate them in the
    handler, `body: SummaryIn = request.body`. `session_id` names the session without opening it.
    """

    signed_in: Principal | None
    path: dict[str, str]
    raw: web.Request
    request_id: str
    session_id: str = ""
    body: Any = None
    query: Any = None

    @property
    def person(self) -> Principal:
        """Who asks. On a route that is not public there always is someone."""
        if self.signed_in is None:
            raise NotSignedIn("sign in first")
        return self.signed_in


Handler = Callable[[ApiRequest], Awaitable[BaseModel | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation of the API.

    `path`: as aiohttp writes it (`/api/calls/{call}`). `right`: None is public, "" is anyone signed in.
    `proof`: what the handler asks for instead of a session, where a program that cannot sign in makes a
    change ("the SMS gateway's signature"); nobody's role opens such a route.
    `wider`: rights that let in as well and open more of it, the widest last; the handler tells how much.
    `scoped`: the last of these rights opens no further than it reaches (`web.scope`); the handler asks
    `Principal.reach`.
    `unscoped`: why a right that may reach less than everybody opens all of it here.
    `before_change`: open to those, too, who have to change their password before anything else.
    `returns`: None for an empty answer (204 unless `status` says otherwise) or, with `produces`, for a
    stream of that media type. `status`: of the good answer. A GET answers HEAD too.
    """

    method: str
    path: str
    handler: Handler
    right: str | None
    summary: str
    tag: str
    wider: tuple[str, ...] = ()
    scoped: bool = False
    unscoped: str = ""
    before_change: bool = False
    proof: str = ""
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    returns: type[BaseModel] | None = None
    status: int = 200
    produces: str = "application/json"
