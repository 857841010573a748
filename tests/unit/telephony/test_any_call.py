"""Whatever legally happens on a floor, and however often its signals come: the facts add up.

Every second of a call is in one state, the sum of the parts is the whole, each leg ends once, scores stay
with their leg, and no agent is in two calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from core import facts as f
from core.clock import MILLISECOND, SECOND
from core.errors import Conflict
from core.facts import AgentState
from telephony import signals as s
from telephony.switchboard import Switchboard
from tests.unit.telephony.floor_world import AGENTS, QUEUES, Customer, Step, World
from tests.unit.telephony.test_agents import DUTIES

_RARELY = st.integers(0, 7).map(lambda number: number == 7)
_IN_CALL = (AgentState.RINGING, AgentState.TALKING)


def heard(steps: Iterable[Step]) -> list[f.Fact]:
    """The facts that these steps tell."""
    board, facts = Switchboard(DUTIES), list[f.Fact]()
    for step in steps:
        if isinstance(step, s.Signal):
            facts += board.hear(step).facts
            continue
        try:
            facts += board.wish(*step).facts
        except Conflict:  # the world's agent was ahead of these signals: a person would be told so
            continue
    return facts


class AnyFloor(RuleBasedStateMachine):
    """One floor, from the first call until the last customer is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.again: list[tuple[int, int]] = []

    # ------------------------------------------------------------------ who can do what

    def _some(self, data: st.DataObject, customers: Sequence[Customer]) -> Customer:
        self.world.at += data.draw(st.integers(100, 60_000)) * MILLISECOND
        return data.draw(st.sampled_from(customers))

    def _with(self, **state: bool) -> list[Customer]:
        here = [one for one in self.world.customers if not one.gone]
        return [one for one in here if all(_is(one, name) == wanted for name, wanted in state.items())]

    @initialize(again=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 40)), max_size=30))
    def which_are_told_again(self, again: list[tuple[int, int]]) -> None:
        """(place of a signal, how many others later it is told once more)."""
        self.again = again

    @precondition(lambda self: len(self._with()) < 3)
    @rule(wait_ms=st.integers(100, 9_000), queue=st.sampled_from(QUEUES))
    def a_customer_calls(self, wait_ms: int, queue: str) -> None:
        self.world.at += wait_ms * MILLISECOND
        self.world.queues(self.world.calls(), queue)

    @precondition(lambda self: self._with(waiting=True, ringing=False) and self.world.free_agents())
    @rule(data=st.data())
    def a_telephone_rings(self, data: st.DataObject) -> None:
        customer = self._some(data, self._with(waiting=True, ringing=False))
        self.world.rings(customer, data.draw(st.sampled_from(self.world.free_agents())))

    @precondition(lambda self: self._with(ringing=True))
    @rule(data=st.data(), refused=_RARELY)
    def it_is_picked_up_or_not(self, data: st.DataObject, refused: bool) -> None:
        customer = self._some(data, self._with(ringing=True))
        (self.world.refuses if refused else self.world.answers)(customer)

    @precondition(lambda self: self._with(talking=True))
    @rule(data=st.data())
    def a_hold_begins_or_ends(self, data: st.DataObject) -> None:
        self.world.holds(self._some(data, self._with(talking=True)))

    @precondition(lambda self: self._can_confer() and self.world.free_agents())
    @rule(data=st.data())
    def a_conference(self, data: st.DataObject) -> None:
        customer = self._some(data, self._can_confer())
        self.world.confers(customer, data.draw(st.sampled_from(self.world.free_agents())))

    def _can_confer(self) -> list[Customer]:
        return self._with(talking=True, holding=False, conferred=False)

    @precondition(lambda self: self._with(conferring=True))
    @rule(data=st.data(), colleague=st.booleans())
    def one_leaves_a_conference(self, data: st.DataObject, colleague: bool) -> None:
        self.world.leaves_conference(self._some(data, self._with(conferring=True)), colleague=colleague)

    @precondition(lambda self: self._with(talking=True, conferring=False))
    @rule(data=st.data(), dies=st.booleans())
    def an_agents_end(self, data: st.DataObject, dies: bool) -> None:
        customer = self._some(data, self._with(talking=True, conferring=False))
        (self.world.telephone_dies if dies else self.world.agent_hangs_up)(customer)

    @precondition(lambda self: self._with(talking=True, conferring=False))
    @rule(data=st.data())
    def a_transfer(self, data: st.DataObject) -> None:
        customer = self._some(data, self._with(talking=True, conferring=False))
        self.world.sends_on(customer, data.draw(st.sampled_from([*QUEUES, *self.world.free_agents()])))

    @precondition(lambda self: self._with(rating=True))
    @rule(data=st.data(), answer=st.integers(1, 5))
    def a_score(self, data: st.DataObject, answer: int) -> None:
        self.world.rates(self._some(data, self._with(rating=True)), answer)

    @precondition(lambda self: self._with())
    @rule(data=st.data(), now=_RARELY)
    def a_customer_hangs_up(self, data: st.DataObject, now: bool) -> None:
        if now:
            self.world.customer_hangs_up(self._some(data, self._with()))

    @precondition(lambda self: self._in_wrap_up())
    @rule(data=st.data())
    def a_summary(self, data: st.DataObject) -> None:
        self.world.at += SECOND
        self.world.sums_up(data.draw(st.sampled_from(self._in_wrap_up())))

    def _in_wrap_up(self) -> list[str]:
        return [one for one in AGENTS if self.world.board.agent(one).state is AgentState.WRAP_UP]

    # ------------------------------------------------------------------ what has to be true

    def teardown(self) -> None:
        """Everybody hangs up; then all is told straight, and once more with signals that come twice."""
        for customer in self._with():
            self.world.at += SECOND
            self.world.customer_hangs_up(customer)
        straight = heard(self.world.steps)
        for customer in self.world.customers:
            _adds_up(customer, straight)
        _nobody_is_in_two_calls(straight)
        assert _told(heard(self._twice())) == _told(straight)
        assert _timeless(heard(self._swapped())) == _timeless(straight)

    def _twice(self) -> list[Step]:
        steps = list(self.world.steps)
        places = [n for n, step in enumerate(steps) if isinstance(step, s.Signal)]
        told = [(places[place % len(places)], later) for place, later in self.again if places]
        # From the last one on, so that nothing is told before it has happened.
        for at, later in sorted(told, reverse=True):
            steps.insert(min(at + 1 + later, len(steps)), self.world.steps[at])
        return steps

    def _swapped(self) -> list[Step]:
        """Neighbours that speak of different channels have changed places. Who asks to hang up is first in
        fact: the node tells it before it acts on it."""
        steps = list(self.world.steps)
        for place, _ in self.again:
            at = place % max(1, len(steps) - 1)
            one, other = steps[at : at + 2] if len(steps) > 1 else (None, None)
            if not (isinstance(one, s.Signal) and isinstance(other, s.Signal)):
                continue
            asked = isinstance(one, s.HangupAsked) or isinstance(other, s.HangupAsked)
            if not asked and abs(other.at - one.at) <= MILLISECOND and not _channels(one) & _channels(other):
                steps[at], steps[at + 1] = other, one
        return steps


