"""/health: the program runs. /ready: it can do its work; every check says in a word why not.

503 is for what stops the work. What is lost while the rest goes on (`Impaired`) is told with 200: who sends
people elsewhere on account of it would make a whole failure of a partial one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from aiohttp import web

from core.errors import HotlineError
from web.endpoint import answer
from web.errors import Impaired
from web.route import ApiRequest, Out, Route

Check = Callable[[], Awaitable[None]]
"""Returns if all is well; raises if not (a `HotlineError`'s sentence is shown), `Impaired` if it goes on."""

_log = structlog.get_logger("web.health")
_PATIENCE_S = 2.0
OK, IMPAIRED, FAILING = "ok", "impaired", "failing"
_WORSE = (OK, IMPAIRED, FAILING)


@dataclass(frozen=True, slots=True)
class _Said:
    status: str
    word: str


class HealthOut(Out):
    """`status`: `ok`, `impaired` or `failing`; `checks`: name → `ok` or what is wrong."""

    status: str
    checks: dict[str, str]


def health_routes(checks: Mapping[str, Check]) -> list[Route]:
    """Both routes; they are public and tell nothing about calls or people."""

    async def alive(_request: ApiRequest) -> HealthOut:
        return HealthOut(status="ok", checks={})

    async def ready(_request: ApiRequest) -> web.StreamResponse:
        said = await asyncio.gather(*(_said(name, check) for name, check in checks.items()))
        worst = max((one.status for one in said), key=_WORSE.index, default=OK)
        words = {name: one.word for name, one in zip(checks, said, strict=True)}
        response = answer(ready_route, HealthOut(status=worst, checks=words))
        if worst == FAILING:
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
        summary="Whether it can do its work (503 if not), and which nodes are connected",
        tag="health",
    )
    return [alive_route, ready_route]


async def _said(name: str, check: Check) -> _Said:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await check()
    except TimeoutError:
        return _Said(FAILING, f"no answer within {_PATIENCE_S:g} s")
    except Impaired as error:
        return _Said(IMPAIRED, str(error))
    except HotlineError as error:
        return _Said(FAILING, str(error))
    except Exception:  # noqa: BLE001  a broken check is a failing one, and must not hide the others
        _log.exception("readiness check broken", check=name)
        return _Said(FAILING, "the check itself failed: see the log")
    return _Said(OK, OK)
