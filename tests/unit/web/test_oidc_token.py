"""Pure: which ID tokens are good. Keys and signatures are real; no provider would sign the wrong ones."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from core.clock import SECOND
from web.oidc.model import OidcOptions, OidcRefused
from web.oidc.token import UnknownKey, claims_of

NOW_S = 1_800_000_000
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
PUBLIC = KeySet([RSAKey.import_key(KEY.as_dict(private=False))])
OPTIONS = OidcOptions(
    issuer="https://id.example", client_id="hotline", client_secret="x", address="https://us"
)
GOOD: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": "hotline",
    "sub": "u1",
    "exp": NOW_S + 300,
    "iat": NOW_S,
    "nonce": "n",
}


def read(claims: dict[str, Any], *, key: Any = KEY, alg: str = "RS256") -> Any:
    header = {"alg": alg, "kid": "one"}
    token = jwt.encode(header, claims, key, algorithms=[alg])
    return claims_of(token, PUBLIC, OPTIONS, nonce="n", now=NOW_S * SECOND)


@pytest.mark.parametrize(
    "more", [{}, {"azp": "hotline"}, {"aud": ["hotline"]}, {"aud": ["x", "hotline"], "azp": "hotline"}]
)
def test_a_token_for_us_of_now_is_good(more: dict[str, Any]) -> None:
    assert read(GOOD | more)["sub"] == "u1"


@pytest.mark.parametrize(
    ("more", "about"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["another"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": ["x", "hotline"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"exp": NOW_S - 61}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"iat": NOW_S + 61}, "in the future"),
        ({"nbf": NOW_S + 61}, "not yet valid"),
        ({"nonce": "another"}, "nonce"),
        ({"sub": 7}, "sub"),
    ],
)
def test_what_is_not_for_us_or_not_of_now_is_refused(more: dict[str, Any], about: str) -> None:
    with pytest.raises(OidcRefused, match=about):
        read(GOOD | more)


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat", "nonce"])
def test_a_token_that_leaves_something_out_is_refused(name: str) -> None:
    with pytest.raises(OidcRefused, match=name):
        read({key: value for key, value in GOOD.items() if key != name})


def test_clocks_may_differ_by_a_minute() -> None:
    assert read(GOOD | {"exp": NOW_S - 59})
    assert read(GOOD | {"iat": NOW_S + 60})


def test_only_the_provider_s_own_key_signs() -> None:
    with pytest.raises(UnknownKey):
        read(GOOD, key=RSAKey.generate_key(2048, {"kid": "one"}))
    with pytest.raises(UnknownKey):
        read(GOOD, key=ECKey.generate_key("P-256", {"kid": "one"}), alg="ES256")


def _by_hand(alg: str, secret: bytes) -> str:
    """What no library would make: an unsigned token, or a public key used as if it were a secret."""
    parts = [json.dumps(part).encode() for part in ({"alg": alg, "kid": "one"}, GOOD)]
    body = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(secret, body, "sha256").digest() if secret else b""
    return b".".join((body, urlsafe_b64encode(signature).rstrip(b"="))).decode()


def test_neither_no_signature_nor_the_public_key_as_a_secret_is_one() -> None:
    for alg, secret in (("none", b""), ("HS256", KEY.as_pem(private=False)), ("RS256", b"")):
        with pytest.raises(UnknownKey):
            claims_of(_by_hand(alg, secret), PUBLIC, OPTIONS, nonce="n", now=NOW_S * SECOND)


def test_what_is_no_token_at_all_is_none() -> None:
    for text in ("", "x", "a.b.c", "a.b.c.d.e"):
        with pytest.raises(UnknownKey):
            claims_of(text, PUBLIC, OPTIONS, nonce="n", now=NOW_S * SECOND)
