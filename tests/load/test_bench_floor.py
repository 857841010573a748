"""The bench `floor`: its plan, its checks, and a small floor played on a real Asterisk."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from bench.floor import Floor, note_of
from bench.floor_checks import Talked, called_of, offers_to_busy, scores_of
from bench.floor_plan import read_plan
from core import facts as f
from core.clock import SECOND
from core.errors import BadInput
from tests.unit.ledger.samples import QUEUE, T0, Story, call_id, customer, leg_id, normal


def test_the_plan_that_ships_is_read_and_seats_follow_its_shares() -> None:
    plan = read_plan()
    assert (plan.rate, plan.seconds) == (15, 600)
    seats = [plan.kind_of_seat(seat) for seat in range(1, 101)]
    shares = [kind.share for kind in plan.telephones]
    assert all(abs(seats.count(kind) - 100 * share / sum(shares)) <= 1 for kind, share in enumerate(shares))


@pytest.mark.parametrize(
    "text", ["- a", "rate: fast", "rate: 1\nseconds: 1\nagents: 1\ntelephones: []\ncustomers: []"]
)
def test_a_plan_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "floor.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput):
        read_plan(tmp_path / "floor.yaml")


def test_an_offer_to_whoever_has_a_leg_already_is_found() -> None:
    first = normal(1).facts
    assert offers_to_busy([*first, *normal(2).facts]) == []
    answered = [fact for fact in first if not isinstance(fact, f.TalkEnded)]
    assert len(offers_to_busy([*answered, *normal(2).facts])) == 1


def test_a_score_is_held_against_key_and_telephone() -> None:
    facts = normal(1).facts
    caller = "13800000001"
    note = Talked(T0 / SECOND, call_id(1), "d001")
    assert scores_of(facts, [note], {caller: 5}).right == 1
    assert len(scores_of(facts, [note], {caller: 4}).wrong) == 1
    later = Talked(T0 / SECOND + 1, call_id(1), "d002")
    assert len(scores_of(facts, [note, later], {caller: 5}).wrong) == 1
    assert len(scores_of(facts, [], {caller: 5}).wrong) == 1


def test_who_is_called_twice_for_one_call_back_is_found_by_either_book() -> None:
    number = "13812345678"
    asked = Story(1).join().add(f.CallbackRequested, 3, queue=QUEUE, joined_at=T0, number=number).facts
    made = Story(2)
    whose = {"leg": leg_id(2), "agent": "1001", "queue": ""}
    made.facts.clear()
    made.add(
        f.OutgoingStarted,
        5,
        device="d001",
        number=number,
        shown="95559",
        about="callback",
        record="",
        **whose,
    )
    made.add(f.CustomerDialled, 1, customer=customer(2), **whose)
    made.add(f.AgentAnswered, 2, device="d001", waited=3 * SECOND, rang=3 * SECOND, **whose)
    called = called_of([*asked, *made.facts])
    assert called.doubles([number]) == called.differences([number]) == []
    assert len(called.doubles([number, number])) == len(called.differences([])) == 1
    assert len(called_of([*asked, *made.facts, *made.facts]).doubles([number])) == 1


def test_notes_are_read_as_the_telephones_write_them() -> None:
    note = note_of("2026-11-25\t21:17:44.297033\t1795641464.297033| abc-1| <sip:d007@127.0.0.1:16510>")
    assert note == Talked(1795641464.297033, "abc-1", "d007")
    assert note_of("something else") is None
    assert note_of("2026-11-25\t21:17:44.297033\t1795641464.297033|| <sip:d007@127.0.0.1:16510>") is None


@pytest.mark.asterisk
async def test_a_small_floor_is_played_and_proved() -> None:
    whole = read_plan()
    asks = [replace(kind, share=12) if kind.name.startswith("asks") else kind for kind in whole.customers]
    plan = replace(whole, rate=3, seconds=20, agents=40, desk=1, customers=tuple(asks))
    result = await Floor(plan).measure()
    figures = result.figures
    assert result.met, figures
    assert figures["calls"] > 40
    happened = ("answered", "abandoned", "scores", "holds", "transfers", "outside", "called_back")
    assert min(figures[name] for name in happened) > 0, figures
