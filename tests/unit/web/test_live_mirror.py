"""Pure but for the event loop: a mirror is told what a hub tells, with every kind of thing going astray."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import MILLISECOND, SECOND
from web.errors import Forbidden
from web.live import WANTED_FOR, LiveHub, Reader, Topic, Wish
from web.live_mirror import SILENCE, LiveMirror, mirrored
from web.live_topics import Message
from web.route import Principal
from web.scope import Scope

T = 1_700_000_000 * SECOND
LEADER = Principal(staff="8001", name="值班长", rights={"board.read": Scope.ALL})
AGENT = Principal(staff="1001", name="客服")


class Pair:
    """A hub with one number as its picture, a mirror of it, and a line between them that a test cuts."""

    def __init__(self, *, ring: int = 5) -> None:
        self.now = T
        self.value = 0
        self.cut = False
        self.mirror = LiveMirror(clock=lambda: self.now, ring=ring)
        self.mirror.declare(mirrored("board", "board.read"))
        self.mirror.declare(mirrored("agent", "", lambda person, key: person.staff == key))
        self.ring = ring
        self.lead()
        self.mirror.connected()

    def lead(self) -> None:
        """A (new) leader."""
        self.hub = LiveHub(clock=lambda: self.now, ring=self.ring)
        self.hub.declare(Topic(name="board", right="board.read", snapshot=self._snapshot))
        self.hub.tap(self.tell)

    def _snapshot(self, _key: str) -> Mapping[str, Any]:
        return {"value": self.value}

    def tell(self, topic: str, message: Message) -> None:
        if not self.cut:
            self.mirror.take(self.hub.epoch, [(topic, message)])

    def step(self) -> int:
        self.value += 1
        return self.hub.publish("board", {"value": self.value})

    def answer(self) -> None:
        """The mirror asks, the hub answers, as `web.relay` carries it."""
        topics, snapshots = self.mirror.wanted()
        for topic in topics:
            self.hub.want(topic)
        for topic, beat in self.hub.beats():
            self.tell(topic, beat)
        for topic in snapshots or self.mirror.wanted()[1]:
            self.tell(topic, self.hub.snapshot(topic))

    def open(self, after: int | None = None, topic: str = "board", person: Principal = LEADER) -> Reader:
        return self.mirror.open(person, "session", [Wish(topic, after)])


async def frames(reader: Reader) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        return [json.loads(frame) for frame in await reader.take()]


async def test_a_snapshot_that_was_asked_for_then_the_same_numbered_changes() -> None:
    pair = Pair()
    pair.step()
    reader = pair.open()
    pair.step()  # before the answer: it is in the snapshot
    pair.answer()
    last = pair.step()
    first, change = await frames(reader)
    assert (first["kind"], first["data"], first["seq"]) == ("snapshot", {"value": 2}, last - 1)
    assert (change["kind"], change["data"], change["seq"]) == ("change", {"value": 3}, last)


async def test_whoever_waits_for_a_snapshot_hears_no_beat_before_it() -> None:
    pair = Pair()
    reader = pair.open()
    pair.mirror.beat()
    pair.answer()
    pair.mirror.beat()
    assert [message["kind"] for message in await frames(reader)] == ["snapshot", "beat"]


async def test_one_snapshot_serves_all_who_wait_and_nobody_else() -> None:
    pair = Pair()
    early = pair.open()
    pair.answer()
    late = [pair.open() for _ in range(3)]
    pair.answer()
    assert pair.mirror.wanted() == (["board"], [])
    assert [[m["kind"] for m in await frames(one)] for one in (early, *late)] == [["snapshot"]] * 4


async def test_resuming_needs_nobody_to_be_asked() -> None:
    pair = Pair()
    watching = pair.open()
    pair.answer()
    seen = pair.step()
    pair.step()
    pair.mirror.lost()
    missed = await frames(pair.open(after=seen))
    assert [(m["kind"], m["data"]["value"]) for m in missed] == [("change", 2)]
    pair.mirror.close(watching)


async def test_a_number_that_came_from_elsewhere_is_good_here() -> None:
    """A screen that was on another process: what it has seen is asked for by the same numbers."""
    pair = Pair()
    other = pair.open()
    pair.answer()
    seen = pair.step()
    again = pair.open(after=seen)
    pair.step()
    assert [m["kind"] for m in await frames(again)] == ["beat", "change"]
    pair.mirror.close(other)


async def test_a_change_that_went_astray_is_mended_by_a_snapshot_for_all() -> None:
    pair = Pair()
    reader = pair.open()
    pair.answer()
    pair.cut = True
    pair.step()
    pair.cut = False
    pair.step()  # does not fit: it is not told
    assert pair.mirror.wanted() == (["board"], ["board"])
    pair.answer()
    pair.step()
    told = await frames(reader)
    assert [(m["kind"], m["data"]["value"]) for m in told] == [
        ("snapshot", 0),
        ("snapshot", 2),
        ("change", 3),
    ]


async def test_the_last_change_before_a_silence_shows_by_the_number_of_a_beat() -> None:
    pair = Pair()
    reader = pair.open()
    pair.answer()
    pair.cut = True
    pair.step()
    pair.cut = False
    pair.answer()
    assert [m["data"]["value"] for m in await frames(reader)] == [0, 1]


async def test_a_line_that_comes_back_with_nothing_missed_costs_no_snapshot() -> None:
    pair = Pair()
    reader = pair.open()
    pair.answer()
    pair.mirror.lost()
    pair.mirror.connected()
    pair.answer()
    pair.step()
    assert [m["kind"] for m in await frames(reader)] == ["snapshot", "change"]


async def test_while_nothing_comes_the_data_grow_old_and_say_so() -> None:
    pair = Pair()
    reader = pair.open()
    pair.answer()
    pair.mirror.lost()
    pair.now += 7 * SECOND
    pair.mirror.beat()
    snapshot, beat = await frames(reader)
    assert (snapshot["age_ms"], beat["age_ms"], beat["seq"]) == (0, 7_000, snapshot["seq"])


async def test_with_nothing_to_show_and_nobody_to_ask_one_is_sent_away() -> None:
    pair = Pair()
    pair.mirror.lost()
    assert pair.open().ended == "away"
    pair.mirror.connected()
    assert pair.open().ended == ""
    pair.now += SILENCE + MILLISECOND  # a line, and no leader at its other end
    assert pair.open().ended == "away"


async def test_a_leader_of_before_is_not_listened_to() -> None:
    pair = Pair()
    reader = pair.open()
    pair.answer()
    old = pair.hub
    pair.now += SECOND
    pair.value = 50
    pair.lead()
    pair.step()
    pair.answer()
    last = old.publish("board", {"value": -1})
    pair.mirror.take(old.epoch, [("board", Message("change", last, pair.now, b'{"value":-1}'))])
    assert [m["data"]["value"] for m in await frames(reader)] == [0, 51]


async def test_rights_are_checked_here() -> None:
    pair = Pair()
    with pytest.raises(Forbidden, match=r"board\.read"):
        pair.open(person=AGENT)
    with pytest.raises(Forbidden, match="agent:1002"):
        pair.open(topic="agent:1002", person=AGENT)


async def test_a_topic_is_watched_for_as_long_as_another_process_says_so() -> None:
    pair = Pair()
    pair.open()
    assert not pair.hub.watched("board")
    pair.answer()
    assert pair.hub.watched("board")
    pair.now += WANTED_FOR
    assert not pair.hub.watched("board")
    assert pair.hub.beats() == []


@given(st.lists(st.sampled_from(["step", "cut", "mend", "answer", "reset", "leave", "lead"]), max_size=40))
def test_whatever_goes_astray_the_picture_is_whole_in_the_end(events: list[str]) -> None:
    async def scenario() -> None:
        pair = Pair(ring=3)
        shown: int | None = None
        last = 0
        reader = pair.open()

        async def read() -> None:
            nonlocal shown, last
            for message in await frames(reader):
                if message["kind"] == "change":
                    assert message["seq"] == last + 1, "a gap"
                if "data" in message:
                    shown = message["data"]["value"]
                last = message["seq"]

        for event in [*events, "mend", "answer"]:
            pair.now += 50 * MILLISECOND
            match event:
                case "step":
                    pair.step()
                case "cut" | "mend":
                    pair.cut = event == "cut"
                case "answer":
                    pair.answer()
                    if not pair.cut:
                        pair.mirror.beat()
                        await read()
                case "reset":
                    pair.hub.reset("board")
                case "lead":
                    pair.lead()
                case _:
                    pair.mirror.close(reader)
                    reader = pair.open(after=last or None)
        assert (shown, last) == (pair.value, pair.hub.last("board"))

    asyncio.run(scenario())
