"""The proof finds every difference that matters, and none that only the queue log's habits make."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from core import facts as f
from core.clock import SECOND
from core.facts import Fact, Numbered
from ledger.proof import CallerCount, prove
from ledger.queue_log import QueueLogLine, read_queue_log
from tests.unit.ledger.samples import QUEUE, T0, Story, abandoned, customer, leg_id, normal

START = T0 // SECOND


def numbered(*stories: Story) -> list[Numbered]:
    facts = sorted((fact for story in stories for fact in story.facts), key=lambda fact: fact.at)
    return [Numbered(n, fact) for n, fact in enumerate(facts, 1)]


def log(n: int, *entries: str) -> list[QueueLogLine]:
    """`entries`: `<seconds after the start> <agent> <event> <data>` of call `n`."""
    lines = []
    for entry in entries:
        after, agent, event, data = entry.split(" ")
        lines.append(f"{START + int(after)}|{customer(n)}|{QUEUE}|{agent}|{event}|{data}\n")
    return read_queue_log(lines)


def good_log(n: int = 1) -> list[QueueLogLine]:
    return log(
        n,
        "2 NONE ENTERQUEUE |13800000001|1",
        f"4 1001 CONNECT 2|{leg_id(n)}|2",
        "34 1001 COMPLETEAGENT 2|30|1",
    )


def recorded(story: Story) -> Story:
    return story.leg(f.RecordingEnded, 0, 1, "1001", file=f"{leg_id(story.n)}.wav")


def whole(n: int = 1) -> Story:
    return recorded(normal(n))


def rules(found: Sequence[object]) -> list[str]:
    return [mismatch.rule for mismatch in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize("answered", [True, False])
def test_who_was_called_first_and_met_no_agent_is_looked_for_in_the_log_by_his_own_channel(
    answered: bool,
) -> None:
    story, about = Story(), {"agent": "1001", "queue": ""}
    story.facts.clear()
    to = {"device": "d001", "number": "13800000001", "shown": "95559", "about": "callback", "record": "7"}
    story.add(f.OutgoingStarted, first=f.Side.CUSTOMER, leg=customer(1), **to, **about)
    story.add(f.AgentOffered, 1, leg=leg_id(1), device="d001", by_service=True, **about)
    story.add(f.OfferEnded, 1, leg=leg_id(1), outcome=f.OfferOutcome.NO_ANSWER, rang=SECOND, **about)
    story.join()
    if answered:
        story.offer("1002", 2).answer("1002", 2, 1.9).talk(30, f.Side.AGENT, "1002", 2)
        lines = [f"4 1002 CONNECT 2|{leg_id(1, 2)}|2", "34 1002 COMPLETEAGENT 2|30|1"]
        outcome, leg = f.OutgoingOutcome.REACHED, leg_id(1, 2)
    else:
        story.leave(f.LeaveReason.ABANDONED, 2)
        lines = ["4 NONE EXITWITHTIMEOUT 1|1|2"]  # he hung up between two rounds
        outcome, leg = f.OutgoingOutcome.CUSTOMER_GONE, leg_id(1)
    story.add(f.OutgoingEnded, 1, leg=leg, outcome=outcome, lasted=34 * SECOND, **about)
    assert prove(numbered(story), log(1, "2 NONE ENTERQUEUE |138|1", *lines)) == []


def test_a_good_call_has_no_mismatch() -> None:
    assert prove(numbered(whole()), good_log(), CallerCount(placed=1, talked=1)) == []


@pytest.mark.parametrize(
    ("story", "lines"),
    [
        pytest.param(
            abandoned(1),
            ["2 NONE ENTERQUEUE |138|1", "9 1001 RINGCANCELED 6900", "9 NONE ABANDON 1|1|7"],
            id="abandon while ringing",
        ),
        pytest.param(
            Story().menu().join().leave(f.LeaveReason.TIMED_OUT, 30).end(f.Phase.MENU, 5, f.EndReason.SYSTEM),
            ["2 NONE ENTERQUEUE |138|1", "32 NONE EXITWITHTIMEOUT 1|1|30"],
            id="queue time-out",
        ),
        pytest.param(
            Story().menu().join().leave(f.LeaveReason.CALLBACK, 45).end(f.Phase.MENU, 5, f.EndReason.SYSTEM),
            ["2 NONE ENTERQUEUE |138|1", "40 NONE EXITWITHKEY 8|1|1|38"],  # asked and answered meanwhile
            id="to be called back",
        ),
        pytest.param(
            Story()
            .menu()
            .join()
            .leave(f.LeaveReason.REQUEUED, 20)
            .join(again=True)
            .offer("1002", 2, ours=True)
            .answer("1002", 2, rang=3)
            .talk(5, f.Side.AGENT, "1002", 2)
            .end(f.Phase.TALKING, 0),
            [
                "2 NONE ENTERQUEUE |138|1",
                "10 NONE EXITWITHKEY 8|1|1|8",
                "22 NONE ENTERQUEUE |138|1",
                "22 NONE EXITWITHKEY 8|1|1|0",  # taken to an agent while he was asked
            ],
            id="asked whether we are to call back, and answered",
        ),
        pytest.param(
            Story()
            .menu()
            .join()
            .leave(f.LeaveReason.REQUEUED, 15)
            .join(again=True)
            .leave(f.LeaveReason.ABANDONED, 4)
            .end(f.Phase.WAITING, 0),
            [
                "2 NONE ENTERQUEUE |138|1",
                "12 NONE EXITEMPTY 1|1|10",  # five seconds of music between the rounds
                "17 NONE ENTERQUEUE |138|1",
                "21 NONE ABANDON 1|1|4",
            ],
            id="two rounds",
        ),
        pytest.param(
            Story()
            .menu()
            .join()
            .leave(f.LeaveReason.REQUEUED, 3)
            .join(1, again=True)
            .offer()
            .answer()
            .talk(9, f.Side.CUSTOMER)
            .end(f.Phase.TALKING, 0),
            [
                "2 NONE ENTERQUEUE |138|1",
                "5 NONE ABANDON 1|1|3",  # our redirect, in the log's words
                "6 NONE ENTERQUEUE |138|1",
                f"8 1001 CONNECT 2|{leg_id(1)}|2",
                "17 1001 COMPLETECALLER 2|9|1",
            ],
            id="redirected out and back",
        ),
        pytest.param(
            Story()
            .menu()
            .join()
            .offer(after=60, ours=True)
            .no_answer()
            .leave(f.LeaveReason.REQUEUED)
            .join(again=True)
            .offer("1002", 2, ours=True)
            .answer("1002", 2, rang=3)
            .talk(5, f.Side.AGENT, "1002", 2)
            .end(f.Phase.TALKING, 0),
            [
                "2 NONE ENTERQUEUE |138|1",
                "62 NONE ABANDON 1|1|60",  # taken to an agent by us; of that the log knows no more
                "66 NONE ENTERQUEUE |138|1",
                "66 NONE ABANDON 1|1|0",
            ],
            id="offered past app_queue, the second time with success",
        ),
        pytest.param(
            Story()
            .menu()
            .join()
            .offer()
            .no_answer()
            .offer("1002", 2, 1)
            .answer("1002", 2)
            .talk(5, f.Side.CUSTOMER, "1002", 2)
            .end(f.Phase.TALKING, 0),
            [
                "2 NONE ENTERQUEUE |138|1",
                "6 1001 RINGNOANSWER 4000",
                f"9 1002 CONNECT 7|{leg_id(1, 2)}|2",
                "14 1002 COMPLETECALLER 7|5|1",
            ],
            id="second agent",
        ),
        pytest.param(
            whole(),
            [
                "2 NONE ENTERQUEUE |138|1",
                f"4 1001 CONNECT 2|{leg_id(1)}|2",
                "39 1001 COMPLETECALLER 2|35|1",  # redirected to the survey: the log's talk runs on
            ],
            id="redirect to the survey",
        ),
        pytest.param(
            abandoned(1),
            [
                "2 NONE ENTERQUEUE |138|1",
                f"9 1001 CONNECT 7|{leg_id(1)}|7",
                "9 1001 COMPLETECALLER 7|0|1",
            ],
            id="hung up while the telephone was picked up",
        ),
        pytest.param(
            Story()
            .menu()
            .join()
            .leave(f.LeaveReason.NODE_LOST, 9)
            .end(f.Phase.WAITING, 0, f.EndReason.NODE_LOST),
            ["2 NONE ENTERQUEUE |138|1"],
            id="node lost",
        ),
        pytest.param(
            Story().menu().add(f.NobodyOnDuty, queue=QUEUE).end(f.Phase.MENU, 5, f.EndReason.SYSTEM),
            [],
            id="nobody on duty",
        ),
    ],
)
def test_what_only_the_queue_log_says_otherwise_is_no_mismatch(story: Story, lines: list[str]) -> None:
    assert prove(numbered(story), log(1, *lines)) == []


def without(kind: type[Fact]) -> Callable[[Story], list[Fact]]:
    return lambda story: [fact for fact in story.facts if not isinstance(fact, kind)]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (f.CallArrived, "arrived_once"),
        (f.CallEnded, "ended_once"),
        (f.CallerQueued, "wait_begun"),
        (f.CallerLeftQueue, "wait_ended"),
        (f.AgentAnswered, "talk_begun"),
        (f.TalkEnded, "talk_ended"),
        (f.SurveyEnded, "survey_ended"),
        (f.RecordingEnded, "recording_ended"),
    ],
)
def test_a_fact_that_is_missing_is_noticed(kind: type[Fact], rule: str) -> None:
    left = [Numbered(n, fact) for n, fact in enumerate(without(kind)(whole()), 1)]
    assert rule in rules(prove(left))
    assert rule in rules(prove(left, good_log()))


def test_a_fact_taken_twice_is_noticed() -> None:
    facts = [fact for fact in whole().facts for _ in range(1 + isinstance(fact, f.AgentAnswered))]
    assert "answered_once" in rules(prove([Numbered(n, fact) for n, fact in enumerate(facts, 1)]))


def test_a_hole_in_the_numbers_is_noticed() -> None:
    facts = numbered(whole())
    assert rules(prove([*facts[:3], *facts[4:]]))[0] == "numbers"


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        ([], "joined"),
        (["2 NONE ENTERQUEUE |138|1"], "exit"),
        (["2 NONE ENTERQUEUE |138|1", "4 NONE ABANDON 1|1|2"], "exit"),
        (
            ["2 NONE ENTERQUEUE |138|1", "9 1001 CONNECT 7|{leg}|2", "34 1001 COMPLETEAGENT 7|30|1"],
            "waited",
        ),
        (
            ["2 NONE ENTERQUEUE |138|1", "4 1002 CONNECT 2|{leg}|2", "34 1002 COMPLETEAGENT 2|30|1"],
            "answered",
        ),
        (
            ["2 NONE ENTERQUEUE |138|1", "4 1001 CONNECT 2|n-1.9|2", "34 1001 COMPLETEAGENT 2|30|1"],
            "answered",
        ),
        (["2 NONE ENTERQUEUE |138|1", "4 1001 CONNECT 2|{leg}|2"], "talk_ended"),
        (["2 NONE ENTERQUEUE |138|1", "4 1001 CONNECT 2|{leg}|2", "34 1001 COMPLETEAGENT 2|40|1"], "talked"),
        (["2 NONE ENTERQUEUE |138|1", "4 1001 CONNECT 2|{leg}|2", "34 1001 COMPLETECALLER 2|20|1"], "talked"),
        (
            [
                "2 NONE ENTERQUEUE |138|1",
                "3 1002 RINGNOANSWER 4000",
                "4 1001 CONNECT 2|{leg}|2",
                "34 1001 COMPLETEAGENT 2|30|1",
            ],
            "offers",
        ),
    ],
)
def test_a_log_that_says_something_else_is_noticed(lines: list[str], rule: str) -> None:
    lines = [line.replace("{leg}", leg_id(1)) for line in lines]
    assert rule in rules(prove(numbered(whole()), log(1, *lines)))


def test_a_time_out_told_as_an_abandon_is_noticed() -> None:
    story = (
        Story().menu().join().leave(f.LeaveReason.ABANDONED, 30).end(f.Phase.WAITING, 5, f.EndReason.SYSTEM)
    )
    lines = log(1, "2 NONE ENTERQUEUE |138|1", "32 NONE EXITWITHTIMEOUT 1|1|30")
    (found,) = prove(numbered(story), lines)
    assert (found.rule, found.ledger, found.witness) == ("exit", "abandoned", "EXITWITHTIMEOUT")


def test_a_failed_offer_that_the_log_does_not_know_is_noticed() -> None:
    story = Story().menu().join().offer().no_answer().leave(f.LeaveReason.ABANDONED).end(f.Phase.WAITING)
    lines = log(1, "2 NONE ENTERQUEUE |138|1", "6 NONE ABANDON 1|1|4")
    assert rules(prove(numbered(story), lines)) == ["offers"]


def test_a_conference_of_which_nobody_knows_who_left_is_noticed() -> None:
    story = whole().leg(f.ConferenceStarted, 0, 1, "1001", to="1002", to_leg=leg_id(1, 9))
    assert rules(prove(numbered(story), good_log())) == ["conference_ended"]


def test_a_call_that_only_the_log_knows_is_noticed_unless_it_may_be_open() -> None:
    both = [*good_log(1), *good_log(7)]
    assert rules(prove(numbered(whole(1)), both)) == ["known_call"]
    assert prove(numbered(whole(1)), both, calls_may_be_open=True) == []


def test_calls_in_progress_are_left_out_only_when_asked() -> None:
    begun = Story(2).menu().join()
    facts = numbered(whole(1), begun)
    assert prove(facts, good_log(), calls_may_be_open=True) == []
    assert "ended_once" in rules(prove(facts, good_log()))


def test_a_restart_of_asterisk_explains_a_log_that_breaks_off() -> None:
    story = Story().menu().join().leave(f.LeaveReason.ABANDONED, 9).end(f.Phase.WAITING, 0)
    lines = log(1, "2 NONE ENTERQUEUE |138|1")
    assert rules(prove(numbered(story), lines)) == ["exit"]
    restart = read_queue_log([f"{START + 20}|NONE|NONE|NONE|QUEUESTART|\n"])
    assert prove(numbered(story), [*lines, *restart]) == []


@pytest.mark.parametrize(
    ("callers", "found"),
    [
        (CallerCount(placed=1), []),
        (CallerCount(placed=2, failed=1), []),
        (CallerCount(placed=2), ["calls_placed"]),
        (CallerCount(placed=0), ["calls_placed"]),
        (CallerCount(placed=1, talked=0), ["calls_answered"]),
    ],
)
def test_the_callers_own_count_is_compared(callers: CallerCount, found: list[str]) -> None:
    assert rules(prove(numbered(whole()), good_log(), callers)) == found


def test_an_answer_of_app_queue_is_not_excused_by_an_offer_of_ours() -> None:
    """We offered one agent in vain; the answer of another one is in the log, or it is a mismatch."""
    story = (
        Story()
        .menu()
        .join()
        .offer(after=60, ours=True)
        .no_answer()
        .leave(f.LeaveReason.REQUEUED)
        .join(again=True)
        .offer("1002", 2)
        .answer("1002", 2)
        .talk(5, f.Side.AGENT, "1002", 2)
        .end(f.Phase.TALKING, 0)
    )
    lines = ["2 NONE ENTERQUEUE |138|1", "62 NONE ABANDON 1|1|60", "66 NONE ENTERQUEUE |138|1"]
    found = prove(numbered(story), log(1, *lines, "68 NONE ABANDON 1|1|2"))
    assert rules(found) == ["exit", "answered", "talk_ended"]
