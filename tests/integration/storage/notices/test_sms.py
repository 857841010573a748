"""Text messages through a real HTTP gateway on loopback, and its signed delivery reports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
import pytest
from aiohttp import ClientSession, web

from core.clock import SECOND
from storage.notices.channel import ChannelDown
from storage.notices.model import NoticeState, Why
from storage.notices.sms import Gateway, SmsChannel, sign, verified_report
from tests.integration.storage.notices.conftest import SMS, PostOffice, notice

KEY = "a key of both sides"
NUMBER = "13800001111"


@dataclass
class SmsCentre:
    """A gateway: takes what is signed, each id once. `answers`: statuses to give instead, in order."""

    reports_to: str = ""
    taken: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    hang_up: bool = False
    port: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers["X-Signature"] != sign(KEY, request.headers["X-Timestamp"], body):
            return web.Response(status=401, text="signature")
        if self.answers and (status := self.answers.pop(0)) != 200:
            return web.Response(status=status, text=f"no, {NUMBER}")
        told = msgspec.json.decode(body)
        if told["id"] in self.taken:
            return web.Response(status=409, text="have it")
        self.taken[told["id"]] = told
        if self.hang_up:
            self.hang_up = False
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"accepted": True})


@pytest.fixture
async def centre() -> AsyncIterator[SmsCentre]:
    made = SmsCentre()
    app = web.Application()
    app.router.add_post("/send", made.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    yield made
    await runner.cleanup()


@pytest.fixture
async def sender(office: PostOffice) -> PostOffice:
    await office.address("1001", SMS, NUMBER)
    await office.put(notice(), channels=(SMS,))
    return office


def channel(office: PostOffice, centre: SmsCentre, key: str = KEY) -> SmsChannel:
    url = f"http://127.0.0.1:{centre.port}/send"
    return SmsChannel(Gateway(url=url, account="hotline", key=key, signature="客服中心"), clock=office.clock)


async def test_a_signed_message_is_taken_once_under_its_own_id(sender: PostOffice, centre: SmsCentre) -> None:
    await sender.worker({SMS: channel(sender, centre)}).send_due(SMS)
    row = await sender.row(channel=SMS)
    assert centre.taken[row.provider_id]["to"] == NUMBER
    assert centre.taken[row.provider_id]["text"].startswith("【客服中心】新工单待处理:工单 GD1")
    assert row.state is NoticeState.SENT


async def test_a_gateway_that_drops_doubles_leaves_one_message_after_an_unknown_outcome(
    sender: PostOffice, centre: SmsCentre
) -> None:
    centre.hang_up = True
    worker = sender.worker({SMS: channel(sender, centre)})
    sender.now = await worker.send_due(SMS)
    assert (await sender.row(channel=SMS)).unknown == 1
    await worker.send_due(SMS)
    row = await sender.row(channel=SMS)
    assert (row.state, row.attempts, row.maybe_twice) == (NoticeState.SENT, 2, True)
    assert len(centre.taken) == 1


async def test_what_it_never_takes_has_failed_without_the_number_in_the_row(
    sender: PostOffice, centre: SmsCentre
) -> None:
    centre.answers = [422]
    await sender.worker({SMS: channel(sender, centre)}).send_due(SMS)
    row = await sender.row(channel=SMS)
    assert (row.state, row.why, row.detail) == (NoticeState.FAILED, Why.REFUSED, "422 no, 138****1111")


@pytest.mark.parametrize("status", [401, 429, 500, 302])
async def test_a_gateway_that_takes_nothing_just_now_costs_no_attempt(
    sender: PostOffice, centre: SmsCentre, status: int
) -> None:
    centre.answers = [status]
    worker = sender.worker({SMS: channel(sender, centre)})
    with pytest.raises(ChannelDown, match=f"nothing just now: {status}"):
        await worker.send_due(SMS)
    assert (await sender.row(channel=SMS)).attempts == 0
    await worker.send_due(SMS)
    assert (await sender.row(channel=SMS)).state is NoticeState.SENT


async def test_a_wrong_key_and_a_gateway_that_is_away_hold_the_channel_up(
    sender: PostOffice, centre: SmsCentre
) -> None:
    with pytest.raises(ChannelDown, match="401 signature"):
        await sender.worker({SMS: channel(sender, centre, key="another")}).send_due(SMS)
    nowhere = SmsChannel(Gateway(url="http://127.0.0.1:9/", account="x", key=KEY), clock=sender.clock)
    with pytest.raises(ChannelDown, match="does not answer"):
        await sender.worker({SMS: nowhere}).send_due(SMS)


async def test_a_delivery_report_over_http_settles_the_notice(sender: PostOffice, centre: SmsCentre) -> None:
    await sender.worker({SMS: channel(sender, centre)}).send_due(SMS)
    row = await sender.row(channel=SMS)

    async def take_report(request: web.Request) -> web.Response:
        report = verified_report(
            await request.read(),
            stamp=request.headers["X-Timestamp"],
            signature=request.headers["X-Signature"],
            key=KEY,
            now=sender.now,
        )
        async with sender.database.write() as connection:
            known = await sender.notices.reported(
                connection, report.id, delivered=report.status == "delivered", detail=report.detail
            )
        return web.Response(status=200 if known else 404)

    app = web.Application()
    app.router.add_post("/report", take_report)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with ClientSession() as session:
            for id_, status in ((row.provider_id, 200), (row.provider_id, 404), ("unheard of", 404)):
                body = msgspec.json.encode({"id": id_, "status": "delivered"})
                stamp = str(sender.now // SECOND)
                headers = {"X-Timestamp": stamp, "X-Signature": sign(KEY, stamp, body)}
                url = f"http://127.0.0.1:{runner.addresses[0][1]}/report"
                async with session.post(url, data=body, headers=headers) as answer:
                    assert answer.status == status
    finally:
        await runner.cleanup()
    assert (await sender.row(channel=SMS)).state is NoticeState.DELIVERED


async def test_a_report_that_overtakes_our_own_note_is_not_overwritten(
    sender: PostOffice, centre: SmsCentre
) -> None:
    row = await sender.row(channel=SMS)
    gateway = channel(sender, centre)

    class Quick:
        async def send(self, message: object) -> None:
            await gateway.send(message)  # type: ignore[arg-type]
            async with sender.database.write() as connection:
                assert await sender.notices.reported(
                    connection, row.provider_id, delivered=False, detail=f"{NUMBER} is switched off"
                )

    await sender.worker({SMS: Quick()}).send_due(SMS)
    row = await sender.row(channel=SMS)
    assert (row.state, row.why) == (NoticeState.FAILED, Why.REFUSED)
