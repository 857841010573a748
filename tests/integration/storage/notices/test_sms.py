"""Text messages through a real HTTP gateway on loopback, and what its delivery reports change.

The reports over HTTP: tests/integration/hotline/test_sms_reports.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
import pytest
from aiohttp import web

from core.clock import SECOND
from core.errors import BadInput
from storage.notices.channel import ChannelDown
from storage.notices.model import NoticeState, Reported, Why
from storage.notices.sms import Gateway, Report, SmsChannel, sign, verified_report
from tests.integration.storage.notices.conftest import NOON, PAGE, SMS, PostOffice, notice

KEY = "a key of both sides"
NUMBER = "13800001111"


@dataclass
class SmsCentre:
    """A gateway: takes what is signed, each id once. `answers`: statuses to give instead, in order."""

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


async def reported(office: PostOffice, provider_id: str, *, delivered: bool, detail: str = "") -> Reported:
    async with office.database.write() as connection:
        return await office.notices.reported(connection, provider_id, delivered=delivered, detail=detail)


async def test_the_first_report_settles_a_notice_and_none_after_it_changes_anything(
    sender: PostOffice, centre: SmsCentre
) -> None:
    await sender.worker({SMS: channel(sender, centre)}).send_due(SMS)
    id_ = (await sender.row(channel=SMS)).provider_id
    assert await reported(sender, id_, delivered=True) is Reported.TAKEN
    settled = await sender.row(channel=SMS)
    assert (settled.state, settled.ended_at) == (NoticeState.DELIVERED, sender.now)
    sender.now += SECOND
    for delivered in (True, False):
        assert await reported(sender, id_, delivered=delivered, detail="late") is Reported.SETTLED
    assert await sender.row(channel=SMS) == settled
    page = await sender.row(channel=PAGE)
    for unknown in ("unheard of", page.provider_id):
        assert await reported(sender, unknown, delivered=False) is Reported.UNKNOWN
    assert await sender.row(channel=PAGE) == page


async def test_what_a_gateway_failed_to_deliver_goes_out_anew_and_an_old_report_does_not_touch_it(
    sender: PostOffice, centre: SmsCentre
) -> None:
    worker = sender.worker({SMS: channel(sender, centre)})
    await worker.send_due(SMS)
    failed = await sender.row(channel=SMS)
    await reported(sender, failed.provider_id, delivered=False, detail=f"{NUMBER} switched off")
    row = await sender.row(channel=SMS)
    assert (row.state, row.why, row.detail) == (NoticeState.FAILED, Why.REFUSED, "138****1111 switched off")
    async with sender.database.write() as connection:
        assert await sender.notices.again(connection, row.id)
    assert await reported(sender, failed.provider_id, delivered=False) is Reported.UNKNOWN
    await worker.send_due(SMS)
    row = await sender.row(channel=SMS)
    assert (row.state, len(centre.taken)) == (NoticeState.SENT, 2), "the gateway would drop the old id"
    assert await reported(sender, row.provider_id, delivered=True) is Reported.TAKEN


async def test_what_no_gateway_took_keeps_its_id_for_another_chance(
    sender: PostOffice, centre: SmsCentre
) -> None:
    centre.answers = [422]
    worker = sender.worker({SMS: channel(sender, centre)})
    await worker.send_due(SMS)
    refused = await sender.row(channel=SMS)
    async with sender.database.write() as connection:
        assert await sender.notices.again(connection, refused.id)
    await worker.send_due(SMS)
    assert centre.taken.keys() == {refused.provider_id}


BODY = b'{"id": "5f", "status": "delivered"}'
STAMP = str(NOON // SECOND)


@pytest.mark.parametrize(
    ("body", "stamp", "signature", "where"),
    [
        (BODY, STAMP, "", "X-Signature"),
        (BODY, STAMP, "0" * 64, "X-Signature"),
        (BODY, STAMP, "\udcff" * 64, "X-Signature"),
        (BODY, "\udcff", sign(KEY, STAMP, BODY), "X-Signature"),
        (BODY, "", sign(KEY, "", BODY), "X-Signature"),
        (BODY, str(int(STAMP) - 1), sign(KEY, STAMP, BODY), "X-Signature"),
        (BODY + b" ", STAMP, sign(KEY, STAMP, BODY), "X-Signature"),
        (BODY, str(int(STAMP) - 301), sign(KEY, str(int(STAMP) - 301), BODY), "X-Timestamp"),
        (BODY, str(int(STAMP) + 301), sign(KEY, str(int(STAMP) + 301), BODY), "X-Timestamp"),
        (b"{}", STAMP, sign(KEY, STAMP, b"{}"), "body"),
        (b"\xff", STAMP, sign(KEY, STAMP, b"\xff"), "body"),
        (
            b'{"id": "\xff", "status": "failed"}',
            STAMP,
            sign(KEY, STAMP, b'{"id": "\xff", "status": "failed"}'),
            "body",
        ),
    ],
)
def test_what_is_no_report_of_the_gateways_of_now_is_refused(
    body: bytes, stamp: str, signature: str, where: str
) -> None:
    with pytest.raises(BadInput) as refused:
        verified_report(body, stamp=stamp, signature=signature, key=KEY, now=NOON)
    assert refused.value.where == where


@pytest.mark.parametrize("off", [-300, 0, 300])
def test_a_report_of_these_minutes_is_taken(off: int) -> None:
    stamp = str(int(STAMP) + off)
    report = verified_report(BODY, stamp=stamp, signature=sign(KEY, stamp, BODY).upper(), key=KEY, now=NOON)
    assert report == Report(id="5f", status="delivered")


async def test_a_report_that_overtakes_our_own_note_is_not_overwritten(
    sender: PostOffice, centre: SmsCentre
) -> None:
    row = await sender.row(channel=SMS)
    gateway = channel(sender, centre)

    class Quick:
        async def send(self, message: object) -> None:
            await gateway.send(message)  # type: ignore[arg-type]
            async with sender.database.write() as connection:
                came_of_it = await sender.notices.reported(
                    connection, row.provider_id, delivered=False, detail=f"{NUMBER} is switched off"
                )
            assert came_of_it is Reported.TAKEN

    await sender.worker({SMS: Quick()}).send_due(SMS)
    row = await sender.row(channel=SMS)
    assert (row.state, row.why) == (NoticeState.FAILED, Why.REFUSED)
