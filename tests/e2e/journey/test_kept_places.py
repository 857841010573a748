"""A caller who asked to be called back keeps the place: called in turn, by the agent who is free."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from core import facts as f
from core.clock import SECOND
from core.facts import OutgoingOutcome, PlaceOutcome
from core.names import asked_callback
from directory.lookup import Directory
from hotline.simulation.scripts import Pause, Phone
from ledger.proof import prove
from tests.e2e.journey.test_asked_callbacks import DIRECTORY as OFFERING
from tests.e2e.journey.test_asked_callbacks import MOBILE, asks, waits
from tests.support.floor import Floor, Person

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.rule("CALL-13"),
]
TALKS = Phone("agent", answer_ms=200, talk_ms=None)
SHORT = Phone("agent", answer_ms=200, talk_ms=700)


def DIRECTORY() -> Directory:  # noqa: N802 - the name under which the fixture looks for it
    """The call-back is offered nearly at once, and who waits is overdue as soon."""
    directory = OFFERING()
    queues = {name: replace(queue, bound_s=5) for name, queue in directory.queues.items()}
    return replace(directory, queues=queues)


async def _resting(hotline: Floor, device: str, phone: Phone) -> Person:
    """1001 is on duty there, and rests."""
    await hotline.exchange.phone(device, phone)
    agent = await hotline.agent("1001", device)
    await agent.post("/api/agent/not-ready", reason="rest")
    return agent


async def _asked(hotline: Floor, since: int, number: str = MOBILE) -> f.CallbackRequested:
    """A customer has waited, asked to be called back and hung up."""
    await asks(hotline, await waits(hotline, number))
    request = await hotline.fact(f.CallbackRequested, lambda x: x.number == number, after=since)
    await hotline.fact(f.CallEnded, lambda x: x.call == request.call, after=since)
    return request


async def test_the_customer_is_called_in_turn_between_who_came_before_and_who_came_after(
    hotline: Floor,
) -> None:
    since = len(hotline.facts)
    agent = await _resting(hotline, "d001", SHORT)
    before = await waits(hotline, "02154326001")
    request = await _asked(hotline, since)
    after = await waits(hotline, "02154326002")
    calls = {x.caller: x.call for x in hotline.all(f.CallArrived)}
    await hotline.exchange.called(Phone("customer", answer_ms=200, talk_ms=700))
    await agent.post("/api/agent/ready")
    order: list[str] = []
    while len(order) < 3:
        answered = await hotline.fact(f.AgentAnswered, lambda x: x.call not in order, after=since)
        order.append(answered.call)
        wrap = await hotline.fact(
            f.AgentStateChanged,
            lambda x, call=answered.call: x.state is f.AgentState.WRAP_UP and x.call == call,  # type: ignore[misc]
            after=since,
        )
        await agent.post("/api/summaries", status=201, leg=wrap.leg, type="silent_call")
    made = await hotline.fact(f.OutgoingStarted, after=since)
    assert order == [calls["02154326001"], made.call, calls["02154326002"]], (before, after)
    assert made.record == asked_callback(request.call)
    over = await hotline.fact(f.CallbackPlaceEnded, after=since)
    talk = await hotline.fact(f.AgentAnswered, lambda x: x.call == made.call, after=since)
    assert (over.call, over.outcome) == (request.call, PlaceOutcome.REACHED)
    assert over.waited == talk.at - request.joined_at
    await hotline.over(made.call)
    await hotline.settled()

    leader = await hotline.sign_in("8001")
    assert (await leader.get("/api/callbacks"))["callbacks"] == []
    figures = (await leader.get("/api/board"))["queues"]["card-cmn"]
    assert (figures["offered"], figures["answered"], figures["callback"]) == (3, 2, 1)
    assert figures["called_back"] == 1
    assert abs(figures["called_back_mean_ms"] * 1_000 - over.waited) <= SECOND // 1_000
    assert (await leader.get("/api/board/calls", figure="called_back", queue="card-cmn"))["calls"]
    facts = await hotline.hotline.ledger.read(0, limit=100_000)
    mine = (request.call, made.call)
    assert [one for one in prove(facts, None) if any(call in one.subject for call in mine)] == []


async def test_an_agent_who_does_not_pick_up_costs_the_customer_nothing_and_the_next_one_calls(
    hotline: Floor,
) -> None:
    since = len(hotline.facts)
    first = await _resting(hotline, "d002", Phone("away", refuse=486))
    request = await _asked(hotline, since)
    await hotline.exchange.called(Phone("customer", answer_ms=200, talk_ms=500))
    await first.post("/api/agent/ready")
    missed = await hotline.fact(f.OutgoingEnded, after=since)
    assert (missed.agent, missed.outcome) == ("1001", OutgoingOutcome.AGENT_AWAY)
    await hotline.exchange.phone("d003", TALKS)
    await hotline.agent("1009", "d003")
    over = await hotline.fact(f.CallbackPlaceEnded, after=since)
    assert (over.call, over.outcome) == (request.call, PlaceOutcome.REACHED)
    dialled = [x.agent for x in hotline.all(f.CustomerDialled)]
    assert dialled == ["1009"]


async def test_a_telephone_in_use_is_not_rung_a_second_time_and_another_agent_calls(hotline: Floor) -> None:
    """Of a call between colleagues the service knows nothing: to it the agent is ready."""
    since = len(hotline.facts)
    talking = await _resting(hotline, "d006", TALKS)
    await hotline.exchange.phone("d007", TALKS)
    colleague = await hotline.agent("1002", "d007")
    await colleague.post("/api/agent/not-ready", reason="rest")
    request = await _asked(hotline, since)
    await hotline.exchange.called(Phone("customer", answer_ms=200, talk_ms=500))
    await hotline.exchange.dial("d007", "1001", Pause(60_000), hang_up=True)
    await _in_use(hotline, "d006")
    await talking.post("/api/agent/ready")
    held = f.AgentState.RESERVED, "1001"
    freed = await hotline.fact(f.AgentStateChanged, lambda x: (x.before, x.agent) == held, after=since)
    assert freed.state is f.AgentState.READY
    await hotline.exchange.phone("d008", TALKS)
    await hotline.agent("1009", "d008")
    over = await hotline.fact(f.CallbackPlaceEnded, after=since)
    assert (over.call, over.outcome) == (request.call, PlaceOutcome.REACHED)
    assert [x.agent for x in hotline.all(f.OutgoingStarted)] == ["1009"]


async def _in_use(hotline: Floor, device: str) -> None:
    """Returns when Asterisk knows that somebody talks there."""
    state = f"DEVICE_STATE(PJSIP/{device})"
    while (await hotline.exchange.tap.action("Getvar", Variable=state))["Value"] != "INUSE":  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def test_a_customer_who_does_not_answer_is_not_dialled_again_and_is_for_the_leader_to_call(
    hotline: Floor,
) -> None:
    since = len(hotline.facts)
    agent = await _resting(hotline, "d004", TALKS)
    request = await _asked(hotline, since)
    await hotline.exchange.called(Phone("busy", refuse=486))
    await agent.post("/api/agent/ready")
    over = await hotline.fact(f.CallbackPlaceEnded, after=since)
    assert (over.call, over.outcome) == (request.call, PlaceOutcome.NOT_REACHED)
    await hotline.settled()
    leader = await hotline.sign_in("8001")
    owed = [one["id"] for one in (await leader.get("/api/callbacks"))["callbacks"]]
    assert asked_callback(request.call) in owed
    await asyncio.sleep(3)  # the agent is free all the while, and nothing is dialled
    assert len(hotline.all(f.CustomerDialled)) == 1


async def test_a_service_that_comes_back_keeps_the_place_and_calls_once(hotline: Floor) -> None:
    since = len(hotline.facts)
    await _resting(hotline, "d005", TALKS)
    request = await _asked(hotline, since)
    await hotline.stop_service()
    await hotline.start_service()
    await hotline.exchange.called(Phone("slow", answer_ms=3_000, talk_ms=500))
    agent = await hotline.sign_in("1001")
    await agent.post("/api/agent/ready")
    await hotline.fact(f.CustomerDialled, after=since)
    await hotline.stop_service()
    await hotline.start_service()
    over = await hotline.fact(f.CallbackPlaceEnded, after=since)
    assert (over.call, over.outcome) == (request.call, PlaceOutcome.REACHED)
    assert len(hotline.all(f.CustomerDialled)) == 1
