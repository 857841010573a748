"""Whose turn it is is held and called: what comes of it on the switchboard."""

from __future__ import annotations

import pytest

from core import facts as f
from core.clock import MINUTE, SECOND, Instant
from core.facts import AgentState, PlaceOutcome
from telephony import agents as a
from telephony.call_backs import CallBacks
from telephony.calls import Call
from telephony.kept import FILED, LATER, PROMISING, KeptPlaces
from telephony.outgoing import PhoneInUse
from telephony.switchboard import Outcome, Switchboard
from tests.unit.telephony.story import NODE
from tests.unit.telephony.test_agents import DUTIES, NOW

ASKED_AT = NOW - MINUTE
pytestmark = pytest.mark.rule("CALL-13")


class Desk:
    """Agents who are ready, and one customer who has asked; `now` is what the clock says."""

    def __init__(self, *agents: str) -> None:
        self.now: Instant = ASKED_AT + PROMISING
        self.board = Switchboard(DUTIES)
        self.told: list[f.Fact] = []
        self.back = CallBacks(
            self.board,
            KeptPlaces(keeps=30 * MINUTE, bound=lambda queue: MINUTE),
            memberships=DUTIES.memberships,
            nodes=DUTIES.nodes,
            away=lambda: False,
            carry_out=self.carry_out,
            clock=lambda: self.now,
        )
        for number in agents:
            for wish in (a.LogIn(ASKED_AT, f"d{number}"), a.BeReady(ASKED_AT)):
                self.board.wish(number, wish)
        about = {"node": NODE, "call": "asks", "queue": "personal-cmn", "number": "13812345678"}
        request = f.CallbackRequested(at=ASKED_AT, joined_at=ASKED_AT - MINUTE, **about)  # type: ignore[arg-type]
        self.carry_out(Outcome([request]))

    def carry_out(self, outcome: Outcome) -> None:
        self.back.hear(outcome)
        self.told += outcome.facts

    async def plan(self) -> None:
        self.carry_out(self.back.plan(self.now))
        await self.back.settled()


async def test_an_agent_whose_telephone_is_in_use_is_freed_and_another_one_calls() -> None:
    desk, rung = Desk("1001"), []

    async def make(*, call: str, agent: str, asked_in: str) -> bool:
        rung.append(agent)
        raise PhoneInUse("a colleague talks with him")

    desk.back.make = make
    await desk.plan()
    assert desk.board.agent("1001").state is AgentState.READY
    desk.now += LATER - SECOND
    await desk.plan()
    assert rung == ["1001"]
    for wish in (a.LogIn(desk.now - FILED, "d1002"), a.BeReady(desk.now - FILED)):
        desk.board.wish("1002", wish)
    await desk.plan()
    assert rung == ["1001", "1002"]


@pytest.mark.parametrize(
    ("within_hours", "outcome"), [(True, PlaceOutcome.EXPIRED), (False, PlaceOutcome.OUTSIDE_HOURS)]
)
async def test_a_place_that_runs_out_at_night_says_so(within_hours: bool, outcome: PlaceOutcome) -> None:
    desk = Desk()
    desk.back.hours = lambda _now: within_hours
    desk.now = ASKED_AT + 30 * MINUTE
    await desk.plan()
    assert [fact.outcome for fact in desk.told if isinstance(fact, f.CallbackPlaceEnded)] == [outcome]


async def test_who_calls_again_and_is_answered_is_not_called_back() -> None:
    desk = Desk()
    desk.board.remember_call(Call("again", NODE, "node1-1.1", "", desk.now, caller="+8613812345678"))
    about = {"call": "again", "leg": "node1-1.2", "agent": "1001", "queue": "personal-cmn", "device": "d001"}
    desk.carry_out(Outcome([f.AgentAnswered(at=desk.now, node=NODE, waited=0, rang=0, **about)]))  # type: ignore[arg-type]
    (over,) = [fact for fact in desk.told if isinstance(fact, f.CallbackPlaceEnded)]
    assert (over.call, over.outcome) == ("asks", PlaceOutcome.WITHDRAWN)
    assert (over.spoken_in, over.spoken_by) == ("again", "1001")
