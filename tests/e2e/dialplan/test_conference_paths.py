"""Three in a call: the customer, the agent and the colleague who was asked. Recorded as `test_paths` is.

No service runs: whoever leaves, what becomes of the customer is the dialplan's doing. Everybody acts when the
test says so, not by the clock, since each step is about who was there before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import pytest

from hotline.simulation.scripts import Pause, Phone
from hotline.simulation.sipp import Sipp
from telephony.ami.actions import to_survey
from telephony.ami.conference_actions import Gathering, to_conference
from tests.e2e.dialplan.test_recording import samples
from tests.support.ami_tap import Heard
from tests.support.exchange import TO_CARD, Exchange
from tests.support.tones import power_at, write_alaw

pytestmark = pytest.mark.asterisk

CUSTOMER_HZ, FIRST_HZ, SECOND_HZ = 440, 1_000, 1_700


@dataclass(frozen=True, slots=True)
class Three:
    """Channels and Uniqueids of those who are together, and the colleague's telephone."""

    call: str
    customer: str
    customer_leg: str
    first: str
    first_leg: str
    second: str
    second_leg: str
    phone: Sipp


def _voices(line: Exchange) -> dict[int, Path]:
    return {hz: write_alaw(line.folder / f"{hz}.alaw", hz, 1) for hz in (CUSTOMER_HZ, FIRST_HZ, SECOND_HZ)}


async def _together(line: Exchange, voices: Mapping[int, Path] = MappingProxyType({})) -> Three:
    """8001 has a customer, puts him on hold for a while, asks 8002 and brings him in."""
    first = Phone("first", answer_ms=200, talk_ms=None, hold=(400, 1_000), voice=voices.get(FIRST_HZ))
    await line.phone("d001", first)
    phone = await colleague(line, "d002", "8002", voices.get(SECOND_HZ))
    await line.member("d001", "8001")
    await line.call(*TO_CARD, Pause(60_000), voice=voices.get(CUSTOMER_HZ))
    await line.tap.wait_for("Hold")
    connected = line.tap.all("AgentConnect")[0]
    asked = await asks(line, "8002")
    three = Three(
        call=asked["Call"],
        customer=connected["Channel"],
        customer_leg=connected["Uniqueid"],
        first=connected["DestChannel"],
        first_leg=connected["DestUniqueid"],
        second=asked["Channel"],
        second_leg=asked["Uniqueid"],
        phone=phone,
    )
    await _confer(line, three)
    await line.tap.wait_for("Unhold", Uniqueid=three.first_leg)
    return three


async def colleague(line: Exchange, device: str, staff: str, voice: Path | None = None) -> Sipp:
    """Logged in there, and offered no calls of the queue."""
    phone = await line.phone(device, Phone(f"at-{device}", answer_ms=200, talk_ms=None, voice=voice))
    await line.member(device, staff)
    await line.pause(device)
    await line.sits(device, staff)
    return phone


async def asks(line: Exchange, staff: str) -> Heard:
    """8001 asks a colleague, who answers: what the dialplan says of it."""
    await line.dial("d001", staff)
    consult = await line.tap.wait_for("ConsultStarted", Agent=staff)
    await line.tap.wait_for("BridgeEnter", Uniqueid=consult["By"])
    await line.tap.wait_for("BridgeEnter", Uniqueid=consult["Uniqueid"])
    await asyncio.sleep(0.3)  # the two agents talk
    return consult


async def _confer(line: Exchange, three: Three) -> None:
    line.tap.note("a conference of three is ordered")
    action = to_conference(
        Gathering(
            call=three.call,
            customer=three.customer,
            asking=three.first,
            leg=three.first_leg,
            asked=three.second,
            asked_leg=three.second_leg,
        )
    )
    reply = await line.tap.action(action.name, *action.headers)
    assert reply["Response"] == "Success", reply
    for leg in (three.first_leg, three.second_leg, three.customer_leg):
        await line.tap.wait_for("BridgeEnter", Uniqueid=leg, BridgeTechnology="softmix")


async def leaves(line: Exchange, channel: str, leg: str) -> None:
    await line.hangs_up(channel)
    await line.tap.wait_for("Hangup", Uniqueid=leg)


async def _rates(line: Exchange, three: Three, satisfaction: str) -> None:
    for question, key in (("satisfaction", satisfaction), ("solved", "1")):
        await line.tap.wait_for("SurveyStarted")
        await line.presses(three.customer, key)
        await line.tap.wait_for("SurveyAnswered", Question=question, Answer=key)
    await line.tap.wait_for("CallGone", Where="goodbye")


