"""Alarms are raised at their threshold, stay between the two, and clear at the other. Pure."""

from __future__ import annotations

import pytest

from board.alarms import Condition, due, is_news
from board.fold import fold, reduce
from board.reading import figures
from board.roster import AgentEntry, Roster
from board.state import BoardState
from core.clock import MINUTE, iso
from core.errors import Conflict
from core.facts import (
    AgentState,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    DeviceContactChanged,
    Fact,
    LeaveReason,
    NodeConnected,
    NodeLost,
    Numbered,
)
from directory.alarms import ALARMS
from directory.model import Threshold
from tests.unit.board.story import NOON, QUEUE, Story, s

ROSTER = Roster(
    agents={
        "1001": AgentEntry(agent="1001", queues=frozenset({QUEUE})),
        "1002": AgentEntry(agent="1002", queues=frozenset({"loss-cmn"})),
    },
    pause_limits={"meal": 30 * MINUTE},
)


def threshold(alarm: str, raise_at: float, clear_at: float, window: int = 0) -> Threshold:
    return Threshold(
        alarm=alarm,
        name_zh="",
        name_en="",
        severity="warning",
        unit=ALARMS[alarm].unit,
        raise_at=raise_at,
        clear_at=clear_at,
        window=window,
    )


THRESHOLDS = {
    each.alarm: each
    for each in (
        threshold("service_level_low", 80, 90, 10),
        threshold("caller_near_limit", 8, 3),
        threshold("nobody_ready", 1, 0),
        threshold("offers_unanswered", 2, 0),
        threshold("not_ready_too_long", 60, 0),
        threshold("phone_lost", 0, 0),
        threshold("node_lost", 0, 0),
        threshold("session_lost", 3, 0),
        threshold("database_down", 2, 0),
    )
}


class Watch:
    """Evaluates as time goes by and puts the alarms' facts back into the state, as the service does."""

    def __init__(self, story: Story) -> None:
        self.told = story.told()
        self.start = story.start
        self.state = BoardState()
        self.numbers = 0

    def at(self, after: float, *conditions: Condition) -> list[str]:
        """`+alarm subject` and `-alarm subject`, in order."""
        now = self.start + s(after)
        while self.told and self.told[0].fact.at <= now:
            self._take(self.told.pop(0).fact)
        facts = due(self.state, now, thresholds=THRESHOLDS, roster=ROSTER, conditions=conditions)
        for fact in facts:
            self._take(fact)
        return sorted(
            f"{'+' if isinstance(fact, AlarmRaised) else '-'}{fact.alarm} {fact.subject}" for fact in facts
        )

    def _take(self, fact: object) -> None:
        self.numbers += 1
        reduce(self.state, Numbered(self.numbers, fact))  # type: ignore[arg-type]


@pytest.mark.rule("CALL-02")
def test_a_caller_about_to_pass_ten_seconds_is_told_in_time_and_once() -> None:
    story = Story()
    story.state("1001", -5, AgentState.READY)
    story.joins("a", 0)
    story.joins("b", 7)
    story.leaves("a", 0, 9, LeaveReason.ABANDONED)
    watch = Watch(story)
    assert watch.at(7.9) == []
    assert watch.at(8) == [f"+caller_near_limit {QUEUE}"]
    assert watch.at(8.5) == []
    assert watch.at(9) == [f"-caller_near_limit {QUEUE}"]  # a is gone, b has waited 2 s
    assert watch.at(15) == [f"+caller_near_limit {QUEUE}"]


def test_it_clears_at_the_other_threshold_and_not_before() -> None:
    story = Story()
    story.state("1001", -5, AgentState.READY)
    story.joins("a", 0)
    story.joins("b", 5)
    story.joins("c", 8)
    story.leaves("a", 0, 9, LeaveReason.ABANDONED)
    story.leaves("b", 5, 5, LeaveReason.ABANDONED)
    watch = Watch(story)
    assert watch.at(8) == [f"+caller_near_limit {QUEUE}"]
    assert watch.at(9.5) == []  # b has waited 4.5 s: between 3 and 8 it stands
    assert watch.at(10.5) == [f"-caller_near_limit {QUEUE}"]  # c: 2.5 s


def test_the_service_level_alarm_needs_a_full_window_and_has_hysteresis() -> None:
    story = Story()
    story.state("1001", -5, AgentState.READY)
    for n in range(9):
        story.joins(f"a{n}", n)
        story.answers(f"a{n}", "1001", n, 2 if n >= 3 else 11, 1)
    story.joins("b", 30)
    story.answers("b", "1001", 30, 2, 1)
    for n in range(3):
        story.joins(f"c{n}", 40 + n * 10)
        story.answers(f"c{n}", "1001", 40 + n * 10, 2, 1)
    watch = Watch(story)
    levels = ["service_level_low all", f"service_level_low {QUEUE}"]
    assert [each for each in watch.at(29) if "level" in each] == []  # nine decided
    assert [each for each in watch.at(35) if "level" in each] == [f"+{each}" for each in levels]  # 7 of 10
    assert watch.at(45) == []  # 8 of 10: between 80 and 90
    assert watch.at(55) == [f"-{each}" for each in levels]  # 9 of 10


