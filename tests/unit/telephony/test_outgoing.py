"""Calls that we make: from the agent's telephone to the customer's, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from core import facts as f
from core.clock import HOUR, MINUTE, SECOND, Instant
from core.errors import Conflict
from core.facts import AgentState, OutgoingOutcome
from core.names import fits
from telephony import agents as a
from telephony import commands as c
from telephony import signals as s
from telephony.ami.snapshot import ChannelPicture
from telephony.outgoing import Order, PhoneInUse, leg_for, require_free
from telephony.recall import recall_agent, recall_call
from telephony.reconcile import compare_calls
from telephony.switchboard import Switchboard
from tests.unit.telephony.story import CALL, NODE
from tests.unit.telephony.test_agents import DUTIES, NOW
from tests.unit.telephony.test_switchboard import snapshot

ORDER = Order(call=CALL, agent="1001", number="13812345678", about="callback", record="rating:x")
CUSTOMER = "node1-1700000000.7"
CHANNEL = "PJSIP/trunk-00000007"


class Line:
    """A switchboard with one agent, who calls the customer; signals come from the node."""

    def __init__(self, *, ready: bool = True) -> None:
        self.board = Switchboard(DUTIES)
        self.facts: list[f.Fact] = []
        self.commands: list[c.Command] = []
        self.at = NOW
        self.board.wish("1001", a.LogIn(NOW, "d001"))
        self.board.wish("1001", a.BeReady(NOW) if ready else a.BeNotReady(NOW, "meeting"))
        outcome = self.board.dial(ORDER, node=NODE, shown="95559", at=NOW)
        self.facts += outcome.facts
        self.commands += outcome.commands
        (call,) = self.board.calls.values()
        self.leg = call.legs[0].id

    def hear(self, *signals: s.Signal) -> None:
        for signal in signals:
            outcome = self.board.hear(signal)
            self.facts += outcome.facts
            self.commands += outcome.commands

    def rings(self) -> None:
        """The agent has picked up: the customer's telephone rings."""
        self.at += 2 * SECOND
        self.hear(s.CustomerRung(self.at, NODE, CALL, CUSTOMER, CHANNEL))

    def answers(self) -> None:
        self.at += 3 * SECOND
        self.hear(
            s.RecordingBegan(self.at, NODE, CALL, self.leg, f"{CALL}_{self.leg}"),
            s.Bridged(self.at, NODE, CUSTOMER, "b1"),
            s.Bridged(self.at, NODE, self.leg, "b1"),
        )

    def customer_hangs_up(self) -> None:
        self.at += 60 * SECOND
        self.hear(
            s.HangupAsked(self.at, NODE, CUSTOMER, 16),
            s.Unbridged(self.at, NODE, CUSTOMER, "b1"),
            s.Unbridged(self.at, NODE, self.leg, "b1"),
            s.Gone(self.at, NODE, CUSTOMER, 16),
            s.Gone(self.at, NODE, self.leg, 16),
        )

    @property
    def state(self) -> AgentState:
        return self.board.agent("1001").state

    def kinds(self) -> list[str]:
        return [type(fact).__name__ for fact in self.facts if not isinstance(fact, f.AgentStateChanged)]

    def outcome(self) -> OutgoingOutcome:
        (ended,) = [fact for fact in self.facts if isinstance(fact, f.OutgoingEnded)]
        return ended.outcome


def test_the_leg_of_a_call_of_ours_has_the_shape_of_a_leg_and_is_never_one_of_asterisks() -> None:
    leg = leg_for(NODE, CALL, NOW)
    assert fits("leg", leg)
    assert int(leg.rpartition(".")[2]) >= 90_000_000


@pytest.mark.rule("CALL-13")
def test_a_customer_is_called_talked_with_and_owes_no_figure_of_a_queue() -> None:
    line = Line()
    assert line.state is AgentState.RINGING
    assert line.commands == [
        c.SetPause(NODE, "d001", True, a.RESERVED_REASON),
        c.CallCustomer(NODE, "d001", line.leg, CALL, "13812345678"),
    ]
    line.rings()
    assert line.state is AgentState.RINGING
    line.answers()
    assert line.state is AgentState.TALKING
    line.customer_hangs_up()
    assert line.kinds() == [
        "OutgoingStarted",
        "CustomerDialled",
        "RecordingStarted",
        "AgentAnswered",
        "TalkEnded",
        "OutgoingEnded",
        "RecordingEnded",
    ]
    talk = next(fact for fact in line.facts if isinstance(fact, f.TalkEnded))
    assert (talk.talked, talk.released_by, talk.queue) == (60 * SECOND, f.Side.CUSTOMER, "")
    assert line.outcome() is OutgoingOutcome.REACHED
    assert line.state is AgentState.WRAP_UP
    assert not line.board.calls


