"""Delivery reports of a real SMS gateway through the real server: signed, without a session."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.clock import MINUTE, SECOND, Instant, system_clock
from directory import seed
from hotline.settings_notices import SmsSettings
from hotline.sms_reports_api import LONGEST, PATH, Refusals
from storage.notices.model import ChannelName, Notice, NoticeState, Sending, Way
from storage.notices.preferences import set_way
from storage.notices.sms import sign
from tests.integration.web.program import Program, running_program
from tests.support.rawhttp import status_of

KEY = "a key of both sides"
NUMBER = "13800001111"


@dataclass
class Gateway:
    """Takes messages, and reports on them. `reports_to`: where."""

    reports_to: str = ""
    url: str = ""
    ids: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.ids.append((await request.json())["id"])
        return web.json_response({"accepted": True})

    async def report(
        self, body: bytes, *, key: str = KEY, at: Instant | None = None, **headers: str
    ) -> tuple[int, str]:
        """Send one; status and body of the answer."""
        stamp = str((system_clock() if at is None else at) // SECOND)
        signed = {"X-Timestamp": stamp, "X-Signature": sign(key, stamp, body)} | headers
        async with (
            ClientSession() as session,
            session.post(self.reports_to, data=body, headers=signed) as answer,
        ):
            return answer.status, await answer.text()

    async def says(self, id_: str, status: str, detail: str = "") -> int:
        """The status of the answer to a report in order."""
        body = json.dumps({"id": id_, "status": status, "detail": detail}).encode()
        return (await self.report(body))[0]


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    app = web.Application()
    app.router.add_post("/send", made.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/send"
    yield made
    await runner.cleanup()


@pytest.fixture
async def program(tmp_path: Path, gateway: Gateway) -> AsyncIterator[Program]:
    sms = SmsSettings(url=gateway.url, account="hotline", key=SecretStr(KEY))
    async with running_program(seed.load(seed.DEMO), tmp_path, sms=sms) as running:
        gateway.reports_to = str(running.url.with_path(PATH))
        yield running


async def told(program: Program, gateway: Gateway, key: str = "limit") -> str:
    """One person is told by text message; the id under which the gateway has it."""
    due = program.hotline.due
    async with program.hotline.main.write() as connection:
        await set_way(connection, "1001", ChannelName.SMS, Way(NUMBER), clock=system_clock)
        notice = Notice(
            person="1001", subject="时限将至", text="请处理", key=key, cause="ticket:GD1", urgent=True
        )
        await due.notices.put(connection, notice, [ChannelName.SMS])
    await due.worker.send_due(ChannelName.SMS)
    return gateway.ids[-1]


async def row(program: Program) -> Sending:
    async with program.hotline.main.read() as connection:
        about = await program.hotline.due.notices.about(connection, "ticket:GD1")
    return next(one for one in about if one.channel is ChannelName.SMS)


@pytest.mark.parametrize(
    ("status", "state"), [("delivered", NoticeState.DELIVERED), ("failed", NoticeState.FAILED)]
)
async def test_a_report_settles_its_notice_and_comes_again_without_harm(
    program: Program, gateway: Gateway, status: str, state: NoticeState
) -> None:
    id_ = await told(program, gateway)
    assert (await row(program)).state is NoticeState.SENT
    assert await gateway.says(id_, status, f"{NUMBER}: state 7") == 204
    settled = await row(program)
    assert (settled.state, settled.detail) == (state, "138****1111: state 7")
    for again in (status, "failed", "delivered"):
        assert await gateway.says(id_, again) == 204
    assert await row(program) == settled


async def test_a_report_on_a_message_that_is_not_ours_is_taken_and_changes_nothing(
    program: Program, gateway: Gateway
) -> None:
    await told(program, gateway)
    before = await row(program)
    with capture_logs() as lines:
        assert await gateway.says("0" * 32, "failed") == 202
    assert [line["came_of_it"] for line in lines if line["event"] == "sms_reported"] == ["unknown"]
    assert await row(program) == before


async def test_who_cannot_sign_learns_the_same_whatever_they_ask(program: Program, gateway: Gateway) -> None:
    known = await told(program, gateway)
    answers = set()
    for id_ in (known, "0" * 32, "\x00"):
        for body in (json.dumps({"id": id_, "status": "delivered"}).encode(), b"no json", b""):
            status, said = await gateway.report(body, key="another")
            problem: dict[str, Any] = json.loads(said)
            problem.pop("request")
            answers.add((status, json.dumps(problem)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 401
    assert (await row(program)).state is NoticeState.SENT
    assert (await gateway.report(b"{}", **{"X-Timestamp": "9" * 400}))[0] == 401
    for header in (b"X-Signature: \xff", b"X-Timestamp: \xff"):
        assert await status_of(program.url, "POST", PATH, header) == 401


async def test_without_a_gateway_in_the_settings_nobody_can_sign(tmp_path: Path, gateway: Gateway) -> None:
    async with running_program(seed.load(seed.DEMO), tmp_path) as running:
        gateway.reports_to = str(running.url.with_path(PATH))
        for key in ("", KEY):
            status, said = await gateway.report(b'{"id": "a", "status": "failed"}', key=key)
            assert status == 401
            assert "sms.key" not in said, "whether there is a gateway is nobody's business"


async def test_an_old_report_that_somebody_kept_is_refused(program: Program, gateway: Gateway) -> None:
    body = json.dumps({"id": await told(program, gateway), "status": "failed"}).encode()
    for off in (-6 * MINUTE, 6 * MINUTE):
        status, said = await gateway.report(body, at=system_clock() + off)
        assert status == 401
        assert "within 5 minutes of our clock" in said
    assert (await row(program)).state is NoticeState.SENT


@pytest.mark.parametrize("body", [b"", b"[]", b'{"id": "a"}', b'{"id": "a", "status": "perhaps"}'])
async def test_what_is_signed_and_no_report_is_told_so(
    program: Program, gateway: Gateway, body: bytes
) -> None:
    status, said = await gateway.report(body)
    assert (status, json.loads(said)["type"]) == (422, "/problems/bad-input")
    assert "is no delivery report" in said


async def test_no_more_is_read_than_a_report_may_have(program: Program, gateway: Gateway) -> None:
    body = json.dumps({"id": "a", "status": "failed", "detail": "x" * LONGEST}).encode()
    assert (await gateway.report(body))[0] == 413
    fits = json.dumps({"id": "a", "status": "failed", "detail": "x" * (LONGEST - 60)}).encode()
    assert (await gateway.report(fits))[0] == 202


def test_the_log_has_how_many_were_refused_and_at_most_a_line_a_minute() -> None:
    now = 0
    refusals = Refusals(lambda: now)
    with capture_logs() as lines:
        for second in range(150):
            now = second * SECOND
            refusals.note("X-Signature: is not ours", "192.0.2.7")
    assert [(line["refused"], line["by"]) for line in lines] == [
        (1, "192.0.2.7"),
        (60, "192.0.2.7"),
        (60, "192.0.2.7"),
    ]
