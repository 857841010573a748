"""Pure: which logout tokens are good. Keys and signatures are real; no provider would send the wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from core.clock import SECOND
from web.ended_there import EndedThere
from web.errors import LogoutRefused
from web.oidc.logout import EVENT, ended_of
from web.oidc.model import OidcOptions
from web.oidc.token import UnknownKey

NOW_S = 1_800_000_000
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
PUBLIC = KeySet([RSAKey.import_key(KEY.as_dict(private=False))])
OPTIONS = OidcOptions(
    issuer="https://id.example", client_id="hotline", client_secret="x", address="https://us"
)
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "hotline",
    "iat": NOW_S,
    "exp": NOW_S + 120,
    "jti": "t1",
    "events": {EVENT: {}},
    "sub": "u1",
    "sid": "s1",
}


def read(
    claims: dict[str, Any], *, key: Any = KEY, alg: str = "RS256", kind: str = "logout+jwt"
) -> EndedThere:
    token = jwt.encode({"alg": alg, "kid": "one", "typ": kind}, claims, key, algorithms=[alg])
    return ended_of(token, PUBLIC, OPTIONS, now=NOW_S * SECOND)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name not in names}


@pytest.mark.parametrize(
    ("claims", "whose"),
    [
        (GOOD, ("u1", "s1")),
        (without("sid"), ("u1", "")),
        (without("sub"), ("", "s1")),
        (GOOD | {"aud": ["hotline", "others"]}, ("u1", "s1")),
        (GOOD | {"events": {EVENT: {"why": "left"}, "more": {}}}, ("u1", "s1")),
        (GOOD | {"iat": NOW_S - 359}, ("u1", "s1")),
    ],
)
def test_a_good_one_says_whose_session_has_ended(claims: dict[str, Any], whose: tuple[str, str]) -> None:
    ended = read(claims)
    assert (ended.subject, ended.session) == whose
    assert ended.token == "t1"
    assert ended.until > (NOW_S + 300) * SECOND, "it is remembered for longer than it is good"


@pytest.mark.parametrize(
    ("claims", "about"),
    [
        (GOOD | {"iss": "https://evil.example"}, "iss"),
        (GOOD | {"aud": "another"}, "aud"),
        (GOOD | {"iat": NOW_S + 61}, "future"),
        (GOOD | {"iat": NOW_S - 361}, "too long ago"),
        (GOOD | {"iat": "now"}, "iat"),
        (GOOD | {"exp": NOW_S - 61}, "exp"),
        (GOOD | {"nonce": "n"}, "nonce"),
        (GOOD | {"nonce": None}, "nonce"),
        (GOOD | {"events": {}}, "events"),
        (GOOD | {"events": [EVENT]}, "events"),
        (GOOD | {"events": {EVENT: True}}, "events"),
        (GOOD | {"jti": 7}, "jti"),
        (GOOD | {"sid": ""}, "sid"),
        (GOOD | {"sub": ["u1"]}, "sub"),
        (GOOD | {"sid": "s" * 1_001}, "sid"),
        (without("sub", "sid"), "sub, sid"),
        *((without(name), name) for name in ("iss", "aud", "iat", "exp", "jti", "events")),
    ],
)
def test_what_is_none_not_for_us_or_not_of_now_is_refused(claims: dict[str, Any], about: str) -> None:
    with pytest.raises(LogoutRefused, match=about):
        read(claims)


@pytest.mark.parametrize("kind", ["logout+jwt", "application/logout+JWT", "JWT", ""])
def test_what_it_is_called_may_be_left_out(kind: str) -> None:
    assert read(GOOD, kind=kind).token == "t1"


def test_one_that_is_called_something_else_is_none() -> None:
    with pytest.raises(LogoutRefused, match="typ"):
        read(GOOD, kind="at+jwt")


def test_only_the_providers_own_key_ends_sessions() -> None:
    with pytest.raises(UnknownKey):
        read(GOOD, key=RSAKey.generate_key(2048, {"kid": "one"}))
    with pytest.raises(UnknownKey):
        read(GOOD, key=OctKey.import_key("a secret that both sides know, long enough"), alg="HS256")
    for forged in ("", "a.b.c", "eyJhbGciOiJub25lIn0.e30."):
        with pytest.raises(UnknownKey):
            ended_of(forged, PUBLIC, OPTIONS, now=NOW_S * SECOND)
