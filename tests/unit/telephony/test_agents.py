"""The agent's state machine (house §4; SUMMARY-01, CALL-19..22)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from core import facts as f
from core.clock import SECOND
from core.errors import Conflict
from core.facts import AgentState as S
from directory.model import Membership
from telephony import agents as a
from telephony import commands as c
from telephony.agent_fold import Step, decide, follow
from telephony.moves import moved
from tests.unit.telephony.story import CALL, Story, leg, normal, tell

NOW = 1_700_000_000 * SECOND
LIMITS = {"personal-cmn": 30 * SECOND, "bench": 0}


def members(agent: str) -> tuple[Membership, ...]:
    return (Membership(queue="personal-cmn", penalty=0), Membership(queue="card-cmn", penalty=10))


DUTIES = a.Duties(
    memberships=members, wrapup_limit=lambda queue: LIMITS.get(queue, 30 * SECOND), nodes=("node1",)
)


class Seat:
    """One agent driven by wishes and facts; remembers everything that came of it."""

    def __init__(self, *wishes: a.Wish, duties: a.Duties = DUTIES) -> None:
        self.agent = a.Agent("1001")
        self.duties = duties
        self.facts: list[f.Fact] = []
        self.commands: list[c.Command] = []
        for wish in wishes:
            self.wish(wish)

    def wish(self, wish: a.Wish) -> Seat:
        return self._keep(decide(self.agent, wish, self.duties))

    def follow(self, *facts: f.Fact) -> Seat:
        for fact in facts:
            self._keep(follow(self.agent, fact, self.duties))
        return self

    def _keep(self, step: Step) -> Seat:
        self.agent, facts, commands = step
        self.facts += facts
        self.commands += commands
        return self

    @property
    def states(self) -> list[str]:
        return [fact.state.value for fact in self.facts if isinstance(fact, f.AgentStateChanged)]


def ready() -> Seat:
    return Seat(a.LogIn(NOW, "d001"), a.BeReady(NOW + SECOND))


def call_facts(story: Story) -> list[f.Fact]:
    return tell(story.signals)[1]


@pytest.mark.rule("CALL-19")
def test_log_in_makes_the_device_a_paused_member_of_every_queue() -> None:
    seat = Seat(a.LogIn(NOW, "d001"))
    assert seat.commands == [
        c.AddMember("node1", "personal-cmn", "d001", "1001", 0, "logged_in"),
        c.AddMember("node1", "card-cmn", "d001", "1001", 10, "logged_in"),
    ]
    assert (seat.agent.state, seat.agent.reason) == (S.NOT_READY, "logged_in")
    with pytest.raises(Conflict, match="already logged in at d001"):
        seat.wish(a.LogIn(NOW, "d002"))


def test_who_is_logged_out_without_wishing_it_has_the_reason_in_the_fact() -> None:
    seat = ready().wish(a.LogOut(NOW + 9 * SECOND, a.PAGE_GONE_REASON))
    told = seat.facts[-1]
    assert isinstance(told, f.AgentStateChanged)
    assert (told.state, told.reason, told.device) == (S.LOGGED_OUT, "page_gone", "d001")
    assert (seat.agent.reason, seat.agent.device) == ("", "")
    assert seat.commands[-2:] == [
        c.RemoveMember("node1", queue, "d001") for queue in ("personal-cmn", "card-cmn")
    ]


@pytest.mark.rule("SUMMARY-01")
def test_wrap_up_holds_the_next_call_off_until_the_summary_is_saved() -> None:
    seat = ready().follow(*call_facts(Story().arrives().joins().offered().after(2).answers()))
    assert seat.commands[-1] == c.SetPause("node1", "d001", True, c.WRAP_UP)
    assert seat.agent.state is S.TALKING
    story = Story().arrives().joins().offered().after(2).answers().after(60).agent_hangs_up()
    seat = ready().follow(*call_facts(story))
    assert seat.agent.state is S.WRAP_UP
    with pytest.raises(Conflict, match="save the summary"):
        seat.wish(a.BeReady(story.at))
    seat.wish(a.SummaryDone(story.at + SECOND, leg(2)))
    assert seat.commands[-1] == c.SetPause("node1", "d001", False, "")
    assert seat.states == ["not_ready", "ready", "ringing", "talking", "wrap_up", "ready"]
    assert seat.facts[-1] == f.AgentStateChanged(
        at=story.at + SECOND,
        node="node1",
        agent="1001",
        before=S.WRAP_UP,
        state=S.READY,
        reason="summary",
        device="d001",
    )


def test_wrap_up_ends_at_its_limit_but_only_for_the_leg_it_was_set_for() -> None:
    seat = ready().follow(*call_facts(Story().arrives().joins().offered().answers().agent_hangs_up()))
    seat.wish(a.WrapUpOver(NOW, leg(99)))
    assert seat.agent.state is S.WRAP_UP
    seat.wish(a.WrapUpOver(NOW, leg(2)))
    assert seat.agent.state is S.READY


def test_a_summary_saved_while_talking_leaves_no_wrap_up() -> None:
    talk = Story().arrives().joins().offered().answers()
    seat = ready().follow(*call_facts(talk)).wish(a.SummaryDone(NOW, leg(2)))
    seat.follow(*call_facts(talk.after(9).agent_hangs_up())[-2:])
    assert seat.agent.state is S.READY
    assert seat.commands[-1] == c.SetPause("node1", "d001", False, "")


def test_without_a_wrap_up_limit_nothing_is_said_to_asterisk() -> None:
    none = a.Duties(memberships=members, wrapup_limit=lambda queue: 0, nodes=("node1",))
    seat = Seat(a.LogIn(NOW, "d001"), a.BeReady(NOW), duties=none)
    before = list(seat.commands)
    seat.follow(*call_facts(Story().arrives().joins().offered().answers().agent_hangs_up()))
    assert seat.commands == before
    assert seat.agent.state is S.READY


def test_two_unanswered_offers_in_a_row_take_the_agent_off() -> None:
    story = Story().arrives().joins().offered(2).after(4).fails(2).after(1).offered(3).after(4).fails(3)
    seat = ready().follow(*call_facts(story))
    assert (seat.agent.state, seat.agent.reason) == (S.NOT_READY, "no_answer")
    assert seat.commands[-1] == c.SetPause("node1", "d001", True, "no_answer")


def test_being_ready_again_ends_the_place_behind_the_others() -> None:
    story = Story().arrives().joins().offered(2).after(4).fails(2).after(1).offered(3).after(4).fails(3)
    seat = ready().follow(*call_facts(story)).wish(a.BeReady(story.at))
    assert seat.commands[-3:] == [
        c.SetPenalty("node1", "personal-cmn", "d001", 0),
        c.SetPenalty("node1", "card-cmn", "d001", 10),
        c.SetPause("node1", "d001", False, ""),
    ]
    assert not [x for x in ready().commands if isinstance(x, c.SetPenalty)]


def test_an_answer_between_starts_the_count_again() -> None:
    missed = Story().arrives().joins().offered(2).after(4).fails(2).after(1).offered(3).answers(3)
    seat = ready().follow(*call_facts(missed))
    assert seat.agent.unanswered == 0
    gave_up = Story().arrives().joins().offered(2).after(2).customer_hangs_up()
    seat = ready().follow(*call_facts(gave_up))
    assert (seat.agent.state, seat.agent.unanswered) == (S.READY, 0)


@pytest.mark.rule("CALL-21")
def test_not_ready_during_a_call_is_kept_for_after_it() -> None:
    talk = Story().arrives().joins().offered().answers()
    seat = ready().follow(*call_facts(talk)).wish(a.BeNotReady(NOW, "meal"))
    assert seat.agent.state is S.TALKING
    seat.follow(*call_facts(talk.after(9).agent_hangs_up())[-2:]).wish(a.SummaryDone(NOW, leg(2)))
    assert (seat.agent.state, seat.agent.reason) == (S.NOT_READY, "meal")
    assert seat.commands[-1] == c.SetPause("node1", "d001", True, "meal")


def test_log_out_is_refused_in_a_call_and_empties_the_queues_after_it() -> None:
    seat = ready().follow(*call_facts(Story().arrives().joins().offered()))
    with pytest.raises(Conflict, match="finish it"):
        seat.wish(a.LogOut(NOW))
    seat = ready().wish(a.LogOut(NOW))
    assert seat.commands[-2:] == [
        c.RemoveMember("node1", "personal-cmn", "d001"),
        c.RemoveMember("node1", "card-cmn", "d001"),
    ]
    with pytest.raises(Conflict, match="not logged in"):
        seat.wish(a.BeReady(NOW))


def test_a_lost_phone_takes_a_ready_agent_off_at_once_and_a_talking_one_after_the_call() -> None:
    seat = ready().wish(a.PhoneLost(NOW))
    assert (seat.agent.state, seat.agent.reason) == (S.NOT_READY, "phone_lost")
    talk = Story().arrives().joins().offered().answers()
    seat = ready().follow(*call_facts(talk)).wish(a.PhoneLost(NOW))
    assert seat.agent.state is S.TALKING
    seat.follow(*call_facts(talk.after(1).agent_hangs_up())[-2:]).wish(a.WrapUpOver(NOW, leg(2)))
    assert seat.agent.reason == "phone_lost"


def test_a_reservation_is_taken_once_and_given_back_by_whom_it_is_for() -> None:
    seat = ready().wish(a.Reserve(NOW, CALL))
    with pytest.raises(Conflict, match="reserved, not ready"):
        seat.wish(a.Reserve(NOW, CALL))
    assert seat.wish(a.Release(NOW, "another")).agent.state is S.RESERVED
    assert seat.wish(a.Release(NOW, CALL)).agent.state is S.READY
    pauses = [command for command in seat.commands if isinstance(command, c.SetPause)]
    assert pauses[-2:] == [
        c.SetPause("node1", "d001", True, "reserved"),
        c.SetPause("node1", "d001", False, ""),
    ]


def test_a_reserved_agent_who_takes_the_call_goes_the_way_of_every_other() -> None:
    talk = Story().arrives().joins().offered().after(2).answers().after(9).agent_hangs_up()
    seat = ready().wish(a.Reserve(NOW, CALL)).follow(*call_facts(talk))
    assert seat.states[-4:] == ["reserved", "ringing", "talking", "wrap_up"]
    assert not seat.agent.held
    assert seat.commands[-1] == c.SetPause("node1", "d001", True, c.WRAP_UP)


def test_a_reserved_agent_who_lets_it_ring_is_no_longer_held() -> None:
    """The pause of the reservation would otherwise outlive it."""
    rings = Story().arrives().joins().offered().after(4).fails()
    seat = ready().wish(a.Reserve(NOW, CALL)).follow(*call_facts(rings))
    assert (seat.agent.state, seat.agent.held, seat.agent.unanswered) == (S.READY, False, 1)
    assert seat.commands[-1] == c.SetPause("node1", "d001", False, "")


def test_without_wrap_up_the_hold_ends_with_the_answer() -> None:
    duties = replace(DUTIES, wrapup_limit=lambda queue: 0)
    seat = Seat(a.LogIn(NOW, "d001"), a.BeReady(NOW), a.Reserve(NOW, CALL), duties=duties)
    talk = call_facts(Story().arrives().joins().offered().answers().after(5).agent_hangs_up())
    answered = next(n for n, fact in enumerate(talk) if isinstance(fact, f.AgentAnswered)) + 1
    seat.follow(*talk[:answered])
    assert seat.commands[-1] == c.SetPause("node1", "d001", False, "")
    told = len(seat.commands)
    seat.follow(*talk[answered:])
    assert (seat.agent.state, seat.commands[told:]) == (S.READY, [])


def test_star_codes_are_adopted_as_asterisk_carried_them_out() -> None:
    seat = Seat(a.Adopt(NOW, S.READY, "", "d007"))
    assert (seat.agent.state, seat.agent.device, seat.commands) == (S.READY, "d007", [])
    seat.wish(a.Adopt(NOW, S.LOGGED_OUT, "", "d007"))
    assert (seat.agent.state, seat.agent.device) == (S.LOGGED_OUT, "")


# ------------------------------------------------------------------ a colleague asks


def question(kind: type[f.ConsultFact], at: int, **more: object) -> f.Fact:
    about = {"call": CALL, "leg": leg(2), "agent": "1002", "queue": "personal-cmn"}
    return kind(at=NOW + at, to="1001", to_leg=leg(3), **about, **more)  # type: ignore[arg-type]


ASKED = question(f.ConsultStarted, 1, device="d001", by_leg=leg(9))
DONE = question(f.ConsultEnded, 9, outcome=f.ConsultOutcome.DONE, consulted=8)
JOINED = question(f.ConsultEnded, 9, outcome=f.ConsultOutcome.JOINED, consulted=8)


@pytest.mark.rule("CALL-16")
def test_whoever_is_asked_is_so_until_the_colleague_knows_enough() -> None:
    seat = ready()
    told = len(seat.commands)
    seat.follow(ASKED)
    assert (seat.agent.state, seat.agent.call, seat.agent.leg) == (S.CONSULTING, CALL, leg(3))
    assert seat.follow(DONE).agent == replace_since(ready().agent, NOW + 9)
    assert seat.commands[told:] == []


def replace_since(agent: a.Agent, since: int) -> a.Agent:
    return structs.replace(agent, since=since, rest=a.Rest())


def test_whoever_is_asked_at_a_rest_goes_back_to_it_or_where_he_has_wished_to_be_meanwhile() -> None:
    seat = Seat(a.LogIn(NOW, "d001"), a.BeNotReady(NOW, "meal")).follow(ASKED, DONE)
    assert (seat.agent.state, seat.agent.reason) == (S.NOT_READY, "meal")
    seat = ready().follow(ASKED).wish(a.BeNotReady(NOW + 2, "meal"))
    assert seat.agent.state is S.CONSULTING
    assert seat.follow(DONE).agent.reason == "meal"
    with pytest.raises(Conflict, match="has a call"):
        ready().follow(ASKED).wish(a.LogOut(NOW + 2))


def test_whoever_is_asked_and_then_has_the_customer_talks_and_owes_a_summary() -> None:
    about = {"call": CALL, "leg": leg(3), "agent": "1001", "queue": "personal-cmn"}
    offered = f.AgentOffered(at=NOW + 9, device="d001", from_leg=leg(2), **about)
    answered = f.AgentAnswered(at=NOW + 9, device="d001", waited=0, rang=3, **about)
    over = f.TalkEnded(at=NOW + 20, talked=11, released_by=f.Side.AGENT, **about)
    seat = ready().follow(ASKED, JOINED, offered, answered)
    assert seat.states[-2:] == ["consulting", "talking"]
    assert seat.commands[-1] == c.SetPause("node1", "d001", True, c.WRAP_UP)
    assert seat.follow(over).agent.state is S.WRAP_UP


def test_a_question_changes_nothing_for_whoever_has_a_call_of_his_own() -> None:
    facts = call_facts(normal())
    seat = ready().follow(*(x for x in facts if isinstance(x, f.AgentOffered | f.AgentAnswered)))
    before = seat.agent
    assert before.state is S.TALKING
    assert seat.follow(ASKED, DONE).agent == before


# ------------------------------------------------------------------ the directory changes


def test_who_is_dismissed_is_logged_out() -> None:
    seat = Seat(a.LogIn(NOW, "d001"), a.BeReady(NOW)).wish(a.Dismiss(NOW))
    assert (seat.agent.state, seat.agent.device) == (S.LOGGED_OUT, "")
    assert Seat().wish(a.Dismiss(NOW)).facts == []


@pytest.mark.rule("SEC-21")
def test_who_is_dismissed_in_a_call_finishes_it_first() -> None:
    seat = Seat(a.LogIn(NOW, "d001"), a.BeReady(NOW), a.Reserve(NOW, CALL), a.Dismiss(NOW))
    assert seat.agent.state is S.RESERVED
    seat.wish(a.BeReady(NOW))  # nothing that comes later changes that
    assert seat.wish(a.Release(NOW, CALL)).agent.state is S.LOGGED_OUT


def test_other_queues_are_told_and_nothing_else() -> None:
    agent = a.Agent("1001", state=S.READY, device="d001", node="node1")
    before = (Membership(queue="personal-cmn", penalty=0), Membership(queue="card-cmn", penalty=10))
    after = (Membership(queue="card-cmn", penalty=0), Membership(queue="loss-cmn", penalty=10))
    assert moved(agent, before, after, nodes=["node1", "node2"], pause="meal") == [
        command
        for node in ("node1", "node2")
        for command in (
            c.RemoveMember(node, "personal-cmn", "d001"),
            c.AddMember(node, "loss-cmn", "d001", "1001", 10, "meal"),
            c.SetPenalty(node, "card-cmn", "d001", 0),
        )
    ]
