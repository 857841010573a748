"""Every path a call can take, with no service running. Recorded again by HOTLINE_RECORD=1 (see captures)."""

from __future__ import annotations

import asyncio

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.exchange import TO_CARD, Exchange, queues
from tests.support.tones import write_alaw

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=800)
TALKS = Phone("agent", answer_ms=200, talk_ms=None)
RINGS = Phone("agent", answer_ms=None)


@pytest.mark.rule("CALL-10", "SURVEY-01")
async def test_normal_with_survey(line: Exchange) -> None:
    """Menu, agent, the agent hangs up first, both questions answered."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1600), Key("5"), Pause(600), Key("1"))
    counts = await caller.done(60)
    tap = line.tap
    await tap.wait_for("CallGone", Where="goodbye")
    assert counts.succeeded == 1, caller.errors()
    call = tap.all("CallArrived", Caller="02154321000", Called="95559", Vip="0", Flow="95559")[0]["Call"]
    assert tap.all("LanguageChosen", Call=call, Language="cmn")
    assert [e["Key"] for e in tap.all("MenuChosen", Call=call)] == ["2", "1"]
    assert tap.all("QueueEntered", Call=call, Queue="card-cmn", Round="1", Language="cmn")
    assert tap.all("RecordingStarted", Call=call)[0]["Channel"].startswith("PJSIP/d001-")
    assert tap.all("SurveyStarted", Call=call, By="agent")
    assert [(e["Question"], e["Answer"]) for e in tap.all("SurveyAnswered", Call=call)] == [
        ("satisfaction", "5"),
        ("solved", "1"),
    ]
    assert tap.all("SurveyEnded", Call=call, Outcome="completed")
    assert line.messages == ""


async def test_survey_by_command(line: Exchange) -> None:
    """Our order takes the customer from the agent into the survey."""
    await line.phone("d001", TALKS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1800), Key("4"), Pause(600), Key("2"))
    connected = await line.tap.wait_for("AgentConnect")
    await asyncio.sleep(0.8)  # they talk
    line.tap.note("Redirect to the survey")
    await line.tap.action(
        "Redirect", Channel=connected["Channel"], Context="hotline-survey", Exten="s", Priority="1"
    )
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert line.tap.all("SurveyStarted", By="transfer")
    assert line.tap.all("SurveyEnded", Outcome="completed")


async def test_survey_wrong_key_twice(line: Exchange) -> None:
    """7 is no degree of satisfaction, and neither is 9."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1600), Key("7"), Pause(800), Key("9"))
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("SurveyEnded", Outcome="wrong_key")
    assert not line.tap.all("SurveyAnswered")


async def test_survey_timed_out(line: Exchange) -> None:
    """One answer, then silence: the answer stands."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1600), Key("3"))
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("SurveyEnded", Outcome="timed_out")
    assert [e["Answer"] for e in line.tap.all("SurveyAnswered")] == ["3"]


async def test_caller_gone_in_menu(line: Exchange) -> None:
    """Hangs up after the language."""
    caller = await line.call(Pause(400), Key("1"), Pause(400), hang_up=True)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="menu")
    assert not line.tap.all("QueueEntered")


async def test_caller_gone_waiting(line: Exchange) -> None:
    """The only agent is at lunch; the customer waits three seconds."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD, Pause(2000), hang_up=True)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="queue")
    assert line.tap.all("QueueCallerAbandon")
    assert not line.tap.all("AgentCalled")


async def test_caller_gone_ringing(line: Exchange) -> None:
    """The customer hangs up while the agent's phone rings; the agent is not to blame."""
    await line.phone("d001", RINGS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1500), hang_up=True)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="queue")
    assert line.tap.all("AgentCalled")
    assert not line.tap.all("QueueMemberPenalty")


async def test_caller_gone_talking(line: Exchange) -> None:
    """The customer has heard enough."""
    await line.phone("d001", TALKS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(2000), hang_up=True)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="queue")
    assert line.tap.all("AgentComplete", Reason="caller")
    assert not line.tap.all("SurveyStarted")