def test_a_queue_is_held_to_its_own_service_level_and_all_together_to_ten_seconds() -> None:
    story = Story()
    for n in range(10):
        story.joins(f"a{n}", n, answer_within=s(30))
        story.answers(f"a{n}", "1001", n, 15, 1)
    assert [each for each in Watch(story).at(60) if "level" in each] == ["+service_level_low all"]
    slow = Story()
    for n in range(10):
        slow.joins(f"a{n}", n, answer_within=s(5))
        slow.answers(f"a{n}", "1001", n, 8, 1)
    assert [each for each in Watch(slow).at(60) if "level" in each] == [f"+service_level_low {QUEUE}"]


def test_an_hour_later_old_callers_no_longer_hold_the_alarm() -> None:
    story = Story()
    for n in range(10):
        story.joins(f"a{n}", n)
        story.leaves(f"a{n}", n, 4, LeaveReason.ABANDONED)
    watch = Watch(story)
    assert "+service_level_low all" in watch.at(60)
    assert watch.at(3605) == ["-service_level_low all", f"-service_level_low {QUEUE}"]


def test_nobody_ready_looks_at_those_who_serve_the_queue() -> None:
    story = Story()
    story.state("1002", -5, AgentState.READY)
    story.joins("a", 0)
    story.state("1001", 4, AgentState.READY)
    watch = Watch(story)
    assert watch.at(1.9) == []  # the queue has not had time to look
    assert watch.at(2) == [f"+nobody_ready {QUEUE}"]
    assert watch.at(4) == [f"-nobody_ready {QUEUE}"]


def test_two_unanswered_offers_in_a_row_raise_and_an_answer_clears() -> None:
    story = Story()
    story.state("1001", -5, AgentState.READY)
    story.joins("a", 0)
    story.unanswered("a", "1001", 0, 1)
    story.unanswered("a", "1001", 2, 1)
    story.answers("a", "1001", 0, 5, 10)
    watch = Watch(story)
    assert watch.at(1.5) == []
    assert watch.at(3) == ["+offers_unanswered 1001"]
    assert watch.at(5) == ["-offers_unanswered 1001"]


@pytest.mark.rule("CALL-21")
def test_a_pause_longer_than_its_reason_allows_is_told() -> None:
    story = Story()
    story.state("1001", 0, AgentState.NOT_READY, reason="meal")
    story.state("1002", 0, AgentState.NOT_READY, reason="unlisted")
    story.state("1001", 1900, AgentState.READY)
    watch = Watch(story)
    assert watch.at(1859) == []
    assert watch.at(1860) == ["+not_ready_too_long 1001"]
    assert watch.at(1900) == ["-not_ready_too_long 1001"]


def test_lost_phones_of_agents_who_are_logged_in_and_lost_nodes() -> None:
    story = Story()
    story.state("1001", 0, AgentState.READY, device="d001")
    story.add(NodeConnected(at=NOON, node="node1", version="22"))
    story.add(DeviceContactChanged(at=NOON + s(1), device="d001", reachable=False))
    story.add(DeviceContactChanged(at=NOON + s(1), device="d002", reachable=False))
    story.add(NodeLost(at=NOON + s(2), node="node1", cause="reset"))
    story.add(NodeConnected(at=NOON + s(5), node="node1", version="22"))
    story.state("1001", 6, AgentState.LOGGED_OUT)
    watch = Watch(story)
    assert watch.at(1) == ["+phone_lost 1001"]
    assert watch.at(2) == ["+node_lost node1"]
    assert watch.at(5) == ["-node_lost node1"]
    assert watch.at(6) == ["-phone_lost 1001"]


def test_conditions_without_facts_are_measured_by_how_long_they_last() -> None:
    watch = Watch(Story())
    down = Condition("database_down", "main", NOON, "connection refused")
    assert watch.at(1, down) == []
    assert watch.at(2, down) == ["+database_down main"]
    assert watch.at(3) == ["-database_down main"]


def test_an_alarm_that_stood_before_a_restart_is_cleared_after_it() -> None:
    state = fold([Numbered(1, AlarmRaised(at=NOON, alarm="node_lost", subject="node9", detail=""))])
    facts = due(state, NOON + s(1), thresholds=THRESHOLDS, roster=ROSTER)
    assert facts == [AlarmCleared(at=NOON + s(1), alarm="node_lost", subject="node9")]


