"""/health: the program runs. /ready: it can do its work; every check says in a word why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from core.errors import HotlineError
from web.endpoint import answer
from web.route import ApiRequest, Out, Route

Check = Callable[[], Awaitable[None]]
"""Returns if all is well; raises if not (a `HotlineError`'s sentence is shown)."""

_log = structlog.get_logger("web.health")
_PATIENCE_S = 2.0


class HealthOut(Out):
    """`status`: `ok` or `failing`; `checks`: name → `ok` or what is wrong."""

    status: str
    checks: dict[str, str]


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """Both routes; they are public and tell nothing about calls or people."""

    async def alive(_request: ApiRequest) -> HealthOut:
        return HealthOut(status="ok", checks={})

    async def ready(_request: ApiRequest) -> web.StreamResponse:
        said = await asyncio.gather(*(_said(name, check) for name, check in checks.items()))
        found = dict(zip(checks, said, strict=True))
        good = all(word == "ok" for word in found.values())
        response = answer(ready_route, HealthOut(status="ok" if good else "failing", checks=found))
        if not good:
            response.set_status(503)
        return response

    alive_route = Route(
        method="GET",
        path="/health",
        handler=alive,
        right=None,
        returns=HealthOut,
        summary="Whether the program runs",
        tag="health",
    )
    ready_route = Route(
        method="GET",
        path="/ready",
        handler=ready,
        right=None,
        returns=HealthOut,
        summary="Whether it can do its work (503 if not)",
        tag="health",
    )
    return [alive_route, ready_route]


async def _said(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await check()
    except TimeoutError:
        return f"no answer within {_PATIENCE_S:g} s"
    except HotlineError as error:
        return str(error)
    except Exception:  # noqa: BLE001  a broken check is a failing one, and must not hide the others
        _log.exception("readiness check broken", check=name)
        return "the check itself failed: see the log"
    return "ok"