async def test_caller_gone_in_survey(line: Exchange) -> None:
    """One answer, then the customer hangs up half way."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1600), Key("5"), Pause(500), hang_up=True)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="survey")
    assert line.tap.all("SurveyEnded", Outcome="hung_up")
    assert len(line.tap.all("SurveyEnded")) == 1


async def _first_then_other(line: Exchange, first: Phone) -> str:
    """d001 is rung first, d002 becomes ready meanwhile; returns who was connected in the end."""
    await line.phone("d001", first)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002")
    await line.pause("d002")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("AgentCalled", MemberName="8001")
    line.tap.note("8002 becomes ready")
    await line.pause("d002", paused=False)
    connected = await line.tap.wait_for("AgentConnect")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    return connected["MemberName"]


async def test_no_answer_then_other_agent(line: Exchange) -> None:
    """Rings out after 4 s; the same agent would be the longest idle again, but the other one is asked."""
    assert await _first_then_other(line, RINGS) == "8002"
    assert line.tap.all("AgentRingNoAnswer", MemberName="8001")
    assert len(line.tap.all("AgentCalled", MemberName="8001")) == 1


async def test_busy_then_other_agent(line: Exchange) -> None:
    """486: the agent's phone has a call we do not know of."""
    assert await _first_then_other(line, Phone("agent", refuse=486)) == "8002"


async def test_rejected_then_other_agent(line: Exchange) -> None:
    """603: the agent presses the red key."""
    assert await _first_then_other(line, Phone("agent", refuse=603)) == "8002"


async def test_unreachable_then_other_agent(line: Exchange) -> None:
    """The phone has lost its power, and Asterisk does not know it yet."""
    dead = await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002")
    await line.pause("d002")
    dead.kill()
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("AgentCalled", MemberName="8001")
    await line.pause("d002", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)


async def test_not_registered_is_skipped(line: Exchange) -> None:
    """An agent without a phone is never offered the call; when it comes back, it is."""
    await line.member("d001", "8001")
    await line.phone("d002", ANSWERS)
    await line.member("d002", "8002")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert not line.tap.all("AgentCalled", MemberName="8001")
    await line.phone("d001", ANSWERS)
    await line.pause("d002")
    caller = await line.call(*TO_CARD, name="second")
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await caller.done(60)


@pytest.mark.parametrize("line", [{"queues": queues(round_s=5, timeout_s=10)}], indirect=True)
async def test_queue_timeout(line: Exchange) -> None:
    """Two rounds of five seconds, each more urgent than the last, then a clear word, not endless music."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="message")
    entered = line.tap.all("QueueEntered")
    assert [(e["Round"], e["Urgency"]) for e in entered] == [("1", "0"), ("2", "10")]
    assert len({e["JoinedUs"] for e in entered}) == 1
    assert [e["Status"] for e in line.tap.all("QueueLeft")] == ["AGAIN", "TIMEOUT"]


async def test_nobody_logged_in(line: Exchange) -> None:
    """No member at all: told at once, never queued."""
    caller = await line.call(*TO_CARD)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="message")
    assert [e["Status"] for e in line.tap.all("QueueLeft")] == ["JOINEMPTY"]
    assert not line.tap.all("QueueCallerJoin")


async def test_nobody_on_duty(line: Exchange) -> None:
    """All are at lunch, which app_queue cannot tell; the service, alive, has said so."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    await line.tap.action("Setvar", Variable="ONDUTY_card_cmn", Value="0")
    line.alive()
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("NobodyOnDuty", Queue="card-cmn")
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    assert not line.tap.all("QueueEntered")


async def test_last_agent_leaves(line: Exchange) -> None:
    """The only agent logs out while a customer waits: five more seconds, then the word."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("QueueCallerJoin")
    await line.tap.action("QueueRemove", Queue="card-cmn", Interface="PJSIP/d001")
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="message")
    assert [e["Status"] for e in line.tap.all("QueueLeft")] == ["AGAIN", "JOINEMPTY"]


async def test_redirected_back_to_the_queue(line: Exchange) -> None:
    """Our order takes a waiting customer out and in again: the time of joining and the wait go on."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD)
    joined = await line.tap.wait_for("QueueCallerJoin")
    line.tap.note("Redirect back into the queue")
    await line.tap.action(
        "Redirect", Channel=joined["Channel"], Context="hotline-queue", Exten="card-cmn", Priority="1"
    )
    await line.tap.wait_for("QueueEntered", Round="2")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect")
    await caller.done(60)
    assert len({e["JoinedUs"] for e in line.tap.all("QueueEntered")}) == 1


