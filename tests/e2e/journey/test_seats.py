"""Agents at work with the service running: by telephone and by page, in wrap-up, and when a node is mute."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from core import facts as f
from core.clock import SECOND
from core.facts import AgentState
from directory import seed
from directory.lookup import Directory
from hotline.simulation.scripts import Key, Pause, Phone, keys
from tests.support.ami_tap import Heard
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TO_PERSONAL = (Pause(400), Key("1"), Pause(400), Key("1"), Pause(400), Key("1"))
QUICK = Phone("phone", answer_ms=300, talk_ms=700)
WRAP_UP_S = 3


def brief_wrap_ups() -> Directory:
    """Wrap-ups of three seconds."""
    demo = seed.load(seed.DEMO)
    return replace(
        demo, queues={name: replace(q, wrapup_limit_s=WRAP_UP_S) for name, q in demo.queues.items()}
    )


DIRECTORY = brief_wrap_ups


async def dial(hotline: Floor, device: str, number: str, *steps: Pause | Key) -> Heard:
    """Dial a star code; what the dialplan said of it."""
    since = len(hotline.exchange.tap.heard)
    sipp = await hotline.exchange.dial(device, number, *steps)
    told = await hotline.exchange.tap.wait_for("AgentCode", after=since, Device=device)
    assert (await sipp.done(60)).succeeded == 1, sipp.errors()
    return told


async def becomes(hotline: Floor, state: AgentState, *, agent: str, after: int, within: float = 60) -> Any:
    return await hotline.fact(
        f.AgentStateChanged,
        lambda fact: fact.agent == agent and fact.state is state,
        after=after,
        within=within,
    )


async def members(hotline: Floor, agent: str) -> dict[str, tuple[str, bool, str]]:
    """Queue → device, paused, reason: what Asterisk holds of the agent."""
    tap = hotline.exchange.tap
    since = len(tap.heard)
    await tap.action("QueueStatus")
    await tap.wait_for("QueueStatusComplete", after=since)
    rows = [
        heard for heard in tap.heard[since:] if heard["Event"] == "QueueMember" and heard["Name"] == agent
    ]
    return {row["Queue"]: (row["Location"], row["Paused"] == "1", row["PausedReason"]) for row in rows}


async def variable(hotline: Floor, name: str) -> str:
    return (await hotline.exchange.tap.action("Getvar", Variable=name))["Value"]


async def settled(hotline: Floor) -> None:
    """The dispatcher has planned after the last change, and what it wants told has been told."""
    await asyncio.sleep(0.6)  # its own pace is half a second
    await hotline.hotline.telephony.told()


@pytest.mark.rule("CALL-19", "CALL-21", "CALL-22")
async def test_a_shift_by_telephone_is_known_here(hotline: Floor) -> None:
    since = len(hotline.facts)
    pin = hotline.pin("1001")
    await hotline.exchange.phone("d001", QUICK)
    await dial(hotline, "d001", "*11", *keys("1001#"), *keys(f"{pin}#"))
    seat = await becomes(hotline, AgentState.NOT_READY, agent="1001", after=since)
    assert (seat.reason, seat.device) == ("logged_in", "d001")
    person = await hotline.sign_in("1001")
    assert (await person.get("/api/agent"))["state"] == "not_ready"
    assert {row[1:] for row in (await members(hotline, "1001")).values()} == {(True, "logged_in")}

    await dial(hotline, "d001", "*12")
    await becomes(hotline, AgentState.READY, agent="1001", after=since)
    await dial(hotline, "d001", "*15")
    assert (await hotline.fact(f.HelpRaised, after=since)).agent == "1001"
    await dial(hotline, "d001", "*131")
    pause = await hotline.fact(f.AgentStateChanged, lambda x: x.reason == "meal", after=since)
    assert pause.agent == "1001"
    await dial(hotline, "d001", "*14")
    await becomes(hotline, AgentState.LOGGED_OUT, agent="1001", after=since)
    assert await members(hotline, "1001") == {}
    hotline.hotline.telephony.end_help("1001", "8001")


async def test_logging_out_by_telephone_leaves_every_queue_a_log_in_by_page_joined(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d002", QUICK)
    await hotline.agent("1002", "d002")
    await settled(hotline)
    assert set(await members(hotline, "1002")) == {p.queue for p in hotline.directory.memberships("1002")}
    assert await variable(hotline, "AGENT_D002") == "1002"
    assert await variable(hotline, "DEVICE_1002") == "d002"
    code = await dial(hotline, "d002", "*14")
    assert code["Agent"] == "1002"
    await becomes(hotline, AgentState.LOGGED_OUT, agent="1002", after=since)
    assert await members(hotline, "1002") == {}


async def test_a_log_in_by_telephone_takes_over_the_seat_and_the_agent(hotline: Floor) -> None:
    """1002 sits at d002 and 1001 at d001, both by page; then 1001 logs in at d002 by telephone."""
    await hotline.exchange.phone("d001", QUICK)
    await hotline.exchange.phone("d002", QUICK)
    await hotline.agent("1001", "d001")
    await hotline.agent("1002", "d002")
    since = len(hotline.facts)
    await dial(hotline, "d002", "*11", *keys("1001#"), *keys(f"{hotline.pin('1001')}#"))
    await becomes(hotline, AgentState.LOGGED_OUT, agent="1002", after=since)
    seat = await becomes(hotline, AgentState.NOT_READY, agent="1001", after=since)
    assert seat.device == "d002"
    await hotline.hotline.telephony.told()
    assert await members(hotline, "1002") == {}
    assert {row[0] for row in (await members(hotline, "1001")).values()} == {"PJSIP/d002"}


@pytest.mark.rule("CALL-20")
async def test_a_phone_that_registers_anew_from_elsewhere_keeps_its_agent_on_the_line(hotline: Floor) -> None:
    """A page loaded again, a new lease: Asterisk removes the old address after the new one is reachable."""
    since, heard = len(hotline.facts), len(hotline.exchange.tap.heard)
    await hotline.exchange.phone("d007", QUICK)
    agent = await hotline.agent("1014", "d007")
    await hotline.exchange.phone("d007", QUICK)
    await hotline.exchange.tap.wait_for("ContactStatus", after=heard, AOR="d007", ContactStatus="Removed")
    await dial(hotline, "d007", "*15")  # comes by the same stream, later
    await hotline.fact(f.HelpRaised, after=since)
    hotline.hotline.telephony.end_help("1014", "8001")
    assert [x.reachable for x in hotline.all(f.DeviceContactChanged) if x.device == "d007"] == [True]
    assert (await agent.get("/api/agent"))["state"] == "ready"


@pytest.mark.rule("SUMMARY-01")
async def test_the_next_call_waits_until_the_summary_is_saved(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d003", QUICK)
    agent = await hotline.agent("1006", "d003")
    await hotline.exchange.call(*TO_CARD, name="first")
    await hotline.fact(f.AgentAnswered, after=since)
    await hotline.exchange.call(*TO_CARD, name="second")
    wrap = await becomes(hotline, AgentState.WRAP_UP, agent="1006", after=since)
    # The second customer waits by now; app_queue looks at members about once a second.
    await hotline.fact(f.CallerQueued, lambda fact: fact.call != wrap.call, after=since)
    before = len(hotline.facts)
    await asyncio.sleep(1.5)
    assert not [n for n in hotline.facts[before:] if isinstance(n.fact, f.AgentOffered)]
    await agent.post("/api/summaries", status=201, leg=wrap.leg, type="silent_call")
    ready = await becomes(hotline, AgentState.READY, agent="1006", after=before)
    assert ready.reason == "summary"
    offered = await hotline.fact(f.AgentOffered, after=before)
    assert offered.agent == "1006"
    assert offered.at >= ready.at


async def test_a_wrap_up_ends_at_its_limit_and_the_summary_is_still_owed(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d004", QUICK)
    agent = await hotline.agent("1009", "d004")
    await hotline.exchange.call(*TO_CARD)
    wrap = await becomes(hotline, AgentState.WRAP_UP, agent="1009", after=since)
    ready = await becomes(hotline, AgentState.READY, agent="1009", after=len(hotline.facts))
    assert ready.reason == "limit"
    assert WRAP_UP_S * SECOND <= ready.at - wrap.at < (WRAP_UP_S + 1) * SECOND
    await hotline.hotline.telephony.told()
    assert {row[1] for row in (await members(hotline, "1009")).values()} == {False}
    await hotline.settled()
    assert [one["leg"] for one in (await agent.get("/api/summaries/owed"))["owed"]] == [wrap.leg]


async def message(socket: aiohttp.ClientWebSocketResponse, state: str) -> dict[str, Any]:
    """The next message in which the agent is in this state."""
    async with asyncio.timeout(60):
        while True:
            told = json.loads(await socket.receive_str())
            if told.get("data", {}).get("state") == state:
                return dict(told["data"])


@pytest.mark.rule("CALL-03")
async def test_an_agent_who_answers_late_is_told_the_wait_and_to_apologise(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d005", Phone("phone", answer_ms=300, talk_ms=3_000))
    agent = await hotline.agent("1010", "d005")
    await agent.post("/api/agent/not-ready", reason="rest")
    async with agent.watch("agent:1010") as socket:
        assert (await message(socket, "not_ready"))["apologise"] is False
        await hotline.exchange.call(*TO_CARD)
        queued = await hotline.fact(f.CallerQueued, after=since)
        await asyncio.sleep(10.3)
        await agent.post("/api/agent/ready")
        ringing = await message(socket, "ringing")
        assert ringing["waited_ms"] > 10_000
        talking = await message(socket, "talking")
        answered = await hotline.fact(f.AgentAnswered, after=since)
        assert answered.waited == answered.at - queued.joined_at > 10 * SECOND
        assert talking["waited_ms"] == answered.waited // 1000
        assert talking["apologise"] is True
        assert (await agent.get("/api/agent"))["apologise"] is True
        assert (await message(socket, "wrap_up"))["apologise"] is False
    other = await hotline.sign_in("1001")
    assert await other.refused_to_watch("agent:1010") == 403


async def test_a_command_to_a_mute_node_times_out_and_is_not_repeated(hotline: Floor) -> None:
    """Asterisk stands still for longer than a command may take; what became of it is looked up."""
    tap, asterisk = hotline.exchange.tap, hotline.exchange.asterisk
    await hotline.exchange.phone("d006", QUICK)
    person = await hotline.sign_in("1013")
    since, heard = len(hotline.facts), len(tap.heard)
    os.kill(asterisk.pid, signal.SIGSTOP)
    try:
        with capture_logs() as logs:
            answer = await person.post("/api/agent/login", device="d006")
            assert (answer["state"], answer["reason"]) == ("not_ready", "logged_in")
            async with asyncio.timeout(60):
                await hotline.hotline.telephony.told()
    finally:
        os.kill(asterisk.pid, signal.SIGCONT)
    failed = [log for log in logs if log["event"] == "telephony.command_not_done"]
    assert {log["command"] for log in failed} >= {"AddMember"}
    assert {log["outcome"] for log in failed} <= {"timed_out", "unknown"}
    await hotline.fact(f.NodeConnected, after=since, within=60)
    await hotline.hotline.telephony.told()
    expected = {place.queue for place in hotline.directory.memberships("1013")}
    seats = await members(hotline, "1013")
    assert {queue: row[1:] for queue, row in seats.items()} == dict.fromkeys(expected, (True, "logged_in"))
    added = [e["Queue"] for e in tap.heard[heard:] if e.fits("QueueMemberAdded", {"MemberName": "1013"})]
    assert sorted(added) == sorted(expected)  # each once: none was repeated by itself
    assert (await person.get("/api/agent"))["state"] == "not_ready"


async def change_person(hotline: Floor, number: str, **fields: Any) -> None:
    """What an administrator does: other fields in the person's entry."""
    admin = await hotline.sign_in("9001")
    there = (await admin.get("/api/directory/entries", section="staff", key=number))["entries"][0]
    line = {"section": "staff", "key": number, "entry": {**there["entry"], **fields}}
    await admin.post("/api/directory/changes", lines=[line], reason="the branch office asked for it")
    await hotline.hotline.telephony.told()


