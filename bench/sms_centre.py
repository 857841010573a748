"""An SMS gateway for measurements: takes each message once, by its id, and notes when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from core.clock import Instant, system_clock


@dataclass(slots=True)
class SmsCentre:
    """`taken`: by id, when. `dropped`: how many came again under an id that was there."""

    url: str = ""
    taken: dict[str, Instant] = field(default_factory=dict)
    dropped: int = 0

    async def take(self, request: web.Request) -> web.Response:
        """One message."""
        id_ = msgspec.json.decode(await request.read())["id"]
        if id_ in self.taken:
            self.dropped += 1
            return web.Response(status=409)
        self.taken[id_] = system_clock()
        return web.json_response({"accepted": True})


@asynccontextmanager
async def sms_centre() -> AsyncIterator[SmsCentre]:
    """One on a free port of this host."""
    centre = SmsCentre()
    app = web.Application()
    app.router.add_post("/send", centre.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        centre.url = f"http://127.0.0.1:{runner.addresses[0][1]}/send"
        yield centre
    finally:
        await runner.cleanup()
