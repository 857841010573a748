"""Whether an ID token is the provider's, for us, for this sign-in, and of now (OpenID Connect Core 3.1.3.7).

Signature and registered claims are joserfc's work; time is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.clock import SECOND, Instant
from web.oidc.model import OidcOptions, OidcRefused, Plain

SIGNED_BY = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512", "EdDSA")
"""Only what needs the provider's private key: `none` and our own secret sign nothing here."""
NOT_TRUSTED = Plain(
    "统一认证的回答无法核实,请重新登录", "the provider's answer could not be verified: sign in again"
)


class UnknownKey(Exception):
    """No key we have fits: the provider may have new ones."""


def claims_of(
    token: str, keys: KeySet, options: OidcOptions, *, nonce: str, now: Instant
) -> Mapping[str, Any]:
    """What a good token says. `UnknownKey` if no key of `keys` signed it; `OidcRefused` if it is not good."""
    claims = decoded(token, keys).claims
    registry = jwt.JWTClaimsRegistry(
        now=now // SECOND,
        leeway=options.skew // SECOND,
        iss={"essential": True, "value": options.issuer},
        aud={"essential": True, "value": options.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise OidcRefused(f"the ID token is refused: {error}", NOT_TRUSTED) from error
    _check_party(claims, options)
    return claims


def decoded(token: str, keys: KeySet) -> jwt.Token:
    """A token that one of `keys` signed; else `UnknownKey`."""
    try:
        return jwt.decode(token, keys, algorithms=list(SIGNED_BY))
    except (JoseError, ValueError) as error:
        raise UnknownKey(f"{type(error).__name__}: {error}") from error


def _check_party(claims: Mapping[str, Any], options: OidcOptions) -> None:
    """A token for several, or given to another, is none for us alone."""
    audience, party = claims["aud"], claims.get("azp")
    if isinstance(audience, list) and len(audience) > 1 and party is None:
        raise OidcRefused("the ID token is for several and does not say for whom (azp)", NOT_TRUSTED)
    if party is not None and party != options.client_id:
        raise OidcRefused("the ID token was given to another (azp)", NOT_TRUSTED)
