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


def test_nor_has_any_interval_but_the_agents_which_is_put_away_when_the_call_is_over() -> None:
    tally = Tally(linger=0)
    for numbered in _facts():
        tally.count(numbered)
    assert not tally.quarters
    (counts,) = (quarter["1001"] for quarter in tally.agent_quarters.values())
    assert counts.talks == 1
    assert not tally.held().legs or tally.held().legs[0].over
