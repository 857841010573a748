"""Whether a logout token is the provider's, for us, of now, and one at all (Back-Channel Logout 1.0, 2.6).

Signature and registered claims are joserfc's work; time is an argument. That no token counts twice is seen to
where what it ends is ended (`web.ended_there`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.clock import MINUTE, SECOND, Duration, Instant
from web.ended_there import EndedThere
from web.errors import LogoutRefused
from web.oidc.model import OidcOptions
from web.oidc.token import decoded

EVENT = "http://schemas.openid.net/event/backchannel-logout"
GOOD_FOR: Duration = 5 * MINUTE
"""After its making, however long the provider would have it good: so long used ones are remembered."""
_TYPES = frozenset({"logout+jwt", "application/logout+jwt", "jwt", ""})
"""What its header may call it: older providers call it a token like any other, or nothing."""
_LONGEST = 1_000


def ended_of(token: str, keys: KeySet, options: OidcOptions, *, now: Instant) -> EndedThere:
    """What a good one ends. `UnknownKey` if no key of `keys` signed it; `LogoutRefused` if it is not good."""
    good = decoded(token, keys)
    if str(good.header.get("typ", "")).lower() not in _TYPES:
        raise LogoutRefused("it says that it is a token for something else (typ)")
    claims = good.claims
    registry = jwt.JWTClaimsRegistry(
        now=now // SECOND,
        leeway=options.skew // SECOND,
        iss={"essential": True, "value": options.issuer},
        aud={"essential": True, "value": options.client_id},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise LogoutRefused(str(error)) from error
    if now - claims["iat"] * SECOND > GOOD_FOR + options.skew:
        raise LogoutRefused("it was made too long ago (iat)")
    if "nonce" in claims:
        raise LogoutRefused("it has a nonce: it is an ID token, or wants to be taken for one")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise LogoutRefused("it tells of no logout (events)")
    subject, session = _text(claims, "sub"), _text(claims, "sid")
    if not subject and not session:
        raise LogoutRefused("it does not say whose session has ended (sub, sid)")
    return EndedThere(subject, session, _text(claims, "jti"), until=now + GOOD_FOR + 2 * options.skew)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST or (name in claims and not value):
        raise LogoutRefused(f"its {name} is no name")
    return value
