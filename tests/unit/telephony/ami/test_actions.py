"""Pure: every action says what it says, and nothing from outside can make it say more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from telephony.ami import actions, call_back_action, conference_actions, leader_actions
from telephony.ami.action import ONE, Action, Replies
from telephony.ami.errors import UnsafeAction

CHANNEL = "PJSIP/trunk-0000002a"
PRESENCE = f"leader-{'0' * 32}"
JOINING = leader_actions.Joining(
    device="d005",
    leader="9001",
    presence=PRESENCE,
    call="11111111-2222-3333-4444-555555555555",
    leg="node1-1700000000.2",
    channel="PJSIP/d001-00000002",
    mode="whisper",
)

GATHERING = conference_actions.Gathering(
    call="11111111-2222-3333-4444-555555555555",
    customer=CHANNEL,
    asking="PJSIP/d001-00000002",
    leg="node1-1700000000.2",
    asked="PJSIP/d002-00000005",
    asked_leg="node1-1700000000.9",
)
CALLING = call_back_action.Calling(
    trunk="carrier",
    number="13812345678",
    shown="95559",
    rings_s=40,
    leg="node1-1700000000.90000001",
    call="11111111-2222-3333-4444-555555555555",
    agent="1001",
    queue="card-nan",
    language="nan",
)


def lines(action: Action) -> list[str]:
    return action.encode("t-1").decode().split("\r\n")


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            actions.queue_add("card-cmn", "d007", "1001", 10, paused=True, reason="login"),
            [
                "Action: QueueAdd",
                "ActionID: t-1",
                "Queue: card-cmn",
                "Interface: PJSIP/d007",
                "MemberName: 1001",
                "StateInterface: PJSIP/d007",
                "Penalty: 10",
                "Paused: true",
                "Reason: login",
            ],
        ),
        (
            actions.queue_remove("card-cmn", "d007"),
            ["Action: QueueRemove", "ActionID: t-1", "Queue: card-cmn", "Interface: PJSIP/d007"],
        ),
        (
            actions.queue_pause("d007", paused=False, queue="card-cmn"),
            [
                "Action: QueuePause",
                "ActionID: t-1",
                "Interface: PJSIP/d007",
                "Paused: false",
                "Queue: card-cmn",
            ],
        ),
        (
            actions.queue_penalty("card-cmn", "d007", 0),
            [
                "Action: QueuePenalty",
                "ActionID: t-1",
                "Interface: PJSIP/d007",
                "Penalty: 0",
                "Queue: card-cmn",
            ],
        ),
        (
            actions.queue_caller_priority("card-cmn", CHANNEL, 5),
            [
                "Action: QueueChangePriorityCaller",
                "ActionID: t-1",
                "Queue: card-cmn",
                f"Caller: {CHANNEL}",
                "Priority: 5",
                "Immediate: true",
            ],
        ),
        (
            actions.device_state("d007"),
            ["Action: Getvar", "ActionID: t-1", "Variable: DEVICE_STATE(PJSIP/d007)"],
        ),
        (
            actions.to_survey(CHANNEL),
            [
                "Action: Redirect",
                "ActionID: t-1",
                f"Channel: {CHANNEL}",
                "Context: hotline-survey",
                "Exten: s",
                "Priority: 1",
            ],
        ),
        (
            actions.to_queue_again(CHANNEL, "loss-cmn"),
            [
                "Action: Redirect",
                "ActionID: t-1",
                f"Channel: {CHANNEL}",
                "Context: hotline-queue",
                "Exten: loss-cmn",
                "Priority: 1",
            ],
        ),
        (
            actions.hangup(CHANNEL),
            ["Action: Hangup", "ActionID: t-1", f"Channel: {CHANNEL}", "Cause: 16"],
        ),
        (
            actions.mix_monitor_mute(CHANNEL, "read", muted=True),
            ["Action: MixMonitorMute", "ActionID: t-1", f"Channel: {CHANNEL}", "Direction: read", "State: 1"],
        ),
        (
            actions.set_global("ONDUTY_card_cmn", 3),
            ["Action: Setvar", "ActionID: t-1", "Variable: ONDUTY_card_cmn", "Value: 3"],
        ),
        (
            leader_actions.to_leader(JOINING),
            [
                "Action: Originate",
                "ActionID: t-1",
                "Channel: PJSIP/d005",
                "Context: hotline-leader",
                "Exten: whisper",
                "Priority: 1",
                "CallerID: <9001>",
                "Timeout: 15000",
                "Async: true",
                f"ChannelId: {PRESENCE}",
                "Variable: LEADER=9001",
                f"Variable: LEADER_PRESENCE={PRESENCE}",
                "Variable: LEADER_CALL=11111111-2222-3333-4444-555555555555",
                "Variable: LEADER_LEG=node1-1700000000.2",
                "Variable: LEADER_TO=PJSIP/d001-00000002",
            ],
        ),
        (
            leader_actions.leader_mode(PRESENCE, "barge"),
            [
                "Action: Redirect",
                "ActionID: t-1",
                f"Channel: {PRESENCE}",
                "Context: hotline-leader",
                "Exten: barge",
                "Priority: 1",
            ],
        ),
        (
            leader_actions.to_taker(CHANNEL, "8001"),
            [
                "Action: Redirect",
                "ActionID: t-1",
                f"Channel: {CHANNEL}",
                "Context: hotline-taken-over",
                "Exten: 8001",
                "Priority: 1",
            ],
        ),
        (
            leader_actions.to_the_end(CHANNEL),
            [
                "Action: Redirect",
                "ActionID: t-1",
                f"Channel: {CHANNEL}",
                "Context: hotline-ended",
                "Exten: order",
                "Priority: 1",
            ],
        ),
        (
            leader_actions.to_the_end(CHANNEL, harassment=True),
            [
                "Action: Redirect",
                "ActionID: t-1",
                f"Channel: {CHANNEL}",
                "Context: hotline-ended",
                "Exten: harassment",
                "Priority: 1",
            ],
        ),
        (
            leader_actions.hangup_leader(PRESENCE),
            ["Action: Hangup", "ActionID: t-1", f"Channel: {PRESENCE}", "Cause: 16"],
        ),
        (
            conference_actions.to_conference(GATHERING),
            [
                "Action: Originate",
                "ActionID: t-1",
                "Channel: Local/start@hotline-confer/n",
                "Context: hotline-confer",
                "Exten: idle",
                "Priority: 1",
                "Timeout: 6000",
                "Async: true",
                "Variable: __CONFER_CALL=11111111-2222-3333-4444-555555555555",
                f"Variable: __CONFER_CUSTOMER={CHANNEL}",
                "Variable: __CONFER_ASKING=PJSIP/d001-00000002",
                "Variable: __CONFER_LEG=node1-1700000000.2",
                "Variable: __CONFER_ASKED=PJSIP/d002-00000005",
                "Variable: __CONFER_ASKED_LEG=node1-1700000000.9",
            ],
        ),
        (
            call_back_action.on_the_list("13812345678"),
            [
                "Action: Getvar",
                "ActionID: t-1",
                "Variable: DIALPLAN_EXISTS(hotline-outgoing-allowed,13812345678,1)",
            ],
        ),
        (
            call_back_action.to_customer(CALLING),
            [
                "Action: Originate",
                "ActionID: t-1",
                "Channel: PJSIP/13812345678@carrier",
                "Context: hotline-called-back",
                "Exten: card-nan",
                "Priority: 1",
                "CallerID: <95559>",
                "Timeout: 40000",
                "Async: true",
                "ChannelId: node1-1700000000.90000001",
                "Variable: __CALL_ID=11111111-2222-3333-4444-555555555555",
                "Variable: __CALL_LANG=nan",
                "Variable: OUT_LEG=node1-1700000000.90000001",
                "Variable: OUT_TO=13812345678",
                "Variable: OUT_AGENT=1001",
            ],
        ),
        (
            actions.announce(CHANNEL, 4, 2, "announce-7f"),
            [
                "Action: Originate",
                "ActionID: t-1",
                "Channel: Local/play@hotline-announce/n",
                "Context: hotline-announce",
                "Exten: spy",
                "Priority: 1",
                "Timeout: 3000",
                "Async: true",
                "ChannelId: announce-7f-1",
                "OtherChannelId: announce-7f-2",
                f"Variable: __ANNOUNCE_TO={CHANNEL}",
                "Variable: __ANNOUNCE_POSITION=4",
                "Variable: __ANNOUNCE_MINUTES=2",
                "Variable: __ANNOUNCE_OFFER=0",
            ],
        ),
        (
            actions.hangup_announcement("announce-7f"),
            ["Action: Hangup", "ActionID: t-1", "Channel: announce-7f-2", "Cause: 16"],
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Action) else "",
)
def test_the_action_on_the_wire(action, expected):
    assert lines(action) == [*expected, "", ""]
    assert action.replies is ONE


@pytest.mark.parametrize(
    ("action", "end"),
    [
        (actions.queue_status("card-cmn"), "QueueStatusComplete"),
        (actions.queue_summary("card-cmn"), "QueueSummaryComplete"),
        (actions.core_show_channels(), "CoreShowChannelsComplete"),
        (actions.channel_status(), "StatusComplete"),
        (actions.device_states(), "DeviceStateListComplete"),
    ],
    ids=lambda value: value.name if isinstance(value, Action) else "",
)
def test_lists_say_where_they_end(action, end):
    assert action.replies == Replies(end)


INJECTED = "x\r\nAction: Originate"

TAKERS: list[Callable[[str], Action]] = [
    lambda bad: actions.queue_add(bad, "d007", "1001", 0, paused=True),
    lambda bad: actions.queue_add("card-cmn", bad, "1001", 0, paused=True),
    lambda bad: actions.queue_add("card-cmn", "d007", bad, 0, paused=True),
    lambda bad: actions.queue_add("card-cmn", "d007", "1001", 0, paused=True, reason=bad),
    lambda bad: actions.queue_remove(bad, "d007"),
    lambda bad: actions.queue_remove("card-cmn", bad),
    lambda bad: actions.queue_pause(bad, paused=True),
    lambda bad: actions.queue_pause("d007", paused=True, reason=bad),
    lambda bad: actions.queue_pause("d007", paused=True, queue=bad),
    lambda bad: actions.queue_penalty(bad, "d007", 0),
    lambda bad: actions.queue_penalty("card-cmn", bad, 0),
    lambda bad: actions.queue_caller_priority(bad, CHANNEL, 1),
    lambda bad: actions.queue_caller_priority("card-cmn", bad, 1),
    actions.device_state,
    actions.to_survey,
    lambda bad: actions.to_queue_again(bad, "card-cmn"),
    lambda bad: actions.to_queue_again(CHANNEL, bad),
    actions.hangup,
    lambda bad: actions.mix_monitor_mute(bad, "read", muted=True),
    lambda bad: actions.mix_monitor_mute(CHANNEL, bad, muted=True),
    lambda bad: actions.set_global(bad, 1),
    lambda bad: actions.set_global("ONDUTY", bad),
    lambda bad: actions.announce(bad, 1, 1, "announce-1"),
    lambda bad: actions.announce(CHANNEL, 1, 1, bad),
    actions.hangup_announcement,
    actions.queue_status,
    actions.queue_summary,
    *(
        lambda bad, name=field.name: leader_actions.to_leader(replace(JOINING, **{name: bad}))
        for field in fields(JOINING)
    ),
    lambda bad: leader_actions.leader_mode(bad, "listen"),
    lambda bad: leader_actions.leader_mode(PRESENCE, bad),
    leader_actions.hangup_leader,
    lambda bad: leader_actions.to_taker(bad, "8001"),
    lambda bad: leader_actions.to_taker(CHANNEL, bad),
    leader_actions.to_the_end,
    *(
        lambda bad, name=field.name: conference_actions.to_conference(replace(GATHERING, **{name: bad}))
        for field in fields(GATHERING)
    ),
    *(
        lambda bad, name=field.name: call_back_action.to_customer(replace(CALLING, **{name: bad}))
        for field in fields(CALLING)
        if field.type != "int"
    ),
    call_back_action.on_the_list,
]


@pytest.mark.parametrize("make", TAKERS)
@pytest.mark.parametrize(
    "bad", [INJECTED, "a\nb", "a\0b", "${SHELL(id)}", "card-cmn,1", "/^PJSIP/.*/", "a" * 70, "名"]
)
def test_no_value_from_outside_gets_into_an_action(make, bad):
    with pytest.raises(BadInput):
        make(bad)


@pytest.mark.parametrize(
    "make",
    [
        lambda: actions.queue_penalty("card-cmn", "d007", -1),
        lambda: actions.queue_caller_priority("card-cmn", CHANNEL, -1),
        lambda: actions.announce(CHANNEL, 0, 1, "announce-1"),
        lambda: actions.announce(CHANNEL, 1, -1, "announce-1"),
        lambda: actions.hangup(CHANNEL, 0),
        lambda: call_back_action.to_customer(replace(CALLING, rings_s=0)),
        lambda: actions.set_global("SHELL(id)", 1),
    ],
)
def test_numbers_have_bounds(make):
    with pytest.raises(BadInput):
        make()


@given(st.text(), st.text())
def test_whatever_is_in_a_value_an_action_stays_one_action(name, value):
    try:
        encoded = Action("UserEvent", ((name, value),)).encode("t-1")
    except UnsafeAction:
        return
    assert encoded.count(b"\r\n\r\n") == 1
    assert encoded.count(b"\r\n") == 4
    assert b"\0" not in encoded
    assert all(len(line) + 2 <= 1_024 for line in encoded.split(b"\r\n"))


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "a\r\nAction: Logoff"])
def test_line_breaks_are_refused_in_every_part(bad):
    for headers in (((bad, "x"),), (("Reason", bad),)):
        with pytest.raises(UnsafeAction):
            Action("QueuePause", headers)
    with pytest.raises(UnsafeAction):
        Action(bad)
    with pytest.raises(UnsafeAction):
        Action("Ping").encode(bad)


def test_a_line_may_have_1024_bytes_in_utf8_and_not_one_more():
    room = 1_024 - len("Reason: \r\n")
    assert len(Action("QueuePause", (("Reason", "x" * room),)).encode("t-1").split(b"\r\n")[2]) == 1_022
    with pytest.raises(UnsafeAction, match="1025 bytes"):
        Action("QueuePause", (("Reason", "x" * (room + 1)),))
    with pytest.raises(UnsafeAction):
        Action("QueuePause", (("Reason", "休" * 340),))


def test_half_a_character_is_refused():
    with pytest.raises(UnsafeAction, match="not text"):
        Action("QueuePause", (("Reason", "\ud800"),))


def test_120_headers_and_not_one_more():
    assert Action("X", (("Variable", "a=1"),) * 118).encode("t-1").count(b"\r\n") == 121
    with pytest.raises(UnsafeAction, match="119 headers"):
        Action("X", (("Variable", "a=1"),) * 119)


def test_a_secret_is_not_shown():
    action = actions.login("events", "tr0ub4dor", "off")
    assert "tr0ub4dor" not in repr(action)
    assert action.shown() == {"Username": "events", "Events": "off"}
    assert "Secret: tr0ub4dor" in lines(action)
