"""Ageing, announcements and who is on duty."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.clock import MINUTE, SECOND, Instant
from core.facts import AgentState as S
from directory.model import Membership
from telephony import waiting as w
from telephony.agents import Agent
from telephony.calls import Call, Leg, Wait
from tests.unit.telephony.story import NODE, START


def caller(name: str, joined: float, priority: int = 0) -> Call:
    at = START + round(joined * SECOND)
    return Call(id=name, node=NODE, leg=name, channel="", arrived_at=at, wait=Wait("q", at, 1, priority))


def test_the_line_is_served_by_priority_then_by_joining() -> None:
    line = w.line_up([caller("late", 5), caller("vip", 9, 10), caller("early", 1)], START + 10 * SECOND)["q"]
    assert [(x.call.id, x.position) for x in line] == [("vip", 1), ("early", 2), ("late", 3)]


def test_the_place_that_is_told_is_the_one_that_ageing_gives() -> None:
    """Raised to a VIP's priority he stands before the VIP who came later, and is told so."""
    callers = [caller("ordinary", 0), caller("vip", 5, w.AGED_PRIORITY)]

    def places(now: Instant) -> dict[str, int]:
        return {x.call.id: x.position for x in w.line_up(callers, now)["q"]}

    assert places(START + w.AGEING_AFTER - 1) == {"vip": 1, "ordinary": 2}
    assert places(START + w.AGEING_AFTER) == {"ordinary": 1, "vip": 2}
    line = w.line_up(callers, START + w.AGEING_AFTER)["q"]
    assert [x.call.id for x in w.to_be_aged(line, START + w.AGEING_AFTER)] == ["ordinary"]


def test_a_favoured_customer_stands_before_the_ordinary_and_no_higher_than_a_vip() -> None:
    favoured = replace(caller("favoured", 3), favoured=True)
    line = w.line_up([caller("vip", 2, w.AGED_PRIORITY), favoured, caller("ordinary", 1)], START)["q"]
    assert [x.call.id for x in line] == ["vip", "favoured", "ordinary"]
    assert [x.call.id for x in w.to_be_aged(line, START)] == ["favoured"]


def test_nothing_is_said_in_the_first_ten_seconds_and_then_every_thirty() -> None:
    line = w.line_up([caller("a", 0)], START)["q"]
    assert w.to_be_told(line, START + 10 * SECOND - 1, {}) == []
    assert w.to_be_told(line, START + 10 * SECOND, {}) == line
    told = {"a": START + 10 * SECOND}
    assert w.to_be_told(line, START + 40 * SECOND - 1, told) == []
    assert w.to_be_told(line, START + 40 * SECOND, told) == line


@given(
    joins=st.lists(st.tuples(st.floats(0, 300), st.booleans()), min_size=1, max_size=40),
    service_s=st.integers(1, 20),
)
def test_ageing_bounds_how_long_anyone_can_be_overtaken(
    joins: list[tuple[float, bool]], service_s: int
) -> None:
    """One agent, any stream of VIPs: whoever joins later than the bound after me is never before me."""
    arrivals = sorted(
        (caller(str(n), joined, w.AGED_PRIORITY if vip else 0) for n, (joined, vip) in enumerate(joins)),
        key=lambda call: call.arrived_at,
    )
    served: list[Instant] = []
    waiting: list[Call] = []
    now = START
    while arrivals or waiting:
        while arrivals and arrivals[0].arrived_at <= now:
            waiting.append(arrivals.pop(0))
        line = w.line_up(waiting, now).get("q", [])
        if line:
            head = line[0].call
            waiting = [c for c in waiting if c.id != head.id]
            overtaken = [
                c for c in waiting if c.arrived_at + w.AGEING_AFTER + service_s * SECOND < head.arrived_at
            ]
            assert not overtaken
            served.append(head.arrived_at)
        now += service_s * SECOND
    assert len(served) == len(joins)


def test_the_expected_wait_is_spoken_in_numbers_that_have_a_prompt() -> None:
    assert w.expected_wait(4, 2, 180 * SECOND) == 6 * MINUTE
    assert w.expected_wait(4, 0, 180 * SECOND) == 12 * MINUTE
    assert w.spoken(99, 61 * SECOND) == (30, 2)
    assert w.spoken(1, 0) == (1, 1)
    assert w.spoken(1, 90 * MINUTE) == (1, 15)


def test_on_duty_is_logged_in_and_not_on_a_long_pause() -> None:
    agents = [
        Agent("1", S.READY),
        Agent("2", S.WRAP_UP),
        Agent("3", S.NOT_READY, "rest"),
        Agent("4", S.NOT_READY, "meal"),
        Agent("5", S.LOGGED_OUT),
    ]
    counts = w.on_duty(agents, lambda _: (Membership(queue="q", penalty=0),), lambda reason: reason == "rest")
    assert counts == {"q": 3}


def test_who_is_overdue_is_so_until_an_agent_is_held_or_rung_for_them() -> None:
    first, second = caller("first", 0), caller("second", 30)
    line = w.line_up([first, second], START)["q"]
    bound = 60 * SECOND
    assert w.overdue(line, bound, {}, START + bound - 1) == []
    assert w.overdue(line, bound, {}, START + bound) == line[:1]
    held = {"1001": Agent("1001", S.RESERVED, call="first")}
    assert w.overdue(line, bound, held, START + 2 * bound) == line[1:]
    ringing = replace(second, legs=(Leg("l", "1001", "d001", "q", "", START),))
    assert w.overdue(w.line_up([ringing], START)["q"], bound, {}, START + 2 * bound) == []
