"""Three in a call: the customer, the agent and the colleague who was asked. Recorded as `test_paths` is.

No service runs: whoever leaves, what becomes of the customer is the dialplan's doing.
"""

from __future__ import annotations

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from telephony.ami.conference_actions import Gathering, to_conference
from tests.support.exchange import TO_CARD, Exchange

pytestmark = pytest.mark.asterisk


async def _gathered(
    line: Exchange, agent: Phone, colleague: Phone, *steps: Pause | Key, hang_up: bool = False
) -> tuple[str, str]:
    """A conference of a customer, 8001 and 8002, once all are in it: the two agents' Uniqueids."""
    await line.phone("d001", agent)
    await line.phone("d002", colleague)
    await line.member("d001", "8001")
    await line.member("d002", "8002")
    await line.pause("d002")
    await line.sits("d002", "8002")
    await line.call(*TO_CARD, *steps, hang_up=hang_up)
    await line.tap.wait_for("Hold")
    await line.dial("d001", "8002")
    consult = await line.tap.wait_for("ConsultStarted", Agent="8002")
    await line.tap.wait_for("BridgeEnter", Uniqueid=consult["By"])
    connected = line.tap.all("AgentConnect")[0]
    line.tap.note("a conference of three is ordered")
    action = to_conference(
        Gathering(
            call=consult["Call"],
            customer=connected["Channel"],
            asking=connected["DestChannel"],
            leg=connected["DestUniqueid"],
            asked=consult["Channel"],
            asked_leg=consult["Uniqueid"],
        )
    )
    since = len(line.tap.heard)
    reply = await line.tap.action(action.name, *action.headers)
    assert reply["Response"] == "Success", reply
    legs = connected["DestUniqueid"], consult["Uniqueid"]
    for leg in (connected["Uniqueid"], *legs):
        await line.tap.wait_for("BridgeEnter", after=since, Uniqueid=leg, BridgeTechnology="softmix")
    return legs


@pytest.mark.rule("CALL-16")
async def test_conference_goes_on_with_the_colleague(line: Exchange) -> None:
    """8001 leaves first; 8002 goes on with the customer, and the score is 8002's."""
    asking, asked = await _gathered(
        line,
        Phone("agent", answer_ms=200, talk_ms=700, hold=(400, 1_500)),
        Phone("colleague", answer_ms=200, talk_ms=4_500),
        *(Pause(6_000), Key("5"), Pause(600), Key("1")),
    )
    await line.tap.wait_for("Hangup", Uniqueid=asking)
    assert not line.tap.all("SurveyStarted")
    await line.tap.wait_for("Hangup", Uniqueid=asked)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert len(line.tap.all("SurveyStarted")) == len(line.tap.all("CallArrived")) == 1
    assert len(line.tap.all("RecordingStarted")) == 2
    assert line.messages == ""


async def test_conference_goes_on_with_the_first_agent(line: Exchange) -> None:
    """8002 has said what there is to say; 8001 goes on with the customer, and the score is 8001's."""
    asking, asked = await _gathered(
        line,
        Phone("agent", answer_ms=200, talk_ms=2_500, hold=(400, 1_500)),
        Phone("colleague", answer_ms=200, talk_ms=1_800),
        *(Pause(6_000), Key("4"), Pause(600), Key("1")),
    )
    await line.tap.wait_for("Hangup", Uniqueid=asked)
    assert not line.tap.all("SurveyStarted")
    await line.tap.wait_for("Hangup", Uniqueid=asking)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert line.messages == ""


async def test_caller_gone_in_a_conference(line: Exchange) -> None:
    """The customer hangs up: both agents are let go, nobody is rated."""
    legs = await _gathered(
        line,
        Phone("agent", answer_ms=200, talk_ms=None, hold=(400, 1_500)),
        Phone("colleague", answer_ms=200, talk_ms=60_000),
        Pause(3_500),
        hang_up=True,
    )
    await line.tap.wait_for("CallGone")
    for leg in legs:
        await line.tap.wait_for("Hangup", Uniqueid=leg)
    assert not line.tap.all("SurveyStarted")
    assert line.messages == ""
