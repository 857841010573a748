"""A link of three sessions against a peer that misbehaves; real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from core.clock import MILLISECOND, SECOND
from telephony.ami.accounts import Role
from telephony.ami.inbox import Gap
from telephony.ami.link import Connected, Lost, RoleChanged
from telephony.ami.session import State
from telephony.ami.snapshot import NodeSnapshot
from telephony.ami.wire import Message
from tests.integration.telephony.ami.running import WatchedLink, link_to, linked, reading, unread
from tests.integration.telephony.ami.scripted_peer import BANNER, Received, ScriptedPeer, Talk

SOON = 50 * MILLISECOND
ENDS = {
    "QueueStatus": "QueueStatusComplete",
    "Status": "StatusComplete",
    "DeviceStateList": "DeviceStateListComplete",
}


def answer(talk: Talk, action: Received) -> None:
    """What a node without calls says to the questions of a snapshot."""
    match action["Action"]:
        case "CoreSettings":
            talk.reply(action, "Response: Success", "AsteriskVersion: 22.10.1", "SystemName: node1")
        case "CoreStatus":
            talk.reply(action, "Response: Success", "CoreStartupDate: d", "CoreStartupTime: t")
        case name:
            talk.reply(action, "Response: Success", "EventList: start")
            if name == "QueueStatus":
                talk.reply(action, "Event: QueueParams", f"Queue: {action['Queue']}")
            talk.reply(action, f"Event: {ENDS[name]}")


async def serve(talk: Talk) -> None:
    """Answers everything until the other side closes."""
    while True:
        action = await talk.action()
        if action["Action"] == "Logoff":
            talk.reply(action, "Response: Goodbye")
        else:
            answer(talk, action)


def node(
    events: Callable[[Talk, int], Awaitable[None]], *, uptime: Callable[[int], int] = lambda nth: 1_000
) -> tuple[Callable[[Talk], Awaitable[None]], list[Talk]]:
    """A node whose events session runs `events(talk, nth connection)`; the talks of that session."""
    talks: list[Talk] = []

    async def script(talk: Talk) -> None:
        talk.raw(BANNER)
        login = await talk.action()
        talk.reply(login, "Response: Success")
        if login["Username"] == "events":
            talks.append(talk)
            talk.say("Event: FullyBooted", f"Uptime: {uptime(len(talks))}")
            await events(talk, len(talks))
        await serve(talk)

    return script, talks


async def quiet(_talk: Talk, _nth: int) -> None:
    """Nothing happens on this node."""


async def test_each_role_logs_in_with_its_own_account_and_only_one_wants_events():
    script, _ = node(quiet)
    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await watched.until(lambda: len(watched.of(RoleChanged)) == 3)
        logins = {talk.received[0]["Username"]: talk.received[0]["Events"] for talk in peer.talks}
    assert logins == {"events": "call,agent,user,system", "commands": "off", "resync": "off"}


async def test_a_log_in_is_followed_by_a_snapshot():
    script, _ = node(quiet)
    async with ScriptedPeer(script) as peer, linked(link_to(peer.port, queues=["card-cmn"])) as watched:
        await watched.until(lambda: bool(watched.of(NodeSnapshot)))
        (connected,) = watched.of(Connected)
        (snapshot,) = watched.of(NodeSnapshot)
    assert isinstance(connected, Connected)
    assert isinstance(snapshot, NodeSnapshot)
    assert connected.uptime == 1_000 * SECOND
    assert not connected.restarted
    assert list(snapshot.queues) == ["card-cmn"]
    assert watched.items.index(connected) < watched.items.index(snapshot)


async def test_a_loss_is_told_and_after_it_a_gap_and_a_new_snapshot():
    async def die_once(talk: Talk, nth: int) -> None:
        if nth == 1:
            talk.say("Event: Hangup", "Uniqueid: 1")
            await talk.flush()
            talk.close()

    script, _ = node(die_once)
    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await watched.until(lambda: len(watched.of(Connected)) == 2 and bool(watched.of(Gap)))
        await watched.until(lambda: last(watched, NodeSnapshot) > last(watched, Gap))
        kinds = [type(item) for item in watched.of(Message, Lost, Connected, Gap)]
        lost, gap, again = watched.of(Lost)[0], watched.of(Gap)[0], watched.of(Connected)[1]
    assert kinds == [Connected, Message, Lost, Connected, Gap]
    assert isinstance(lost, Lost)
    assert isinstance(gap, Gap)
    assert isinstance(again, Connected)
    assert "not connected" in gap.cause
    assert gap.since <= lost.at <= gap.until
    assert not again.restarted


async def test_no_snapshot_is_taken_before_the_node_tells_its_events_again():
    fully_booted = asyncio.Event()
    talks: dict[str, list[Talk]] = {"events": [], "commands": [], "resync": []}

    async def script(talk: Talk) -> None:
        talk.raw(BANNER)
        login = await talk.action()
        mine = talks[login["Username"]]
        mine.append(talk)
        talk.reply(login, "Response: Success")
        if mine is talks["events"]:
            while len(mine) > 1 and not fully_booted.is_set():
                await talk.ping()
            talk.say("Event: FullyBooted", "Uptime: 1")
        await serve(talk)

    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await watched.until(lambda: bool(watched.of(NodeSnapshot)))
        talks["events"][0].close()
        await watched.until(lambda: bool(watched.of(Lost)))
        watched.link.resync()
        await talks["resync"][0].pinged(2)  # whatever was to be asked has been asked by then
        assert peer.actions().count("DeviceStateList") == 1
        fully_booted.set()
        await watched.until(lambda: len(watched.of(NodeSnapshot)) == 2)
    kinds = [type(item) for item in watched.of(Lost, Connected, NodeSnapshot)]
    assert kinds == [Connected, NodeSnapshot, Lost, Connected, NodeSnapshot]


async def test_a_snapshot_during_which_the_node_was_lost_is_not_shown():
    may_answer = asyncio.Event()
    events: list[Talk] = []

    async def script(talk: Talk) -> None:
        login = await talk.accept()
        if login["Username"] == "events":
            events.append(talk)
            talk.say("Event: FullyBooted", "Uptime: 1")
        while True:
            action = await talk.action()
            if action["Action"] == "Logoff":
                talk.reply(action, "Response: Goodbye")
                continue
            if action["Action"] == "DeviceStateList":
                await may_answer.wait()
            answer(talk, action)

    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await peer.answered("DeviceStateList", 1)
        events[0].close()
        await watched.until(lambda: len(watched.of(Connected)) == 2)
        may_answer.set()
        await watched.until(lambda: bool(watched.of(NodeSnapshot)))
        (snapshot,), again = watched.of(NodeSnapshot), watched.of(Connected)[1]
        assert peer.actions().count("DeviceStateList") == 2
    assert isinstance(snapshot, NodeSnapshot)
    assert isinstance(again, Connected)
    assert snapshot.began >= again.at


async def test_a_reader_that_learns_late_of_a_loss_does_not_cause_another_snapshot():
    script, talks = node(quiet)
    async with ScriptedPeer(script) as peer:
        async with unread(link_to(peer.port)) as watched:
            await peer.answered("DeviceStateList", 1)
            talks[0].close()
            await peer.answered("DeviceStateList", 2)
            await talks[1].pinged(2)
            async with reading(watched):
                await watched.until(lambda: last(watched, NodeSnapshot) > last(watched, Gap) >= 0)
                await talks[1].pinged(3)
        assert peer.actions().count("DeviceStateList") == 2  # one for each log-in


async def test_a_node_that_comes_back_younger_was_restarted():
    async def die_once(talk: Talk, nth: int) -> None:
        if nth == 1:
            talk.close()

    script, _ = node(die_once, uptime=lambda nth: 1_000 if nth == 1 else 0)
    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await watched.until(lambda: len(watched.of(Connected)) == 2)
        assert [item.restarted for item in watched.of(Connected) if isinstance(item, Connected)] == [
            False,
            True,
        ]


async def test_a_reader_that_falls_behind_gets_a_gap_and_a_snapshot_and_the_session_lives():
    script, talks = node(quiet)
    async with ScriptedPeer(script) as peer:
        async with unread(link_to(peer.port, inbox=100)) as watched:
            await peer.answered("DeviceStateList", 1)
            await talks[0].pinged(2)  # the first snapshot is in the inbox by now
            for number in range(1_000):
                talks[0].say("Event: Hangup", f"Number: {number}")
            await talks[0].pinged(2)  # sent after the first of them was answered: all has been read
            async with reading(watched):
                await watched.until(lambda: last(watched, NodeSnapshot) > last(watched, Gap) >= 0)
                talks[0].say("Event: Hangup", "Number: 1000")
                await watched.until(lambda: numbers(watched)[-1] == 1_000)
        got = numbers(watched)
        dropped = sum(gap.dropped for gap in watched.items if isinstance(gap, Gap))
        assert got == sorted(got)
        assert dropped > 800
        assert len(got) + dropped == 1_001
        assert len(watched.of(NodeSnapshot)) == 2
        assert len(talks) == 1


def last(watched: WatchedLink, kind: type) -> int:
    return max((index for index, item in enumerate(watched.items) if isinstance(item, kind)), default=-1)


def numbers(watched: WatchedLink) -> list[int]:
    return [int(item["Number"]) for item in watched.items if isinstance(item, Message)]


async def test_a_snapshot_that_does_not_come_whole_is_taken_again():
    async def script(talk: Talk) -> None:
        login = await talk.accept()
        if login["Username"] == "events":
            talk.say("Event: FullyBooted", "Uptime: 1")
        failed = login["Username"] != "resync"
        while True:
            action = await talk.action()
            if action["Action"] == "Status" and not failed:
                talk.reply(action, "Response: Error", "Message: not now")
                failed = True
            elif action["Action"] == "Logoff":
                talk.reply(action, "Response: Goodbye")
            else:
                answer(talk, action)

    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await watched.until(lambda: bool(watched.of(NodeSnapshot)))
        assert len(watched.of(NodeSnapshot)) == 1
        assert peer.actions().count("Status") == 2


async def test_the_age_of_events_is_measured_against_the_nodes_own_clock():
    ahead = 3_600  # the node's clock is an hour fast; its events are two seconds old on arrival

    async def late(talk: Talk, _nth: int) -> None:
        talk.node_time = f"{time.time() + ahead:.6f}"
        await talk.ping()
        await talk.ping()  # sent after the first answer was taken in
        talk.say("Event: Hangup", f"Timestamp: {time.time() + ahead - 2:.6f}")

    script, _ = node(late)
    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await watched.until(lambda: bool(watched.of(Message)))
        lag = watched.link.session(Role.EVENTS).lag
        assert 1.5 * SECOND < lag.event_age < 3 * SECOND
        assert abs(lag.clock_offset - ahead * SECOND) < SECOND


async def test_one_refused_account_leaves_the_others_working():
    async def script(talk: Talk) -> None:
        talk.raw(BANNER)
        login = await talk.action()
        if login["Username"] == "commands":
            talk.reply(login, "Response: Error", "Message: Authentication failed")
            await talk.flush()
            return
        talk.reply(login, "Response: Success")
        if login["Username"] == "events":
            talk.say("Event: FullyBooted", "Uptime: 1")
        await serve(talk)

    async with ScriptedPeer(script) as peer, linked(link_to(peer.port)) as watched:
        await watched.until(lambda: bool(watched.of(NodeSnapshot)) and len(watched.of(RoleChanged)) == 3)
        states = {item.role: item.state for item in watched.of(RoleChanged) if isinstance(item, RoleChanged)}
    assert states == {Role.EVENTS: State.UP, Role.COMMANDS: State.REFUSED, Role.RESYNC: State.UP}


async def test_the_session_for_snapshots_rests_between_them_and_nobody_takes_that_for_a_loss():
    script, _ = node(quiet)
    async with ScriptedPeer(script) as peer, linked(link_to(peer.port, resync_linger=SOON)) as watched:
        session = watched.link.session(Role.RESYNC)
        for snapshots in (1, 2, 3):
            await watched.until(lambda n=snapshots: len(watched.of(NodeSnapshot)) == n)
            await watched.until(lambda: session.state is State.IDLE)
            watched.link.resync()
        await watched.until(lambda: len(watched.of(NodeSnapshot)) == 4)
        await watched.until(lambda: session.state is State.IDLE)
        assert (await watched.link.snapshot()).queues == {}
    told = [item.state for item in watched.of(RoleChanged) if item.role is Role.RESYNC]
    assert State.DOWN not in told
    assert told[:4] == [State.UP, State.IDLE, State.UP, State.IDLE]
    names = [talk.received[0]["Username"] for talk in peer.talks]
    assert (names.count("events"), names.count("commands")) == (1, 1)


async def test_a_node_that_is_away_when_the_session_is_wanted_again_is_a_loss_until_it_is_back():
    logins = 0

    async def script(talk: Talk) -> None:
        nonlocal logins
        talk.raw(BANNER)
        login = await talk.action()
        if login["Username"] == "resync":
            logins += 1
            if logins in (2, 3):
                talk.close()
                return
        talk.reply(login, "Response: Success")
        if login["Username"] == "events":
            talk.say("Event: FullyBooted", "Uptime: 1000")
        await serve(talk)

    async with ScriptedPeer(script) as peer, linked(link_to(peer.port, resync_linger=SOON)) as watched:
        await watched.until(lambda: watched.link.session(Role.RESYNC).state is State.IDLE)
        watched.link.resync()
        await watched.until(lambda: len(watched.of(NodeSnapshot)) == 2)
    told = [item.state for item in watched.of(RoleChanged) if item.role is Role.RESYNC]
    assert told[:4] == [State.UP, State.IDLE, State.DOWN, State.UP]