@pytest.mark.parametrize(
    ("status", "cause", "outcome"),
    [
        ("BUSY", 17, OutgoingOutcome.BUSY),
        ("NOANSWER", 0, OutgoingOutcome.NO_ANSWER),
        ("CHANUNAVAIL", 1, OutgoingOutcome.WRONG_NUMBER),
        ("CHANUNAVAIL", 20, OutgoingOutcome.UNREACHABLE),
        ("CONGESTION", 34, OutgoingOutcome.UNREACHABLE),
        ("REFUSED", 0, OutgoingOutcome.NOT_ALLOWED),
    ],
)
@pytest.mark.parametrize("ready", [True, False])
def test_who_is_not_reached_leaves_the_agent_where_he_was(
    status: str, cause: int, outcome: OutgoingOutcome, ready: bool
) -> None:
    line = Line(ready=ready)
    line.rings()
    # The customer's channel is gone before the dialplan says why.
    line.hear(
        s.Gone(line.at, NODE, CUSTOMER, cause),
        s.OutgoingOver(line.at, NODE, CALL, line.leg, status, cause),
        s.Gone(line.at, NODE, line.leg, 16),
    )
    assert line.outcome() is outcome
    assert line.state is (AgentState.READY if ready else AgentState.NOT_READY)
    assert line.commands[-1] == c.SetPause(NODE, "d001", not ready, "" if ready else "meeting")
    assert "OfferEnded" not in line.kinds()
    assert not line.board.calls


def test_an_agent_who_does_not_pick_up_is_told_from_one_who_hangs_up_too_soon() -> None:
    away, gave_up = Line(), Line()
    away.hear(s.Gone(away.at, NODE, away.leg, 19))
    gave_up.rings()
    gave_up.hear(
        s.HangupAsked(gave_up.at, NODE, gave_up.leg, 16),
        s.Gone(gave_up.at, NODE, CUSTOMER, 16),
        s.Gone(gave_up.at, NODE, gave_up.leg, 16),
    )
    assert away.outcome() is OutgoingOutcome.AGENT_AWAY
    assert gave_up.outcome() is OutgoingOutcome.CANCELLED


def test_an_order_that_asterisk_refuses_is_over_and_an_agent_with_a_call_makes_none() -> None:
    line = Line()
    with pytest.raises(Conflict, match="ringing"):
        line.board.dial(replace(ORDER, call=CALL[:-1] + "6"), node=NODE, shown="95559", at=line.at)
    refused = line.board.not_dialled(CALL, line.at)
    line.facts += refused.facts
    assert line.outcome() is OutgoingOutcome.NOT_DIALLED
    assert line.state is AgentState.READY


def test_only_a_telephone_that_nobody_uses_is_rung_for_a_call_of_ours() -> None:
    require_free("d001", "NOT_INUSE")
    for state in ("INUSE", "RINGING", "RINGINUSE", "ONHOLD", "BUSY", "UNAVAILABLE", "UNKNOWN", ""):
        with pytest.raises(PhoneInUse, match="d001"):
            require_free("d001", state)


def _told(line: Line) -> Switchboard:
    """Another program that knows what is in the book."""
    board = Switchboard(DUTIES)
    call = recall_call([fact for fact in line.facts if isinstance(fact, f.CallFact)])
    assert call is not None
    board.remember_call(call)
    for fact in line.facts:
        if isinstance(fact, f.OutgoingStarted | f.AgentStateChanged):
            board.remember_agent(recall_agent(board.agent("1001"), fact))
    return board


def channel_of(leg: str, name: str, bridge: str = "") -> ChannelPicture:
    return ChannelPicture(
        channel=name,
        leg=leg,
        linked=leg,
        state="Up",
        context="hotline-outgoing",
        exten="s",
        bridge=bridge,
        age=SECOND,
        variables=MappingProxyType({"CALL_ID": CALL, "OUT_LEG": leg}),
        caller="95559",
    )


def test_a_call_that_went_on_without_us_is_found_again_and_made_by_nobody_twice() -> None:
    line = Line()
    board = _told(line)
    assert board.agent("1001").held
    seen = snapshot(
        channel_of(line.leg, "PJSIP/d001-00000006", "b1"),
        channel_of(CUSTOMER, CHANNEL, "b1"),
        at=NOW + 9 * SECOND,
    )
    found = compare_calls(NODE, list(board.calls.values()), seen)
    assert found.vanished == ()
    facts = [fact for signal in found.signals for fact in board.hear(signal).facts]
    assert [type(fact) for fact in facts if isinstance(fact, f.CallFact)] == [
        f.CustomerDialled,
        f.AgentAnswered,
    ]
    assert not any(isinstance(command, c.CallCustomer) for command in line.commands[2:])