@pytest.mark.rule("SEC-05", "CALL-12")
async def test_other_skills_move_an_agent_to_other_queues_without_a_reload(hotline: Floor) -> None:
    tap = hotline.exchange.tap
    await hotline.exchange.phone("d008", QUICK)
    await hotline.agent("1015", "d008")
    await hotline.hotline.telephony.told()
    assert "corporate-cmn" in await members(hotline, "1015")
    heard = len(tap.heard)
    await change_person(hotline, "1015", skills={"card": 1, "operator": 1}, languages={"cmn": 1})
    assert {queue: row[1] for queue, row in (await members(hotline, "1015")).items()} == {
        "card-cmn": False, "operator-cmn": False,
    }  # fmt: skip
    # Backup for operators before, first line now: told as a penalty, not by leaving and joining again.
    of_operator = {"MemberName": "1015", "Queue": "operator-cmn"}
    moves = ("QueueMemberAdded", "QueueMemberRemoved")
    assert not [e for e in tap.heard[heard:] for move in moves if e.fits(move, of_operator)]
    rows = [e for e in tap.heard[heard:] if e["Event"] == "QueueMember" and e["Name"] == "1015"]
    assert {e["Queue"]: e["Penalty"] for e in rows} == {"card-cmn": "0", "operator-cmn": "0"}


@pytest.mark.rule("SEC-21")
async def test_who_is_suspended_in_a_call_finishes_it_and_is_then_gone(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d009", Phone("phone", answer_ms=300, talk_ms=4_000))
    await hotline.agent("1011", "d009")
    await hotline.exchange.call(*TO_CARD)
    await hotline.fact(f.AgentAnswered, lambda fact: fact.agent == "1011", after=since)
    await change_person(hotline, "1011", active=False)
    assert await members(hotline, "1011") == {}
    assert hotline.hotline.telephony.switchboard.agent("1011").state is AgentState.TALKING
    talk = await hotline.fact(f.TalkEnded, lambda fact: fact.agent == "1011", after=since)
    await becomes(hotline, AgentState.LOGGED_OUT, agent="1011", after=since)
    assert talk.at - hotline.all(f.AgentAnswered)[-1].at >= 3 * SECOND