@pytest.mark.rule("CALL-16")
@pytest.mark.parametrize("line", [{"survey_wait_s": 30}], indirect=True)
async def test_conference_goes_on_with_the_colleague(line: Exchange) -> None:
    """8001 leaves first; 8002 goes on with the customer, and the score is 8002's."""
    three = await _together(line, _voices(line))
    await asyncio.sleep(0.6)  # all three talk
    await leaves(line, three.first, three.first_leg)
    await asyncio.sleep(0.3)  # 8002 and the customer talk
    assert not line.tap.all("SurveyStarted")
    assert not line.tap.all("Hangup", Uniqueid=three.second_leg)
    await leaves(line, three.second, three.second_leg)
    await _rates(line, three, "5")
    assert len(line.tap.all("SurveyStarted")) == len(line.tap.all("CallArrived")) == 1
    # A pair of files for each agent's leg, from answer to end: he on one side, the others on the other.
    folder = line.spec.directory / "recordings"
    one, two = line.tap.all("RecordingStarted")
    assert [one["Leg"], two["Leg"]] == [three.first_leg, three.second_leg]
    for file, own, other in ((one["File"], FIRST_HZ, SECOND_HZ), (two["File"], SECOND_HZ, FIRST_HZ)):
        mine = await samples(folder / f"{file}-agent.wav")
        theirs = await samples(folder / f"{file}-customer.wav")
        assert power_at(mine, own) > 1_000 * power_at(mine, other)
        assert min(power_at(theirs, hz) for hz in (CUSTOMER_HZ, other)) > 1_000 * power_at(theirs, own)
    assert line.messages == ""


@pytest.mark.parametrize("line", [{"survey_wait_s": 30}], indirect=True)
async def test_conference_goes_on_with_the_first_agent(line: Exchange) -> None:
    """8002 has said what there is to say; 8001 goes on with the customer, and the score is 8001's."""
    three = await _together(line)
    await leaves(line, three.second, three.second_leg)
    await asyncio.sleep(0.3)  # 8001 and the customer talk
    assert not line.tap.all("SurveyStarted")
    await leaves(line, three.first, three.first_leg)
    await _rates(line, three, "4")
    assert line.messages == ""


async def test_caller_gone_in_a_conference(line: Exchange) -> None:
    """The customer hangs up: both agents are let go, nobody is rated."""
    three = await _together(line)
    await leaves(line, three.customer, three.customer_leg)
    for leg in (three.first_leg, three.second_leg):
        await line.tap.wait_for("Hangup", Uniqueid=leg)
    assert [gone["Where"] for gone in line.tap.all("CallGone")] == ["queue"]
    assert not line.tap.all("SurveyStarted")
    assert line.messages == ""


async def test_conference_ends_with_the_survey(line: Exchange) -> None:
    """By our order: both agents are let go. What a telephone refers is refused, and all stay together."""
    three = await _together(line)
    assert (await line.refers(three.first, "survey")).startswith("SIP/2.0 400")
    assert not line.tap.all("ConfbridgeLeave")
    line.tap.note("the customer is sent to the survey")
    action = to_survey(three.customer)
    assert (await line.tap.action(action.name, *action.headers))["Response"] == "Success"
    await line.tap.wait_for("SurveyStarted", Uniqueid=three.customer_leg, By="transfer")
    for leg in (three.first_leg, three.second_leg):
        await line.tap.wait_for("Hangup", Uniqueid=leg)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert len(line.tap.all("SurveyStarted")) == 1
    assert line.messages == ""


@pytest.mark.parametrize("line", [{"rtp_timeout_s": 3}], indirect=True)
async def test_phone_dies_in_a_conference(line: Exchange) -> None:
    """8001 leaves, then 8002's telephone falls silent: back, ahead of all others, and to 8001 again."""
    three = await _together(line, _voices(line))
    await leaves(line, three.first, three.first_leg)
    await line.tap.action("QueueRemove", Queue="card-cmn", Interface="PJSIP/d002")
    since = len(line.tap.heard)
    line.tap.note("d002 is killed")
    three.phone.kill()
    await line.tap.wait_for("Hangup", Uniqueid=three.second_leg, Cause="44")
    await line.tap.wait_for("QueueEntered", Urgency="1000")
    again = await line.tap.wait_for("AgentConnect", after=since, MemberName="8001")
    await line.tap.wait_for("BridgeEnter", Uniqueid=again["DestUniqueid"])
    await asyncio.sleep(0.2)  # 8001 and the customer talk
    await leaves(line, three.customer, three.customer_leg)
    await line.tap.wait_for("Hangup", Uniqueid=again["DestUniqueid"])
    assert not line.tap.all("SurveyStarted")


async def test_conference_again_with_another(line: Exchange) -> None:
    """8002 leaves, 8001 asks 8003 and brings him in, too; both leave, and the customer rates at once."""
    three = await _together(line)
    await leaves(line, three.second, three.second_leg)
    await colleague(line, "d003", "8003")
    asked = await asks(line, "8003")
    again = replace(three, second=asked["Channel"], second_leg=asked["Uniqueid"])
    await _confer(line, again)
    await leaves(line, again.first, again.first_leg)
    await asyncio.sleep(0.3)  # 8003 and the customer talk
    assert not line.tap.all("SurveyStarted")
    await leaves(line, again.second, again.second_leg)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert len(line.tap.all("SurveyStarted")) == 1
    assert line.messages == ""