def test_a_call_that_is_gone_when_we_look_again_may_have_reached_its_customer() -> None:
    board = _told(Line())
    found = compare_calls(NODE, list(board.calls.values()), snapshot(at=NOW + 9 * SECOND))
    assert found.vanished == (CALL,)
    (ended,) = [
        fact
        for fact in board.close_call(CALL, NOW + 9 * SECOND, f.EndReason.UNSEEN).facts
        if isinstance(fact, f.OutgoingEnded)
    ]
    assert ended.outcome is OutgoingOutcome.UNKNOWN
    assert board.agent("1001").state is AgentState.READY


def test_a_call_of_ours_that_the_book_has_lost_is_not_taken_for_a_customers() -> None:
    line = Line()
    seen = snapshot(channel_of(line.leg, "PJSIP/d001-00000006"), channel_of(CUSTOMER, CHANNEL))
    assert compare_calls(NODE, [], seen).signals == ()


def _held(call: str = CALL) -> Switchboard:
    """1001 is held for this call."""
    board = Switchboard(DUTIES)
    for wish in (a.LogIn(NOW, "d001"), a.BeReady(NOW), a.Reserve(NOW, call)):
        board.wish("1001", wish)
    return board


@pytest.mark.rule("CALL-13")
def test_an_agent_who_is_held_for_a_call_makes_that_one_and_is_ready_after_it() -> None:
    board = _held()
    outcome = board.dial(replace(ORDER, held=True), node=NODE, shown="95559", at=NOW)
    assert [type(command) for command in outcome.commands] == [c.SetPause, c.CallCustomer]
    assert board.agent("1001").state is AgentState.RINGING
    board.not_dialled(CALL, NOW + SECOND)
    assert board.agent("1001").state is AgentState.READY


def _let_ring(board: Switchboard, order: Order, at: Instant) -> AgentState:
    """1001's telephone rings for this call and nobody picks up; his state after it."""
    if order.held:
        board.wish("1001", a.Reserve(at, order.call))
    board.dial(order, node=NODE, shown="95559", at=at)
    leg = board.calls[order.call].legs[0].id
    board.hear(s.Gone(at + 20 * SECOND, NODE, leg, 19))
    return board.agent("1001").state


@pytest.mark.rule("CALL-13")
def test_who_lets_two_call_backs_ring_that_were_his_turn_is_not_ready_as_with_offers_of_a_queue() -> None:
    held, own = Switchboard(DUTIES), Switchboard(DUTIES)
    for board in (held, own):
        for wish in (a.LogIn(NOW, "d001"), a.BeReady(NOW)):
            board.wish("1001", wish)
    orders = [replace(ORDER, call=CALL[:-1] + end) for end in "678"]
    states = [
        _let_ring(held, replace(order, held=True), NOW + turn * MINUTE)
        for turn, order in enumerate(orders[:2])
    ]
    assert states == [AgentState.READY, AgentState.NOT_READY]
    assert held.agent("1001").reason == a.NO_ANSWER_REASON
    held.wish("1001", a.BeReady(NOW + HOUR))
    assert _let_ring(held, replace(orders[2], held=True), NOW + HOUR) is AgentState.READY
    for turn, order in enumerate(orders):  # calls of his own are nobody's offers
        assert _let_ring(own, order, NOW + turn * MINUTE) is AgentState.READY


def test_whose_turn_it_was_is_known_again_after_a_restart() -> None:
    board, facts = Switchboard(DUTIES), []
    for wish in (a.LogIn(NOW, "d001"), a.BeReady(NOW), a.Reserve(NOW, CALL)):
        facts += board.wish("1001", wish).facts
    facts += board.dial(replace(ORDER, held=True), node=NODE, shown="95559", at=NOW).facts
    known = a.Agent("1001")
    for fact in facts:
        known = recall_agent(known, fact)
    assert known == board.agent("1001")
    assert known.given


@pytest.mark.rule("CALL-13")
def test_who_is_not_held_for_it_does_not_make_it() -> None:
    ready = Switchboard(DUTIES)
    for wish in (a.LogIn(NOW, "d001"), a.BeReady(NOW)):
        ready.wish("1001", wish)
    for board in (ready, _held("another")):
        with pytest.raises(Conflict):
            board.dial(replace(ORDER, held=True), node=NODE, shown="95559", at=NOW)
    with pytest.raises(Conflict):
        _held().dial(ORDER, node=NODE, shown="95559", at=NOW)


def test_who_is_held_for_a_call_that_is_never_made_is_given_back_after_a_while() -> None:
    board = _held()
    board.sweep(NOW + 4 * SECOND)
    assert board.agent("1001").state is AgentState.RESERVED
    board.sweep(NOW + 6 * SECOND)
    assert board.agent("1001").state is AgentState.READY