def _is(customer: Customer, name: str) -> bool:
    states = {
        "waiting": customer.joined > 0,
        "ringing": customer.ringing is not None,
        "talking": customer.talking is not None,
        "holding": customer.talking is not None and customer.talking.held_at is not None,
        "conferring": customer.third is not None,
        "conferred": customer.conferred,
        "rating": bool(customer.survey) and customer.asked < 2,
    }
    return states[name]


def _adds_up(customer: Customer, facts: Sequence[f.Fact]) -> None:
    mine = [fact for fact in facts if isinstance(fact, f.CallFact) and fact.call == customer.call]
    (arrived,) = [fact for fact in mine if isinstance(fact, f.CallArrived)]
    (ended,) = [fact for fact in mine if isinstance(fact, f.CallEnded)]
    assert (ended.at, ended.lasted) == (customer.gone, customer.gone - arrived.at)
    # Each leg ends once, in one way; each wait, hold and survey that begins ends.
    kinds = Counter((type(fact).__name__, getattr(fact, "leg", "")) for fact in mine)
    for leg in {fact.leg for fact in mine if isinstance(fact, f.AgentOffered)}:
        assert kinds["AgentOffered", leg] == 1
        assert kinds["OfferEnded", leg] + kinds["AgentAnswered", leg] == 1
        assert kinds["TalkEnded", leg] == kinds["AgentAnswered", leg]
        assert kinds["HoldEnded", leg] == kinds["HoldStarted", leg]
        assert kinds["SurveyEnded", leg] == kinds["SurveyStarted", leg] <= 1
        assert kinds["ConsultEnded", leg] == kinds["ConsultStarted", leg]
        assert kinds["ConferenceEnded", leg] == kinds["ConferenceStarted", leg]
    assert sum(n for (kind, _), n in kinds.items() if kind == "ConferenceStarted") == customer.conferred
    assert kinds["CallerQueued", ""] == kinds["CallerLeftQueue", ""]
    # Talk and hold are what they truly were, score by score and leg by leg.
    talks = {fact.leg: fact for fact in mine if isinstance(fact, f.TalkEnded)}
    assert {leg: talk.talked for leg, talk in talks.items()} == customer.talked
    assert {leg: talk.held for leg, talk in talks.items()} == customer.held
    scores: dict[str, list[int]] = {}
    for fact in mine:
        if isinstance(fact, f.SurveyAnswered):
            scores.setdefault(fact.leg, []).append(fact.answer)
    assert scores == customer.scores
    # Every second is in one state: what lasts does not overlap, and lies within the call.
    spans = sorted(_spans(mine))
    assert all(since <= until for since, until in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans)), spans
    inside = sum(until - since for since, until in spans)
    assert 0 <= inside <= ended.lasted
    if spans:
        assert arrived.at <= spans[0][0]
        assert spans[-1][1] <= ended.at


