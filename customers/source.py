"""Where a caller's number is looked up: our own table, or a system of the bank's over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from customers.errors import CustomersError
from customers.model import Level
from customers.rules import check_id
from customers.service import Customers

MOST_BYTES: Final = 65_536
"""Of an answer; whoever sends more does not know what it was asked."""


@dataclass(frozen=True, slots=True)
class Known:
    """One customer, as much as steers a call. `language`: "" if none is preferred."""

    id: str
    level: Level
    language: str = ""


class SourceFailed(CustomersError):
    """The source has given no answer that can be used; the message holds nothing of what it sent."""


class CustomerSource(Protocol):
    """`name` stands in facts and figures."""

    @property
    def name(self) -> str: ...

    async def find(self, number: str) -> Sequence[Known]:
        """Those who have the number, as `core.dialling.known` writes it; `SourceFailed` without an answer."""


class OwnTable:
    """The customers that are kept here."""

    name = "own"

    def __init__(self, customers: Customers) -> None:
        self._customers = customers

    async def find(self, number: str) -> list[Known]:
        """The present customers with that number."""
        return [
            Known(one.id, one.details.level, one.details.language)
            for one in await self._customers.find(number)
        ]


class _Answer(msgspec.Struct, frozen=True):
    customers: list[Known]


class HttpSource:
    """POST `{"number": "13800001111"}` to `url`, answered by `{"customers": [{"id", "level", "language"}]}`.

    The number is in the body: addresses stand in the logs of servers and proxies. 404 is "nobody". `token`:
    sent as a bearer's. Open it by `async with`; how long an answer may take is its caller's to say.
    """

    name = "http"

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session: ClientSession | None = None

    async def __aenter__(self) -> HttpSource:
        self._session = ClientSession(
            headers=self._headers, cookie_jar=DummyCookieJar(), timeout=ClientTimeout(total=30)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def find(self, number: str) -> list[Known]:
        """As the bank's system says."""
        if self._session is None:
            raise SourceFailed("is not open")
        try:
            asked = self._session.post(self._url, json={"number": number}, allow_redirects=False)
            async with asked as response:
                if response.status == 404:
                    return []
                if response.status != 200:
                    raise SourceFailed(f"answers {response.status}")
                content = await response.content.read(MOST_BYTES + 1)
                while len(content) <= MOST_BYTES and (more := await response.content.read(MOST_BYTES)):
                    content += more
        except (ClientError, OSError, TimeoutError) as error:
            raise SourceFailed(f"cannot be asked: {type(error).__name__}") from error
        return _read(content)


def _read(content: bytes) -> list[Known]:
    if len(content) > MOST_BYTES:
        raise SourceFailed(f"answers with more than {MOST_BYTES} bytes")
    try:
        found = msgspec.json.decode(content, type=_Answer).customers
        for one in found:
            check_id(one.id, "id")
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise SourceFailed("answers with something else than customers") from error
    return found
