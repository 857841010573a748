"""A leader's telephone is let into an agent's leg: heard by nobody, by the agent, by both; or not let in.
No service runs; the test gives the orders that the service would give."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.simulation.scripts import Phone
from telephony.ami.action import Action
from telephony.ami.leader_actions import Joining, hangup_leader, leader_mode, to_leader, to_taker
from tests.e2e.dialplan.test_recording import samples
from tests.support.ami_tap import Heard
from tests.support.exchange import TO_CARD, Exchange
from tests.support.tones import power_at, write_alaw

pytestmark = pytest.mark.asterisk

AGENT_HZ, LEADER_HZ = 1_000, 1_700
PRESENCE = f"leader-{'0' * 31}1"
STAYS_MS, MODES_MS = 3_200, 800


async def _order(line: Exchange, action: Action) -> None:
    reply = await line.tap.action(action.name, *action.headers)
    assert reply["Response"] == "Success", reply


def _voice(line: Exchange, hz: int) -> Path:
    return write_alaw(line.folder / f"{hz}.alaw", hz, 1)


async def _talk(line: Exchange, talk_ms: int, *, echo: bool = False) -> Heard:
    """A customer who repeats what he hears, if `echo`, talks with 8001; the beginning of the recording."""
    agent = Phone("agent", answer_ms=100, talk_ms=talk_ms, voice=_voice(line, AGENT_HZ))
    await line.phone("d001", agent)
    await line.member("d001", "8001")
    await line.call(*TO_CARD, echo=echo)
    await line.tap.wait_for("AgentConnect")
    return await line.tap.wait_for("RecordingStarted")


def _join(started: Heard, mode: str, device: str = "d005") -> Action:
    joining = Joining(
        device=device,
        leader="9001",
        presence=PRESENCE,
        call=started["Call"],
        leg=started["Leg"],
        channel=started["Channel"],
        mode=mode,
    )
    return to_leader(joining)


async def test_leader_in_each_mode(line: Exchange) -> None:
    """He listens, whispers, barges: the customer hears him only then, and only then is he recorded."""
    leader = Phone("leader", answer_ms=100, talk_ms=None, voice=_voice(line, LEADER_HZ))
    await line.phone("d005", leader)
    started = await _talk(line, STAYS_MS, echo=True)
    await _order(line, _join(started, "listen"))
    joined = await line.tap.wait_for("LeaderJoined", Mode="listen")
    about = {"Call": started["Call"], "Leg": started["Leg"], "Leader": "9001", "Presence": PRESENCE}
    assert {name: joined[name] for name in about} == about
    assert joined["Uniqueid"] == PRESENCE
    await _order(line, leader_mode(PRESENCE, "whisper"))
    await line.tap.wait_for("LeaderModeChanged", Mode="whisper")
    await asyncio.sleep(MODES_MS / 1_000)  # he whispers
    await _order(line, leader_mode(PRESENCE, "barge"))
    barged = await line.tap.wait_for("LeaderModeChanged", Mode="barge")
    left = await line.tap.wait_for("LeaderLeft", **about)
    await line.tap.wait_for("CallGone")
    assert len(line.tap.all("CallArrived")) == len(line.tap.all("CallGone")) == 1
    base = line.spec.directory / "recordings" / started["File"]
    customer = await samples(base.with_name(f"{base.name}-customer.wav"))
    spoke = await samples(base.with_name(f"{base.name}-leader.wav"))
    cut = (barged.ms - started.ms) * 8
    before, after = customer[: cut - 1_600], customer[cut + 1_600 :]
    assert power_at(after, LEADER_HZ) > 100 * power_at(before, LEADER_HZ)
    assert power_at(before, AGENT_HZ) > 100_000  # the customer was heard all the time: he repeats the agent
    assert power_at(spoke, LEADER_HZ) > 1_000 * power_at(spoke, AGENT_HZ)
    assert abs(len(spoke) / 8 - (left.ms - barged.ms)) < 500
    assert line.messages == ""


async def test_leader_leaves(line: Exchange) -> None:
    """On our order; agent and customer talk on. The leg's end puts another leader out by itself."""
    await line.phone("d005", Phone("leader", answer_ms=100, talk_ms=None))
    started = await _talk(line, 1_200)
    await _order(line, _join(started, "barge"))
    await line.tap.wait_for("LeaderJoined", Mode="barge")
    await _order(line, hangup_leader(PRESENCE))
    left = await line.tap.wait_for("LeaderLeft", Presence=PRESENCE)
    complete = await line.tap.wait_for("AgentComplete")
    assert complete["Reason"] == "agent"
    assert line.tap.heard.index(left) < line.tap.heard.index(complete)
    await line.tap.wait_for("CallGone")
    # Whoever is rung for a leg that is over is let out at once.
    late = f"leader-{'0' * 31}2"
    action = _join(started, "listen")
    headers = [(name, value.replace(PRESENCE, late)) for name, value in action.headers]
    await _order(line, replace(action, headers=tuple(headers)))
    await line.tap.wait_for("LeaderLeft", Presence=late)


async def test_leader_takes_over(line: Exchange) -> None:
    """The customer goes from the agent to the leader, who was in the talk by the same telephone before."""
    await line.phone("d005", Phone("leader", answer_ms=100, talk_ms=900))
    await line.sits("d005", "9001")
    started = await _talk(line, 60_000)
    await _order(line, _join(started, "whisper"))
    await line.tap.wait_for("LeaderJoined")
    await _order(line, hangup_leader(PRESENCE))
    await line.tap.wait_for("LeaderLeft")
    customer = (await line.tap.wait_for("AgentConnect"))["Channel"]
    line.tap.note("9001 takes the customer over")
    await _order(line, to_taker(customer, "9001"))
    offered = await line.tap.wait_for("AgentOffered", Agent="9001", By="transfer")
    assert offered["Channel"].startswith("PJSIP/d005-")
    began = await line.tap.wait_for("SurveyStarted")
    assert began["By"] == "agent"
    mine, his = line.tap.all("RecordingStarted")
    assert (mine["Call"], his["Leg"]) == (his["Call"], offered["Uniqueid"])
    await line.tap.wait_for("CallGone")


@pytest.mark.parametrize(
    ("phone", "reason"),
    [(Phone("rings", answer_ms=None), "3"), (Phone("busy", refuse=486), "0"), (None, "0")],
)
async def test_who_is_not_reached_is_told(line: Exchange, phone: Phone | None, reason: str) -> None:
    """Rings in vain, is busy, is not there (Originate tells the last two not apart)."""
    if phone is not None:
        await line.phone("d005", phone)
    started = await _talk(line, 60_000)
    action = _join(started, "listen")
    headers = [(name, "800" if name == "Timeout" else value) for name, value in action.headers]
    await _order(line, replace(action, headers=tuple(headers)))
    missed = await line.tap.wait_for("LeaderMissed", Presence=PRESENCE)
    assert (missed["Call"], missed["Leg"], missed["Reason"]) == (started["Call"], started["Leg"], reason)
    assert not line.tap.all("LeaderJoined")
    assert not line.tap.all("AgentComplete")
