"""/api/session/oidc: to the provider, back from it, and out of it.

    browser ─ GET oidc ─► us ─ 302, state, nonce, challenge ─► provider: who are you?
    browser ◄─ 302 home, session cookie ─ us ◄─ GET oidc/back?code, state ─ browser
                                           └─ code, verifier ─► provider ─ ID token ─► checked

Where people go afterwards is one of our own pages, chosen from those there are: no address from outside is
ever followed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any
from urllib.parse import urlencode

import structlog
from aiohttp import web
from pydantic import ConfigDict, Field

from core.errors import NotFound
from web.endpoint import Gate
from web.oidc.model import BACK, OidcRefused, Plain, ProviderDown
from web.oidc.page import refusal
from web.oidc.pending import LASTS_S, Pending, begun, question, read
from web.oidc.provider import ProviderClient
from web.route import ApiRequest, In, Route
from web.session import PROVIDER

_PATH = "/api/session/oidc"
_LONGEST = 6_000
"""Some providers' codes are whole tokens."""
_log = structlog.get_logger("web.oidc")
_DOWN = Plain(
    "统一认证暂时无法使用,请稍后再试,或用密码登录",
    "the identity provider does not answer: try again later, or use your password",
)
_STALE = Plain("登录已失效,请重新登录", "this sign-in is no longer good: begin again")
_NOBODY = Plain(
    "您的工号未在本系统开通,或已停用:请联系管理员",
    "your staff number is not known here, or no longer active: ask an administrator",
)


class Begin(In):
    """`page`: where to go afterwards; one of our own pages, else the first."""

    page: str = Field(default="", max_length=100)


class Back(In):
    """What the provider sends along; more of it than we know is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    state: str = Field(default="", max_length=_LONGEST)
    code: str = Field(default="", max_length=_LONGEST)
    error: str = Field(default="", max_length=_LONGEST)
    iss: str = Field(default="", max_length=_LONGEST)


class OidcApi:
    """The handlers; without a `provider` they say that there is none. `pages`: where people may be led."""

    def __init__(
        self, gate: Gate, provider: ProviderClient | None, *, home: str, pages: Collection[str]
    ) -> None:
        self._gate = gate
        self._provider = provider
        self._home = home or "/"
        self._pages = frozenset(pages)
        # The prefix binds it to this very host, so that a neighbour's cannot be slipped in.
        self._cookie = "__Host-hotline_oidc" if gate.secure else "hotline_oidc"

    def routes(self) -> list[Route]:
        """The routes of this module; all are for people who are not signed in yet, or no more."""
        return [
            Route(
                method="GET",
                path=_PATH,
                handler=self._begin,
                right=None,
                query=Begin,
                status=302,
                summary="Sign in by the identity provider: leads there",
                tag="session",
            ),
            Route(
                method="GET",
                path=BACK,
                handler=self._back,
                right=None,
                query=Back,
                status=302,
                summary="Back from the identity provider: a session, or a page that says why not",
                tag="session",
            ),
            Route(
                method="GET",
                path=f"{_PATH}/out",
                handler=self._out,
                right=None,
                status=302,
                summary="Sign out at the identity provider, too: leads there",
                tag="session",
            ),
        ]

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """For `cleanup_ctx`: connections to the provider end with the server."""
        yield
        if self._provider is not None:
            await self._provider.close()

    async def _begin(self, request: ApiRequest) -> web.StreamResponse:
        provider = self._wanted()
        try:
            metadata = await provider.metadata()
        except ProviderDown as down:
            return self._down(request, down)
        page = request.query.page
        pending = begun(page if page in self._pages else self._home)
        response = _led_to(question(metadata, provider.options, pending))
        response.set_cookie(
            self._cookie,
            pending.cookie(),
            max_age=LASTS_S,
            httponly=True,
            secure=self._gate.secure,
            samesite="Lax",  # it has to come along when the provider sends the browser back
            path="/",
        )
        return response

    async def _back(self, request: ApiRequest) -> web.StreamResponse:
        provider = self._wanted()
        try:
            response = await self._let_in(request, provider)
        except ProviderDown as down:
            response = self._down(request, down)
        except OidcRefused as refused:
            _log.warning("sign-in by the provider refused", why=str(refused))
            response = refusal(
                refused.people, status=refused.status, home=self._home, request_id=request.request_id
            )
        # Whatever came of it: nothing can come back twice.
        response.del_cookie(self._cookie, path="/", secure=self._gate.secure, httponly=True, samesite="Lax")
        return response

    async def _let_in(self, request: ApiRequest, provider: ProviderClient) -> web.StreamResponse:
        told: Back = request.query
        pending = read(request.raw.cookies.get(self._cookie, ""))
        if pending is None or not pending.is_of(told.state):
            raise OidcRefused("the answer belongs to no sign-in of this browser (state)", _STALE, status=400)
        metadata = await provider.metadata()
        if (told.iss or metadata.names_itself) and told.iss != metadata.issuer:
            raise OidcRefused(f"the answer is another provider's: {told.iss[:100]!r}", _STALE, status=400)
        if told.error or not told.code:
            raise OidcRefused(f"the provider says {told.error[:100]!r} instead of a code", _STALE)
        claims = await provider.person(told.code, verifier=pending.verifier, nonce=pending.nonce)
        return await self._begun_for(request, claims, provider.options.claim, pending)

    async def _begun_for(
        self, request: ApiRequest, claims: Mapping[str, Any], claim: str, pending: Pending
    ) -> web.StreamResponse:
        staff = str(claims.get(claim, ""))
        person = self._gate.sessions.people.principal(staff)
        if person is None:
            raise OidcRefused(f"the provider's {staff[:40]!r} is nobody who may sign in here", _NOBODY)
        started = await self._gate.sessions.begin(
            person,
            address=request.raw.remote or "",
            client=request.raw.headers.get("User-Agent", ""),
            way=PROVIDER,
            subject=str(claims.get("sub") or ""),
            provider_session=str(claims.get("sid") or ""),
        )
        response = _led_to(pending.page if pending.page in self._pages else self._home)
        self._gate.open(response, started)
        return response

    async def _out(self, request: ApiRequest) -> web.StreamResponse:
        """With the provider down, or without an end of its own, one is signed out here alone."""
        provider = self._wanted()
        try:
            target = (await provider.metadata()).end_session_endpoint
        except ProviderDown as down:
            _log.warning("provider not told of a sign-out", why=str(down))
            target = ""
        if not target:
            return _led_to(self._home)
        options = provider.options
        back = {"client_id": options.client_id, "post_logout_redirect_uri": options.address + self._home}
        return _led_to(target + ("&" if "?" in target else "?") + urlencode(back))

    def _wanted(self) -> ProviderClient:
        if self._provider is None:
            raise NotFound("there is no identity provider here (setting oidc.issuer): sign in by password")
        return self._provider

    def _down(self, request: ApiRequest, down: ProviderDown) -> web.StreamResponse:
        _log.error("identity provider down", why=str(down))
        return refusal(_DOWN, status=503, home=self._home, request_id=request.request_id)


def _led_to(target: str) -> web.Response:
    return web.Response(status=302, headers={"Location": target, "Cache-Control": "no-store"})
