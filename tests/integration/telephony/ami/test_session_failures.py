"""A session against a peer that misbehaves; real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import json

import pytest
import structlog

from core.clock import MILLISECOND, SECOND
from telephony.ami import actions
from telephony.ami.action import Action
from telephony.ami.pending import Outcome
from telephony.ami.session import SessionSettings, State
from telephony.ami.wire import Message
from tests.integration.telephony.ami.running import QUICK, SECRET, Watched, running
from tests.integration.telephony.ami.scripted_peer import BANNER, ScriptedPeer, Talk

PAUSE = actions.queue_pause("d001", paused=True)
LIST = actions.queue_status("card-cmn")


async def forever() -> None:
    await asyncio.Event().wait()


async def polite(talk: Talk) -> None:
    await talk.accept()
    await talk.stay()


async def test_a_frozen_peer_is_noticed_and_what_was_under_way_is_unknown():
    async def freeze(talk: Talk) -> None:
        await talk.accept()
        if talk.number > 1:
            await talk.stay()
        while (await talk.action())["Action"] != "QueuePause":
            pass
        await forever()

    async with ScriptedPeer(freeze) as peer, running(peer.port) as watched:
        await watched.up()
        reply = await asyncio.wait_for(watched.session.send(PAUSE), 3)
        assert reply.outcome is Outcome.UNKNOWN
        assert "silent for 0.4 s" in reply.why
        assert "silent" in await watched.becomes(State.DOWN)
        await watched.up(times=2)


async def test_nothing_is_sent_again_after_a_reconnect():
    async def drop_first(talk: Talk) -> None:
        await talk.accept()
        if talk.number == 1:
            await talk.action()
            talk.close()
            return
        await talk.stay()

    async with ScriptedPeer(drop_first) as peer, running(peer.port) as watched:
        await watched.up()
        announce = actions.announce("PJSIP/trunk-00000001", 1, 1, "announce-1")
        assert (await watched.session.send(announce)).outcome is Outcome.UNKNOWN
        await watched.up(times=2)
        assert (await watched.session.send(PAUSE)).done
        assert peer.actions() == ["Login", "Originate", "Login", "QueuePause"]


async def test_a_list_cut_off_in_the_middle_is_unknown_with_the_rows_that_came():
    async def cut(talk: Talk) -> None:
        await talk.accept()
        if talk.number > 1:
            await talk.stay()
        action = await talk.action()
        talk.reply(action, "Response: Success", "EventList: start")
        talk.reply(action, "Event: QueueParams")
        talk.reply(action, "Event: QueueMember")
        await talk.flush()

    async with ScriptedPeer(cut) as peer, running(peer.port) as watched:
        await watched.up()
        reply = await watched.session.send(LIST)
        assert reply.outcome is Outcome.UNKNOWN
        assert [row.name for row in reply.rows] == ["QueueParams", "QueueMember"]


async def test_a_late_reply_is_dropped_and_answers_nobody_else():
    async def late(talk: Talk) -> None:
        await talk.accept()
        first = await talk.action()
        second = await talk.action()
        talk.reply(first, "Response: Error", "Message: too late")
        talk.reply(second, "Response: Success", "Message: in time")
        await talk.stay()

    async with ScriptedPeer(late) as peer, running(peer.port) as watched:
        await watched.up()
        reply = await watched.session.send(Action("QueuePause", deadline=50 * MILLISECOND))
        assert reply.outcome is Outcome.TIMED_OUT
        assert "no reply within 0.05 s" in reply.why
        reply = await watched.session.send(PAUSE)
        assert reply.done
        assert reply.message is not None
        assert reply.message["Message"] == "in time"
        assert watched.session.late_replies == 1


async def test_a_deadline_holds_though_a_later_one_was_set_before():
    async with ScriptedPeer(mute) as peer, running(peer.port) as watched:
        await watched.up()
        slow = asyncio.create_task(watched.session.send(Action("QueuePause", deadline=30 * SECOND)))
        await asyncio.sleep(0)
        quick = await watched.session.send(Action("QueuePause", deadline=30 * MILLISECOND))
        assert quick.outcome is Outcome.TIMED_OUT
        assert not slow.done()
        await watched.session.stop()
        assert (await slow).outcome is Outcome.UNKNOWN


async def mute(talk: Talk) -> None:
    """Answers pings only."""
    await talk.accept()
    while True:
        await talk.action()


async def test_a_character_split_between_two_segments_arrives_whole():
    event = "Event: QueueMemberAdded\r\nMemberName: 张三丰\r\n\r\n".encode()
    cut = event.index("三".encode()) + 2

    async def split(talk: Talk) -> None:
        await talk.accept()
        talk.raw(event[:cut])
        await talk.flush()
        talk.raw(event[cut:])
        await talk.stay()

    async with ScriptedPeer(split) as peer, running(peer.port) as watched:
        await watched.until(lambda: bool(watched.messages))
        assert watched.messages[0]["MemberName"] == "张三丰"


async def refuse_once(talk: Talk) -> None:
    if talk.number > 1:
        await talk.accept()
        await talk.stay()
    talk.raw(BANNER)
    talk.reply(await talk.action(), "Response: Error", "Message: Authentication failed")
    await talk.flush()


async def test_wrong_credentials_are_not_tried_again_until_somebody_says_so():
    async with ScriptedPeer(refuse_once) as peer, running(peer.port) as watched:
        cause = await watched.becomes(State.REFUSED)
        assert "does not accept 'u' (Authentication failed)" in cause
        await asyncio.sleep(0.3)  # fifteen first back-offs: an attempt would show
        assert len(peer.talks) == 1
        assert (await watched.session.send(PAUSE)).outcome is Outcome.REFUSED
        watched.session.try_again()
        await watched.up()
        assert len(peer.talks) == 2


async def test_a_node_that_is_shutting_down_refuses_everybody_and_is_tried_again():
    async def going(talk: Talk) -> None:
        if talk.number > 1:
            await talk.accept()
            await talk.stay()
        talk.raw(BANNER)
        talk.reply(await talk.action(), "Response: Error", "Message: Asterisk is shutting down")
        await talk.flush()

    async with ScriptedPeer(going) as peer, running(peer.port) as watched:
        await watched.up()
        assert len(peer.talks) == 2
        assert State.REFUSED not in [state for state, _ in watched.states]


async def test_a_refusal_counts_even_if_the_connection_ends_with_it():
    async def refuse_and_close(talk: Talk) -> None:
        talk.raw(BANNER)
        talk.reply(await talk.action(), "Response: Error", "Message: Authentication failed")

    async with ScriptedPeer(refuse_and_close) as peer, running(peer.port) as watched:
        await watched.becomes(State.REFUSED)
        assert len(peer.talks) == 1


async def test_stopped_while_connecting_it_does_not_stay():
    async with ScriptedPeer(polite) as peer:
        watched = Watched(peer.port)
        run = asyncio.create_task(watched.session.run())
        await asyncio.sleep(0)
        await watched.session.stop()
        await asyncio.wait_for(run, 2)
        assert watched.states == [(State.STOPPED, "")]


async def test_the_secret_is_in_no_log_line_and_no_state(caplog):
    with structlog.testing.capture_logs() as lines:
        async with ScriptedPeer(refuse_once) as peer, running(peer.port) as watched:
            await watched.becomes(State.REFUSED)
            assert peer.talks[0].received[0]["Secret"] == SECRET
    assert lines
    assert SECRET not in json.dumps(lines, default=repr) + caplog.text + repr(watched.states)


async def test_a_flood_is_read_as_fast_as_it_comes_and_the_session_lives():
    many = 30_000
    event = b"Event: Newexten\r\n" + b"Header: value of some length\r\n" * 18 + b"\r\n"

    async def flood(talk: Talk) -> None:
        await talk.accept()
        for _ in range(many // 100):
            talk.raw(event * 100)
        await talk.stay()

    # Half a second of silence cannot be told from half a second in which this process was not run.
    patient = SessionSettings(ping_every=50 * MILLISECOND, silence=5 * SECOND)
    async with ScriptedPeer(flood) as peer, running(peer.port, settings=patient) as watched:
        await watched.until(lambda: len(watched.messages) == many, seconds=20)
        assert (await watched.session.send(PAUSE)).done
        assert [state for state, _ in watched.states] == [State.UP]


async def test_a_handler_that_fails_costs_neither_the_connection_nor_the_next_message():
    seen: list[str] = []

    def handler(message: Message) -> None:
        seen.append(message.name)
        if message.name == "Bad":
            raise ValueError("the handler does not like this one")

    async def three(talk: Talk) -> None:
        await talk.accept()
        talk.raw(b"Event: Good\r\n\r\nEvent: Bad\r\n\r\nEvent: Ugly\r\n\r\n")
        await talk.stay()

    with structlog.testing.capture_logs() as lines:
        async with ScriptedPeer(three) as peer, running(peer.port, on_message=handler) as watched:
            await watched.up()
            assert (await watched.session.send(PAUSE)).done
            assert seen == ["Good", "Bad", "Ugly"]
            assert watched.session.handler_errors == 1
            assert len(peer.talks) == 1
    assert [line["message"] for line in lines if line["event"] == "ami.handler_failed"] == ["Bad"]


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [(b"SSH-2.0-OpenSSH_9.2\r\n", "check host and port"), (b"", "the node closed the connection")],
)
async def test_something_else_on_the_port_is_said_and_left_in_growing_steps(greeting, cause):
    async def other(talk: Talk) -> None:
        talk.raw(greeting)
        await talk.flush()

    with structlog.testing.capture_logs() as lines:
        async with ScriptedPeer(other) as peer, running(peer.port) as watched:
            await peer.connections(4)
            assert cause in await watched.becomes(State.DOWN)
    waits = [line["after_ms"] for line in lines if line["event"] == "ami.again"]
    assert waits[:3] == [10, 20, 40]


@pytest.mark.parametrize(("stable_after", "expected"), [(60 * SECOND, [10, 20, 40]), (0, [10, 10, 10])])
async def test_a_connection_that_held_lets_the_steps_begin_anew(stable_after, expected):
    async def drop_after_two_pings(talk: Talk) -> None:
        await talk.accept()
        await talk.ping()
        await talk.ping()
        await talk.flush()

    settings = dataclasses.replace(QUICK, stable_after=stable_after, ping_every=MILLISECOND)
    with structlog.testing.capture_logs() as lines:
        async with ScriptedPeer(drop_after_two_pings) as peer, running(peer.port, settings=settings):
            await peer.connections(4)
    assert [line["after_ms"] for line in lines if line["event"] == "ami.again"][:3] == expected


async def test_a_port_on_which_nobody_listens():
    async with ScriptedPeer(polite) as peer:
        port = peer.port
    async with running(port) as watched:
        assert f"127.0.0.1:{port} cannot be reached" in await watched.becomes(State.DOWN)
        reply = await watched.session.send(PAUSE)
        assert reply.outcome is Outcome.REFUSED
        assert "not sent" in reply.why


async def test_stopping_logs_off_and_ends_the_run():
    async with ScriptedPeer(polite) as peer:
        async with running(peer.port) as watched:
            await watched.up()
        assert peer.actions() == ["Login", "Logoff"]
    assert watched.states == [(State.UP, ""), (State.STOPPED, "")]


async def test_cancelling_the_run_leaves_nobody_waiting():
    async with ScriptedPeer(mute) as peer:
        watched = Watched(peer.port)
        run = asyncio.create_task(watched.session.run())
        await watched.up()
        sending = asyncio.create_task(watched.session.send(PAUSE))
        await asyncio.sleep(0)
        run.cancel()
        assert (await asyncio.wait_for(sending, 1)).outcome is Outcome.UNKNOWN
        with pytest.raises(asyncio.CancelledError):
            await run
        assert watched.states[-1][0] is State.STOPPED


async def test_who_asked_may_go_away():
    async with ScriptedPeer(polite) as peer, running(peer.port) as watched:
        await watched.up()
        sending = asyncio.create_task(watched.session.send(PAUSE))
        await asyncio.sleep(0)
        sending.cancel()
        assert (await watched.session.send(PAUSE)).done
        assert peer.actions() == ["Login", "QueuePause", "QueuePause"]
        assert watched.session.late_replies == 0


async def test_a_peer_that_does_not_read_is_not_written_to_without_end():
    async def deaf(talk: Talk) -> None:
        await talk.accept()
        while True:
            talk.say("Event: Alive")
            await asyncio.sleep(0.05)

    big = Action("UserEvent", tuple(("Header", "x" * 1_000) for _ in range(100)), deadline=30 * SECOND)
    async with ScriptedPeer(deaf) as peer, running(peer.port, settings=QUICK) as watched:
        await watched.up()
        sent = [asyncio.create_task(watched.session.send(big)) for _ in range(200)]
        done, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED, timeout=3)
        assert {task.result().outcome for task in done} == {Outcome.REFUSED}
        assert all("does not read" in task.result().why for task in done)
        await watched.session.stop()
        assert {reply.outcome for reply in await asyncio.gather(*sent)} == {Outcome.REFUSED, Outcome.UNKNOWN}
