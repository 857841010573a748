"""The look-up against a real HTTP server that is slow, dead, wrong, or sends what it likes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from core.clock import MINUTE, SECOND, Duration
from customers.breaker import Breaker
from customers.lookup import Answer, Lookup, Outcome
from customers.model import Level
from customers.source import MOST_BYTES, HttpSource

NUMBER = "13800001111"
VIP = {"id": "C-1", "level": "vip", "language": "nan"}
LONG: Duration = 30 * SECOND
"""A limit that nothing here comes near."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Bank:
    """A system of the bank's. `answer` is what it does next; `asked` what it has been asked."""

    answer: Handler
    asked: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    now: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.tokens.append(request.headers.get("Authorization", ""))
        return await self.answer(request)


def says(content: object, status: int = 200) -> Handler:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, content_type="application/json")

    return answer


@asynccontextmanager
async def asked(
    bank: Bank, *, limit: Duration = LONG, failures: int = 100, gone: bool = False
) -> AsyncIterator[Lookup]:
    """A look-up that asks the bank; `gone`: whose server is not there any more."""
    app = web.Application()
    app.router.add_post("/customers", bank.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/customers"
    if gone:
        await runner.cleanup()
    breaker = Breaker(failures=failures, open_for=10 * SECOND)
    try:
        async with HttpSource(url, "s3cret") as source:
            yield Lookup(source, limit=limit, breaker=breaker, clock=lambda: bank.now)
    finally:
        await runner.cleanup()


async def test_of_those_who_share_the_number_the_most_favoured_is_found() -> None:
    bank = Bank(says({"customers": [{"id": "C-0", "level": "ordinary"}, VIP]}))
    async with asked(bank) as lookup:
        assert await lookup.find("+86 138-0000-1111") == Answer(Outcome.FOUND, "C-1", Level.VIP, "nan")
    assert (bank.asked, bank.tokens) == ([{"number": NUMBER}], ["Bearer s3cret"])


@pytest.mark.parametrize("answer", [says({"customers": []}), says({"error": "no such"}, 404)])
async def test_nobody_is_ordinary(answer: Handler) -> None:
    async with asked(Bank(answer)) as lookup:
        assert await lookup.find(NUMBER) == Answer(Outcome.UNKNOWN)


@pytest.mark.parametrize(
    "answer",
    [
        says(b"<html>"),
        says(b"\xff\xfe\x00"),
        says(b""),
        says([]),
        says({"customers": [{"id": "C-1", "level": "emperor"}]}),
        says({"customers": [{"id": "C 1;drop", "level": "vip"}]}),
        says({"customers": [VIP]}, 500),
        says({"customers": [VIP]}, 302),
        says({"customers": [VIP] * (MOST_BYTES // 40)}),
    ],
    ids=["html", "bytes", "empty", "list", "level", "id", "500", "redirect", "oversized"],
)
async def test_what_is_no_answer_is_ordinary(answer: Handler) -> None:
    async with asked(Bank(answer)) as lookup:
        assert await lookup.find(NUMBER) == Answer(Outcome.FAILED)


async def test_a_server_that_is_gone_is_ordinary() -> None:
    async with asked(Bank(says({})), gone=True) as lookup:
        assert await lookup.find(NUMBER) == Answer(Outcome.FAILED)


async def test_a_server_that_breaks_off_is_ordinary() -> None:
    async def breaks_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"customers": [')
        assert request.transport is not None
        request.transport.close()
        return response

    async with asked(Bank(breaks_off)) as lookup:
        assert await lookup.find(NUMBER) == Answer(Outcome.FAILED)


async def test_who_is_slow_is_not_waited_for() -> None:
    """The server answers once the look-up is over, which it would wait for without a limit for ever."""
    over = asyncio.Event()

    async def waits(_request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.json_response({"customers": [VIP]})

    async with asked(Bank(waits), limit=SECOND // 20) as lookup:
        assert await asyncio.wait_for(lookup.find(NUMBER), 60) == Answer(Outcome.SLOW)
        over.set()


async def test_who_fails_again_and_again_is_left_alone_then_tried_once() -> None:
    bank = Bank(says(b"", 500))
    async with asked(bank, failures=3) as lookup:
        for number in range(5):
            await lookup.find(f"1380000000{number}")
        assert lookup.counts == {Outcome.FAILED: 3, Outcome.LEFT_ALONE: 2}
        assert (len(bank.asked), lookup.left_alone) == (3, True)
        bank.now, bank.answer = 10 * SECOND, says({"customers": [VIP]})
        assert (await lookup.find(NUMBER)).level is Level.VIP
        assert not lookup.left_alone
        assert (await lookup.find("13800002222")).level is Level.VIP


async def test_what_was_said_is_remembered_for_a_minute_and_a_failure_is_not() -> None:
    bank = Bank(says(b"", 500))
    async with asked(bank) as lookup:
        await lookup.find(NUMBER)
        bank.answer = says({"customers": [VIP]})
        assert (await lookup.find(NUMBER)).level is Level.VIP
        assert (await lookup.find(NUMBER)).level is Level.VIP
        assert len(bank.asked) == 2
        bank.now, bank.answer = MINUTE, says({"customers": []})
        assert (await lookup.find(NUMBER)).outcome is Outcome.UNKNOWN


async def test_a_number_that_is_withheld_is_not_looked_up() -> None:
    bank = Bank(says({"customers": [VIP]}))
    async with asked(bank) as lookup:
        assert await lookup.find("") == Answer(Outcome.NO_NUMBER)
    assert bank.asked == []
