"""Those who wait: what they are told, who goes first, who is asked besides the first choice."""

from __future__ import annotations

import asyncio

import pytest

from core import facts as f
from core.clock import SECOND
from hotline.simulation.scripts import Key, Pause, Phone
from telephony.dispatch import announcement_of
from telephony.waiting import AGEING_AFTER, FIRST_ANNOUNCEMENT
from tests.support.floor import Floor
from tests.support.tones import write_tone

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
VIP = "13800009999"
SHORT = Phone("phone", answer_ms=300, talk_ms=500)
SILENT = Phone("silent", answer_ms=None)


async def waits(hotline: Floor, name: str, number: str, after: int) -> f.CallerQueued:
    """A customer calls and waits for a card agent."""
    await hotline.exchange.call(*TO_CARD, number=number, name=name)
    arrived = await hotline.fact(f.CallArrived, lambda x: x.caller == number, after=after)
    return await hotline.fact(f.CallerQueued, lambda x: x.call == arrived.call, after=after)


async def test_one_who_waits_is_told_after_ten_seconds_and_never_over_the_agents_voice(
    hotline: Floor,
) -> None:
    """The apology lasts long here: it has to be cut when the agent answers."""
    tap = hotline.exchange.tap
    sorry = hotline.exchange.spec.directory / "prompts" / "cmn" / "queue-wait-sorry.wav"
    sorry.unlink()  # all prompts share one file
    write_tone(sorry, 700, 20.0)
    since, heard = len(hotline.facts), len(tap.heard)
    await hotline.exchange.phone("d001", Phone("phone", answer_ms=300, talk_ms=1_500))
    agent = await hotline.agent("1001", "d001")
    await agent.post("/api/agent/not-ready", reason="rest")
    queued = await waits(hotline, "customer", "02154321001", since)
    began = await tap.wait_until(
        lambda e: (
            e["Event"] == "LocalBridge" and e["LocalOneChannel"].startswith("Local/play@hotline-announce")
        ),
        "the announcement",
        after=heard,
    )
    assert began["LocalOneUniqueid"] == announcement_of(queued.call) + "-1"
    told_after = stamp(began["Timestamp"]) - queued.joined_at
    assert FIRST_ANNOUNCEMENT <= told_after < FIRST_ANNOUNCEMENT + 2 * SECOND
    await tap.wait_for("ChanSpyStart", after=heard)
    await agent.post("/api/agent/ready")
    answered = await hotline.fact(f.AgentAnswered, after=since)
    over = await tap.wait_for("Hangup", after=heard, Uniqueid=announcement_of(queued.call) + "-2")
    assert stamp(over["Timestamp"]) - answered.at < SECOND // 2  # the voice that plays
    between = tap.heard[heard : tap.heard.index(over)]
    assert not [e for e in between if e.fits("QueueCallerAbandon", {})]
    assert [e["Position"] for e in between if e.fits("QueueCallerJoin", {})] == ["1"]
    left = await hotline.fact(f.CallerLeftQueue, after=since)
    assert (left.reason, left.waited) == (f.LeaveReason.ANSWERED, answered.waited)
    assert not [x for x in hotline.all(f.CallArrived) if x.call != queued.call]  # no call of its own


def stamp(text: str) -> int:
    return round(float(text) * SECOND)


async def answers_in_turn(hotline: Floor, count: int, after: int) -> list[str]:
    """Calls in the order in which they are answered, the agent free again at once after each."""
    answered: list[str] = []
    while len(answered) < count:
        fact = await hotline.fact(f.AgentAnswered, lambda x: x.call not in answered, after=after, within=60)
        answered.append(fact.call)
        wrap = await hotline.fact(
            f.AgentStateChanged,
            lambda x, call=fact.call: x.state is f.AgentState.WRAP_UP and x.call == call,  # type: ignore[misc]
            after=after,
        )
        person = hotline.person(wrap.agent)
        await person.post("/api/summaries", status=201, leg=wrap.leg, type="silent_call")
    return answered


async def test_a_vip_goes_first_but_not_before_one_who_has_waited_long(hotline: Floor) -> None:
    """The first waits until he is aged; then an ordinary caller and a VIP come, in this order."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d002", SHORT)
    agent = await hotline.agent("1002", "d002")
    await agent.post("/api/agent/not-ready", reason="rest")
    first = await waits(hotline, "first", "02154321002", since)
    await asyncio.sleep(AGEING_AFTER / SECOND - 2.5)
    ordinary = await waits(hotline, "ordinary", "02154321003", since)
    await asyncio.sleep(max(0.0, (first.joined_at + AGEING_AFTER + SECOND - hotline.now()) / SECOND))
    vip = await waits(hotline, "vip", VIP, since)
    assert (ordinary.priority, vip.priority) == (0, 10)
    await agent.post("/api/agent/ready")
    assert await answers_in_turn(hotline, 3, since) == [first.call, vip.call, ordinary.call]


async def test_a_backup_is_rung_before_the_tenth_second_when_the_first_choice_lets_it_ring(
    hotline: Floor,
) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d003", SILENT)
    await hotline.exchange.phone("d004", Phone("phone", answer_ms=300, talk_ms=500))
    await hotline.agent("1009", "d003")  # card: first line
    await hotline.agent("1004", "d004")  # card: backup
    queued = await waits(hotline, "customer", "02154321004", since)
    answered = await hotline.fact(f.AgentAnswered, after=since)
    offers = [(x.agent, x.at - queued.joined_at) for x in hotline.all(f.AgentOffered)]
    assert [agent for agent, _ in offers] == ["1009", "1004"]
    assert offers[1][1] < 10 * SECOND
    assert (answered.agent, answered.waited < 10 * SECOND) == ("1004", True)


@pytest.mark.parametrize("reason", ["rest", None])
async def test_a_backup_is_rung_when_no_first_choice_takes_calls(hotline: Floor, reason: str | None) -> None:
    """On a short rest, or not there at all: then the backup is asked at once or when the net widens."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d006", SHORT)
    if reason is not None:
        await hotline.exchange.phone("d005", SHORT)
        away = await hotline.agent("1010", "d005")
        await away.post("/api/agent/not-ready", reason=reason)
    await hotline.agent("1005", "d006")  # card: backup
    queued = await waits(hotline, "customer", "02154321005", since)
    offered = await hotline.fact(f.AgentOffered, after=since)
    assert offered.agent == "1005"
    assert offered.at - queued.joined_at < 10 * SECOND
