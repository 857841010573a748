"""What an agent, a telephone or an order does in the middle of a call. Recorded as `test_paths` is."""

from __future__ import annotations

import asyncio

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from ledger.recovery import read_cel, recorded_events
from telephony.ami.actions import hangup_announcement
from telephony.records import CEL_FILE
from tests.support.exchange import TO_CARD, Exchange, until
from tests.support.tones import write_alaw

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=800)
RINGS = Phone("agent", answer_ms=None)


async def test_phone_dies_ringing(line: Exchange) -> None:
    """8001's telephone loses its power while it rings: it seems to ring out, then 8002 is asked."""
    dies = await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002")
    await line.pause("d002")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("DialState", DialStatus="RINGING")
    line.tap.note("d001 is killed")
    dies.kill()
    await line.pause("d002", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert line.tap.all("AgentRingNoAnswer", MemberName="8001")


async def test_phone_signs_off_ringing(line: Exchange) -> None:
    """As a page that is closed: Asterisk knows at once, app_queue rings on; no service is there to end it."""
    phone = await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002")
    await line.pause("d002")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("DialState", DialStatus="RINGING")
    await line.register("d001", phone.port, seconds=0)
    await line.pause("d002", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    heard = [event["Event"] for event in line.tap.heard]
    removed = line.tap.heard.index(line.tap.all("ContactStatus", ContactStatus="Removed")[0])
    assert removed < heard.index("AgentRingNoAnswer")


async def test_phone_registers_elsewhere(line: Exchange) -> None:
    """A second page of the same agent: the telephone that came last rings, the first does not."""
    first = await line.phone("d001", RINGS)
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert first.counts().created == 0


@pytest.mark.parametrize("line", [{"rtp_timeout_s": 2}], indirect=True)
async def test_silent_hold_outlasts_the_sound_limit(line: Exchange) -> None:
    """On hold a telephone may be silent for longer than it may be in a talk."""
    voice = write_alaw(line.folder / "voice.alaw", 300, 1)
    holds = Phone("holds", answer_ms=200, talk_ms=900, hold=(600, 5_000), voice=voice)
    await line.phone("d001", holds)
    await line.member("d001", "8001")
    await line.call(*TO_CARD)
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Event"] for e in line.tap.heard if e["Event"] in ("Hold", "Unhold")] == ["Hold", "Unhold"]
    assert not [e for e in line.tap.all("Hangup") if e["Cause"] == "44"]
    assert len(line.tap.all("QueueEntered")) == 1


async def test_paused_while_talking(line: Exchange) -> None:
    """The talk goes on; the next customer is not offered to 8001 before the pause is over."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=1_200))
    await line.member("d001", "8001")
    first = await line.call(*TO_CARD, name="first")
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.pause("d001", "meal")
    second = await line.call(*TO_CARD, name="second", number="02154321001")
    await line.tap.wait_for("SurveyStarted")
    await line.tap.wait_for("QueueCallerJoin", CallerIDNum="02154321001")
    assert len(line.tap.all("AgentCalled")) == 1
    line.tap.note("8001 is back")
    await line.pause("d001", paused=False)
    for sipp in (first, second):
        await sipp.done(60)
    assert len(line.tap.all("AgentConnect", MemberName="8001")) == 2


async def test_moved_while_ringing(line: Exchange) -> None:
    """Our order takes the customer away from 8001's ringing telephone, to another queue and 8002."""
    await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002", queue="loss-cmn")
    caller = await line.call(*TO_CARD)
    rung = await line.tap.wait_for("AgentCalled", MemberName="8001")
    await line.tap.wait_for("DialState", DialStatus="RINGING")
    line.tap.note("Redirect to the loss queue")
    await line.tap.action(
        "Redirect", Channel=rung["Channel"], Context="hotline-queue", Exten="loss-cmn", Priority="1"
    )
    await line.tap.wait_for("AgentConnect", MemberName="8002")
    await caller.done(60)
    assert not line.tap.all("AgentRingNoAnswer"), "what we have ended is not put down to the agent"


async def test_agents_leg_is_hung_up(line: Exchange) -> None:
    """By our order, not by the agent: the customer rates the call all the same."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=None))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD)
    connected = await line.tap.wait_for("AgentConnect", MemberName="8001")
    await asyncio.sleep(0.5)  # they talk
    line.tap.note("Hangup of the agent's channel")
    await line.tap.action("Hangup", Channel=connected["DestChannel"], Cause="16")
    await line.tap.wait_for("SurveyStarted")
    await caller.done(60)
    assert not line.tap.all("HangupRequest", Uniqueid=connected["DestUniqueid"])


async def test_both_hang_up_at_once(line: Exchange) -> None:
    """Customer and agent release within some ms of each other: whose word comes first has released."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=1_500))
    await line.member("d001", "8001")
    # The agent's talk begins some 200 ms after the last key and lasts 1.5 s.
    await line.call(*TO_CARD, Pause(1_708), hang_up=True)
    await line.tap.wait_for("CallGone")
    await line.tap.wait_for("Hangup", Uniqueid=line.tap.all("AgentConnect")[0]["DestUniqueid"])


async def test_told_the_wait_and_answered_meanwhile(line: Exchange) -> None:
    """The word to a waiting customer costs no place; it is cut short when 8001 answers."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    caller = await line.call(*TO_CARD)
    joined = await line.tap.wait_for("QueueCallerJoin")
    await line.announce(joined["Channel"], "announce-1")
    await line.tap.wait_for("Newchannel", Uniqueid="announce-1-1")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    cut = hangup_announcement("announce-1")
    await line.tap.action(cut.name, *cut.headers)
    await line.tap.wait_for("SurveyEnded")
    await caller.done(60)
    assert len(line.tap.all("QueueEntered")) == 1


ASKS = Phone("agent", answer_ms=200, talk_ms=None, hold=(400, 60_000))
ASKS_AND_BACK = Phone("agent", answer_ms=200, talk_ms=500, hold=(400, 3_000))
KNOWS = Phone("colleague", answer_ms=300, talk_ms=2_500)
RATES = (Pause(7_500), Key("5"), Pause(600), Key("1"))


async def _on_hold(line: Exchange, agent: Phone, colleague: Phone, *, free: bool = True) -> dict[str, str]:
    """8001 has put a customer on hold; 8002 serves the loss queue, `free` or not. How 8001 answered."""
    await line.phone("d001", agent)
    await line.phone("d002", colleague)
    await line.member("d001", "8001")
    await line.member("d002", "8002", queue="loss-cmn")
    await line.pause("d002", paused=not free)
    await line.sits("d002", "8002")
    await line.call(*TO_CARD, *RATES)
    await line.tap.wait_for("Hold")
    return line.tap.all("AgentConnect")[0]


async def _is_read_back(line: Exchange) -> bool:
    """Whether Asterisk's own file gives back the attended transfer as it was heard."""
    file = line.spec.directory / CEL_FILE
    await until(
        lambda: "ATTENDEDTRANSFER" in file.read_text(encoding="utf-8"), "the transfer in the CEL file"
    )
    events = recorded_events(read_cel(file.read_text(encoding="utf-8").splitlines(keepends=True)), [])
    (read,) = [event for event in events if event.name == "AttendedTransfer"]
    (heard,) = line.tap.all("AttendedTransfer")
    return {name: heard[name] for name in read.headers} == read.headers


async def _waits_for(line: Exchange, queue: str, times: int = 1) -> str:
    """The channel that has asked this queue, once it hears music for the `times`-th time."""

    def begun() -> list[dict[str, str]]:
        return line.tap.all("MusicOnHoldStart", Exten=queue)

    await line.tap.wait_until(lambda _: len(begun()) >= times, f"music for whoever asks {queue}")
    return begun()[0]["Channel"]


@pytest.mark.rule("CALL-16")
@pytest.mark.parametrize("line", [{"survey_wait_s": 8}], indirect=True)
async def test_handed_over_to_whom_a_queue_has_found(line: Exchange) -> None:
    """8001 asks the loss queue, speaks with its 8002 and hands the customer over, who never waited there."""
    connected = await _on_hold(line, ASKS, KNOWS)
    await line.dial("d001", "loss-cmn")
    by = (await line.tap.wait_for("ConsultStarted", Agent="8002", Of="loss-cmn"))["By"]
    asking = (await line.tap.wait_for("DialBegin", Uniqueid=by))["Channel"]
    await line.tap.wait_for("BridgeEnter", Channel=asking)
    await asyncio.sleep(0.6)  # the two agents talk
    await line.hands_over(connected["DestChannel"], asking)
    await line.tap.wait_for("AttendedTransfer", Result="Success", DestType="Bridge")
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Queue"] for e in line.tap.all("QueueCallerJoin")] == ["card-cmn"]
    assert [e["Uniqueid"] for e in line.tap.all("SurveyStarted")] == [connected["Uniqueid"]]
    assert await _is_read_back(line)
    assert line.messages == ""


@pytest.mark.rule("CALL-16")
async def test_handed_over_to_a_queue_that_has_nobody_free(line: Exchange) -> None:
    """8001 does not wait any longer: the customer himself does from now on, and is 8002's in the end."""
    connected = await _on_hold(line, ASKS, ANSWERS, free=False)
    await line.dial("d001", "loss-cmn")
    asking = await _waits_for(line, "loss-cmn")
    await line.hands_over(connected["DestChannel"], asking)
    await line.tap.wait_for("AttendedTransfer", Result="Success", DestType="App")
    entered = await line.tap.wait_for("QueueEntered", Queue="loss-cmn")
    assert (entered["Uniqueid"], entered["Round"]) == (connected["Uniqueid"], "1")
    await line.tap.wait_for("QueueCallerJoin", Queue="loss-cmn")
    await line.pause("d002", paused=False)
    answered = await line.tap.wait_for("AgentConnect", MemberName="8002")
    assert answered["Uniqueid"] == connected["Uniqueid"]
    await line.tap.wait_for("SurveyStarted")
    await line.tap.wait_for("CallGone")
    assert await _is_read_back(line)
    assert line.messages == ""


async def _rings(line: Exchange, agent: str) -> dict[str, str]:
    """8001 has asked, and the telephone of `agent` rings; the channels of both."""
    by = (await line.tap.wait_for("ConsultStarted", Agent=agent))["By"]
    return await line.tap.wait_for("DialState", DialStatus="RINGING", Uniqueid=by)


@pytest.mark.rule("CALL-16")
async def test_handed_over_to_a_queue_whose_agent_rings(line: Exchange) -> None:
    """8001 does not wait for the answer of 8002, whom the loss queue has found; the customer does."""
    connected = await _on_hold(line, ASKS, Phone("colleague", answer_ms=1_500, talk_ms=1_000))
    await line.dial("d001", "loss-cmn")
    asking = (await _rings(line, "8002"))["Channel"]
    await line.hands_over(connected["DestChannel"], asking)
    await line.tap.wait_for("AttendedTransfer", Result="Success", DestType="App")
    await line.tap.wait_for("SurveyStarted", Uniqueid=connected["Uniqueid"])
    await line.tap.wait_for("CallGone")
    assert [e["Queue"] for e in line.tap.all("QueueEntered")] == ["card-cmn"]
    assert line.messages == ""


@pytest.mark.rule("CALL-16")
async def test_handed_over_to_a_colleague_who_does_not_answer(line: Exchange) -> None:
    """An apology, then ahead of all others in the queue the customer came from."""
    connected = await _on_hold(line, ASKS, RINGS)
    await line.phone("d003", Phone("other", answer_ms=300, talk_ms=700))
    await line.dial("d001", "8002")
    rung = await _rings(line, "8002")
    await line.pause("d001", "wrap_up")
    await line.hands_over(connected["DestChannel"], rung["Channel"])
    await line.tap.wait_for("AttendedTransfer", Result="Success", DestType="App")
    await line.member("d003", "8003")
    await line.tap.action("Hangup", Channel=rung["DestChannel"], Cause="19")
    await line.tap.wait_for("AgentConnect", MemberName="8003")
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Urgency"] for e in line.tap.all("QueueEntered")] == ["0", "1000"]
    assert await _is_read_back(line)
    assert line.messages == ""


@pytest.mark.rule("CALL-16")
async def test_a_queue_is_asked_in_vain_and_back(line: Exchange) -> None:
    """8002 refuses, and is asked no second time; 8001 hangs up there and goes on with the customer."""
    await _on_hold(line, ASKS_AND_BACK, Phone("colleague", refuse=603))
    await line.dial("d001", "loss-cmn")
    # Once while 8002 is asked, then once a second, whenever it has been looked who is free.
    asking = await _waits_for(line, "loss-cmn", times=3)
    await line.tap.action("Hangup", Channel=asking, Cause="16")
    await line.tap.wait_for("SurveyStarted")
    await line.tap.wait_for("CallGone")
    assert [e["Queue"] for e in line.tap.all("QueueEntered")] == ["card-cmn"]
    assert [e["Agent"] for e in line.tap.all("ConsultStarted")] == ["8002"]
    assert line.messages == ""


@pytest.mark.rule("SEC-11")
async def test_sent_outside_and_talked_there(line: Exchange) -> None:
    """8001 sends the customer to a number on the list: they talk, unrecorded, and nobody is rated for it."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=500, transfer_to="110"))
    await line.called(Phone("outside", answer_ms=400, talk_ms=1_200))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD)
    dialled = await line.tap.wait_for("OutsideDialled", Number="110")
    await line.tap.wait_for("OutsideOver", Status="ANSWER", Uniqueid=dialled["Uniqueid"])
    await line.tap.wait_for("CallGone", Where="outside")
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    assert not line.tap.all("SurveyStarted")
    assert len(line.tap.all("RecordingStarted")) == 1
    assert line.messages == ""


@pytest.mark.parametrize("line", [{"answer_within_s": 5}], indirect=True)
async def test_sent_outside_in_vain_and_back(line: Exchange) -> None:
    """Nobody is there: an apology, then ahead of all others in the queue the customer came from."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=500, transfer_to="110"))
    await line.phone("d003", Phone("other", answer_ms=300, talk_ms=700))
    await line.called(Phone("outside", answer_ms=None))
    await line.member("d001", "8001")
    await line.call(*TO_CARD)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    await line.pause("d001", "wrap_up")
    await line.member("d003", "8003")
    await line.tap.wait_for("OutsideOver", Status="NOANSWER")
    await line.tap.wait_for("AgentConnect", MemberName="8003")
    await line.tap.wait_for("CallGone", Where="goodbye")
    assert [e["Urgency"] for e in line.tap.all("QueueEntered")] == ["0", "1000"]
    assert len(line.tap.all("OutsideDialled")) == 1
    assert line.messages == ""