@pytest.mark.parametrize("line", [{"qualify_s": 2}], indirect=True)
async def test_asterisk_restarts_in_a_call(line: Exchange) -> None:
    """Asterisk dies under a talk. Agents are still logged in afterwards, and the next call is answered."""
    await line.phone("d001", ANSWERS)
    await line.phone("d002", TALKS)
    await line.member("d002", "8002")
    lost = await line.call(*TO_CARD, name="lost")
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.member("d001", "8001")
    await asyncio.sleep(1.2)  # Asterisk writes its database once a second
    line.tap.note("Asterisk is killed")
    await line.asterisk.kill()
    await lost.stop(deadline=0.1)
    line.tap.note("Asterisk is started again")
    since = len(line.tap.heard)
    await line.boot()
    await line.tap.wait_for("ContactStatus", after=since, AOR="d001", ContactStatus="Reachable")
    await line.pause("d002")
    caller = await line.call(*TO_CARD, name="next")
    await line.tap.wait_for("AgentConnect", after=since, MemberName="8001")
    await line.tap.wait_for("SurveyEnded", after=since)
    await caller.done(60)


async def test_held_and_back(line: Exchange) -> None:
    """The agent puts the customer on hold to look something up, and comes back."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=600, hold=(500, 1_200)))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(3400), Key("5"), Pause(600), Key("1"))
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="goodbye")
    leg = line.tap.all("AgentConnect")[0]["DestUniqueid"]
    assert [e["Event"] for e in line.tap.heard if e["Event"] in ("Hold", "Unhold")] == ["Hold", "Unhold"]
    assert line.tap.all("Hold", Uniqueid=leg)
    assert line.tap.all("MusicOnHoldStart", Uniqueid=line.tap.all("CallArrived")[0]["Uniqueid"])


async def test_caller_gone_on_hold(line: Exchange) -> None:
    """The customer does not wait for the agent to come back."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=None, hold=(500, 60_000)))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(2400), hang_up=True)
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="queue")
    assert line.tap.all("Hold")
    assert not line.tap.all("Unhold")
    assert not line.tap.all("SurveyStarted")


async def test_blind_to_a_colleague(line: Exchange) -> None:
    """8001 refers the customer to 8002, who answers, talks and hangs up: the score is 8002's."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=600, transfer_to="8002"))
    await line.phone("d002", Phone("colleague", answer_ms=300, talk_ms=700))
    await line.member("d001", "8001")
    await line.sits("d002", "8002")
    caller = await line.call(*TO_CARD, Pause(3000), Key("5"), Pause(600), Key("1"))
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert line.tap.all("BlindTransfer", Result="Success", Extension="8002")
    assert [e["Agent"] for e in line.tap.all("AgentOffered", By="transfer")] == ["8002"]
    assert line.tap.all("SurveyEnded", Outcome="completed")


async def test_blind_to_a_queue(line: Exchange) -> None:
    """8001 refers the customer to the loss queue, where 8002 answers: another wait, counted there."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=600, transfer_to="loss-cmn"))
    await line.phone("d002", Phone("colleague", answer_ms=300, talk_ms=700))
    await line.member("d001", "8001")
    await line.member("d002", "8002", queue="loss-cmn")
    caller = await line.call(*TO_CARD, Pause(3000), Key("4"), Pause(600), Key("2"))
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Queue"] for e in line.tap.all("QueueEntered")] == ["card-cmn", "loss-cmn"]


