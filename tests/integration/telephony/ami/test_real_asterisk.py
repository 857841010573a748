"""The manager interface of a real Asterisk 22."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import pytest

from core.clock import SECOND
from telephony.ami import actions
from telephony.ami.accounts import EVENT_INCLUDE, Account, Role
from telephony.ami.action import Action
from telephony.ami.inbox import Gap
from telephony.ami.link import Connected, Lost, NodeLink
from telephony.ami.pending import Outcome
from telephony.ami.session import SessionSettings, State
from telephony.ami.snapshot import NodeSnapshot
from telephony.ami.wire import Message
from tests.integration.telephony.ami.conftest import RealNode
from tests.integration.telephony.ami.real_node import SECRETS
from tests.integration.telephony.ami.running import WatchedLink, link_to, linked, running

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]

QUEUES = ("card-cmn", "card-en")
PATIENT = SessionSettings(backoff_first=100_000, backoff_most=SECOND)


def link_of(node: RealNode, **secrets: str) -> NodeLink:
    mine = {**SECRETS, **{Role(name): secret for name, secret in secrets.items()}}
    return link_to(node.ami_port, queues=QUEUES, secrets=mine, session=PATIENT)


@contextlib.asynccontextmanager
async def connected(node: RealNode) -> AsyncIterator[WatchedLink]:
    """A link with all sessions up and its first snapshot taken; channels are hung up at the end."""
    async with linked(link_of(node)) as watched:
        await watched.until(
            lambda: (
                bool(watched.of(NodeSnapshot))
                and all(watched.link.session(role).state is State.UP for role in Role)
            )
        )
        yield watched
        if watched.link.session(Role.RESYNC).state is State.UP:
            for channel in (await watched.link.snapshot()).channels:
                await watched.link.send(actions.hangup(channel.channel))


async def call(watched: WatchedLink, exten: str = "call") -> str:
    """A call inside the node (both halves of a Local channel answer); the name of its dialplan half."""
    name = f"c{uuid.uuid4().hex[:12]}"
    originate = (
        ("Channel", f"Local/{exten}@test/n"),
        ("Context", "test"),
        ("Exten", "other"),
        ("Priority", "1"),
        ("Async", "true"),
        ("ChannelId", f"{name}-1"),
        ("OtherChannelId", f"{name}-2"),
    )
    assert (await watched.link.send(Action("Originate", originate))).done
    event = {"call": "CallArrived", "recorded": "Recording"}[exten]
    arrived = await user_event(watched, event, Uniqueid=f"{name}-2")
    return arrived["Channel"]


async def user_event(watched: WatchedLink, name: str, **headers: str) -> Message:
    """The first user event of that name and with these headers, as soon as it has come."""

    def found() -> list[Message]:
        return [
            item
            for item in watched.items
            if isinstance(item, Message)
            and item.get("UserEvent") == name
            and all(item.get(header) == value for header, value in headers.items())
        ]

    await watched.until(lambda: bool(found()))
    return found()[0]


async def test_the_node_is_connected_fully_booted_and_seen_whole(node: RealNode):
    async with connected(node) as watched:
        (came,) = watched.of(Connected)
        (snapshot,) = watched.of(NodeSnapshot)
    assert isinstance(came, Connected)
    assert isinstance(snapshot, NodeSnapshot)
    assert not came.restarted
    assert snapshot.version.startswith("22.")
    assert snapshot.system_name == "node1"
    assert set(snapshot.queues) == set(QUEUES)
    assert dict(snapshot.devices) == {"d001": "NOT_INUSE", "d002": "UNAVAILABLE"}


async def test_a_member_comes_is_paused_weighed_and_goes(node: RealNode):
    async with connected(node) as watched:
        send, snapshot = watched.link.send, watched.link.snapshot
        add = actions.queue_add("card-cmn", "d001", "1001", 10, paused=True, reason="login")
        assert (await asyncio.wait_for(send(add), 30)).done
        again = await send(add)
        assert again.outcome is Outcome.REFUSED
        assert "Already there" in again.why
        (member,) = (await snapshot()).queues["card-cmn"].members
        assert (member.agent, member.interface) == ("1001", "PJSIP/d001")
        assert (member.paused, member.penalty) == (True, 10)
        assert (await send(actions.queue_pause("d001", paused=True, reason="meal"))).done
        assert (await snapshot()).queues["card-cmn"].members[0].reason == "meal"
        assert (await send(actions.queue_pause("d001", paused=False))).done
        assert (await send(actions.queue_penalty("card-cmn", "d001", 0))).done
        (member,) = (await snapshot()).queues["card-cmn"].members
        assert (member.paused, member.penalty) == (False, 0)
        assert (await send(actions.queue_remove("card-cmn", "d001"))).done
        gone = await send(actions.queue_remove("card-cmn", "d001"))
        assert "Not there" in gone.why
        assert (await snapshot()).queues["card-cmn"].members == ()


async def test_names_in_chinese_go_there_and_back(node: RealNode):
    name = "张三丰（工号1001）"
    headers = (("Queue", "card-cmn"), ("Interface", "PJSIP/d001"), ("MemberName", name))
    async with connected(node) as watched:
        assert (await watched.link.send(Action("QueueAdd", headers))).done
        assert (await watched.link.snapshot()).queues["card-cmn"].members[0].agent == name
        assert (await watched.link.send(actions.queue_remove("card-cmn", "d001"))).done


@pytest.mark.parametrize(
    "action",
    [
        actions.queue_status("card-cmn"),
        actions.queue_summary("card-cmn"),
        actions.core_show_channels(),
        actions.channel_status(),
        actions.device_states(),
    ],
    ids=lambda action: action.name,
)
async def test_every_list_ends(node: RealNode, action: Action):
    async with connected(node) as watched:
        reply = await watched.link.session(Role.RESYNC).send(action)
        assert reply.done
        assert reply.rows[-1].name == action.replies.end


ORIGINATE_SYSTEM = Action(
    "Originate", (("Channel", "Local/other@test"), ("Application", "System"), ("Data", "id"))
)
FORBIDDEN = [
    (Role.EVENTS, actions.set_global("ONDUTY_card_cmn", 1)),
    (Role.EVENTS, actions.queue_add("card-cmn", "d001", "1001", 0, paused=True)),
    (Role.EVENTS, actions.core_show_channels()),
    (Role.COMMANDS, actions.core_show_channels()),
    (Role.COMMANDS, ORIGINATE_SYSTEM),
    (Role.RESYNC, actions.queue_add("card-cmn", "d001", "1001", 0, paused=True)),
    (Role.RESYNC, actions.set_global("ONDUTY_card_cmn", 1)),
    (Role.RESYNC, actions.to_survey("PJSIP/d001-00000000")),
    *(
        (role, Action(name, headers))
        for role in Role
        for name, headers in (
            ("Command", (("Command", "core show version"),)),
            ("DBPut", (("Family", "a"), ("Key", "b"), ("Val", "c"))),
            ("GetConfig", (("Filename", "manager.conf"),)),
            ("Filter", (("Operation", "Add"), ("Filter", "!Event: Hangup"))),
            ("Reload", ()),
        )
    ),
]


@pytest.mark.parametrize(("role", "action"), FORBIDDEN, ids=lambda value: getattr(value, "name", value))
async def test_no_account_may_more_than_it_needs(node: RealNode, role: Role, action: Action):
    async with connected(node) as watched:
        reply = await watched.link.session(role).send(action)
        assert reply.outcome is Outcome.REFUSED
        assert reply.message is not None
        assert any(word in reply.message["Message"] for word in ("Permission denied", "Forbidden"))


async def test_a_refused_list_ends_at_once(node: RealNode):
    async with connected(node) as watched:
        session = watched.link.session(Role.COMMANDS)
        reply = await asyncio.wait_for(session.send(actions.core_show_channels()), 30)
        assert reply.why == "CoreShowChannels: Permission denied"


async def test_only_the_events_we_asked_for_arrive(node: RealNode):
    everything = Account(
        host="127.0.0.1", port=node.ami_port, username="everything", secret="everything", events="on"
    )
    async with running(node.ami_port, account=everything, settings=PATIENT) as all_of_it:
        await all_of_it.up()
        async with connected(node) as watched:
            channel = await call(watched)
            await watched.link.send(actions.hangup(channel))
            await watched.until(lambda: any(m.name == "Hangup" for m in watched.of(Message)))  # type: ignore[union-attr]
            ours = [item for item in watched.items if isinstance(item, Message)]
        await all_of_it.until(lambda: any(message.name == "Hangup" for message in all_of_it.messages))
    names = {message.name for message in ours}
    assert {"UserEvent", "QueueCallerJoin", "Hangup"} <= names <= set(EVENT_INCLUDE)
    assert {"Newchannel", "Newexten", "VarSet"} <= {message.name for message in all_of_it.messages}
    assert all(message.get("Timestamp") for message in ours)


async def test_a_caller_is_seen_with_the_call_moved_up_and_moved_on(node: RealNode):
    async with connected(node) as watched:
        channel = await call(watched)
        arrived = await user_event(watched, "CallArrived", Channel=channel)
        assert arrived["Name"] == "张三丰"
        snapshot = await watched.link.snapshot()
        (caller,) = snapshot.queues["card-cmn"].callers
        assert (caller.channel, caller.position, caller.priority) == (channel, 1, 0)
        seen = {picture.channel: picture for picture in snapshot.channels}
        assert seen[channel].call == arrived["Call"]
        assert seen[channel].variables["JOINED_US"] == "1700000000000000"
        assert seen[channel].leg == caller.leg

        assert (await watched.link.send(actions.queue_caller_priority("card-cmn", channel, 50))).done
        assert (await watched.link.snapshot()).queues["card-cmn"].callers[0].priority == 50

        assert (await watched.link.send(actions.to_queue_again(channel, "card-en"))).done
        await user_event(watched, "Again", Channel=channel)
        assert (await watched.link.send(actions.to_survey(channel))).done
        await user_event(watched, "InSurvey", Channel=channel)
        assert (await watched.link.send(actions.hangup(channel))).done
        gone = await watched.link.send(actions.to_survey("PJSIP/d001-0000ffff"))
        assert gone.outcome is Outcome.REFUSED


async def test_an_announcement_finds_its_caller_and_can_be_cut_short(node: RealNode):
    async with connected(node) as watched:
        channel = await call(watched)
        assert (await watched.link.send(actions.announce(channel, 4, 2, "announce-7f"))).done
        plays = await user_event(watched, "Plays")
        spies = await user_event(watched, "Spies")
        assert (plays["To"], plays["Position"], plays["Minutes"]) == (channel, "4", "2")
        assert spies["To"] == channel
        assert {plays["Uniqueid"], spies["Uniqueid"]} == {"announce-7f-1", "announce-7f-2"}
        assert (await watched.link.send(actions.hangup_announcement("announce-7f"))).done
        await watched.until(
            lambda: any(
                isinstance(m, Message) and m.name == "Hangup" and m["Uniqueid"] == "announce-7f-2"
                for m in watched.items
            )
        )


async def test_a_recording_is_muted_and_goes_on(node: RealNode):
    async with connected(node) as watched:
        channel = await call(watched, "recorded")
        assert (await watched.link.send(actions.mix_monitor_mute(channel, "read", muted=True))).done
        assert (await watched.link.send(actions.mix_monitor_mute(channel, "read", muted=False))).done


async def test_a_global_variable_is_set(node: RealNode):
    async with connected(node) as watched:
        assert (await watched.link.send(actions.set_global("ONDUTY_card_cmn", 3))).done
        read = Action("Getvar", (("Variable", "ONDUTY_card_cmn"),))
        reply = await watched.link.session(Role.RESYNC).send(read)
        assert reply.message is not None
        assert reply.message["Value"] == "3"


REGISTER = "\r\n".join(
    [
        "REGISTER sip:127.0.0.1:{sip_port} SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{tag};rport",
        "From: <sip:d002@127.0.0.1>;tag={tag}",
        "To: <sip:d002@127.0.0.1>",
        "Call-ID: {tag}@127.0.0.1",
        "CSeq: 1 REGISTER",
        "Contact: <sip:d002@127.0.0.1:{port}>",
        "Expires: 60",
        "Max-Forwards: 70",
        "Content-Length: 0",
        "",
        "",
    ]
)


async def test_a_phone_that_registers_is_told_and_seen(node: RealNode):
    async with connected(node) as watched:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("127.0.0.1", node.sip_port)
        )
        port = transport.get_extra_info("sockname")[1]
        text = REGISTER.format(sip_port=node.sip_port, port=port, tag=uuid.uuid4().hex[:8])
        transport.sendto(text.encode())
        await watched.until(
            lambda: any(
                isinstance(m, Message) and m.name == "ContactStatus" and m.get("AOR") == "d002"
                for m in watched.items
            )
        )
        transport.close()
        async with asyncio.timeout(30):  # the device's state follows its contact by a moment
            while (await watched.link.snapshot()).devices["d002"] != "NOT_INUSE":
                pass


async def test_a_wrong_secret_stops_that_session_and_no_other(node: RealNode):
    async with linked(link_of(node, commands="wrong")) as watched:
        session = watched.link.session(Role.COMMANDS)
        await watched.until(lambda: session.state is State.REFUSED and bool(watched.of(NodeSnapshot)))
        assert watched.link.session(Role.EVENTS).state is State.UP
        reply = await watched.link.send(actions.set_global("ONDUTY_card_cmn", 1))
        assert reply.outcome is Outcome.REFUSED


async def test_after_a_restart_of_asterisk_all_is_said_and_nothing_repeated(node: RealNode):
    async with connected(node) as watched:
        before = (await watched.link.snapshot()).started
        seen = len(watched.items)
        (first,) = watched.of(Connected)
        assert isinstance(first, Connected)
        await asyncio.sleep(max(0, 3 - first.uptime / SECOND))  # Asterisk tells its age in whole seconds
        await node.asterisk.kill()
        await watched.until(lambda: bool(watched.of(Lost)))
        assert (await watched.link.send(actions.queue_pause("d001", paused=True))).outcome is Outcome.REFUSED
        await node.asterisk.start()
        await watched.until(
            lambda: any(isinstance(item, NodeSnapshot) for item in watched.items[seen:]), seconds=20
        )
        came, gap = watched.of(Connected)[1], watched.of(Gap)[0]
        snapshot = watched.of(NodeSnapshot)[1]
    assert isinstance(came, Connected)
    assert isinstance(snapshot, NodeSnapshot)
    assert isinstance(gap, Gap)
    assert came.restarted
    assert snapshot.started != before


async def test_an_orderly_stop_of_asterisk_is_announced(node: RealNode):
    async with connected(node) as watched:
        await node.asterisk.stop()
        await watched.until(lambda: bool(watched.of(Lost)))
        assert any(isinstance(item, Message) and item.name == "Shutdown" for item in watched.items)
    await node.asterisk.start()
