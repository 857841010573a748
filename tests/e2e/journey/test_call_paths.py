"""Every way a plain call can go, live: what Asterisk does, as facts."""

from __future__ import annotations

import pytest

from core import facts as f
from core.clock import MILLISECOND, SECOND
from hotline.simulation.scripts import Key, Pause, Phone
from ledger.proof import prove
from tests.support.floor import Floor

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))
TO_CORPORATE = (Pause(400), Key("1"), Pause(400), Key("3"), Pause(400), Key("1"))
QUICK = Phone("phone", answer_ms=300, talk_ms=60_000)


async def outcome(hotline: Floor, call: str) -> list[str]:
    return [str(fact.outcome.value) for fact in hotline.all(f.OfferEnded) if fact.call == call]


async def test_the_customer_hangs_up_in_the_menu(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.call(Pause(400), Key("1"), Pause(300), hang_up=True)
    ended = await hotline.fact(f.CallEnded, after=since)
    assert (ended.reason, ended.phase) == (f.EndReason.CUSTOMER, f.Phase.MENU)
    assert hotline.kinds(ended.call) == ["CallArrived", "LanguageChosen", "CallEnded"]


@pytest.mark.parametrize("outside", [False, True])
async def test_the_customer_hangs_up_while_waiting_or_ringing(hotline: Floor, outside: bool) -> None:
    """`outside`: the only agent is there but on a short rest, so the caller waits and nothing rings."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d002", Phone("rings", answer_ms=None))
    agent = await hotline.agent("1002", "d002")
    if outside:
        await agent.post("/api/agent/not-ready", reason="rest")
    await hotline.exchange.call(*TO_CARD, Pause(2500), hang_up=True)
    ended = await hotline.fact(f.CallEnded, after=since)
    phase = f.Phase.WAITING if outside else f.Phase.RINGING
    assert (ended.reason, ended.phase) == (f.EndReason.CUSTOMER, phase)
    left = await hotline.fact(f.CallerLeftQueue, after=since)
    assert left.reason is f.LeaveReason.ABANDONED
    assert 2 * SECOND < left.waited < 4 * SECOND
    assert await outcome(hotline, ended.call) == ([] if outside else ["caller_gone"])


async def test_the_customer_hangs_up_while_talking_and_in_the_survey(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d003", QUICK)
    agent = await hotline.agent("1006", "d003")
    await hotline.exchange.call(*TO_CARD, Pause(2500), hang_up=True)
    ended = await hotline.fact(f.CallEnded, after=since)
    assert ended.phase is f.Phase.TALKING
    talk = await hotline.fact(f.TalkEnded, after=since)
    assert talk.released_by is f.Side.CUSTOMER
    await agent.post("/api/summaries", status=201, leg=talk.leg, type="silent_call")
    await hotline.fact(f.SummarySaved, after=since)

    since = len(hotline.facts)
    await hotline.exchange.call(*TO_CARD, Pause(1800), hang_up=True)
    answered = await hotline.fact(f.AgentAnswered, after=since)
    await agent.post("/api/agent/survey", status=204)
    started = await hotline.fact(f.SurveyStarted, after=since)
    assert (started.leg, started.by) == (answered.leg, f.Side.SYSTEM)
    ended = await hotline.fact(f.CallEnded, after=since)
    assert ended.phase is f.Phase.SURVEY
    survey = await hotline.fact(f.SurveyEnded, after=since)
    assert survey.outcome is f.SurveyOutcome.HUNG_UP


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        (Phone("silent", answer_ms=None), "no_answer"),
        (Phone("busy", refuse=486), "busy"),
        (Phone("declines", refuse=603), "rejected"),
    ],
)
async def test_another_agent_answers_when_the_first_does_not(
    hotline: Floor, phone: Phone, expected: str
) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d004", phone)
    await hotline.agent("1009", "d004")
    await hotline.exchange.phone("d005", QUICK)
    await hotline.agent("1001", "d005")
    # 1009 has been idle longest: asked first
    await hotline.exchange.call(*TO_CARD, Pause(9000), hang_up=True)
    answered = await hotline.fact(f.AgentAnswered, after=since)
    assert answered.agent == "1001"
    failed = await hotline.fact(f.OfferEnded, after=since)
    assert (failed.agent, failed.outcome.value) == ("1009", expected)
    assert answered.waited < 10 * SECOND
    await hotline.fact(f.CallEnded, after=since)


async def test_two_unanswered_offers_take_the_agent_off_the_line(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d006", Phone("silent", answer_ms=None))
    agent = await hotline.agent("1010", "d006")
    await hotline.exchange.call(*TO_CARD, Pause(14_000), hang_up=True)
    off = await hotline.fact(
        f.AgentStateChanged, lambda fact: fact.reason == "no_answer", after=since, within=60
    )
    assert off.agent == "1010"
    assert (await agent.get("/api/agent"))["state"] == "not_ready"
    assert len([x for x in hotline.all(f.OfferEnded) if x.agent == "1010"]) == 2


@pytest.mark.rule("CALL-07")
async def test_a_customer_is_sent_to_a_colleague_who_is_not_asked_by_the_queue(hotline: Floor) -> None:
    """Each leg has its own talk, hold, summary and recording; what the customer rates is the second."""
    since = len(hotline.facts)
    sends = Phone("sends", answer_ms=300, talk_ms=500, hold=(500, 1_500), transfer_to="1016")
    await hotline.exchange.phone("d013", sends)
    first = await hotline.agent("1013", "d013")
    await hotline.exchange.phone("d014", Phone("takes", answer_ms=300, talk_ms=1_500))
    second = await hotline.agent("1016", "d014")
    await second.post("/api/agent/not-ready", reason="rest")
    refused = await first.post("/api/agent/hold", status=409, reason="lookup", consent=True)
    assert "no customer" in refused["detail"]
    await hotline.exchange.call(*TO_CARD, Pause(6500), Key("5"), Pause(700), Key("1"))
    await hotline.fact(f.AgentAnswered, after=since)
    await first.post("/api/agent/hold", status=422, reason="coffee", consent=True)
    await first.post("/api/agent/hold", status=422, reason="lookup", consent=False)
    await first.post("/api/agent/hold", status=204, reason="lookup", consent=True)
    sent = await hotline.fact(f.CallTransferred, after=since)
    assert (sent.agent, sent.to) == ("1013", "1016")
    answered = await hotline.fact(f.AgentAnswered, lambda fact: fact.agent == "1016", after=since)
    assert (await second.get("/api/agent"))["state"] == "talking"
    rated = await hotline.fact(f.SurveyAnswered, after=since)
    assert (rated.leg, rated.agent) == (answered.leg, "1016")
    await hotline.fact(f.CallEnded, after=since)
    talks = {x.agent: x for x in hotline.all(f.TalkEnded) if x.call == sent.call}
    told = await first.get(f"/api/calls/{sent.call}")
    assert [(leg["agent"], leg["transferred_to"], leg["from_leg"]) for leg in told["legs"]] == [
        ("1013", "1016", ""),
        ("1016", "", sent.leg),
    ]
    assert [hold["reason"] for hold in told["legs"][0]["holds"]] == ["lookup"]
    assert SECOND < talks["1013"].held < 2 * SECOND
    assert (talks["1016"].held, talks["1016"].released_by) == (0, f.Side.AGENT)
    recorded = [x.leg for x in hotline.all(f.RecordingStarted) if x.call == sent.call]
    assert recorded == [sent.leg, answered.leg]
    await hotline.settled()
    for agent, leg in ((first, sent.leg), (second, answered.leg)):
        assert [one["leg"] for one in (await agent.get("/api/summaries/owed"))["owed"]] == [leg]
        await agent.post("/api/summaries", status=201, leg=leg, type="silent_call")
    # The rest that was asked for before the call goes on after it.
    await hotline.fact(f.AgentStateChanged, lambda x: x.agent == "1016" and x.reason == "rest", after=since)


async def test_a_customer_is_sent_to_a_number_outside_on_record(hotline: Floor) -> None:
    """What comes of it is told with the leg that sent him; the proof of the day finds nothing missing."""
    since = len(hotline.facts)
    await hotline.exchange.phone("d015", Phone("sends", answer_ms=300, talk_ms=500, transfer_to="110"))
    agent = await hotline.agent("1013", "d015")
    await hotline.exchange.called(Phone("outside", answer_ms=300, talk_ms=1_000))
    await hotline.exchange.call(*TO_CARD)
    ended = await hotline.fact(f.OutsideEnded, after=since)
    assert (ended.agent, ended.number, ended.outcome) == ("1013", "110", f.OutgoingOutcome.REACHED)
    await hotline.over(ended.call)
    assert not [x for x in hotline.all(f.SurveyStarted) if x.call == ended.call]
    await hotline.settled()
    (leg,) = (await agent.get(f"/api/calls/{ended.call}"))["legs"]
    assert (leg["leg"], leg["transferred_to"]) == (ended.leg, "110")
    outside = leg["outside"]
    assert (outside["number"], outside["outcome"]) == ("110", "reached")
    assert outside["talked_ms"] == ended.talked // MILLISECOND > 0
    assert [one["leg"] for one in (await agent.get("/api/summaries/owed"))["owed"]] == [ended.leg]
    await agent.post("/api/summaries", status=201, leg=ended.leg, type="silent_call")
    facts = await hotline.hotline.ledger.read(0, limit=100_000)
    assert [one for one in prove(facts, None) if ended.call in one.subject] == []


async def test_a_queue_that_times_out_is_no_abandon(hotline: Floor) -> None:
    since = len(hotline.facts)
    number, _ = hotline.directory.members("corporate-cmn")[0]
    await hotline.exchange.phone("d007", QUICK)
    agent = await hotline.agent(number, "d007")
    await agent.post("/api/agent/not-ready", reason="rest")
    await hotline.exchange.call(*TO_CORPORATE)
    left = await hotline.fact(f.CallerLeftQueue, after=since, within=60)
    assert left.reason is f.LeaveReason.TIMED_OUT
    ended = await hotline.fact(f.CallEnded, after=since)
    assert ended.reason is f.EndReason.SYSTEM


async def test_nobody_on_duty_is_said_and_not_waited_for(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.call(*TO_CARD)
    nobody = await hotline.fact(f.NobodyOnDuty, after=since)
    assert nobody.queue == "card-cmn"
    await hotline.fact(f.CallEnded, after=since)
    assert not [n for n in hotline.facts[since:] if isinstance(n.fact, f.CallerQueued)]

    # Logged in, but at lunch: nobody on duty all the same, which app_queue alone could not tell.
    since = len(hotline.facts)
    await hotline.exchange.phone("d008", QUICK)
    agent = await hotline.agent("1011", "d008")
    await agent.post("/api/agent/not-ready", reason="meal")
    await hotline.exchange.call(*TO_CARD)
    await hotline.fact(f.NobodyOnDuty, after=since)
    await hotline.fact(f.CallEnded, after=since)
    assert not [n for n in hotline.facts[since:] if isinstance(n.fact, f.CallerQueued)]


@pytest.mark.rule("CALL-20")
async def test_a_lost_registration_takes_the_agent_off_the_line(hotline: Floor) -> None:
    since = len(hotline.facts)
    phone = await hotline.exchange.phone("d009", QUICK)
    agent = await hotline.agent("1013", "d009")
    await hotline.exchange.register("d009", phone.port, seconds=0)
    lost = await hotline.fact(f.DeviceContactChanged, lambda x: not x.reachable, after=since)
    assert lost.device == "d009"
    await hotline.fact(f.AgentStateChanged, lambda x: x.reason == "phone_lost", after=since)
    assert (await agent.get("/api/agent"))["reason"] == "phone_lost"
    refused = await agent.post("/api/agent/ready", status=409)
    assert "not registered" in refused["detail"]
    await hotline.exchange.register("d009", phone.port)
    await hotline.fact(f.DeviceContactChanged, lambda x: x.reachable and x.at > lost.at, after=since)
    await agent.post("/api/agent/ready")


async def test_asterisk_restarting_closes_its_calls_as_node_lost(hotline: Floor) -> None:
    since = len(hotline.facts)
    await hotline.exchange.phone("d010", QUICK)
    agent = await hotline.agent("1014", "d010")
    idle, _ = hotline.directory.members("corporate-cmn")[0]
    await hotline.exchange.phone("d012", QUICK)
    other = await hotline.agent(idle, "d012")
    await hotline.exchange.call(*TO_CARD, Pause(60_000))
    answered = await hotline.fact(f.AgentAnswered, after=since)
    await hotline.exchange.asterisk.kill()
    await hotline.fact(f.NodeLost, after=since)
    await hotline.exchange.asterisk.start()
    ended = await hotline.fact(f.CallEnded, after=since, within=60)
    assert (ended.call, ended.reason) == (answered.call, f.EndReason.NODE_LOST)
    await hotline.fact(f.GapDeclared, after=since)
    await hotline.fact(f.NodeConnected, after=since)
    # persistent members: the agent is still logged in, and owes the summary of the call that was cut
    assert (await agent.get("/api/agent"))["state"] == "wrap_up"
    await hotline.settled()
    owed = (await agent.get("/api/summaries/owed"))["owed"]
    assert [one["leg"] for one in owed] == [answered.leg]
    # whoever was ready is ready: the phones are registered still, Asterisk has only to ask them
    assert (await other.get("/api/agent"))["state"] == "ready"
