"""Leaders in a call, folded: told once, whatever comes twice or late, and taken up again after a restart."""

from __future__ import annotations

from core import facts as f
from core.clock import SECOND
from core.facts import Fact
from telephony import signals as s
from telephony.call_fold import close, reduce
from telephony.calls import Call
from telephony.recall import recall_call
from tests.unit.telephony.story import CALL, CUSTOMER, NODE, Story, leg, tell

ONE, OTHER = f"leader-{'0' * 31}1", f"leader-{'0' * 31}2"


class Told(Story):
    """A talk with agent 1001, and leader 9001 about it."""

    def __init__(self) -> None:
        super().__init__()
        self.arrives().joins().offered().after(2).answers().after(5)

    def is_in(self, mode: str, presence: str = ONE, number: int = 2) -> Told:
        self.add(s.LeaderIs(self.at, NODE, CALL, leg(number), "9001", presence, mode))
        return self

    def is_out(self, presence: str = ONE) -> Told:
        self.add(s.LeaderGone(self.at, NODE, CALL, leg(2), "9001", presence))
        return self


def _of_leaders(facts: list[Fact]) -> list[tuple[str, str]]:
    kinds = (f.LeaderJoined, f.LeaderModeChanged, f.LeaderLeft, f.LeaderMissed)
    assert {x.agent for x in facts if isinstance(x, kinds)} <= {"1001"}
    return [(type(x).__name__, getattr(x, "mode", "")) for x in facts if isinstance(x, kinds)]


def _whole() -> Told:
    story = Told().is_in("listen")
    story.after(3)
    story.is_in("barge").after(3)
    story.is_in("listen").after(3)
    return story.is_out()


EXPECTED = [
    ("LeaderJoined", "listen"),
    ("LeaderModeChanged", "barge"),
    ("LeaderModeChanged", "listen"),
    ("LeaderLeft", ""),
]


def test_a_leader_comes_changes_the_mode_and_leaves() -> None:
    call, facts = tell(_whole().signals)
    assert _of_leaders(facts) == EXPECTED
    assert [(one.id, one.left) for one in call.leaders] == [(ONE, True)]


def test_what_is_heard_twice_or_late_adds_nothing() -> None:
    story = _whole()
    first = next(n for n, signal in enumerate(story.signals) if isinstance(signal, s.LeaderIs))
    for n in range(first, len(story.signals)):
        _, facts = tell([*story.signals, story.signals[n]])
        assert _of_leaders(facts) == EXPECTED
        again = [*story.signals[: n + 1], *story.signals[first : n + 1], *story.signals[n + 1 :]]
        assert _of_leaders(tell(again)[1]) == EXPECTED


def test_a_leader_is_no_agent_and_ends_no_talk() -> None:
    _, facts = tell(_whole().signals)
    kinds = [type(x).__name__ for x in facts if isinstance(x, f.LegFact) and "Leader" not in type(x).__name__]
    assert kinds == ["AgentOffered", "RecordingStarted", "AgentAnswered"]


def test_who_joined_a_leg_that_is_unknown_is_nobodys() -> None:
    _, facts = tell(Told().is_in("listen", number=9).signals)
    assert _of_leaders(facts) == []


def test_a_telephone_that_was_not_taken_is_told_once() -> None:
    story = Told()
    missed = s.LeaderUnreached(story.at, NODE, CALL, leg(2), "9001", ONE, "not_taken")
    _, facts = tell([*story.signals, missed, missed])
    assert _of_leaders(facts) == [("LeaderMissed", "")]


def test_the_call_is_not_over_while_a_leader_was_not_heard_to_leave() -> None:
    story = Told().is_in("barge")
    story.after(4).agent_hangs_up()
    story.customer_hangs_up()
    call, facts = tell(story.signals)
    assert call.ended_at is not None
    assert not call.over
    closed, more = close(call, call.ended_at + SECOND, f.EndReason.UNSEEN)
    assert closed.over
    assert _of_leaders([*facts, *more]) == [("LeaderJoined", "barge"), ("LeaderLeft", "")]
    after, told = reduce(call, s.LeaderGone(story.at, NODE, CALL, leg(2), "9001", ONE))
    assert after.over
    assert [type(x) for x in told] == [f.LeaderLeft]


def test_leaders_are_taken_up_from_the_ledger_as_they_were() -> None:
    story = _whole()
    story.is_in("whisper", OTHER)
    call, facts = tell(story.signals)
    recalled = recall_call(facts)
    assert isinstance(recalled, Call)
    assert recalled.leaders == call.leaders
    assert recalled.leg == CUSTOMER
