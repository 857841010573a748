"""What the folds rely on, asked of the recordings themselves.

When a recording made with another Asterisk fails here, the facts beside it may be wrong for a reason that no
table of facts shows: look at `telephony/call_fold.py` first, then mend the test.
"""

from __future__ import annotations

import pytest

from core.causes import SILENT
from core.clock import SECOND
from telephony import instance
from tests.scenarios.captures_read import names, read


@pytest.mark.asterisk
async def test_the_recordings_were_made_by_the_asterisk_in_use() -> None:
    using = ".".join(map(str, await instance.version(await instance.find())))
    others = {name: version for name in names() if (version := read(name).version) != using}
    assert not others, (
        f"Asterisk {using} is in use, these were recorded with another: {others}. Record anew "
        "(captures/README.md) and see in `git diff` what it says differently now"
    )


@pytest.mark.parametrize("name", names())
def test_every_event_we_take_in_has_a_time_in_microseconds(name: str) -> None:
    stamps = [event.get("Timestamp") or "" for event in read(name).heard if event.name != "FullyBooted"]
    assert stamps
    assert all(len(stamp.partition(".")[2]) == 6 for stamp in stamps)


def test_an_agent_who_hangs_up_is_named_as_the_one_who_did() -> None:
    capture = read("normal_with_survey")
    called, complete = capture.one("AgentCalled"), capture.one("AgentComplete")
    asked = capture.one("HangupRequest")
    assert complete.get("Reason") == "agent"
    assert asked.get("Uniqueid") == complete.get("DestUniqueid") == called.get("DestUniqueid")
    assert capture.events.index(asked) < capture.events.index(complete)


def test_after_a_redirect_complete_comes_late_and_says_the_wrong_thing() -> None:
    """Talk must end at BridgeLeave: this AgentComplete blames the customer and counts the survey as talk."""
    capture = read("survey_by_command")
    complete, survey = capture.one("AgentComplete"), capture.one("SurveyEnded")
    talk = capture.all("BridgeLeave")[0].at - capture.all("BridgeEnter")[-1].at
    assert capture.events.index(complete) > capture.events.index(survey)
    assert complete.get("Reason") == "caller"
    assert complete.get("DestUniqueid") is None
    assert int(complete.get("TalkTime") or 0) * SECOND > talk + SECOND // 2


@pytest.mark.parametrize("name", ["queue_timeout", "redirected_back_to_the_queue", "last_agent_leaves"])
def test_abandon_is_said_of_callers_who_did_not_hang_up(name: str) -> None:
    capture = read(name)
    abandon = capture.all("QueueCallerAbandon")[0]
    before = capture.events[: capture.events.index(abandon)]
    assert not [event for event in before if event.name in ("HangupRequest", "Hangup")]


@pytest.mark.parametrize("name", ["caller_gone_waiting", "caller_gone_ringing"])
def test_a_caller_who_hangs_up_asks_for_it_on_his_own_channel(name: str) -> None:
    capture = read(name)
    assert capture.one("HangupRequest").get("Uniqueid") == capture.one("CallArrived").get("Uniqueid")


def test_a_queue_that_lets_nobody_in_says_nothing_of_itself() -> None:
    capture = read("nobody_logged_in")
    assert capture.one("QueueLeft").get("Status") == "JOINEMPTY"
    assert not [event for event in capture.events if event.name.startswith("QueueCaller")]


def test_ring_time_has_two_units_and_a_missed_offer_two_ends() -> None:
    capture = read("no_answer_then_other_agent")
    offered, failed = capture.all("AgentCalled")[0], capture.one("AgentRingNoAnswer")
    leg = offered.get("DestUniqueid")
    ends = [event.get("DialStatus") for event in capture.all("DialEnd") if event.get("DestUniqueid") == leg]
    assert ends == ["NOANSWER", "CANCEL"]
    assert failed.get("RingTime") == "4000"  # milliseconds
    assert capture.one("AgentConnect").get("RingTime") == "0"  # seconds: it rang 200 ms


