"""The board from fact to screen: real ledger, real web server, a WebSocket client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from board.alarms import Condition
from board.fold import fold
from board.service import Board
from core.clock import SECOND, Clock
from core.facts import (
    AgentState,
    AgentStateChanged,
    AlarmCleared,
    AlarmRaised,
    CallerQueued,
    Fact,
    LeaveReason,
    NodeConnected,
    NodeLost,
    Numbered,
)
from directory.lookup import Directory
from ledger import Ledger
from tests.integration.board.conftest import AGENT, House
from tests.integration.board.screen import Screen
from tests.unit.board.story import NOON, QUEUE, Story, s
from web.live import LiveHub

COUNTS = (
    "offered",
    "answered",
    "answered_10",
    "abandoned",
    "abandoned_5",
    "waiting",
    "talks",
    "sl10",
    "sl20",
)


def some_calls(calls: int = 20) -> Story:
    """Every third caller gives up; the others talk."""
    story = Story(NOON - s(600))
    for n in range(calls):
        queue = ("card-cmn", "personal-cmn", "loss-cmn")[n % 3]
        story.joins(f"c{n}", n * 5, queue)
        if n % 3 == 0:
            story.leaves(f"c{n}", n * 5, 3 + n % 9, LeaveReason.ABANDONED, queue)
        else:
            story.answers(
                f"c{n}", f"{1001 + n % 20}", n * 5, 1 + n % 14, 40, wrap=5, queue=queue, survey=(4, 1)
            )
    return story


def offered(number: int) -> Any:
    return lambda shown: shown["total"].get("offered") == number


async def test_a_screen_shows_the_snapshot_then_every_change_without_a_gap(house: House) -> None:
    house.append(*[each.fact for each in some_calls(9).told()])
    async with house.signed_in() as client, Screen().watching(client) as screen:
        await screen.until(offered(9))
        assert screen.frames[0]["kind"] == "snapshot"
        first = screen.shown["folded"]
        for n in range(5):
            at = house.clock()
            house.append(CallerQueued(at=at, call=f"live{n}", queue=QUEUE, joined_at=at, language="cmn"))
            await screen.until(offered(10 + n))
        assert screen.shown["folded"] >= first + 5
        assert len(screen.shown["waiting"][QUEUE]) == 5
        await screen.until(lambda shown: shown["stored"] >= first + 5)
        async with client.get("/api/board") as answer:
            asked = await answer.json()
    for name, figures in asked["queues"].items():
        for count in COUNTS:
            assert screen.shown["queues"][name][count] == figures[count], (name, count)
    assert {"at", "age_ms", "seq"} <= screen.frames[-1].keys()
    assert all(0 <= frame["age_ms"] < 1000 for frame in screen.frames)


async def test_a_screen_that_comes_back_gets_what_it_missed_and_shows_the_same(house: House) -> None:
    story = some_calls(12).told()
    screen = Screen()
    async with house.signed_in() as client:
        async with screen.watching(client):
            house.append(*[each.fact for each in story[:40]])
            await screen.until(lambda shown: shown["folded"] >= 40)
        house.append(*[each.fact for each in story[40:]])
        frames = len(screen.frames)
        async with Screen().watching(client) as other:  # its snapshot must not swallow what the first missed
            await other.until(offered(12))
        async with screen.watching(client):
            await screen.until(offered(12))
        assert "snapshot" not in {frame["kind"] for frame in screen.frames[frames:]}
    for name in other.shown["queues"]:
        for count in COUNTS:
            assert screen.shown["queues"][name][count] == other.shown["queues"][name][count]
    assert screen.shown["agents"].keys() == other.shown["agents"].keys()


async def test_waits_grow_and_service_levels_fall_without_any_fact(house: House) -> None:
    joined = house.clock() - s(9.5)
    house.append(CallerQueued(at=joined, call="w", queue=QUEUE, joined_at=joined))
    async with house.signed_in() as client, Screen().watching(client) as screen:
        await screen.until(lambda shown: shown["queues"][QUEUE]["longest_wait_ms"] < 11_000)
        await screen.until(lambda shown: shown["queues"][QUEUE]["sl10"] == 0.0)
        await screen.until(lambda shown: shown["queues"][QUEUE]["longest_wait_ms"] > 11_000)


async def test_a_restart_gives_the_same_digits(
    house: House, ledger: Ledger, directory: Directory, clock: Clock
) -> None:
    now = clock()  # stands still: occupancy is a share of the time that has passed
    before, again = (
        Board(ledger=ledger, hub=LiveHub(clock=clock), directory=directory, clock=lambda: now)
        for _ in range(2)
    )
    await before.start()
    told = some_calls(30).told()
    house.append(*[each.fact for each in told])
    await again.start()
    assert again.figures() == before.figures()
    assert again.figures().total.offered == 30


class LateLedger:
    """The ledger, with facts that come at the worst moment: when the last page has just been read."""

    def __init__(self, ledger: Ledger, late: list[Fact]) -> None:
        self._ledger = ledger
        self._late = late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def read(self, after: int, limit: int = 1000, **more: Any) -> list[Numbered]:
        page = await self._ledger.read(after, limit, **more)
        if not page and more.get("kinds") is None and self._late:
            self._ledger.append(self._late)
            self._late = []
        return page


@pytest.mark.parametrize("late", [0, 1, 200])
async def test_facts_that_come_while_it_rebuilds_are_counted_once(
    ledger: Ledger, directory: Directory, clock: Clock, late: int
) -> None:
    facts = [each.fact for each in some_calls(120).told()]
    early = len(facts) - late
    ledger.append(facts[:early])
    book = LateLedger(ledger, facts[early:])
    board = Board(ledger=book, hub=LiveHub(clock=clock), directory=directory, clock=clock)
    await board.start()
    expected = fold(some_calls(120).told())
    seen = board.figures().total
    assert (seen.offered, seen.waiting) == (120, 0)
    assert seen.talks == sum(c.talks for c in expected.days[min(expected.days)].values())
    assert board.numbers()[0] == ledger.last == len(facts)


async def test_agents_who_logged_in_yesterday_are_known_and_yesterdays_calls_are_not_counted(
    ledger: Ledger, directory: Directory, clock: Clock
) -> None:
    yesterday = NOON - s(20 * 3600)
    ready = AgentStateChanged(
        at=yesterday, agent=AGENT, before=AgentState.LOGGED_OUT, state=AgentState.READY, device="d001"
    )
    old = Story(yesterday)
    old.joins("old", 0)
    old.leaves("old", 0, 4, LeaveReason.ABANDONED)
    ledger.append([ready, *[each.fact for each in old.told()]])
    board = Board(ledger=ledger, hub=LiveHub(clock=clock), directory=directory, clock=clock)
    await board.start()
    figures = board.figures()
    assert next(each for each in figures.agents if each.agent == AGENT).state == "ready"
    assert figures.total.offered == 0


async def test_alarms_are_facts_and_reach_the_screen(house: House, ledger: Ledger) -> None:
    async with house.signed_in() as client, Screen().watching(client) as screen:
        house.conditions.append(Condition("database_down", "main", house.clock() - 10 * SECOND, "no answer"))
        await screen.until(lambda shown: [each["alarm"] for each in shown["alarms"]] == ["database_down"])
        house.conditions.clear()
        await screen.until(lambda shown: shown["alarms"] == [])
        assert screen.shown["names"]["alarms"]["database_down"]["severity"] == "critical"
    await ledger.readable(ledger.last)
    kept = await ledger.read(0, kinds={"AlarmRaised", "AlarmCleared"})
    assert [type(each.fact) for each in kept] == [AlarmRaised, AlarmCleared]


async def test_a_figure_opens_into_its_calls_over_http(house: House) -> None:
    house.append(*[each.fact for each in some_calls(9).told()])
    async with house.signed_in() as client:
        query = {"figure": "abandoned", "queue": "card-cmn"}
        async with client.get("/api/board/calls", params=query) as answer:
            behind = await answer.json()
        async with client.get("/api/board/calls", params={"figure": "beauty"}) as answer:
            assert answer.status == 404
            assert "counts no calls" in await answer.text()
        async with client.get("/api/board/formulas") as answer:
            formulas = await answer.json()
    assert behind["count"] == 3
    assert behind["whole"] is True
    assert [each["call"] for each in behind["calls"]] == ["c6", "c3", "c0"]
    assert {each["figure"]: each["opens"] for each in formulas["queue"]}["sl10"] is True


@pytest.mark.parametrize("path", ["/api/board", "/api/board/calls?figure=offered"])
async def test_the_board_is_for_those_with_the_right(house: House, path: str) -> None:
    async with house.signed_in(AGENT) as client:
        async with client.get(path) as answer:
            assert answer.status == 403
        async with client.get("/api/live", params={"topic": "board"}) as answer:
            assert answer.status == 403


async def test_the_handling_time_of_today_is_told_once_enough_calls_have_been_handled(house: House) -> None:
    """What those who wait are promised is worked out from it: 40 s of talk and 5 s of wrap-up here."""

    def handled(calls: range) -> list[Fact]:
        story = Story(NOON - s(600))
        for n in calls:
            story.answers(f"h{n}", "1001", n * 50, 1, 40, wrap=5)
        return [each.fact for each in story.told()]

    house.append(*handled(range(9)))
    assert house.board.handling(QUEUE) is None
    house.append(*handled(range(9, 10)))
    assert house.board.handling(QUEUE) == 45 * SECOND
    assert house.board.handling("loss-en") is None


async def test_a_condition_that_is_always_told_as_of_now_still_counts_from_its_first_telling(
    ledger: Ledger, directory: Directory
) -> None:
    now = [NOON]
    down = [True]

    def conditions() -> list[Condition]:
        return [Condition("database_down", "main", now[0])] if down[0] else []

    def clock() -> int:
        return now[0]

    hub = LiveHub(clock=clock)
    board = Board(ledger=ledger, hub=hub, directory=directory, clock=clock, conditions=conditions)
    await board.start()
    limit = int(directory.thresholds["database_down"].raise_at)
    for second in range(limit + 1):
        assert board.figures().alarms == ()
        now[0] = NOON + s(second)
        board.tick()
    assert [each.alarm for each in board.figures().alarms] == ["database_down"]
    down[0] = False
    board.tick()
    assert board.figures().alarms == ()


async def test_age_is_that_of_the_node_heard_least(
    ledger: Ledger, directory: Directory, clock: Clock
) -> None:
    heard = clock() - 7 * SECOND
    hub = LiveHub(clock=clock)
    board = Board(ledger=ledger, hub=hub, directory=directory, clock=clock, heard=lambda: heard)
    await board.start()
    assert board.known_until() == heard


async def test_with_every_node_lost_the_data_grow_old(house: House) -> None:
    lost = house.clock() - 20 * SECOND
    house.append(
        NodeConnected(at=lost - SECOND, node="node1", version="22.10.1"),
        NodeConnected(at=lost - SECOND, node="node2", version="22.10.1"),
        NodeLost(at=lost, node="node1", cause="no answer"),
    )
    assert house.clock() - house.board.known_until() < SECOND  # one is still heard
    house.append(NodeLost(at=lost, node="node2", cause="no answer"))
    async with house.signed_in() as client, Screen().watching(client) as screen:
        first = await screen.take()
        assert first["age_ms"] >= 20_000
        assert (await screen.take())["age_ms"] >= first["age_ms"]
        house.append(NodeConnected(at=house.clock(), node="node2", version="22.10.1"))
        await screen.until(lambda _shown: screen.frames[-1]["age_ms"] < 1_000)


async def test_a_screen_keeps_up_with_forty_calls_a_second(house: House) -> None:
    """It ends at the last call's last fact, without a gap; how soon, `./run bench board` measures."""

    async def feed() -> int:
        last = 0
        for n in range(80):
            story = Story(house.clock())
            story.joins(f"x{n}", 0, "personal-cmn")
            story.answers(f"x{n}", f"{1001 + n % 20}", 0, 0, 0, ring=0, queue="personal-cmn", survey=(5, 1))
            last = house.append(*[each.fact for each in story.told()])
            await asyncio.sleep(0.025)
        return last

    async with house.signed_in() as client, Screen().watching(client) as screen:
        feeding = asyncio.create_task(feed())
        await screen.until(offered(80), within_s=20)
        last = await feeding
        await screen.until(lambda shown: shown["folded"] >= last, within_s=20)
        assert screen.shown["total"]["answered"] == 80
