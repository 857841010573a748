"""The key by which a caller asks to be called back: when it does nothing, which number, in what silence."""

from __future__ import annotations

import asyncio

import pytest

from hotline.simulation.scripts import Key
from telephony.ami.actions import announce
from tests.e2e.dialplan.test_callback_paths import ASKS, MOBILE, NODE, busy, promised
from tests.support.ami_tap import Heard
from tests.support.exchange import TO_CARD, Exchange, queues
from tests.support.tones import write_tone

__all__ = ["NODE"]
pytestmark = [pytest.mark.asterisk, pytest.mark.rule("CALL-13")]


async def test_a_landline_shown_with_the_countrys_code_is_called_without(line: Exchange) -> None:
    await busy(line)
    await line.call(*TO_CARD, *ASKS, Key("1"), number="+862154321000")
    assert (await promised(line))["Number"] == "02154321000"


@pytest.mark.parametrize(
    "line", [{"queues": queues(callback_after_s=60)}, {}], indirect=True, ids=["early", "dead"]
)
async def test_before_its_time_or_without_the_service_the_key_changes_nothing(
    line: Exchange, request: pytest.FixtureRequest
) -> None:
    await busy(line)
    if "dead" in request.node.name:
        line.silent()
    await line.call(*TO_CARD, *ASKS, Key("1"))
    await line.tap.wait_for("QueueEntered", Round="2")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentCalled", MemberName="8001")
    assert len({e["JoinedUs"] for e in line.tap.all("QueueEntered")}) == 1
    assert not line.tap.all("CallbackRequested")


async def test_nobody_speaks_into_what_is_asked(line: Exchange) -> None:
    """An announcement ends with the key, and the next one does not begin."""
    await busy(line)
    for name in ("queue-wait-sorry", "callback-confirm"):
        prompt = line.spec.directory / "prompts" / "cmn" / f"{name}.wav"
        prompt.unlink()  # all prompts share one file
        write_tone(prompt, 500, 20.0)
    await line.call(*TO_CARD, number=MOBILE)
    joined = await line.tap.wait_for("QueueCallerJoin")
    await _announced(line, joined, "announce-1")
    speaks = await line.tap.wait_for("ChanSpyStart")
    await asyncio.sleep(2)  # that long nobody is offered anything
    await line.presses(joined["Channel"], "8")
    await line.tap.wait_for("ChanSpyStop", after=line.tap.heard.index(speaks))
    await _announced(line, joined, "announce-2")
    await line.tap.wait_for("Hangup", Uniqueid="announce-2-2")
    assert not line.tap.all("CallGone")
    await line.presses(joined["Channel"], "1")
    await promised(line)


async def _announced(line: Exchange, joined: Heard, id_: str) -> None:
    words = announce(joined["Channel"], 1, 1, id_, offer=True)
    reply = await line.tap.action(words.name, *words.headers)
    assert reply["Response"] == "Success", reply
