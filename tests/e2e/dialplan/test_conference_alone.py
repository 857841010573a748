"""Agents who are sent into a conference to which the customer does not come: they are let go.

On the way there the customer belongs to no bridge for some milliseconds, too few for a test to hit. So here
another caller, who is in the menu, stands for him: he is there as long as the test wants, and never comes.
"""

from __future__ import annotations

import pytest

from hotline.simulation.scripts import Pause, Phone
from telephony.ami.conference_actions import Gathering, to_conference
from tests.e2e.dialplan.test_conference_paths import asks, colleague, leaves
from tests.support.ami_tap import Heard
from tests.support.exchange import TO_CARD, Exchange

pytestmark = pytest.mark.asterisk


async def _sent_to_nobody(line: Exchange) -> tuple[Heard, list[str]]:
    """8001 asks 8002, and is together with him; the caller whom they wait for, and the legs of the two."""
    await line.phone("d001", Phone("first", answer_ms=200, talk_ms=None))
    await colleague(line, "d002", "8002")
    await line.member("d001", "8001")
    await line.call(*TO_CARD, Pause(60_000))
    connected = await line.tap.wait_for("AgentConnect")
    await line.tap.wait_for("BridgeEnter", Uniqueid=connected["DestUniqueid"])
    asked = await asks(line, "8002")
    since = len(line.tap.heard)
    await line.call(Pause(60_000), name="stands-for-him")
    arrived = await line.tap.wait_for("CallArrived", after=since)
    gathering = Gathering(
        call=asked["Call"],
        customer=arrived["Channel"],
        asking=connected["DestChannel"],
        leg=connected["DestUniqueid"],
        asked=asked["Channel"],
        asked_leg=asked["Uniqueid"],
    )
    action = to_conference(gathering)
    assert (await line.tap.action(action.name, *action.headers))["Response"] == "Success"
    legs = [gathering.leg, gathering.asked_leg]
    for leg in legs:
        await line.tap.wait_for("BridgeEnter", Uniqueid=leg, BridgeTechnology="softmix")
    return arrived, legs


async def test_a_customer_who_hangs_up_on_the_way_ends_it_for_both(line: Exchange) -> None:
    customer, legs = await _sent_to_nobody(line)
    await leaves(line, customer["Channel"], customer["Uniqueid"])
    for leg in legs:
        await line.tap.wait_for("Hangup", Uniqueid=leg)
    assert line.messages == ""


async def test_a_customer_who_is_sent_elsewhere_on_the_way_is_not_waited_for_for_ever(line: Exchange) -> None:
    customer, legs = await _sent_to_nobody(line)
    for leg in legs:
        await line.tap.wait_for("Hangup", Uniqueid=leg)
    assert not line.tap.all("Hangup", Uniqueid=customer["Uniqueid"])
    assert line.messages == ""
