"""Calls that we make to the customer first: the agent who is held for it is rung once there is somebody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from core import facts as f
from core.clock import MINUTE, SECOND
from core.facts import AgentState, OutgoingOutcome, PlaceOutcome, Side
from core.names import asked_callback
from telephony import agents as a
from telephony import commands as c
from telephony import signals as s
from telephony.called_first import CustomerLines, Way
from telephony.kept import KeptPlaces
from telephony.outgoing import Order
from telephony.recall import recall_agent, recall_call
from telephony.reconcile import compare_calls
from telephony.switchboard import Switchboard
from tests.unit.telephony.story import CALL, NODE
from tests.unit.telephony.test_agents import DUTIES, NOW
from tests.unit.telephony.test_outgoing import channel_of
from tests.unit.telephony.test_switchboard import member, snapshot

ASKED_IN = CALL[:-1] + "9"
ORDER = Order(
    call=CALL,
    agent="1001",
    number="13812345678",
    about="callback",
    record=asked_callback(ASKED_IN),
    held=True,
)
WAY = Way(trunk="carrier", rings_s=40, queue="personal-cmn", language="en")
CHANNEL, PHONE = "PJSIP/carrier-00000007", "PJSIP/d001-00000008"
AGENTS, OTHERS = "node1-1700000005.8", "node1-1700000012.9"
pytestmark = pytest.mark.rule("CALL-13")


class Line:
    """A switchboard with 1001, who is held for a customer whom we are calling; 1002 is ready, too."""

    def __init__(self) -> None:
        self.board = Switchboard(DUTIES)
        self.facts: list[f.Fact] = []
        self.commands: list[c.Command] = []
        self.at = NOW
        for number in ("1001", "1002"):
            for wish in (a.LogIn(NOW, f"d{number[1:]}"), a.BeReady(NOW)):
                self.facts += self.board.wish(number, wish).facts
        self.facts += self.board.wish("1001", a.Reserve(NOW, CALL)).facts
        outcome = self.board.dial(ORDER, node=NODE, shown="95559", at=NOW, way=WAY)
        self.facts += outcome.facts
        self.commands += outcome.commands
        self.customer = next(iter(self.board.calls.values())).anchor

    def after(self, seconds: int, *signals: s.Signal) -> Line:
        self.at += seconds * SECOND
        for signal in signals:
            outcome = self.board.hear(structs.replace(signal, at=self.at))
            self.facts += outcome.facts
            self.commands += outcome.commands
        return self

    def dialled(self) -> Line:
        return self.after(0, s.Rang(0, NODE, self.customer))

    def picks_up(self) -> Line:
        """The customer has: the telephone of 1001 is rung at once."""
        about = self.customer, AGENTS, "", "1001", "d001", PHONE
        self.after(3, s.CustomerThere(0, NODE, CALL, self.customer, CHANNEL))
        return self.after(0, s.Offered(0, NODE, *about, by_service=True), s.Rang(0, NODE, AGENTS))

    def talk(self, leg: str = AGENTS) -> Line:
        return self.after(2, s.Bridged(0, NODE, self.customer, "b"), s.Bridged(0, NODE, leg, "b"))

    def lets_ring(self) -> Line:
        about = self.customer, AGENTS, "personal-cmn", "1001", "d001"
        self.after(4, s.OfferFailed(0, NODE, *about), s.Gone(0, NODE, AGENTS, 0))
        return self.after(0, s.OfferOver(0, NODE, CALL, self.customer, "1001"))

    def waits(self) -> Line:
        """At the head of the queue."""
        about = NODE, CALL, self.customer, "personal-cmn"
        entering = s.Entering(0, *about, joined_at=self.at, round=1, priority=1000, language="en")
        return self.after(0, entering, s.Joined(0, NODE, self.customer, "personal-cmn", 1))

    def hangs_up(self) -> Line:
        asked = s.HangupAsked(0, NODE, self.customer, 16)
        return self.after(2, asked, s.Gone(0, NODE, self.customer, 16))

    def kinds(self) -> list[str]:
        return [type(fact).__name__ for fact in self.facts if isinstance(fact, f.CallFact)]

    def of(self, kind: type[f.Fact]) -> list[f.Fact]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def states(self, agent: str = "1001") -> list[AgentState]:
        changes = [fact for fact in self.facts if isinstance(fact, f.AgentStateChanged)]
        return [fact.state for fact in changes if fact.agent == agent]

    def outcome(self) -> OutgoingOutcome:
        (ended,) = self.of(f.OutgoingEnded)
        assert isinstance(ended, f.OutgoingEnded)
        return ended.outcome

    def places(self) -> list[PlaceOutcome]:
        """How the kept place ends by these facts."""
        kept = KeptPlaces(keeps=30 * MINUTE, bound=lambda queue: MINUTE)
        about = {"node": NODE, "call": ASKED_IN, "queue": "personal-cmn", "number": ORDER.number}
        asked = f.CallbackRequested(at=NOW - MINUTE, joined_at=NOW - 2 * MINUTE, **about)  # type: ignore[arg-type]
        return [fact.outcome for fact in kept.hear([asked, *self.facts])]


HELD = [AgentState.NOT_READY, AgentState.READY, AgentState.RESERVED]


def test_the_customer_is_called_before_his_agent_is_rung_and_both_talk() -> None:
    line = Line()
    (order,) = line.commands
    assert isinstance(order, c.CallCustomerFirst)
    assert (order.calling.leg, order.calling.number) == (line.customer, "13812345678")
    assert (order.calling.agent, order.calling.queue) == ("1001", "personal-cmn")
    assert (order.calling.trunk, order.calling.language) == ("carrier", "en")
    line.dialled().after(20)
    line.board.sweep(line.at)
    assert line.states() == HELD
    line.picks_up().talk().after(60, s.HangupAsked(0, NODE, line.customer, 16))
    gone = s.Gone(0, NODE, line.customer, 16), s.Gone(0, NODE, AGENTS, 16)
    line.after(0, s.Unbridged(0, NODE, AGENTS, "b"), *gone)
    assert line.kinds() == [
        "OutgoingStarted",
        "CustomerDialled",
        "CustomerAnswered",
        "AgentOffered",
        "AgentAnswered",
        "TalkEnded",
        "OutgoingEnded",
    ]
    assert line.states() == [*HELD, AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP]
    assert line.outcome() is OutgoingOutcome.REACHED
    assert {fact.queue for fact in line.of(f.LegFact) if isinstance(fact, f.LegFact)} == {""}
    assert line.places() == [PlaceOutcome.REACHED]
    assert not line.board.calls


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (0, OutgoingOutcome.NO_ANSWER),
        (16, OutgoingOutcome.NO_ANSWER),
        (17, OutgoingOutcome.BUSY),
        (21, OutgoingOutcome.BUSY),
        (19, OutgoingOutcome.NO_ANSWER),
        (1, OutgoingOutcome.WRONG_NUMBER),
        (34, OutgoingOutcome.UNREACHABLE),
    ],
)
def test_who_is_not_reached_has_cost_his_agent_nothing(cause: int, outcome: OutgoingOutcome) -> None:
    line = Line()
    line.after(10, s.Gone(0, NODE, line.customer, cause))
    assert line.outcome() is outcome
    assert line.kinds() == ["OutgoingStarted", "CustomerDialled", "OutgoingEnded"]
    assert line.states() == [*HELD, AgentState.READY]
    assert line.commands[-1] == c.SetPause(NODE, "d001", False, "")
    assert line.places() == [PlaceOutcome.NOT_REACHED]
    assert not line.board.calls


def test_who_lets_it_ring_is_told_so_and_the_customer_is_anothers_from_the_head_of_the_queue() -> None:
    line = Line().dialled().picks_up().lets_ring().waits()
    (missed,) = line.of(f.OfferEnded)
    assert isinstance(missed, f.OfferEnded)
    assert (missed.outcome, missed.queue) == (f.OfferOutcome.NO_ANSWER, "")
    assert line.states() == [*HELD, AgentState.RINGING, AgentState.READY]
    assert line.places() == []
    (queued,) = line.of(f.CallerQueued)
    assert isinstance(queued, f.CallerQueued)
    assert (queued.priority, queued.again, queued.joined_at) == (1000, False, line.at)
    about = line.customer, OTHERS, "personal-cmn", "1002", "d002", "PJSIP/d002-00000009"
    line.after(1, s.Offered(0, NODE, *about)).talk(OTHERS)
    assert line.places() == [PlaceOutcome.REACHED]
    line.hangs_up().after(0, s.Gone(0, NODE, OTHERS, 16))
    (left,) = line.of(f.CallerLeftQueue)
    assert isinstance(left, f.CallerLeftQueue)
    assert (left.reason, left.waited) == (f.LeaveReason.ANSWERED, 3 * SECOND)
    (ended,) = line.of(f.OutgoingEnded)
    assert isinstance(ended, f.OutgoingEnded)
    assert (ended.outcome, ended.agent, ended.leg) == (OutgoingOutcome.REACHED, "1002", OTHERS)


def test_an_agent_whose_telephone_is_gone_is_given_back_and_the_customer_waits() -> None:
    line = Line().dialled().after(3)
    line.after(0, s.CustomerThere(0, NODE, CALL, line.customer, CHANNEL))
    line.after(0, s.OfferOver(0, NODE, CALL, line.customer, "1001")).waits()
    assert line.states() == [*HELD, AgentState.READY]
    assert "AgentOffered" not in line.kinds()
    line.hangs_up()
    assert line.outcome() is OutgoingOutcome.CUSTOMER_GONE
    assert line.places() == [PlaceOutcome.NOT_REACHED]


def test_a_customer_who_hangs_up_while_his_agent_is_rung_is_told_from_one_who_never_answered() -> None:
    line = Line().dialled().picks_up().hangs_up().after(0, s.Gone(0, NODE, AGENTS, 16))
    assert line.outcome() is OutgoingOutcome.CUSTOMER_GONE
    (missed,) = line.of(f.OfferEnded)
    assert isinstance(missed, f.OfferEnded)
    assert missed.outcome is f.OfferOutcome.CALLER_GONE
    assert line.states() == [*HELD, AgentState.RINGING, AgentState.READY]
    assert line.places() == [PlaceOutcome.NOT_REACHED]


def test_a_customer_for_whom_nobody_came_free_was_let_go_by_us() -> None:
    line = Line().dialled().picks_up().lets_ring().waits()
    back = s.Returned(0, NODE, CALL, line.customer, "personal-cmn", 1, "TIMEOUT")
    line.after(60, back, s.Gone(0, NODE, line.customer, 16))
    assert line.outcome() is OutgoingOutcome.NO_AGENT


def test_a_lost_node_leaves_open_whether_anybody_was_called() -> None:
    line = Line().dialled()
    line.facts += line.board.lose_node(NODE, line.at, line.at).facts
    assert line.outcome() is OutgoingOutcome.UNKNOWN
    assert line.states() == [*HELD, AgentState.READY]


def test_a_call_that_asterisk_never_began_holds_its_agent_for_a_while_only() -> None:
    line = Line()
    assert line.board.sweep(NOW + 149 * SECOND).facts == []
    line.facts += line.board.sweep(NOW + 151 * SECOND).facts
    assert line.outcome() is OutgoingOutcome.UNKNOWN
    assert line.states() == [*HELD, AgentState.READY]
    refused = Line()
    refused.facts += refused.board.not_dialled(CALL, NOW).facts
    assert refused.outcome() is OutgoingOutcome.NOT_DIALLED


def _told(line: Line) -> Switchboard:
    """Another program that knows what is in the book."""
    board = Switchboard(DUTIES)
    call = recall_call([fact for fact in line.facts if isinstance(fact, f.CallFact)])
    assert call is not None
    board.remember_call(call)
    for fact in line.facts:
        if isinstance(fact, f.AgentFact | f.LegFact) and fact.agent:
            board.remember_agent(recall_agent(board.agent(fact.agent), fact))
    return board


def test_what_the_book_has_of_it_is_the_call_as_it_was() -> None:
    for line in (Line(), Line().dialled(), Line().dialled().picks_up().lets_ring().waits()):
        mine, theirs = (board.calls[CALL] for board in (line.board, _told(line)))
        assert theirs.anchor == mine.anchor == line.customer
        assert (theirs.holds_agent, theirs.first, theirs.phase) == (mine.holds_agent, mine.first, mine.phase)
        assert theirs.is_unheard == mine.is_unheard
        assert _told(line).agent("1001").state is line.states()[-1]


def test_a_customer_who_was_called_without_us_is_found_again_and_so_is_his_agent() -> None:
    line = Line()
    board = _told(line)
    about = {"CALL_ID": CALL, "CALL_QUEUE": "personal-cmn"}
    customer = replace(channel_of(line.customer, CHANNEL, "b"), variables=about | {"OUT_LEG": line.customer})
    phone = replace(channel_of(AGENTS, PHONE, "b"), variables=about, linked=line.customer)
    seen = snapshot(customer, phone, members=(member("1001", "d001"),), at=NOW + 9 * SECOND)
    found = compare_calls(NODE, list(board.calls.values()), seen)
    assert found.vanished == ()
    facts = [fact for signal in found.signals for fact in board.hear(signal).facts]
    assert [type(fact).__name__ for fact in facts if isinstance(fact, f.CallFact)] == [
        "CustomerDialled",
        "CustomerAnswered",
        "AgentOffered",
        "AgentAnswered",
    ]
    assert {fact.queue for fact in facts if isinstance(fact, f.LegFact)} == {""}
    assert board.agent("1001").state is AgentState.TALKING


def test_where_the_customer_is_called_first_the_first_fact_says_so() -> None:
    (started,) = Line().of(f.OutgoingStarted)
    assert isinstance(started, f.OutgoingStarted)
    assert started.first is Side.CUSTOMER
    way = CustomerLines(trunks={NODE: "carrier"}, rings_s=40).way(NODE, queue="personal-cmn", language="en")
    assert way == WAY