async def test_blind_to_nobody_and_back(line: Exchange) -> None:
    """8002 sits nowhere: an apology, then ahead of all others in the queue the customer came from."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=600, transfer_to="8002"))
    await line.phone("d003", Phone("other", answer_ms=300, talk_ms=700))
    await line.member("d001", "8001")
    await line.call(*TO_CARD)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.pause("d001", "wrap_up")
    await line.member("d003", "8003")
    await line.tap.wait_for("AgentConnect", MemberName="8003")
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Urgency"] for e in line.tap.all("QueueEntered")] == ["0", "1000"]
    assert not line.tap.all("AgentOffered", By="transfer")


@pytest.mark.parametrize("line", [{"rtp_timeout_s": 2}], indirect=True)
async def test_phone_dies_talking(line: Exchange) -> None:
    """8001's telephone falls silent: an apology, then ahead of all others; the score is 8003's."""
    voice = write_alaw(line.folder / "voice.alaw", 300, 1)
    dies = await line.phone("d001", Phone("dies", answer_ms=200, talk_ms=None, voice=voice))
    await line.phone("d003", Phone("other", answer_ms=300, talk_ms=700, voice=voice))
    await line.member("d001", "8001")
    await line.call(*TO_CARD)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.pause("d001", "wrap_up")
    await line.member("d003", "8003")
    line.tap.note("d001 is killed")
    dies.kill()
    gone = await line.tap.wait_for("Hangup", Cause="44")
    assert gone["Uniqueid"] == line.tap.all("AgentConnect")[0]["DestUniqueid"]
    await line.tap.wait_for("AgentConnect", MemberName="8003")
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Urgency"] for e in line.tap.all("QueueEntered")] == ["0", "1000"]
    assert len(line.tap.all("SurveyStarted")) == 1


async def test_moved_to_another_queue_while_waiting(line: Exchange) -> None:
    """Our order: the wait goes on in the other queue from when it began, and is answered there."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    await line.phone("d002", ANSWERS)
    await line.member("d002", "8002", queue="loss-cmn")
    caller = await line.call(*TO_CARD)
    joined = await line.tap.wait_for("QueueCallerJoin")
    line.tap.note("Redirect to the loss queue")
    await line.tap.action(
        "Redirect", Channel=joined["Channel"], Context="hotline-queue", Exten="loss-cmn", Priority="1"
    )
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await caller.done(60)
    entered = line.tap.all("QueueEntered")
    assert [(e["Queue"], e["Round"]) for e in entered] == [("card-cmn", "1"), ("loss-cmn", "2")]
    assert len({e["JoinedUs"] for e in entered}) == 1


ASKS = Phone("agent", answer_ms=200, talk_ms=None, hold=(400, 60_000))
ASKS_AND_BACK = Phone("agent", answer_ms=200, talk_ms=500, hold=(400, 3_000))


async def _asks(
    line: Exchange, colleague: Phone, *steps: Pause | Key, agent: Phone = ASKS_AND_BACK, hang_up: bool = False
) -> str:
    """8001 puts a customer on hold and calls 8002; the channel on which he asks.

    `steps`: what 8001 does in that call, and whether he is the one to `hang_up`.
    """
    await line.phone("d001", agent)
    await line.phone("d002", colleague)
    await line.member("d001", "8001")
    await _rests(line)
    await line.call(*TO_CARD, Pause(7500), Key("5"), Pause(600), Key("1"))
    await line.tap.wait_for("Hold")
    return await _calls_8002(line, *steps, hang_up=hang_up)


async def _rests(line: Exchange) -> None:
    """8002 is there, and takes no calls of the queue just now."""
    await line.member("d002", "8002")
    await line.pause("d002")
    await line.sits("d002", "8002")


async def _calls_8002(line: Exchange, *steps: Pause | Key, hang_up: bool = False) -> str:
    await line.dial("d001", "8002", *steps, hang_up=hang_up)
    by = (await line.tap.wait_for("ConsultStarted", Agent="8002"))["By"]
    return (await line.tap.wait_for("DialBegin", Uniqueid=by))["Channel"]


