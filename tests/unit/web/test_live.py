"""Pure but for the event loop: numbering, resuming and dropping in the hub."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import MILLISECOND, SECOND
from core.errors import NotFound
from web.errors import Forbidden, RouteMistake
from web.live import LiveHub, Reader, Topic, Wish
from web.route import Principal
from web.scope import Scope

T = 1_700_000_000 * SECOND
LEADER = Principal(staff="8001", name="值班长", rights={"board.read": Scope.ALL})
AGENT = Principal(staff="1001", name="客服")
AGENT_LEADER = Principal(staff="1002", name="客服", rights={"board.read": Scope.ALL})


class Counter:
    """A picture of one number: snapshot and changes tell the same."""

    def __init__(self, *, ring: int = 5, outbox: int = 10) -> None:
        self.now = T
        self.value = 0
        self.hub = LiveHub(clock=lambda: self.now, ring=ring, outbox=outbox)
        self.hub.declare(Topic(name="board", right="board.read", snapshot=self._snapshot))
        self.hub.declare(
            Topic(
                name="agent",
                right="",
                snapshot=lambda key: {"of": key},
                allowed=lambda p, key: p.staff == key,
            )
        )

    def _snapshot(self, _key: str) -> Mapping[str, Any]:
        return {"value": self.value}

    def step(self) -> int:
        self.value += 1
        return self.hub.publish("board", {"value": self.value})

    def open(self, after: int | None = None, topic: str = "board", person: Principal = LEADER) -> Reader:
        return self.hub.open(person, "session", [Wish(topic, after)])


async def frames(reader: Reader) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        return [json.loads(frame) for frame in await reader.take()]


async def test_a_snapshot_then_numbered_changes() -> None:
    counter = Counter()
    counter.step()
    reader = counter.open()
    counter.step()
    counter.step()
    first, *changes = await frames(reader)
    assert (first["kind"], first["data"]) == ("snapshot", {"value": 1})
    assert [change["seq"] - first["seq"] for change in changes] == [1, 2]
    assert [change["data"]["value"] for change in changes] == [2, 3]


async def test_every_message_tells_the_age_of_its_data() -> None:
    counter = Counter()
    reader = counter.open()
    counter.hub.publish("board", {}, at=T - 250 * MILLISECOND)
    counter.now += SECOND
    counter.hub.beat()
    snapshot, change, beat = await frames(reader)
    assert (snapshot["age_ms"], change["age_ms"], beat["age_ms"]) == (0, 250, 0)
    assert change["at"] == "2023-11-14T22:13:19.750000Z"
    assert beat["seq"] == change["seq"]
    assert "data" not in beat


async def test_a_topic_that_knows_how_fresh_it_is_says_so() -> None:
    counter = Counter()
    counter.hub.declare(Topic(name="old", right="", snapshot=lambda _: {}, fresh=lambda: T - 3 * SECOND))
    reader = counter.open(topic="old")
    assert [frame["age_ms"] for frame in await frames(reader)] == [3000]


async def test_resuming_gives_exactly_what_was_missed() -> None:
    counter = Counter()
    seen = counter.step()
    counter.step()
    counter.now += 2 * SECOND
    counter.step()
    missed = await frames(counter.open(after=seen))
    assert [(m["kind"], m["seq"], m["data"]["value"]) for m in missed] == [
        ("change", seen + 1, 2),
        ("change", seen + 2, 3),
    ]
    assert [m["age_ms"] for m in missed] == [2000, 0], "what is told late says how old it is"


async def test_resuming_with_nothing_missed_gives_a_beat() -> None:
    counter = Counter()
    seen = counter.step()
    assert [(m["kind"], m["seq"]) for m in await frames(counter.open(after=seen))] == [("beat", seen)]


@pytest.mark.parametrize("shift", [-SECOND, SECOND, 3600 * SECOND])
async def test_a_number_of_another_run_is_never_taken_for_one_of_this(shift: int) -> None:
    before = Counter()
    seen = [before.step() for _ in range(5)][-1]
    now = Counter()
    now.hub = LiveHub(clock=lambda: T + shift, ring=5, outbox=10)
    now.hub.declare(Topic(name="board", right="", snapshot=lambda _: {}))
    assert [m["kind"] for m in await frames(now.open(after=seen))] == ["snapshot"]


@given(st.integers(min_value=0, max_value=12), st.integers(min_value=0, max_value=12), st.integers(1, 6))
def test_whatever_was_missed_the_picture_is_whole(before: int, missed: int, ring: int) -> None:
    async def scenario() -> None:
        counter = Counter(ring=ring, outbox=50)
        seen = counter.hub.last("board")
        for _ in range(before):
            seen = counter.step()
        for _ in range(missed):
            counter.step()
        reader = counter.open(after=seen)
        counter.step()
        told = await frames(reader)
        value, last = before, seen
        for message in told:
            if message["kind"] == "change":
                assert message["seq"] == last + 1, "a gap"
            if "data" in message:
                value = message["data"]["value"]
            last = message["seq"]
        assert (value, last) == (counter.value, counter.hub.last("board"))
        assert (told[0]["kind"] == "snapshot") == (missed > ring)

    asyncio.run(scenario())


async def test_a_reset_gives_a_snapshot_and_ends_resuming_from_before() -> None:
    counter = Counter()
    seen = counter.step()
    reader = counter.open()
    counter.value = 100
    counter.hub.reset("board")
    counter.step()
    assert [(m["kind"], m["data"]["value"]) for m in await frames(reader)] == [
        ("snapshot", 1),
        ("snapshot", 100),
        ("change", 101),
    ]
    assert [m["kind"] for m in await frames(counter.open(after=seen))] == ["snapshot"]


async def test_a_slow_reader_is_ended_and_the_other_hears_everything() -> None:
    counter = Counter(ring=5, outbox=10)
    slow, quick = counter.open(), counter.open()
    heard = []
    for _ in range(30):
        counter.step()
        heard += await frames(quick)
    assert (slow.ended, quick.ended) == ("slow", "")
    assert await slow.take() == []
    assert [m["data"]["value"] for m in heard if m["kind"] == "change"] == list(range(1, 31))


async def test_what_was_missed_does_not_count_as_being_slow() -> None:
    counter = Counter(ring=100, outbox=3)
    seen = counter.hub.last("board")
    for _ in range(50):
        counter.step()
    reader = counter.open(after=seen)
    counter.step()
    assert len(await frames(reader)) == 51


async def test_a_closed_reader_hears_nothing_and_is_forgotten() -> None:
    counter = Counter()
    reader = counter.open()
    assert counter.hub.watched("board")
    counter.hub.close(reader)
    assert not counter.hub.watched("board")
    counter.step()
    assert len(await frames(reader)) == 1


async def test_shutting_down_ends_all_and_admits_none() -> None:
    counter = Counter()
    reader = counter.open()
    counter.hub.shut_down()
    assert reader.ended == "shutdown"
    assert counter.open().ended == "shutdown"


@pytest.mark.rule("SEC-11")
async def test_rights_and_persons_are_checked_before_anything_is_told() -> None:
    counter = Counter()
    with pytest.raises(Forbidden, match=r"board\.read"):
        counter.open(person=AGENT)
    with pytest.raises(Forbidden, match="agent:1002"):
        counter.open(topic="agent:1002", person=AGENT)
    counter.hub.publish("agent:1002", {"secret": 1})
    counter.hub.publish("agent:1001", {"mine": 1})
    reader = counter.open(topic="agent:1001", person=AGENT)
    counter.hub.publish("agent:1002", {"secret": 2})
    counter.hub.publish("agent:1001", {"mine": 2})
    assert [m["data"] for m in await frames(reader)] == [{"of": "1001"}, {"mine": 2}]


@pytest.mark.parametrize(
    "topic", ["", "nothing", "agent", "agent:", "board:1", 'agent:1001"', "agent:a:b", "agent:甲"]
)
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    counter = Counter()
    with pytest.raises(NotFound):
        counter.hub.check(AGENT, topic)
    with pytest.raises(NotFound):
        counter.hub.publish(topic, {})


def test_a_topic_is_declared_once() -> None:
    with pytest.raises(RouteMistake, match="board"):
        Counter().hub.declare(Topic(name="board", right="", snapshot=lambda _: {}))


async def test_a_message_is_encoded_once_however_many_watch() -> None:
    counter = Counter()
    readers = [counter.open() for _ in range(20)]
    counter.step()
    told = [(await reader.take())[1] for reader in readers]
    assert all(frame is told[0] for frame in told)


async def test_when_people_change_only_those_who_may_not_watch_any_more_are_ended() -> None:
    counter = Counter()
    other = Principal(staff="8002", name="值班长", rights=LEADER.rights)
    gone, without, stays = (counter.open(person=person) for person in (LEADER, AGENT_LEADER, other))
    own = counter.open(topic="agent:1001", person=AGENT)
    people = {"1002": Principal(staff="1002", name="客服", rights=frozenset()), "8002": other, "1001": AGENT}
    counter.hub.people_changed(people.get)
    assert [reader.ended for reader in (gone, without, stays, own)] == ["session", "rights", "", ""]
    counter.step()
    assert [frame["kind"] for frame in await frames(stays)] == ["snapshot", "change"]
