"""What an agent sees of who calls and of who is in the talk, from memory, as it changes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from core import facts as f
from core.clock import iso
from core.facts import AgentState, Numbered
from telephony.agent_view import AgentView
from telephony.agents import Agent, Duties
from telephony.calls import Call, Leg, Presence
from telephony.switchboard import Switchboard
from web.live import LiveHub
from web.live_reader import Wish
from web.route import Principal
from web.scope import Scope

AT = 1_795_276_800_000_000
CALL, LEG = "0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c01", "node1-1700000000.2"
AGENT = Principal(staff="1001", name="甲", rights={"agents.act": Scope.ALL})
FOUND = f.CustomerIdentified(
    at=AT, call=CALL, customer="C-1", level="vip", favoured=True, source="own", language="nan"
)


class Desk:
    """A switchboard with agent 1001 in a call, and the frames of who watches him."""

    def __init__(self, state: AgentState = AgentState.RINGING, *, told_of_leaders: bool = True) -> None:
        self.board = Switchboard(Duties(memberships=lambda _: (), wrapup_limit=lambda _: 0, nodes=("node1",)))
        leg = Leg(LEG, "1001", "d001", "card-nan", "PJSIP/d001-1", AT)
        customer, channel = "node1-1700000000.1", "PJSIP/trunk-1"
        self.call = Call(CALL, "node1", customer, channel, AT, legs=(leg,), caller="13800001111")
        self.board.remember_call(self.call)
        self.board.remember_agent(Agent("1001", state=state, device="d001", call=CALL, leg=LEG))
        self.hub = LiveHub(clock=lambda: AT)
        self.view = AgentView(self.board, self.hub, lambda: AT, told_of_leaders=told_of_leaders)
        self.reader = self.hub.open(AGENT, "session", [Wish("agent:1001", None)])

    async def changes(self) -> list[dict[str, Any]]:
        """What the watcher was told since the last time."""
        self.hub.beat()  # a frame at least: taking waits for one
        frames = [json.loads(frame) for frame in await self.reader.take()]
        return [frame["data"] for frame in frames if frame["kind"] == "change"]

    def seen(self) -> dict[str, Any]:
        return self.view.of(self.board.agent("1001")).model_dump()


def told(fact: f.Fact) -> list[Numbered]:
    return [Numbered(1, fact)]


def test_who_calls_is_shown_masked_while_it_rings_with_where_there_is_more() -> None:
    desk = Desk()
    assert desk.seen()["caller"] == {
        "number": "138****1111",
        "customer": "",
        "level": "ordinary",
        "language": "",
        "history": f"/api/calls/{CALL}/customer",
    }


@pytest.mark.parametrize("state", [AgentState.READY, AgentState.NOT_READY, AgentState.LOGGED_OUT])
def test_without_a_call_nobody_calls(state: AgentState) -> None:
    assert desk_without_call(state)["caller"] is None


def desk_without_call(state: AgentState) -> dict[str, Any]:
    desk = Desk(state)
    desk.board.remember_agent(Agent("1001", state=state, device="d001"))
    return desk.seen()


def test_of_a_call_of_ours_nothing_is_shown_as_a_callers() -> None:
    desk = Desk()
    desk.board.remember_call(replace(desk.call, outgoing=True))
    assert desk.seen()["caller"] is None


async def test_who_is_found_late_is_told_while_it_rings_in_whatever_order_it_is_heard() -> None:
    desk = Desk()
    desk.view.hear(told(FOUND))  # before the switchboard has heard it
    desk.board.identify(FOUND)
    await asyncio.sleep(0)
    (frame,) = await desk.changes()
    assert (frame["caller"]["customer"], frame["caller"]["level"], frame["caller"]["language"]) == (
        "C-1",
        "vip",
        "nan",
    )


async def test_a_find_about_another_call_or_of_one_long_gone_tells_nothing() -> None:
    desk = Desk()
    desk.view.hear(told(replace(FOUND, call="0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c02")))
    desk.board.remember_agent(Agent("1001", state=AgentState.READY, device="d001"))
    desk.view.hear(told(FOUND))
    await asyncio.sleep(0)
    assert await desk.changes() == []


def joined(desk: Desk, mode: str, *, left: bool = False) -> None:
    one = Presence("leader-1", "8001", LEG, mode, AT, left=left)
    desk.board.remember_call(replace(desk.call, leaders=(one,)))
    kind = f.LeaderLeft if left else f.LeaderJoined
    fields: dict[str, Any] = {} if left else {"mode": mode}
    about: dict[str, Any] = {"node": "node1", "call": CALL, "leg": LEG, "agent": "1001", "queue": "card-nan"}
    desk.view.hear(told(kind(at=AT, leader="8001", presence="leader-1", **about, **fields)))


@pytest.mark.rule("SEC-11")
async def test_the_agent_is_told_that_a_leader_came_and_left() -> None:
    desk = Desk(AgentState.TALKING)
    joined(desk, "listen")
    joined(desk, "barge", left=True)
    came, left = await desk.changes()
    assert came["leaders"] == [{"leader": "8001", "mode": "listen", "since": iso(AT)}]
    assert left["leaders"] == []


async def test_where_agents_are_not_told_nothing_of_a_leader_is_sent_or_shown() -> None:
    desk = Desk(AgentState.TALKING, told_of_leaders=False)
    joined(desk, "listen")
    assert await desk.changes() == []
    assert desk.seen()["leaders"] == []