def _spans(facts: Iterable[f.CallFact]) -> Iterable[tuple[int, int]]:
    """When the customer waited, talked (in a conference with two at once) and rated."""
    met = {leg for fact in facts if isinstance(fact, f.ConferenceStarted) for leg in (fact.leg, fact.to_leg)}
    talks = [fact for fact in facts if isinstance(fact, f.TalkEnded) and fact.leg in met]
    if talks:
        yield min(talk.at - talk.talked for talk in talks), max(talk.at for talk in talks)
    for fact in facts:
        match fact:
            case f.CallerLeftQueue():
                yield fact.at - fact.waited, fact.at
            case f.TalkEnded() if fact.leg not in met:
                yield fact.at - fact.talked, fact.at
            case f.SurveyEnded():
                began = [x.at for x in facts if isinstance(x, f.SurveyStarted) and x.leg == fact.leg]
                yield began[0], fact.at


def _nobody_is_in_two_calls(facts: Iterable[f.Fact]) -> None:
    on: dict[str, str] = {}
    for fact in facts:
        if isinstance(fact, f.AgentAnswered):
            assert fact.agent not in on, f"{fact.agent} answers {fact.call} while talking in {on[fact.agent]}"
            on[fact.agent] = fact.call
        elif isinstance(fact, f.TalkEnded):
            assert on.pop(fact.agent) == fact.call
        elif isinstance(fact, f.AgentStateChanged) and fact.state in _IN_CALL:
            assert on.get(fact.agent, fact.call) == fact.call


def _channels(signal: s.Signal) -> set[str]:
    return {getattr(signal, name) for name in ("leg", "caller_leg") if hasattr(signal, name)}


def _timeless(facts: Iterable[f.Fact]) -> list[str]:
    """Facts of calls without what depends on which of two signals came first, a millisecond apart."""
    measured = {"at", "joined_at", "waited", "rang", "talked", "held", "consulted", "lasted"}
    mine = [fact for fact in facts if isinstance(fact, f.CallFact)]
    rows = [
        (
            type(fact).__name__,
            *(getattr(fact, name) for name in fact.__struct_fields__ if name not in measured),
        )
        for fact in mine
    ]
    return sorted(map(repr, rows))


def _told(facts: Iterable[f.Fact]) -> list[Any]:
    """Whoever is told something twice tells it once: the same facts, in the same order."""
    return [fact for fact in facts if isinstance(fact, f.CallFact)]


TestAnyFloor = AnyFloor.TestCase
TestAnyFloor.settings = settings(max_examples=120, stateful_step_count=60)
