"""The provider as we ask it: itself, its keys, a token for a code, what it knows of a person."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet

from core.clock import HOUR, SECOND, Clock, Duration, Instant
from web.ended_there import EndedThere
from web.oidc.logout import ended_of
from web.oidc.model import Metadata, OidcOptions, OidcRefused, Plain, ProviderDown
from web.oidc.token import NOT_TRUSTED, UnknownKey, claims_of

_PATIENCE = aiohttp.ClientTimeout(total=10, connect=5)
_GOOD_FOR: Duration = HOUR
_SPARED: Duration = 10 * SECOND
"""Anybody can send us what looks like a logout token: it makes us ask for keys no more often than this."""
T = TypeVar("T")
_AGAIN = Plain("登录已失效,请重新登录", "this sign-in is no longer good: sign in again")
_log = structlog.get_logger("web.oidc")


class ProviderClient:
    """Asks over HTTP, keeps what it has learnt for an hour. Close it at the end."""

    def __init__(self, options: OidcOptions, clock: Clock) -> None:
        self.options = options
        self._clock = clock
        self._http: aiohttp.ClientSession | None = None
        self._metadata: Metadata | None = None
        self._metadata_at: Instant = 0
        self._keys: KeySet | None = None
        self._keys_at: Instant = 0
        self._asked_at: Instant = 0
        self._asking = asyncio.Lock()

    async def close(self) -> None:
        """Let go of connections."""
        if self._http is not None:
            await self._http.close()

    async def metadata(self) -> Metadata:
        """What it says of itself; `ProviderDown`."""
        if self._metadata is None or self._clock() - self._metadata_at >= _GOOD_FOR:
            issuer = self.options.issuer.rstrip("/")
            told = await self._ask("GET", f"{issuer}/.well-known/openid-configuration")
            self._metadata = _metadata(told, self.options.issuer)
            self._metadata_at = self._clock()
        return self._metadata

    async def person(self, code: str, *, verifier: str, nonce: str) -> Mapping[str, Any]:
        """What the provider says of who has signed in: the ID token's claims, and those of userinfo where the
        token lacks the one we look for. `ProviderDown`, `OidcRefused`.
        """
        metadata = await self.metadata()
        answer = await self._redeem(metadata, code, verifier)
        token = _text(answer, "id_token")
        claims = await self._checked(
            lambda keys: claims_of(token, keys, self.options, nonce=nonce, now=self._clock()),
            self._fetch_keys,
        )
        if self.options.claim in claims or not metadata.userinfo_endpoint:
            return claims
        headers = {"Authorization": f"Bearer {_text(answer, 'access_token')}"}
        more = await self._ask("GET", metadata.userinfo_endpoint, headers=headers)
        if more.get("sub") != claims["sub"]:
            raise OidcRefused("userinfo tells of somebody else than the ID token", NOT_TRUSTED)
        return {**more, **claims}

    async def ended(self, token: str) -> EndedThere:
        """What a logout token ends. `ProviderDown`; `LogoutRefused`, or `OidcRefused` where no key fits."""
        return await self._checked(
            lambda keys: ended_of(token, keys, self.options, now=self._clock()), self._spared_keys
        )

    async def _redeem(self, metadata: Metadata, code: str, verifier: str) -> Mapping[str, Any]:
        options = self.options
        form = {"grant_type": "authorization_code", "code": code}
        form |= {"redirect_uri": options.back, "code_verifier": verifier}
        headers = {}
        if metadata.basic:
            # RFC 6749 2.3.1: both parts are form-encoded before they are joined.
            login = quote(options.client_id, safe=""), quote(options.client_secret, safe="")
            headers["Authorization"] = aiohttp.encode_basic_auth(*login)
        else:
            form |= {"client_id": options.client_id, "client_secret": options.client_secret}
        return await self._ask("POST", metadata.token_endpoint, headers=headers, data=form)

    async def _checked(self, check: Callable[[KeySet], T], others: Callable[[], Awaitable[KeySet]]) -> T:
        """What `check` makes of the keys we have; where none fits, of `others`: there may be new ones."""
        known = self._fresh_keys()
        if known is not None:
            with contextlib.suppress(UnknownKey):
                return check(known)
        keys = await others()
        try:
            return check(keys)
        except UnknownKey as unknown:
            raise OidcRefused(f"no key of the provider fits ({unknown})", NOT_TRUSTED) from unknown

    def _fresh_keys(self) -> KeySet | None:
        return self._keys if self._clock() - self._keys_at < _GOOD_FOR else None

    async def _spared_keys(self) -> KeySet:
        """The provider's keys, not asked for again so soon after the last time, whatever came of that."""
        async with self._asking:
            if not 0 <= self._clock() - self._asked_at < _SPARED:
                return await self._fetch_keys()
        keys = self._fresh_keys()
        if keys is None:
            raise ProviderDown("its keys could not be had a moment ago, and are not asked for again so soon")
        return keys

    async def _fetch_keys(self) -> KeySet:
        self._asked_at = self._clock()
        told = await self._ask("GET", (await self.metadata()).jwks_uri)
        self._keys, self._keys_at = _key_set(told), self._clock()
        _log.info("keys of the provider read", keys=len(self._keys.keys))
        return self._keys

    async def _ask(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        try:
            async with self._session().request(
                method, url, allow_redirects=False, raise_for_status=False, **more
            ) as response:
                told: Any = json.loads(await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise ProviderDown(
                f"{url} does not answer as a provider does ({type(error).__name__}: {error})"
            ) from error
        if not isinstance(told, dict):
            raise ProviderDown(f"{url} answers {response.status} with something that is no JSON object")
        if response.status in (400, 401) and method == "POST":
            # The code is spent, late or not ours; or our own id and secret are wrong.
            raise OidcRefused(
                f"{url} refuses the code: {told.get('error')} {told.get('error_description')}", _AGAIN
            )
        if response.status != 200:
            raise ProviderDown(f"{url} answers {response.status}: {str(told)[:200]}")
        return told

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            trusted = ssl.create_default_context(cafile=self.options.ca_file)
            connector = aiohttp.TCPConnector(ssl=trusted, limit=10)
            self._http = aiohttp.ClientSession(connector=connector, timeout=_PATIENCE)
        return self._http


def _metadata(told: Mapping[str, Any], issuer: str) -> Metadata:
    if told.get("issuer") != issuer:
        raise ProviderDown(
            f"the provider calls itself {str(told.get('issuer'))[:100]!r} and the settings {issuer!r}: "
            "oidc.issuer has to be the same, letter by letter"
        )
    ways = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_text(told, "authorization_endpoint"),
        token_endpoint=_text(told, "token_endpoint"),
        jwks_uri=_text(told, "jwks_uri"),
        userinfo_endpoint=str(told.get("userinfo_endpoint", "")),
        end_session_endpoint=str(told.get("end_session_endpoint", "")),
        basic="client_secret_basic" in ways,
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderDown(f"the provider's answer lacks {name}")
    return value


def _key_set(told: Mapping[str, Any]) -> KeySet:
    """The keys we can use: a provider may publish others as well."""
    keys = []
    for one in told.get("keys", ()):
        if isinstance(one, dict) and one.get("use", "sig") == "sig" and one.get("kty") != "oct":
            try:
                keys.append(JWKRegistry.import_key(one))
            except (JoseError, ValueError) as error:
                _log.warning("key of the provider not used", kid=str(one.get("kid"))[:60], error=str(error))
    return KeySet(keys)
