"""Three in a call, by an agent's order, live: states, recordings, summaries, the call's record."""

from __future__ import annotations

import asyncio

import pytest

from core import facts as f
from core.clock import SECOND
from hotline.simulation.scripts import Key, Pause, Phone
from ledger.proof import prove
from ledger.queue_log import read_queue_log
from telephony.agents import Duties
from telephony.records import recorded_since
from telephony.switchboard import Switchboard
from telephony.translate import translate
from tests.support.floor import Floor, Person

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
STAYS = Phone("stays", answer_ms=200, talk_ms=None)


async def _asks(hotline: Floor) -> tuple[Person, Person, f.AgentAnswered]:
    """1001 has a customer and asks 1002, who rests; a conference is refused until he has answered."""
    exchange = hotline.exchange
    await exchange.phone("d001", STAYS)
    await exchange.phone("d002", STAYS)
    first = await hotline.agent("1001", "d001")
    refused = await first.post("/api/agent/conference", status=409)
    assert "no customer" in refused["detail"]
    await exchange.call(*TO_CARD, Pause(60_000))
    answered = await hotline.fact(f.AgentAnswered)
    refused = await first.post("/api/agent/conference", status=409)
    assert "asks nobody" in refused["detail"]
    second = await hotline.agent("1002", "d002")
    await second.post("/api/agent/not-ready", reason="rest")
    await _is_seated(hotline, "1002", "d002")
    await exchange.dial("d001", "1002")
    await hotline.fact(f.ConsultAnswered)
    return first, second, answered


async def _is_seated(hotline: Floor, staff: str, device: str) -> None:
    """The service tells the dialplan who sits where once a second; nothing tells us that it has."""
    tap = hotline.exchange.tap
    async with asyncio.timeout(30):
        while (await tap.action("Getvar", Variable=f"DEVICE_{staff}"))["Value"] != device:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _channel(hotline: Floor, call: str, leg: str) -> str:
    found = hotline.hotline.telephony.switchboard.calls[call].leg_of(leg)
    assert found is not None
    return found.channel


@pytest.mark.rule("CALL-16")
async def test_a_colleague_is_brought_in_and_goes_on_with_the_customer(hotline: Floor) -> None:
    first, second, answered = await _asks(hotline)
    twice = await asyncio.gather(*(first.posted("/api/agent/conference") for _ in range(2)))
    (_, told), (status, refused) = sorted(twice, key=lambda one: one[0])
    assert (status, refused["detail"]) == (409, "you are being brought together already")
    assert (told["call"], told["colleague"]) == (answered.call, "1002")
    states = [(await one.get("/api/agent"))["state"] for one in (first, second)]
    assert states == ["talking", "talking"]
    refused = await first.post("/api/agent/conference", status=409)
    assert "already" in refused["detail"]

    await hotline.exchange.hangs_up(_channel(hotline, answered.call, answered.leg))
    await hotline.fact(f.TalkEnded, lambda fact: fact.agent == "1001")
    assert (await first.get("/api/agent"))["state"] == "wrap_up"
    assert (await second.get("/api/agent"))["state"] == "talking"
    assert not hotline.all(f.SurveyStarted)
    await second.post("/api/agent/survey", status=204)
    survey = await hotline.fact(f.SurveyStarted)
    assert (survey.agent, survey.leg, survey.by) == ("1002", told["leg"], f.Side.SYSTEM)
    await hotline.over(answered.call)
    assert (await second.get("/api/agent"))["state"] == "wrap_up"

    for leg in (answered.leg, told["leg"]):
        filed = await hotline.fact(f.RecordingFiled, lambda fact, leg=leg: fact.leg == leg)
        assert filed.status == "present"
    await hotline.settled()
    for person, leg in ((first, answered.leg), (second, told["leg"])):
        owed = (await person.get("/api/summaries/owed"))["owed"]
        assert [one["leg"] for one in owed] == [leg]
    leader = await hotline.sign_in("8001")
    record = await leader.get(f"/api/calls/{answered.call}")
    assert [leg["agent"] for leg in record["legs"]] == ["1001", "1002"]
    (brought_in,) = record["legs"][0]["conferences"]
    assert brought_in["to"] == "1002"
    assert brought_in["lasted_ms"] > 0
    assert _told_by_asterisk(hotline, answered.call) == [
        ("ConferenceStarted", "1001"),
        ("TalkEnded", "1001"),
        ("ConferenceEnded", "1001"),
        ("TalkEnded", "1002"),
        ("SurveyStarted", "1002"),
    ]
    await _is_proved(hotline)


async def test_a_customer_who_hangs_up_ends_it_for_both(hotline: Floor) -> None:
    first, second, answered = await _asks(hotline)
    await first.post("/api/agent/conference")
    await hotline.exchange.hangs_up(hotline.hotline.telephony.switchboard.calls[answered.call].channel)
    await hotline.over(answered.call)
    talks = [fact for fact in hotline.all(f.TalkEnded) if fact.call == answered.call]
    assert sorted(talk.agent for talk in talks) == ["1001", "1002"]
    assert {talk.released_by for talk in talks} == {f.Side.CUSTOMER}
    assert [(await one.get("/api/agent"))["state"] for one in (first, second)] == ["wrap_up", "wrap_up"]
    assert not hotline.all(f.SurveyStarted)
    for leg in [talk.leg for talk in talks]:
        await hotline.fact(f.RecordingFiled, lambda fact, leg=leg: fact.leg == leg)
    await _is_proved(hotline)


def _told_by_asterisk(hotline: Floor, call: str) -> list[tuple[str, str]]:
    """What Asterisk's own files tell of it, as after an absence of the service."""
    board = Switchboard(Duties(memberships=lambda _: (), wrapup_limit=lambda _: SECOND, nodes=("node1",)))
    kinds = (f.ConferenceStarted, f.ConferenceEnded, f.TalkEnded, f.SurveyStarted)
    told = []
    for event in recorded_since(hotline.settings.nodes[0].directory, 0):
        signal = translate(event, "node1", event.at)
        for fact in () if signal is None else board.hear(signal).facts:
            if isinstance(fact, kinds) and fact.call == call:
                told.append((type(fact).__name__, fact.agent))
    return told


async def _is_proved(hotline: Floor) -> None:
    """Ledger and queue log tell the same of every call so far."""
    ledger = hotline.hotline.ledger
    await ledger.readable(ledger.last)
    path = hotline.settings.nodes[0].directory / "log" / "queue_log"
    log = read_queue_log(path.read_text(encoding="utf-8").splitlines(keepends=True))
    found = prove(await ledger.read(0, limit=100_000), log)
    assert found == [], "\n".join([*map(str, found), *map(str, log), hotline.story()])
