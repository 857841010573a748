"""/api/session/oidc/ended: the provider says itself that somebody has signed out there (Back-Channel Logout).

    provider ── POST logout_token ──► us: signature, for us, of now, not used before ──► sessions end ──► 200

No browser takes part. The service that handles calls answers it alone, a web process hands it on: so that
every process hears of the end from one place. Whatever keeps sessions from ending is a 400, as 2.8 has it:
a provider knows no other answer than that one and 200.
"""

from __future__ import annotations

import structlog
from aiohttp import web

from storage import StorageError
from web.errors import LogoutRefused
from web.oidc.model import ENDED, OidcRefused, ProviderDown
from web.oidc.provider import ProviderClient
from web.problems import Problem
from web.route import ApiRequest, Route
from web.sessions import Sessions

_FORM = "application/x-www-form-urlencoded"
_LONGEST = 16 * 1024
_log = structlog.get_logger("web.oidc")


class EndedApi:
    """The handler; without a `provider` nobody can sign what it takes."""

    def __init__(self, sessions: Sessions, provider: ProviderClient | None) -> None:
        self._sessions = sessions
        self._provider = provider

    def routes(self) -> list[Route]:
        """The route of this module."""
        return [
            Route(
                method="POST",
                path=ENDED,
                handler=self._take,
                right=None,
                proof="the identity provider's signature",
                summary="Sessions that the identity provider has ended, by the provider (logout token)",
                tag="session",
            )
        ]

    async def _take(self, request: ApiRequest) -> web.StreamResponse:
        if self._provider is None:
            detail = "there is no identity provider here (setting oidc.issuer), so none can sign"
            return Problem("unsigned", "Signature missing or not ours", 401, detail).response(
                request.request_id
            )
        try:
            ended = await self._provider.ended(await _token(request.raw))
            count = await self._sessions.end_with_provider(ended)
        except (LogoutRefused, OidcRefused) as refused:
            _log.warning("logout token refused", why=str(refused), address=request.raw.remote or "")
            return Problem("bad-logout-token", "Logout token refused", 400, str(refused)).response(
                request.request_id
            )
        except (ProviderDown, StorageError) as failed:
            _log.error("logout token not carried out", why=str(failed))
            detail = "our database or your keys cannot be read just now, so nothing was ended: send it again"
            return Problem("logout-failed", "Logout failed", 400, detail).response(request.request_id)
        _log.info("ended by the provider", sessions_ended=count)
        return web.Response(status=200, headers={"Cache-Control": "no-store"})


async def _token(raw: web.Request) -> str:
    """The token of the form; `LogoutRefused` if there is none, or more than any provider sends."""
    if raw.content_type != _FORM:
        raise LogoutRefused(f"it has to come as {_FORM}")
    if raw.content_length is None or raw.content_length > _LONGEST:
        raise LogoutRefused(f"more than {_LONGEST} bytes, or nobody knows how many")
    try:
        tokens = (await raw.post()).getall("logout_token", [])
    except (LookupError, ValueError) as error:  # an encoding that is none, or another one
        raise LogoutRefused("the form cannot be read") from error
    if len(tokens) != 1 or not isinstance(tokens[0], str):
        raise LogoutRefused("the form has no logout_token, or several")
    return tokens[0]
