"""What a program that stands by says, on the port on which it will serve: that it lives, and who leads.

`/health` 200; `/ready` 503, with the status `standby` while it watches the lease and `failing` while it
cannot; all else is the leader's to answer (503).
"""

from __future__ import annotations

import secrets

from aiohttp import web
from prometheus_client import CollectorRegistry

from hotline.metrics_api import MetricsApi, read_token
from hotline.metrics_lease import StandbyCollector
from hotline.settings import Settings
from web.errors import LeaderAway
from web.health import FAILING
from web.problems import problem_of
from web.route import ApiRequest

STANDBY = "standby"
"""What `/ready` says in place of `ok`: not to be asked, and well."""


class StandbyPage:
    """What it knows it is told by `tell`."""

    def __init__(self, settings: Settings) -> None:
        self._holder, self._problem = "nobody", ""
        self._host, self._port = settings.web.host, settings.web.port
        registry = CollectorRegistry()
        registry.register(StandbyCollector())
        (metrics,) = MetricsApi(registry, token=read_token(settings.metrics.token_file)).routes()
        self._metrics = metrics.handler
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._figures)
        app.router.add_route("*", "/{rest:.*}", self._elsewhere)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"http://{self._host}:{self._port}/"

    def tell(self, holder: str, problem: str) -> None:
        """Who leads, as far as is known; why the lease cannot be watched just now, "" if it is."""
        self._holder, self._problem = holder, problem

    async def open(self) -> None:
        """Listen. OSError if the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def close(self) -> None:
        """Leave the port to the service."""
        await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "checks": {}})

    async def _ready(self, _request: web.Request) -> web.Response:
        status, word = STANDBY, f"standby of {self._holder}"
        if self._problem:
            status, word = FAILING, f"nobody can be elected, the lease cannot be watched: {self._problem}"
        return web.json_response({"status": status, "checks": {"lease": word}}, status=503)

    async def _figures(self, request: web.Request) -> web.StreamResponse:
        answer = await self._metrics(_request(request))
        if not isinstance(answer, web.StreamResponse):
            raise TypeError("figures are a response of their own")
        return answer

    async def _elsewhere(self, request: web.Request) -> web.Response:
        problem = problem_of(LeaderAway(f"this program stands by; {self._holder} leads: ask there"))
        if problem is None:
            raise web.HTTPServiceUnavailable
        return problem.response(_request(request).request_id)


def _request(raw: web.Request) -> ApiRequest:
    return ApiRequest(signed_in=None, path={}, raw=raw, request_id=secrets.token_hex(8))
