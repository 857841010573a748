"""A kept place is for one call by the program, whatever dies on the way; people may call once more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.clock import HOUR, MINUTE
from core.errors import Conflict, NotFound
from core.facts import AgentState, AgentStateChanged, CallbackPlaceEnded, OutgoingOutcome, PlaceOutcome
from core.names import asked_callback
from tests.integration.ticketing.called_back import STEPS, work
from tests.integration.ticketing.conftest import CALL, NOW, Desk, desk_in, running
from tests.integration.ticketing.test_outgoing import Follow
from tests.integration.ticketing.test_summaries import AGENT
from tests.support.killed import killed_by_itself
from ticketing.model import CallbackCause, CallbackTask
from ticketing.outgoing_rules import About

MORNING = NOW + 10 * HOUR
FIRST = NOW + 8 * HOUR + 30 * MINUTE
NIGHT = FIRST - 5 * MINUTE
DIALLED = {
    "held": (0, 1),
    "asked": (0, 1),
    "written": (0, 0),
    "told": (0, 0),
    "ordered": (1, 1),
    "stored": (1, 1),
}
"""How often the customer was dialled when the program died after a step, and after more lives of it. Once the
lease is written it never calls by itself again: whether anybody was dialled is not to be known."""
pytestmark = pytest.mark.rule("CALL-13")


@pytest.mark.parametrize(
    ("first", "step"), [*(("agent", step) for step in STEPS), ("customer", "told"), ("customer", "ordered")]
)
async def test_the_customer_is_dialled_once_at_most_wherever_the_program_is_killed(
    tmp_path: Path, first: str, step: str
) -> None:
    urls = (f"sqlite+aiosqlite:///{tmp_path}/main.db", f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    module = "tests.integration.ticketing.called_back"
    await killed_by_itself(module, str(tmp_path), *urls, step, str(MORNING), first)
    at_first = _dialled(tmp_path)
    for later in (MINUTE, 5 * MINUTE) if step == "written" else (5 * MINUTE,):  # nobody can know; given up
        await work(tmp_path, urls, "", MORNING + later, first)
    assert (at_first, _dialled(tmp_path)) == DIALLED[step]
    orders = {"agent": "CallCustomer ", "customer": "CallCustomerFirst "}
    assert all(line.startswith(orders[first]) for line in _orders(tmp_path))
    async with desk_in(tmp_path, *urls) as desk:
        ends = [
            numbered.fact.outcome
            for numbered in await desk.ledger.read(0)
            if isinstance(numbered.fact, CallbackPlaceEnded)
        ]
        (owed,) = await desk.callbacks.owed("8001")  # a person owes the call as long as nobody was reached
    given_up = step in ("written", "told", "ordered")
    assert ends == ([PlaceOutcome.WITHDRAWN] if given_up else [])
    assert owed.id == asked_callback(CALL)


def _dialled(folder: Path) -> int:
    return len(_orders(folder))


def _orders(folder: Path) -> list[str]:
    file = folder / "dialled"
    return file.read_text(encoding="ascii").splitlines() if file.exists() else []


async def _asked(desk: Desk, number: str = "13812345678") -> str:
    """A leader owes a call to who asked for it; its record."""
    task = CallbackTask(
        id=asked_callback(CALL),
        cause=CallbackCause.ASKED,
        call=CALL,
        leg="",
        owner=AGENT,
        number=number,
        due_at=desk.now + HOUR,
        created_at=desk.now,
    )
    async with desk.main.write() as connection:
        await desk.callbacks.owe(connection, task)
    return task.id


def _call(number: int) -> str:
    return f"0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1d{number:02}"


async def test_the_program_calls_until_somebody_was_dialled_and_then_leaves_it_to_people(desk: Desk) -> None:
    follow = Follow(desk)
    with pytest.raises(NotFound):
        await follow.calls.call_back(call=_call(0), agent=AGENT, asked_in=CALL)
    record = await _asked(desk)
    async with running(follow.consumer.run()):
        for number, outcome in enumerate((OutgoingOutcome.AGENT_AWAY, OutgoingOutcome.BUSY), 1):
            assert await follow.calls.call_back(call=_call(number), agent=AGENT, asked_in=CALL)
            with pytest.raises(Conflict, match="being called"):
                await follow.calls.call_back(call=_call(9), agent="1002", asked_in=CALL)
            with pytest.raises(Conflict, match="being called"):
                await follow.calls.begin(desk.person(AGENT), About.CALLBACK, record)
            await follow.became(_call(number), outcome)
        assert not await follow.calls.call_back(call=_call(3), agent=AGENT, asked_in=CALL)
        by_hand = await follow.calls.begin(desk.person(AGENT), About.CALLBACK, record)
        await follow.became(by_hand.call.call, OutgoingOutcome.REACHED)
    assert await desk.callbacks.owed(AGENT) == []
    assert [one.get("held") for one in follow.phone.dialled] == [True, True, False]


async def test_a_call_back_that_is_done_is_not_made(desk: Desk) -> None:
    follow = Follow(desk)
    record = await _asked(desk)
    await desk.callbacks.done(desk.person(AGENT), record, "已用手机联系")
    assert not await follow.calls.call_back(call=_call(1), agent=AGENT, asked_in=CALL)
    assert follow.phone.dialled == []


@pytest.mark.parametrize("number", ["0012025550100", "none"])
async def test_a_number_that_may_not_be_dialled_any_more_is_given_up(desk: Desk, number: str) -> None:
    """A place whose call is refused again and again would hold agents for nothing until it runs out."""
    follow = Follow(desk)
    await _asked(desk, number)
    assert not await follow.calls.call_back(call=_call(1), agent=AGENT, asked_in=CALL)
    assert follow.phone.dialled == []


async def test_no_agent_is_held_while_nobody_may_be_called(tmp_path: Path) -> None:
    urls = (f"sqlite+aiosqlite:///{tmp_path}/main.db", f"sqlite+aiosqlite:///{tmp_path}/ledger.db")
    await work(tmp_path, urls, "", NIGHT)
    async with desk_in(tmp_path, *urls) as desk:
        facts = [numbered.fact for numbered in await desk.ledger.read(0)]
        states = {fact.state for fact in facts if isinstance(fact, AgentStateChanged)}
        (owed,) = await desk.callbacks.owed("8001")
    assert states == {AgentState.NOT_READY, AgentState.READY}
    assert owed.id == asked_callback(CALL)
    await work(tmp_path, urls, "", FIRST)
    assert _dialled(tmp_path) == 1, "the place was still kept when the hours began"


async def test_of_many_agents_for_one_place_one_calls(desk: Desk) -> None:
    follow = Follow(desk)
    await _asked(desk)
    calls = (follow.calls.call_back(call=_call(n), agent=AGENT, asked_in=CALL) for n in range(8))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [one for one in results if one is True] == [True]
    assert sum(isinstance(one, Conflict) for one in results) == 7
    assert len(follow.phone.dialled) == 1
