"""Who is asked when, who comes first, and what those who wait hear; with no service running."""

from __future__ import annotations

import wave
from array import array

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.exchange import TO_CARD, Exchange, queues
from tests.support.tones import power_at, write_tone

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=400)
RINGS = Phone("agent", answer_ms=None)
TO_LOSS = (Pause(250), Key("5"))
MUSIC_HZ, SPEECH_HZ = 300, 500


async def _waited(line: Exchange, staff: str) -> float:
    """Seconds from joining to being connected with `staff`."""
    entered = await line.tap.wait_for("QueueEntered")
    connected = await line.tap.wait_for("AgentConnect", MemberName=staff)
    return float(connected["Timestamp"]) - int(entered["JoinedUs"]) / 1_000_000


@pytest.mark.rule("CALL-02")
async def test_a_backup_answers_within_ten_seconds_when_the_first_choice_rings_out(line: Exchange) -> None:
    """First choice rings for 4 s, the net widens at 5 s, the backup answers."""
    await line.phone("d001", RINGS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d002", "8002", penalty=10)
    await line.call(*TO_CARD)
    assert 5 <= await _waited(line, "8002") < 10
    assert [e["MemberName"] for e in line.tap.all("AgentCalled")] == ["8001", "8002"]


@pytest.mark.rule("CALL-02")
async def test_a_backup_is_left_in_peace_for_five_seconds_then_asked(line: Exchange) -> None:
    """The first choice is paused: he may be back any moment, but not after five seconds."""
    await line.phone("d001", ANSWERS)
    await line.phone("d002", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    await line.member("d002", "8002", penalty=10)
    await line.call(*TO_CARD)
    assert 4.5 <= await _waited(line, "8002") < 10


async def test_a_backup_is_asked_at_once_when_no_first_choice_is_there(line: Exchange) -> None:
    """Nobody of the first choice has a telephone that could ring."""
    await line.member("d001", "8001")
    await line.phone("d002", ANSWERS)
    await line.member("d002", "8002", penalty=10)
    await line.call(*TO_CARD)
    assert await _waited(line, "8002") < 2


async def test_the_longest_idle_agent_is_asked_first(line: Exchange) -> None:
    """Three calls one after the other go round: each to the one whose last call, in any queue, is oldest."""
    for device, staff in (("d001", "8001"), ("d002", "8002")):
        await line.phone(device, Phone("agent", answer_ms=50, talk_ms=200))
        await line.member(device, staff)
        await line.member(device, staff, queue="loss-cmn")
    order = []
    for steps in (TO_CARD, TO_LOSS, TO_CARD, TO_LOSS):
        since = len(line.tap.heard)
        caller = await line.call(*steps, Pause(1300), hang_up=True)
        order.append((await line.tap.wait_for("AgentConnect", after=since))["MemberName"])
        await caller.done(60)
    first, second = order[:2]
    assert {first, second} == {"8001", "8002"}
    assert order == [first, second, first, second]


async def test_emergency_first_then_vip_then_the_rest(line: Exchange) -> None:
    """They come in the opposite order, and one agent serves them all."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.member("d001", "8001", queue="loss-cmn")
    await line.pause("d001")
    callers = []
    for name, number, steps in (
        ("plain", "02154321000", TO_CARD),
        ("vip", "13900000001", TO_CARD),
        ("emergency", "02154321009", TO_LOSS),
    ):
        since = len(line.tap.heard)
        callers.append(await line.call(*steps, number=number, name=name))
        await line.tap.wait_for("QueueCallerJoin", after=since)
    assert [e["Vip"] for e in line.tap.all("CallArrived")] == ["0", "1", "0"]
    await line.pause("d001", paused=False)
    for caller in callers:
        await caller.done(60)
    served = [e["CallerIDNum"] for e in line.tap.all("AgentConnect")]
    assert served == ["02154321009", "13900000001", "02154321000"]


@pytest.mark.parametrize("line", [{"queues": queues(round_s=5)}], indirect=True)
async def test_nobody_is_overtaken_for_ever(line: Exchange) -> None:
    """After a round a plain customer is as urgent as a VIP, and came earlier; the service is not needed."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    plain = await line.call(*TO_CARD, name="plain")
    await line.tap.wait_for("QueueEntered", Round="2", Urgency="10")
    vip = await line.call(*TO_CARD, number="13900000001", name="vip")
    await line.tap.wait_for("QueueCallerJoin", CallerIDNum="13900000001")
    await line.pause("d001", paused=False)
    connected = await line.tap.wait_for("AgentConnect")
    assert connected["CallerIDNum"] == "02154321000"
    await plain.stop(deadline=0.1)
    await vip.stop(deadline=0.1)


@pytest.mark.rule("CALL-03")
async def test_a_word_to_those_who_wait_costs_them_nothing(line: Exchange) -> None:
    """Spoken into the music; no place is lost, no abandon counted, and the agent's answer comes as ever."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.pause("d001")
    line.alive()
    sorry = line.spec.directory / "prompts" / "cmn" / "queue-wait-sorry.wav"
    sorry.unlink()  # long enough to be found in what was heard
    write_tone(sorry, SPEECH_HZ, 2.0)
    # What this customer hears he says again, so that it can be recorded as his own voice.
    await line.call(*TO_CARD, echo=True)
    joined = await line.tap.wait_for("QueueCallerJoin")
    heard = line.spec.directory / "spool" / "heard.wav"
    await line.asterisk.cli(
        f"mixmonitor start {joined['Channel']} {line.spec.directory}/spool/all.wav,r({heard})"
    )
    await line.announce(joined["Channel"], "announce-1")
    spying = await line.tap.wait_for("ChanSpyStart")
    assert spying["SpyeeChannel"] == joined["Channel"]
    await line.tap.wait_for("ChanSpyStop")
    await line.asterisk.cli(f"mixmonitor stop {joined['Channel']}")
    with wave.open(str(heard)) as file:
        samples = array("h", file.readframes(file.getnframes()))
    assert power_at(samples, SPEECH_HZ) > 1_000_000
    assert power_at(samples, MUSIC_HZ) > 1_000_000
    assert not line.tap.all("QueueCallerAbandon")
    assert not line.tap.all("QueueCallerLeave")
    await line.pause("d001", paused=False)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    assert line.messages == ""


async def test_without_the_service_the_music_itself_apologises(line: Exchange) -> None:
    """While the heart beats, plain music; once it has stopped, music with the apology in it."""
    line.alive()
    await line.member("d001", "8001")
    await line.phone("d001", ANSWERS)
    await line.pause("d001")
    first = await line.call(*TO_CARD, Pause(300), hang_up=True, name="first")
    assert (await line.tap.wait_for("MusicOnHoldStart"))["Class"] == "hotline"
    await first.done(60)
    line.silent()
    since = len(line.tap.heard)
    second = await line.call(*TO_CARD, Pause(300), hang_up=True, name="second")
    assert (await line.tap.wait_for("MusicOnHoldStart", after=since))["Class"] == "alone-cmn"
    await second.done(60)


async def test_a_stale_word_about_duty_is_not_believed(line: Exchange) -> None:
    """The service said nobody is on duty, then died: the customer is queued."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001")
    await line.tap.action("Setvar", Variable="ONDUTY_card_cmn", Value="0")
    line.silent()
    await line.call(*TO_CARD)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