def test_an_alarm_without_threshold_is_off() -> None:
    state = fold([Numbered(1, NodeLost(at=NOON, node="node1", cause=""))])
    assert due(state, NOON, thresholds={}, roster=ROSTER) == []


def test_a_lost_session_is_told_when_it_does_not_come_back() -> None:
    lost = Condition("session_lost", "node1/events", NOON)
    watch = Watch(Story())
    assert watch.at(2.9, lost) == []
    assert watch.at(3, lost) == ["+session_lost node1/events"]


# ------------------------------------------------------------------ taken by a leader


def raised(after: float, subject: str = "node1") -> AlarmRaised:
    return AlarmRaised(at=NOON + s(after), alarm="node_lost", subject=subject, detail="reset")


def taken(after: float, by: str, note: str = "") -> AlarmAcknowledged:
    return AlarmAcknowledged(at=NOON + s(after), alarm="node_lost", subject="node1", by=by, note=note)


def cleared(after: float) -> AlarmCleared:
    return AlarmCleared(at=NOON + s(after), alarm="node_lost", subject="node1")


def state_after(*facts: Fact) -> BoardState:
    return fold(Numbered(n, fact) for n, fact in enumerate(facts, 1))


def whose(*facts: Fact) -> list[tuple[str, str, str]]:
    """(subject, by, note) of every alarm that stands; by is empty where it is nobody's."""
    board = figures(state_after(*facts), NOON + s(60))
    return [
        (each.subject, each.acknowledged.by, each.acknowledged.note)
        if each.acknowledged
        else (each.subject, "", "")
        for each in board.alarms
    ]


def test_an_alarm_is_the_first_leaders_who_takes_it() -> None:
    facts = [raised(0), raised(1, "node2"), taken(2, "8001", "called the carrier"), taken(3, "8002")]
    assert whose(*facts) == [("node1", "8001", "called the carrier"), ("node2", "", "")]
    roster = Roster(names={"8001": ("邓秋霞", "Deng Qiuxia")})
    first, _second = figures(state_after(*facts), NOON + s(60), roster).alarms
    assert first.acknowledged is not None
    assert (first.acknowledged.name, first.acknowledged.name_en) == ("邓秋霞", "Deng Qiuxia")
    assert (first.since, first.acknowledged.since) == (iso(NOON), iso(NOON + s(2)))


def test_it_ends_with_the_alarm_and_the_next_one_is_nobodys() -> None:
    assert whose(raised(0), taken(1, "8001"), cleared(2)) == []
    assert whose(raised(0), taken(1, "8001"), cleared(2), raised(3)) == [("node1", "", "")]
    assert whose(raised(0), cleared(1), taken(2, "8001"), raised(3)) == [("node1", "", "")]


def test_taking_an_alarm_neither_clears_nor_raises_it() -> None:
    story = Story()
    story.add(NodeLost(at=NOON, node="node1", cause="reset"))
    story.add(taken(1, "8001"))
    story.add(NodeConnected(at=NOON + s(5), node="node1", version="22"))
    watch = Watch(story)
    assert watch.at(0) == ["+node_lost node1"]
    assert watch.at(4) == []
    assert watch.state.alarms["node_lost", "node1"].acknowledged is not None
    assert watch.at(5) == ["-node_lost node1"]


def test_a_replay_of_any_part_gives_the_same_picture() -> None:
    facts = [raised(0), taken(1, "8001"), raised(2, "node2"), taken(3, "8002"), cleared(4), raised(5)]
    told = [Numbered(n, fact) for n, fact in enumerate([*facts, taken(6, "8002", "again")], 1)]
    whole = figures(fold(told), NOON + s(60)).alarms
    for cut in range(len(told) + 1):
        for back in range(cut + 1):
            assert figures(fold(told[back:], fold(told[:cut])), NOON + s(60)).alarms == whole


def test_what_cannot_be_taken_is_said_in_a_sentence() -> None:
    roster = Roster(names={"8001": ("邓秋霞", "Deng Qiuxia")})
    with pytest.raises(Conflict, match=r"node_lost of node1 does not stand"):
        is_news(state_after(), roster, taken(1, "8001"))
    assert is_news(state_after(raised(0)), roster, taken(1, "8001"))
    his = state_after(raised(0), taken(1, "8001"))
    assert not is_news(his, roster, taken(2, "8001", "another word"))
    with pytest.raises(Conflict, match=r"^邓秋霞 8001 has taken node_lost of node1 already"):
        is_news(his, roster, taken(2, "8002"))
    with pytest.raises(Conflict, match=r"^8001 has taken"):
        is_news(his, Roster(), taken(2, "8002"))
