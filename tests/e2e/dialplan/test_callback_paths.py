"""A caller asks to be called back instead of waiting, by the dialplan alone: told once, and no place lost.

No service runs; what it would do (its heartbeat, its word about duty, its orders) the test does.
"""

from __future__ import annotations

import asyncio

import pytest

from hotline.simulation.scripts import Key, Pause, Phone, keys
from telephony.ami.actions import to_agent
from tests.support.ami_tap import Heard
from tests.support.exchange import TO_CARD, Exchange, queues
from tests.support.tones import write_tone

pytestmark = [pytest.mark.asterisk, pytest.mark.rule("CALL-13")]
NODE = {"queues": queues(callback_after_s=1), "silence_s": 60}
MOBILE = "13812345678"
RINGS = Phone("agent", answer_ms=None)
ASKS = (Pause(2_300), Key("8"), Pause(900))
"""Whole seconds are compared: after two of them one has passed."""


async def busy(line: Exchange) -> None:
    """8001 is on duty, and takes no calls just now."""
    line.alive()
    await line.phone("d001", RINGS)
    await line.member("d001", "8001")
    await line.pause("d001")


async def promised(line: Exchange) -> Heard:
    """The word that the caller is to be called back; the call has ended by it."""
    asked = await line.tap.wait_for("CallbackRequested")
    await line.tap.wait_for("CallGone", Where="message", Call=asked["Call"])
    assert line.messages == ""
    return asked


async def test_asks_to_be_called_back(line: Exchange) -> None:
    """After his time a customer presses 8, hears the end of his number and confirms it."""
    await busy(line)
    caller = await line.call(*TO_CARD, *ASKS, Key("1"), number=f"+86{MOBILE}")
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    asked = await promised(line)
    (entered,) = line.tap.all("QueueEntered")
    assert (asked["Number"], asked["Queue"]) == (MOBILE, "card-cmn")
    assert (asked["JoinedUs"], asked["Call"]) == (entered["JoinedUs"], entered["Call"])


async def test_asks_to_be_called_elsewhere(line: Exchange) -> None:
    """The number shown is none that can be called; of those keyed in, the second one is."""
    await busy(line)
    steps = (*ASKS, *keys("110#", 100), Pause(900), *keys("02154321000#", 100), Pause(900), Key("1"))
    await line.call(*TO_CARD, *steps, number="88888")
    assert (await promised(line))["Number"] == "02154321000"


async def test_thinks_better_of_it(line: Exchange) -> None:
    """Two wait; the first looks at the offer and goes back: he is before the second, as he was."""
    await busy(line)
    await line.call(*TO_CARD, name="first")
    joined = await line.tap.wait_for("QueueCallerJoin")
    await line.call(*TO_CARD, number="02154321001", name="second")
    behind = await line.tap.wait_for("QueueCallerJoin", CallerIDNum="02154321001")
    assert behind["Position"] == "2"
    await asyncio.sleep(2)  # that long nobody is offered anything
    await line.presses(joined["Channel"], "8")
    left = await line.tap.wait_for("QueueCallerLeave", Uniqueid=joined["Uniqueid"])
    await line.presses(joined["Channel"], "*")
    again = await line.tap.wait_for(
        "QueueCallerJoin", after=line.tap.heard.index(left), Uniqueid=joined["Uniqueid"]
    )
    assert again["Position"] == "1"
    entered = line.tap.all("QueueEntered", Uniqueid=joined["Uniqueid"])
    assert [e["Round"] for e in entered] == ["1", "2"]
    assert len({e["JoinedUs"] for e in entered}) == 1
    await line.hang_up_all()
    await line.tap.wait_until(lambda _: len(line.tap.all("CallGone")) == 2, "both customers gone")
    assert not line.tap.all("CallbackRequested")
    assert line.messages == ""


async def test_asks_while_a_telephone_rings(line: Exchange) -> None:
    """The customer has chosen: the telephone stops ringing, and nobody is blamed."""
    await busy(line)
    await line.pause("d001", paused=False)
    await line.call(*TO_CARD, *ASKS, Key("1"), number=MOBILE)
    offered = await line.tap.wait_for("AgentCalled")
    await promised(line)
    await line.tap.wait_for("Hangup", Uniqueid=offered["DestUniqueid"])


async def test_asks_where_nobody_is_on_duty(line: Exchange) -> None:
    """All are at lunch: the offer is the last that is said, and nobody is queued."""
    await busy(line)
    await line.tap.action("Setvar", Variable="ONDUTY_card_cmn", Value="0")
    caller = await line.call(*TO_CARD, Pause(800), Key("8"), Pause(900), Key("1"), number=MOBILE)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    asked = await promised(line)
    assert (asked["Number"], asked["Queue"]) == (MOBILE, "card-cmn")
    assert not line.tap.all("QueueEntered")


async def test_who_has_asked_is_not_taken_to_an_agent_in_the_same_moment(line: Exchange) -> None:
    """The order comes too late: what was promised holds, and is told once more."""
    await busy(line)
    promise = line.spec.directory / "prompts" / "cmn" / "callback-promised.wav"
    promise.unlink()  # all prompts share one file
    write_tone(promise, 500, 1.0)
    await line.tap.action("Setvar", Variable="DEVICE_8001", Value="d001")
    await line.call(*TO_CARD, *ASKS, Key("1"), number=MOBILE)
    first = await line.tap.wait_for("CallbackRequested")
    order = to_agent(first["Channel"], "8001")
    await line.tap.action(order.name, *order.headers)
    again = await line.tap.wait_for("CallbackRequested", after=line.tap.heard.index(first) + 1)
    assert (again["Call"], again["Number"]) == (first["Call"], MOBILE)
    await line.tap.wait_for("CallGone", Where="message")
    assert not line.tap.all("AgentOffered")