@pytest.mark.parametrize(
    ("name", "cause"), [("busy_then_other_agent", "17"), ("rejected_then_other_agent", "21")]
)
def test_only_the_phone_s_own_hangup_tells_a_refusal_from_silence(name: str, cause: str) -> None:
    capture = read(name)
    asked, failed = capture.all("HangupRequest")[0], capture.one("AgentRingNoAnswer")
    assert asked.get("Uniqueid") == failed.get("DestUniqueid")
    assert asked.get("Cause") == cause
    assert capture.events.index(asked) < capture.events.index(failed)
    assert capture.all("DialEnd")[0].get("DialStatus") == "NOANSWER"  # as if nobody had been there


def test_a_phone_that_cannot_be_reached_never_says_that_it_rings() -> None:
    capture = read("unreachable_then_other_agent")
    leg = capture.one("AgentRingNoAnswer").get("DestUniqueid")
    assert not [e for e in capture.all("DialState") if e.get("DestUniqueid") == leg]
    assert not [e for e in capture.all("HangupRequest") if e.get("Uniqueid") == leg]


def test_a_phone_that_is_not_registered_is_passed_over_in_silence() -> None:
    capture = read("not_registered_is_skipped")
    call = capture.all("CallArrived")[0].get("Uniqueid")
    rung = [event.get("MemberName") for event in capture.all("AgentCalled") if event.get("Uniqueid") == call]
    assert rung == ["8002"]


@pytest.mark.parametrize(
    "name", ["page_loaded_anew_in_a_talk", "page_cut_off_in_a_talk", "phone_dies_talking"]
)
def test_a_telephone_that_is_lost_asks_for_nothing_and_ends_by_the_cause_of_silence(name: str) -> None:
    """Whether Asterisk finds out by itself, or we end it because the browser has said that the page goes."""
    capture = read(name)
    lost = capture.all("AgentConnect")[0].get("DestUniqueid")
    assert not [event for event in capture.all("HangupRequest") if event.get("Uniqueid") == lost]
    (gone,) = (event for event in capture.all("Hangup") if event.get("Uniqueid") == lost)
    assert gone.get("Cause") == str(SILENT)


def test_a_page_that_is_closed_is_no_longer_reachable_while_it_rings() -> None:
    capture = read("page_closed_while_it_rings")
    offered, failed = capture.all("AgentCalled")[0], capture.one("AgentRingNoAnswer")
    device = (offered.get("Interface") or "").partition("/")[2]
    rings = [e for e in capture.all("ContactStatus") if offered.at < e.at < failed.at]
    assert [(e.get("AOR"), e.get("ContactStatus")) for e in rings] == [(device, "Removed")]


def test_after_a_restart_uniqueids_begin_anew_and_the_lost_call_has_no_end() -> None:
    capture = read("asterisk_restarts_in_a_call")
    lost, following = capture.all("CallArrived")
    assert (lost.get("Uniqueid") or "").endswith(".0")
    assert (following.get("Uniqueid") or "").endswith(".0")
    assert not [event for event in capture.all("Hangup") if event.get("Uniqueid") == lost.get("Uniqueid")]


def test_whoever_is_sent_into_a_conference_keeps_his_channel_and_the_queue_lets_the_customer_go_on() -> None:
    """AgentComplete comes with the first agent's hang-up, not when he is taken out of the queue's bridge; of
    the colleague's leg it knows nothing."""
    capture = read("conference_goes_on_with_the_colleague")
    connected, asked = capture.one("AgentConnect"), capture.one("ConsultStarted")
    joined = {event.get("Uniqueid") for event in capture.all("ConfbridgeJoin")}
    legs = {connected.get("DestUniqueid"), asked.get("Uniqueid")}
    assert joined == legs | {connected.get("Uniqueid")}
    assert capture.one("QueueLeft").get("Status") == "CONTINUE"
    complete, left = capture.one("AgentComplete"), capture.all("ConfbridgeLeave")[0]
    assert left.get("Uniqueid") == complete.get("DestUniqueid") == connected.get("DestUniqueid")
    assert abs(complete.at - left.at) < SECOND // 10
    assert complete.get("Reason") == "agent"


def test_a_customer_who_leaves_a_conference_is_followed_by_both_agents() -> None:
    capture = read("caller_gone_in_a_conference")
    left = [event.get("Uniqueid") for event in capture.all("BridgeLeave")[-3:]]
    assert left[0] == capture.one("CallArrived").get("Uniqueid")