@pytest.mark.rule("CALL-16")
@pytest.mark.parametrize("line", [{"survey_wait_s": 6}], indirect=True)
async def test_handed_over_to_a_colleague(line: Exchange) -> None:
    """8001 asks 8002, then hands the customer over; 8002 talks and hangs up: the score is 8002's."""
    asking = await _asks(line, Phone("colleague", answer_ms=300, talk_ms=2_500), agent=ASKS)
    answered = await line.tap.wait_for("BridgeEnter", Channel=asking)
    await asyncio.sleep(0.6)  # the two agents talk
    connected = line.tap.all("AgentConnect")[0]
    await line.hands_over(connected["DestChannel"], asking)
    moved = await line.tap.wait_for("AttendedTransfer", Result="Success")
    assert moved["SecondBridgeUniqueid"] == answered["BridgeUniqueid"]
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert line.tap.all("SurveyEnded", Outcome="completed")
    assert [e["Uniqueid"] for e in line.tap.all("SurveyStarted")] == [connected["Uniqueid"]]
    assert line.messages == ""


async def test_consult_and_back(line: Exchange) -> None:
    """8001 asks 8002, hangs up on him, comes back to the customer and then ends the call."""
    asking = await _asks(line, TALKS, Pause(1000), hang_up=True)
    await line.tap.wait_for("BridgeEnter", Channel=asking)
    await line.tap.wait_for("Hangup", Channel=asking)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert len(line.tap.all("CallArrived")) == 1
    assert len(line.tap.all("SurveyStarted")) == 1


async def test_consult_ended_by_the_colleague(line: Exchange) -> None:
    """8002 has said what there is to say, and hangs up first."""
    asking = await _asks(line, Phone("colleague", answer_ms=200, talk_ms=700))
    await line.tap.wait_for("BridgeEnter", Channel=asking)
    await line.tap.wait_for("Hangup", Channel=asking)
    await line.tap.wait_for("CallGone", Where="goodbye")


async def test_consult_rejected(line: Exchange) -> None:
    """8002 presses the red key."""
    asking = await _asks(line, Phone("colleague", refuse=603))
    await line.tap.wait_for("Hangup", Channel=asking)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert not line.tap.all("BridgeEnter", Channel=asking)


async def test_consult_not_answered(line: Exchange) -> None:
    """8002 lets it ring, and 8001 has no time to wait for him."""
    asking = await _asks(line, RINGS)
    await line.tap.wait_for("DialState", DialStatus="RINGING", Channel=asking)
    await asyncio.sleep(0.5)  # it rings
    await line.tap.action("Hangup", Channel=asking, Cause="16")
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert not line.tap.all("BridgeEnter", Channel=asking)


async def test_caller_gone_during_a_consult(line: Exchange) -> None:
    """The customer does not wait; the two agents go on talking for a moment, which is no customer's time."""
    await line.phone("d001", ASKS)
    await line.phone("d002", Phone("colleague", answer_ms=200, talk_ms=3_500))
    await line.member("d001", "8001")
    await _rests(line)
    await line.call(*TO_CARD, Pause(3500), hang_up=True)
    await line.tap.wait_for("Hold")
    asking = await _calls_8002(line)
    await line.tap.wait_for("BridgeEnter", Channel=asking)
    gone = await line.tap.wait_for("CallGone", Where="queue")
    await line.tap.wait_for("Hangup", Channel=asking)
    assert not line.tap.all("SurveyStarted")
    assert [e["Call"] for e in line.tap.all("CallArrived")] == [gone["Call"]]


async def test_consult_of_a_busy_colleague(line: Exchange) -> None:
    """8002 talks with a customer already: 8001 is told so, and 8002 never has two calls."""
    await line.phone("d001", ASKS)
    await line.phone("d002", TALKS)
    await line.member("d002", "8002")
    await line.sits("d002", "8002")
    await line.call(*TO_CARD, Pause(6500), hang_up=True, name="first")
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.member("d001", "8001")
    await line.call(*TO_CARD, Pause(4500), hang_up=True, name="second")
    await line.tap.wait_for("Hold")
    await line.dial("d001", "8002")
    await line.tap.wait_for("AgentCode", Code="dial", Result="denied")
    await line.tap.wait_until(lambda _: len(line.tap.all("CallGone")) == 2, "both customers gone")
    assert not line.tap.all("ConsultStarted")
