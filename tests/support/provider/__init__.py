"""A real OpenID Connect provider for one test: oidc-provider, run by node on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import aiohttp
from yarl import URL

HOME = Path(__file__).parent
SECRET = "known to this test alone"


class RealProvider:
    """`issuer`: its address. It may be stopped, and started again with other keys."""

    def __init__(self, address: str, *, in_token: bool, ended_at: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._wants = {"port": self.port, "address": address, "secret": SECRET, "inToken": in_token}
        self._wants |= {"endedAt": ended_at or f"{address}/api/session/oidc/ended"}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when it serves."""
        node = shutil.which("node")
        assert node and (HOME / "node_modules").is_dir(), "node and oidc-provider: ./run setup installs both"
        self._process = await asyncio.create_subprocess_exec(
            *(node, "--no-warnings", HOME / "provider.mjs", json.dumps(self._wants)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        said = await asyncio.wait_for(self._process.stdout.readline(), 60)
        while said and said.strip() != b"ready":
            said = await asyncio.wait_for(self._process.stdout.readline(), 60)
        assert said, "the provider has ended instead of serving"

    async def stop(self) -> None:
        """Returns when it is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            await process.communicate()

    async def signs_in(self, client: aiohttp.ClientSession, question: str, account: str) -> URL:
        """A person at the provider's own pages types name and password, and consents; where that leads to."""
        here = await self._walk(client, URL(question, encoded=True))
        for form in ({"prompt": "login", "login": account, "password": "any"}, {"prompt": "consent"}):
            if isinstance(here, URL):
                return here
            at, page = here
            found = re.search(r'action="([^"]+)"', page)
            assert found, page[:500]
            target = at.join(URL(unescape(found[1])))
            async with client.post(target, data=form, allow_redirects=False) as response:
                here = await self._walk(client, at.join(URL(response.headers["Location"], encoded=True)))
        assert isinstance(here, URL), f"the provider asks for more than a name and consent: {here[1][:500]}"
        return here

    async def signs_out(self, client: aiohttp.ClientSession) -> None:
        """A person signs out at the provider's own page; it has told whom it tells when this returns."""
        async with client.get(f"{self.issuer}/session/end") as response:
            page = await response.text()
        action, secret = (re.search(rf'{name}="([^"]+)"', page) for name in ("action", 'name="xsrf" value'))
        assert action and secret, page[:500]
        form = {"xsrf": secret[1], "logout": "yes"}
        async with client.post(unescape(action[1]), data=form, allow_redirects=False) as response:
            assert response.status in (200, 302, 303), await response.text()

    async def _walk(self, client: aiohttp.ClientSession, url: URL) -> URL | tuple[URL, str]:
        """As far as the provider leads: away from it, or to a page of its own."""
        while url.port == self.port:
            async with client.get(url, allow_redirects=False) as response:
                if response.status == 200:
                    return url, await response.text()
                assert "Location" in response.headers, (response.status, await response.text())
                url = url.join(URL(response.headers["Location"], encoded=True))
        return url


@asynccontextmanager
async def real_provider(
    address: str, *, in_token: bool = False, ended_at: str = ""
) -> AsyncIterator[RealProvider]:
    """Serving, until the test is over. `address`: the one of our service, to which it may lead back.

    `in_token`: the staff number stands in the ID token; else userinfo alone tells it. `ended_at`: where it
    tells that a session has ended, if not at our service.
    """
    provider = RealProvider(address, in_token=in_token, ended_at=ended_at)
    try:
        await provider.start()
        yield provider
    finally:
        await provider.stop()
