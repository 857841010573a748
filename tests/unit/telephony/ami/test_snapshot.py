"""Pure: a node's picture of itself from the rows of its lists."""

from __future__ import annotations

import pytest

from core.clock import SECOND
from telephony.ami.snapshot import (
    QueueMember,
    WaitingCaller,
    channel_pictures,
    device_states,
    node_snapshot,
    queue_picture,
)
from tests.unit.telephony.ami.messages import message

PARAMS = message("Event: QueueParams", "Queue: card-cmn", "Calls: 2")
MEMBER = message(
    "Event: QueueMember",
    "Name: 1001",
    "Location: PJSIP/d001",
    "Penalty: 10",
    "InCall: 0",
    "Status: 5",
    "Paused: 1",
    "PausedReason: meal",
)


def entry(position: int) -> object:
    return message(
        "Event: QueueEntry",
        f"Position: {position}",
        f"Channel: PJSIP/trunk-0000000{position}",
        f"Uniqueid: node1-1795303713.7{position}",
        "Wait: 5",
        "Priority: 3",
    )


def test_a_queue_with_its_callers_in_their_order_and_its_members():
    picture = queue_picture("card-cmn", [PARAMS, MEMBER, entry(2), entry(1)])
    assert picture is not None
    assert [caller.position for caller in picture.callers] == [1, 2]
    assert picture.callers[0] == WaitingCaller(
        channel="PJSIP/trunk-00000001",
        leg="node1-1795303713.71",
        position=1,
        priority=3,
        waited=5 * SECOND,
    )
    assert picture.members == (
        QueueMember(
            agent="1001",
            interface="PJSIP/d001",
            penalty=10,
            paused=True,
            reason="meal",
            status=5,
            in_call=False,
        ),
    )


def test_a_queue_the_node_does_not_know():
    assert queue_picture("nono", [message("Event: QueueStatusComplete")]) is None


def status(*variables: str) -> object:
    return message(
        "Event: Status",
        "Channel: PJSIP/trunk-00000001",
        "ChannelStateDesc: Up",
        "CallerIDNum: <unknown>",
        "Context: hotline-queue",
        "Exten: card-cmn",
        "Uniqueid: node1-1795303713.71",
        "Linkedid: node1-1795303713.71",
        "BridgeID: ",
        "Seconds: 12",
        *(f"Variable: {text}" for text in variables),
    )


def test_a_channel_knows_its_call_by_our_variables_alone():
    (channel,) = channel_pictures([status("CALL_ID=abc", "JOINED_US=(null)", "SECRET=1")])
    assert channel.call == "abc"
    assert dict(channel.variables) == {"CALL_ID": "abc"}
    assert channel.age == 12 * SECOND
    assert channel.caller == ""


def test_a_channel_of_no_call_of_ours():
    (channel,) = channel_pictures([status("CALL_ID=(null)"), message("Event: StatusComplete")])
    assert channel.call == ""


def test_devices_are_the_phones_only():
    rows = [
        message("Event: DeviceStateChange", "Device: PJSIP/d001", "State: UNAVAILABLE"),
        message("Event: DeviceStateChange", "Device: Queue:card-cmn_avail", "State: INUSE"),
        message("Event: DeviceStateListComplete"),
    ]
    assert dict(device_states(rows)) == {"d001": "UNAVAILABLE"}


def test_the_whole_names_the_queues_that_do_not_exist():
    snapshot = node_snapshot(
        began=1,
        ended=2,
        settings=message("Response: Success", "AsteriskVersion: 22.10.1", "SystemName: node1"),
        status=message("Response: Success", "CoreStartupDate: 2026-11-22", "CoreStartupTime: 01:06:52"),
        queue_rows={"card-cmn": (PARAMS, MEMBER), "nono": ()},
        channel_rows=[status("CALL_ID=abc")],
        device_rows=[],
    )
    assert list(snapshot.queues) == ["card-cmn"]
    assert snapshot.unknown_queues == ("nono",)
    assert (snapshot.version, snapshot.system_name, snapshot.started) == (
        "22.10.1",
        "node1",
        "2026-11-22 01:06:52",
    )
    with pytest.raises(TypeError):
        snapshot.queues["x"] = None  # type: ignore[index]
