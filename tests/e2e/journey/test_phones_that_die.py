"""A telephone that is gone, while it rings and while its agent talks: the customer is not the one to pay."""

from __future__ import annotations

import pytest

from core import facts as f
from core.clock import SECOND
from hotline.simulation.scripts import Key, Pause, Phone
from tests.support.floor import Floor
from tests.support.tones import write_alaw

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
RTP_TIMEOUT_S = 2
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))


@pytest.mark.rule("CALL-20")
async def test_a_telephone_that_falls_silent_gives_its_customer_back(hotline: Floor) -> None:
    """Ahead of all others, without a survey of the talk that was cut; its agent sums it up and is away."""
    since = len(hotline.facts)
    voice = write_alaw(hotline.exchange.folder / "voice.alaw", 300, 1)
    speaks = Phone("speaks", answer_ms=300, talk_ms=None, voice=voice)
    dies = await hotline.exchange.phone("d001", speaks)
    first = await hotline.agent("1001", "d001")
    await hotline.exchange.call(*TO_CARD, name="customer")
    answered = await hotline.fact(f.AgentAnswered, after=since)
    await hotline.exchange.phone("d002", Phone("goes on", answer_ms=300, talk_ms=1_000, voice=voice))
    second = await hotline.agent("1002", "d002")
    dies.kill()
    lost = await hotline.fact(f.TelephoneLost, after=since)
    assert (lost.leg, lost.agent) == (answered.leg, "1001")
    talk = next(fact for fact in hotline.all(f.TalkEnded) if fact.leg == lost.leg)
    assert talk.released_by is f.Side.SYSTEM
    back = await hotline.fact(f.CallerQueued, lambda x: x.joined_at > talk.at, after=since)
    assert (back.call, back.queue, back.again) == (answered.call, "card-cmn", False)
    assert back.priority >= 1000
    again = await hotline.fact(f.AgentAnswered, lambda x: x.agent == "1002", after=since)
    assert again.call == answered.call
    started = await hotline.fact(f.SurveyStarted, after=since)
    assert started.leg == again.leg, "rated is whom the customer talked with last"
    await hotline.fact(f.CallEnded, after=since)
    assert len([x for x in hotline.all(f.SurveyStarted) if x.call == lost.call]) == 1
    told = await first.get(f"/api/calls/{lost.call}")
    assert [(leg["agent"], leg["telephone_lost"]) for leg in told["legs"]] == [
        ("1001", True),
        ("1002", False),
    ]
    await hotline.settled()
    for person, leg in ((first, answered.leg), (second, again.leg)):
        assert [one["leg"] for one in (await person.get("/api/summaries/owed"))["owed"]] == [leg]
        await person.post("/api/summaries", status=201, leg=leg, type="silent_call")


async def test_a_telephone_that_signs_off_while_it_rings_is_not_waited_for(hotline: Floor) -> None:
    """As a page that is closed does: the next agent is asked at once, not when the ringing would end."""
    since = len(hotline.facts)
    rings = await hotline.exchange.phone("d003", Phone("rings", answer_ms=None))
    await hotline.agent("1009", "d003")
    await hotline.exchange.call(*TO_CARD, name="customer")
    offered = await hotline.fact(f.AgentOffered, after=since)
    assert offered.agent == "1009"
    await hotline.exchange.tap.wait_for("DialState", DestUniqueid=offered.leg, DialStatus="RINGING")
    await hotline.exchange.phone("d004", Phone("takes", answer_ms=200, talk_ms=1_000))
    await hotline.agent("1001", "d004")
    await hotline.exchange.register("d003", rings.port, seconds=0)
    ended = await hotline.fact(f.OfferEnded, after=since)
    assert (ended.leg, ended.outcome) == (offered.leg, f.OfferOutcome.UNREACHABLE)
    answered = await hotline.fact(f.AgentAnswered, after=since)
    assert answered.agent == "1001"
    ring = hotline.directory.queues["card-cmn"].ring_s * SECOND
    assert ended.rang < ring - 2 * SECOND
    await hotline.fact(f.CallEnded, after=since)
