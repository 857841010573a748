"""Asterisk's own files, read back as events. (That whole calls come back is shown on real ones.)"""

from __future__ import annotations

import json

import pytest

from core.clock import SECOND, ami_timestamp
from core.errors import BadInput
from ledger.queue_log import read_queue_log
from ledger.recovery import RecordedEvent, read_cel, recorded_events

CALLER, PHONE, OTHER = "node1-1790000000.0", "node1-1790000002.1", "node1-1790000002.2"


def cel(at: float, event: str, channel: str, extra: object = "", *, name: str = "", user: str = "") -> str:
    row = {
        "eventenum": event,
        "userdeftype": user,
        "eventtime": f"{1_790_000_000 + at:.6f}",
        "uniqueid": channel,
        "linkedid": CALLER,
        "channame": name or f"PJSIP/d00{channel[-1]}-0000000{channel[-1]}",
        "peer": "",
        "eventextra": json.dumps(extra) if extra else "",
    }
    return json.dumps(row) + "\n"


def log(*texts: str) -> str:
    return "".join(f"17900000{text}\n" for text in texts)


def events(cel_lines: list[str], log_text: str = "") -> list[RecordedEvent]:
    return recorded_events(read_cel(cel_lines), read_queue_log(log_text.splitlines(keepends=True)))


def test_our_own_facts_come_back_with_their_headers_and_time() -> None:
    payload = {"extra": "Call=abc&Menu=main&Key=2&Target=queue:card"}
    (event,) = events([cel(0.25, "USER_DEFINED", CALLER, payload, user="MenuChosen")])
    assert (event.name, event.get("UserEvent"), event.get("Target")) == (
        "UserEvent",
        "MenuChosen",
        "queue:card",
    )
    assert event.get("Uniqueid") == CALLER
    assert event.get("Timestamp") == "1790000000.250000"
    assert ami_timestamp(event.get("Timestamp") or "") == event.at
    assert event.get("Nothing") is None


def test_who_hung_up_first_is_told_before_the_bridge_falls_apart() -> None:
    name = "PJSIP/d001-00000001"
    found = events(
        [
            cel(5, "BRIDGE_EXIT", PHONE, {"bridge_id": "b"}, name=name),
            cel(
                5.002, "HANGUP", PHONE, {"hangupcause": 16, "hangupsource": name, "dialstatus": ""}, name=name
            ),
            cel(9, "HANGUP", CALLER, {"hangupcause": 16, "hangupsource": name, "dialstatus": "ANSWER"}),
        ]
    )
    assert [(event.name, event.get("Uniqueid")) for event in found] == [
        ("HangupRequest", PHONE),
        ("BridgeLeave", PHONE),
        ("Hangup", PHONE),
        ("Hangup", CALLER),  # its hang-up source is another channel: it did not ask
    ]


def test_a_telephone_that_fell_silent_has_hung_up_for_nobody() -> None:
    found = events(
        [
            cel(5, "BRIDGE_EXIT", PHONE, {"bridge_id": "b"}),
            cel(5.002, "HANGUP", PHONE, {"hangupcause": 44, "hangupsource": "", "dialstatus": ""}),
        ]
    )
    assert [(event.name, event.get("Cause")) for event in found] == [
        ("SoftHangupRequest", "1"),
        ("BridgeLeave", None),
        ("Hangup", "44"),
    ]


def test_a_failed_offer_comes_back_with_its_agent_when_there_is_no_doubt() -> None:
    lines = [
        cel(2, "CHAN_START", PHONE),
        cel(6, "HANGUP", PHONE, {"hangupcause": 0, "hangupsource": "", "dialstatus": ""}),
    ]
    found = events(lines, log(f"06|{CALLER}|card-cmn|1001|RINGNOANSWER|4000"))
    offers = [event for event in found if event.get("MemberName")]
    assert [(event.name, event.get("MemberName"), event.get("DestUniqueid")) for event in offers] == [
        ("AgentCalled", "1001", PHONE),
        ("AgentRingNoAnswer", "1001", PHONE),
    ]
    assert offers[0].get("Interface") == "PJSIP/d001"


def test_a_number_outside_is_no_telephone_that_the_queue_has_rung() -> None:
    lines = [
        cel(2, "CHAN_START", PHONE),
        cel(9, "CHAN_START", OTHER, name="PJSIP/trunk-00000002"),
        cel(9, "USER_DEFINED", OTHER, {"extra": "Call=abc"}, user="OutsideRung"),
    ]
    found = events(lines, log(f"06|{CALLER}|card-cmn|1001|RINGNOANSWER|4000"))
    assert [event.get("DestUniqueid") for event in found if event.get("MemberName")] == [PHONE]


def test_which_telephone_rang_is_not_guessed() -> None:
    lines = [cel(2, "CHAN_START", PHONE), cel(2, "CHAN_START", OTHER)]
    found = events(lines, log(f"06|{CALLER}|card-cmn|1001|RINGNOANSWER|4000"))
    assert found == []


def test_transfers_come_back_with_both_channels_and_the_place() -> None:
    """A queue that was asked is known from our own fact; Asterisk's file does not name it."""
    asked = cel(3, "USER_DEFINED", OTHER, {"extra": "Call=&Queue=loss-cmn"}, user="QueueAsked")
    (_, queue) = events(
        [asked, cel(4, "ATTENDEDTRANSFER", PHONE, {"channel2_uniqueid": OTHER, "app": "Dial"})]
    )
    both = {"Result": "Success", "OrigTransfererUniqueid": PHONE, "SecondTransfererUniqueid": OTHER}
    place = {"SecondTransfererContext": "hotline-ask-queue", "SecondTransfererExten": "loss-cmn"}
    assert (queue.name, queue.headers) == ("AttendedTransfer", both | place | {"DestType": "App"})
    (bridge,) = events([cel(4, "ATTENDEDTRANSFER", PHONE, {"channel2_uniqueid": OTHER, "bridge2_id": "b"})])
    assert bridge.headers == both | {"DestType": "Bridge"}
    (blind,) = events([cel(4, "BLINDTRANSFER", PHONE, {"extension": "110", "context": "hotline-transfer"})])
    told = {"Result": "Success", "TransfererUniqueid": PHONE, "Extension": "110"}
    assert (blind.name, blind.headers) == ("BlindTransfer", told)


def test_a_joining_takes_its_exact_time_from_our_own_fact() -> None:
    told = {"extra": "Call=abc&Queue=card-cmn&JoinedUs=1790000001500000&Round=1"}
    found = events(
        [cel(1.5, "USER_DEFINED", CALLER, told, user="QueueEntered")],
        log(f"01|{CALLER}|card-cmn|NONE|ENTERQUEUE||138|1"),
    )
    assert [event.name for event in found] == ["UserEvent", "QueueCallerJoin"]
    assert found[1].at == 1_790_000_001 * SECOND + SECOND // 2 + 1


@pytest.mark.parametrize("bad", ["no json\n", "{}\n", cel(1, "HANGUP", CALLER).replace("17900", "x")])
def test_a_line_that_is_no_cel_is_named(bad: str) -> None:
    with pytest.raises(BadInput, match=r"^facts\.jsonl:2: .*is no line of a CEL file"):
        read_cel([cel(1, "CHAN_START", CALLER), bad])


def test_a_line_still_being_written_is_left_out() -> None:
    assert len(read_cel([cel(1, "CHAN_START", CALLER), '{"eventenum":"HAN'])) == 1
