"""Pure: what is waited for, and the four ways in which it ends."""

from __future__ import annotations

import pytest

from core.clock import SECOND
from telephony.ami import actions
from telephony.ami.pending import Outcome, Pending
from tests.unit.telephony.ami.messages import message

PING = actions.ping()
LIST = actions.queue_status("card-cmn")


@pytest.fixture
def pending() -> Pending:
    return Pending("t")


def test_one_reply_ends_it(pending):
    action_id = pending.add(PING, 0)
    settled_id, reply = pending.take(message("Response: Success", f"ActionID: {action_id}", "Ping: Pong"))
    assert settled_id == action_id
    assert reply.outcome is Outcome.DONE
    assert reply.message["Ping"] == "Pong"
    assert len(pending) == 0


def test_queue_add_is_one_reply_whatever_its_wording(pending):
    action_id = pending.add(actions.queue_add("card-cmn", "d001", "1001", 0, paused=True), 0)
    _, reply = pending.take(
        message("Response: Success", f"ActionID: {action_id}", "Message: Added interface to queue")
    )
    assert reply.done


def test_a_list_ends_with_its_own_end(pending):
    action_id = pending.add(LIST, 0)
    ours = f"ActionID: {action_id}"
    assert pending.take(message("Response: Success", ours, "EventList: start")) is None
    assert pending.take(message("Event: QueueParams", ours)) is None
    assert pending.take(message("Event: QueueMember", ours)) is None
    _, reply = pending.take(message("Event: QueueStatusComplete", ours))
    assert reply.done
    assert [row.name for row in reply.rows] == ["QueueParams", "QueueMember", "QueueStatusComplete"]


def test_an_error_ends_a_list(pending):
    action_id = pending.add(LIST, 0)
    _, reply = pending.take(
        message("Response: Error", f"ActionID: {action_id}", "Message: Permission denied")
    )
    assert reply.outcome is Outcome.REFUSED
    assert reply.why == "QueueStatus: Permission denied"
    assert len(pending) == 0


def test_a_deadline_ends_it_and_a_late_reply_is_dropped(pending):
    action_id = pending.add(PING, 0)
    assert pending.expire(PING.deadline - 1) == []
    ((expired_id, reply),) = pending.expire(PING.deadline)
    assert expired_id == action_id
    assert reply.outcome is Outcome.TIMED_OUT
    assert "no reply within 5 s" in reply.why
    assert pending.take(message("Response: Success", f"ActionID: {action_id}")) is None
    assert pending.late == 1


def test_late_rows_of_a_list_are_dropped_too(pending):
    action_id = pending.add(LIST, 0)
    pending.expire(LIST.deadline)
    row = message("Event: QueueMember", f"ActionID: {action_id}")
    assert pending.is_ours(row)
    assert pending.take(row) is None
    assert pending.late == 1


def test_a_lost_connection_leaves_it_unknown(pending):
    ids = [pending.add(PING, 0), pending.add(LIST, 0)]
    pending.take(message("Event: QueueMember", f"ActionID: {ids[1]}"))
    settled = dict(pending.lose("the line broke"))
    assert set(settled) == set(ids)
    assert {reply.outcome for reply in settled.values()} == {Outcome.UNKNOWN}
    assert len(settled[ids[1]].rows) == 1
    assert len(pending) == 0
    assert pending.expire(3_600 * SECOND) == []


def test_deadlines_come_in_their_own_order(pending):
    slow = pending.add(LIST, 0)
    quick = pending.add(PING, 1)
    assert pending.next_deadline() == PING.deadline + 1
    assert [action_id for action_id, _ in pending.expire(60 * SECOND)] == [quick, slow]
    assert pending.next_deadline() is None


def test_events_of_others_are_not_ours(pending):
    assert not pending.is_ours(message("Event: Hangup"))
    assert not pending.is_ours(message("Event: OriginateResponse", "ActionID: other-1"))
    assert pending.is_ours(message("Response: Success"))


def test_a_hundred_thousand_actions_leave_nothing_behind(pending):
    for number in range(100_000):
        action_id = pending.add(PING, number)
        if number % 1_000:
            pending.take(message("Response: Success", f"ActionID: {action_id}"))
    assert len(pending._deadlines) < 1_000  # answered ones do not wait for their deadline in memory
    pending.expire(100_000 + PING.deadline)
    assert len(pending) == 0
    assert pending.next_deadline() is None
    assert len(pending._deadlines) == 0
