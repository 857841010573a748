"""A call that we made counts for its agent and in no figure of a queue or of the hotline."""

from __future__ import annotations

from board.drill import calls_behind, openable
from board.figures import TOTAL
from board.fold import fold
from board.tally import Tally
from core import facts as f
from core.clock import SECOND
from core.facts import Numbered, OutgoingOutcome, Side

CALL, LEG, AT = "11111111-2222-3333-4444-555555555555", "node1-1700000000.90000001", 1_700_000_000 * SECOND
ABOUT = {"node": "node1", "call": CALL, "leg": LEG, "agent": "1001", "queue": ""}


def _facts() -> list[Numbered]:
    facts = [
        f.OutgoingStarted(
            at=AT,
            device="d001",
            number="13812345678",
            shown="95559",
            about="callback",
            record="x",
            **ABOUT,
        ),
        f.CustomerDialled(at=AT + SECOND, customer="node1-1700000001.2", **ABOUT),
        f.AgentAnswered(at=AT + 5 * SECOND, device="d001", waited=5 * SECOND, rang=5 * SECOND, **ABOUT),
        f.TalkEnded(at=AT + 65 * SECOND, talked=60 * SECOND, released_by=Side.CUSTOMER, **ABOUT),
        f.OutgoingEnded(at=AT + 65 * SECOND, outcome=OutgoingOutcome.REACHED, lasted=65 * SECOND, **ABOUT),
    ]
    return [Numbered(seq, fact) for seq, fact in enumerate(facts, 1)]


def test_the_talk_is_its_agents_and_no_queue_has_heard_of_it() -> None:
    state = fold(_facts())
    (counts,) = (day["1001"] for day in state.agent_days.values())
    assert (counts.talks, counts.talk_us, counts.rings, counts.offers) == (1, 60 * SECOND, 0, 0)
    assert not state.days
    assert not state.quarters
    assert not state.day_totals
    assert not state.calls
    assert state.take_touched()[0] == set()
    for figure in openable():
        assert calls_behind(state, figure, TOTAL, AT + 66 * SECOND).calls == (), figure


def _customer_first(*facts: f.Fact) -> list[Numbered]:
    """1001 was rung for a customer who had answered, in vain; the customer waits."""
    customer = ABOUT | {"leg": "node1-1700000000.90000002"}
    to = {"device": "d001", "number": "13812345678", "shown": "95559", "about": "callback", "record": "x"}
    told = [
        f.OutgoingStarted(at=AT, first=Side.CUSTOMER, **to, **customer),
        f.CustomerDialled(at=AT, customer=customer["leg"], **customer),
        f.CustomerAnswered(at=AT + SECOND, node="node1", call=CALL, rang=SECOND),
        f.AgentOffered(at=AT + SECOND, device="d001", by_service=True, **ABOUT),
        f.OfferEnded(at=AT + 5 * SECOND, outcome=f.OfferOutcome.NO_ANSWER, rang=4 * SECOND, **ABOUT),
        f.CallerQueued(
            at=AT + 6 * SECOND, node="node1", call=CALL, queue="card-cmn", joined_at=AT + 6 * SECOND
        ),
        *facts,
    ]
    return [Numbered(seq, fact) for seq, fact in enumerate(told, 1)]


def test_an_agent_rung_for_who_was_called_first_let_no_call_of_a_queue_ring() -> None:
    state = fold(_customer_first())
    (counts,) = (day["1001"] for day in state.agent_days.values())
    assert (counts.offers, counts.offers_unanswered) == (1, 1)
    (queues,) = state.days.values()
    assert set(queues) == {"card-cmn"}
    assert (queues["card-cmn"].offered, queues["card-cmn"].offers) == (1, 0)
    for figure in ("offers", "offers_unanswered"):
        assert calls_behind(state, figure, TOTAL, AT + 7 * SECOND).calls == (), figure


def test_who_was_called_first_and_waits_is_a_caller_of_the_queue_until_he_is_answered_or_gone() -> None:
    at, queue = AT + 9 * SECOND, {"node": "node1", "call": CALL, "queue": "card-cmn"}
    left = f.CallerLeftQueue(at=at, reason=f.LeaveReason.ABANDONED, waited=3 * SECOND, **queue)
    ended = f.OutgoingEnded(at=at, outcome=OutgoingOutcome.CUSTOMER_GONE, lasted=9 * SECOND, **ABOUT)
    told = _customer_first(left, ended)
    state, tally = fold(told), Tally(linger=0)
    for numbered in told:
        tally.count(numbered)
    (queues,) = state.days.values()
    assert (queues["card-cmn"].abandoned_5, queues["card-cmn"].called_back) == (1, 0)
    assert not state.waiting
    assert tally.quarters == state.quarters
    assert tally.agent_quarters == state.agent_quarters


def test_nor_has_any_interval_but_the_agents_which_is_put_away_when_the_call_is_over() -> None:
    tally = Tally(linger=0)
    for numbered in _facts():
        tally.count(numbered)
    assert not tally.quarters
    (counts,) = (quarter["1001"] for quarter in tally.agent_quarters.values())
    assert counts.talks == 1
    assert not tally.held().legs or tally.held().legs[0].over
