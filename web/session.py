"""One session: what is known of it, how long it lasts, and the token against forged requests."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from core.clock import MINUTE, Duration, Instant
from web.route import Principal

PASSWORD, PROVIDER = "password", "provider"
"""The ways to sign in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """`idle`: without a request or an open live connection. `longest`: in any case."""

    idle: Duration = 30 * MINUTE
    longest: Duration = 12 * 60 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`id` names it in lists; the token opens it. `address` and `client`: where it was begun.

    `must_change`: a `MustChange`; unless it is empty, nothing else is open before the password is another
    one. It is decided when the session begins: nobody is stopped in the middle of a call by a date.
    `before_…`: the sign-in before this one, and how many tries had failed in between. `provider_…`: what the
    identity provider calls the person and its own session (`web.ended_there.name_kept`).
    """

    id: str
    staff: str
    started: Instant
    seen: Instant
    address: str
    client: str
    way: str = PASSWORD
    must_change: str = ""
    before_at: Instant = 0
    before_address: str = ""
    before_failed: int = 0
    provider_subject: str = ""
    provider_session: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """A new session; `token` goes into the cookie and nowhere else."""

    session: Session
    person: Principal
    token: str


def csrf_token(token: str) -> str:
    """What our own pages send along in `X-CSRF-Token`: derived, so there is nothing more to keep."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()
