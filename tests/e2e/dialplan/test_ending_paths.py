"""How an agent's part in a call ends, and what comes after it. Recorded as `test_paths` is."""

from __future__ import annotations

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.exchange import TO_CARD, Exchange

pytestmark = pytest.mark.asterisk

SECOND = "02154321001"


@pytest.mark.rule("CALL-11", "SURVEY-01", "CHANNEL-11")
async def test_referred_to_the_survey(line: Exchange) -> None:
    """The agent sends the customer on by REFER, as the bank's rules ask."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=500, transfer_to="survey"))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1500), Key("5"), Pause(600), Key("1"))
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["By"] for e in line.tap.all("SurveyStarted")] == ["transfer"]
    assert line.tap.all("SurveyEnded", Outcome="completed")
    assert line.messages == ""


async def test_logged_out_while_talking(line: Exchange) -> None:
    """8001 leaves the queue in the middle of a talk: it goes on and is rated; the next customer gets 8002."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=1_500))
    await line.phone("d002", Phone("agent", answer_ms=200, talk_ms=500))
    await line.member("d001", "8001")
    first = await line.call(*TO_CARD, Pause(2_200), Key("5"), Pause(600), Key("1"), name="first")
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    line.tap.note("8001 logs out")
    reply = await line.tap.action("QueueRemove", Queue="card-cmn", Interface="PJSIP/d001")
    assert reply["Response"] == "Success", reply
    await line.member("d002", "8002")
    second = await line.call(*TO_CARD, name="second", number=SECOND)
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    for sipp in (first, second):
        assert (await sipp.done(60)).succeeded == 1, sipp.errors()
    assert len(line.tap.all("AgentCalled", MemberName="8001")) == 1
    assert line.tap.all("SurveyEnded", Outcome="completed")


async def test_survey_by_command_while_the_next_one_waits(line: Exchange) -> None:
    """The customer rates 8001 while 8001 talks to the next one already: each score stays with its leg."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=4_000))
    await line.member("d001", "8001")
    first = await line.call(*TO_CARD, Pause(2_500), Key("5"), Pause(1_500), Key("1"), name="first")
    connected = await line.tap.wait_for("AgentConnect", MemberName="8001")
    second = await line.call(*TO_CARD, name="second", number=SECOND)
    await line.tap.wait_for("QueueCallerJoin", CallerIDNum=SECOND)
    line.tap.note("Redirect to the survey")
    await line.tap.action(
        "Redirect", Channel=connected["Channel"], Context="hotline-survey", Exten="s", Priority="1"
    )
    await line.tap.wait_for("AgentConnect", CallerIDNum=SECOND)
    for sipp in (first, second):
        assert (await sipp.done(60)).succeeded == 1, sipp.errors()
    assert len(line.tap.all("SurveyStarted")) == 2
    assert len(line.tap.all("SurveyEnded", Outcome="completed")) == 1
