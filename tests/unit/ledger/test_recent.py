"""The latest facts kept in memory: the same answers as the database would give, or none at all."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from core.facts import AgentState, AgentStateChanged, CallArrived, Fact, MenuChosen, Numbered
from ledger.recent import Recent

ONE, TWO = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def _fact(seq: int) -> Fact:
    call = ONE if seq % 2 else TWO
    if seq % 5 == 0:
        state = AgentState.READY
        return AgentStateChanged(at=seq, agent="1001", before=state, state=state, call=call)
    if seq % 3 == 0:
        return MenuChosen(at=seq, call=call, menu="main", key="1", target="card")
    return CallArrived(at=seq, call=call, leg=f"1700000000.{seq}", caller="", called="95559")


FACTS = [Numbered(seq, _fact(seq)) for seq in range(101, 161)]


@pytest.mark.parametrize("after", [100, 101, 130, 158, 159, 160, 170])
@pytest.mark.parametrize("upto", [140, 159, 160])
@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize("kinds", [None, {"MenuChosen"}, {"CallArrived", "AgentStateChanged"}])
def test_what_is_kept_is_read_as_from_the_whole(
    after: int, upto: int, limit: int, kinds: Collection[str] | None
) -> None:
    recent = Recent()
    recent.add(FACTS[:25])
    recent.add(FACTS[25:])
    expected = [
        each
        for each in FACTS
        if after < each.seq <= upto and (kinds is None or type(each.fact).__name__ in kinds)
    ]
    assert recent.read(after, upto, limit, kinds, None) == expected[:limit]


def test_the_facts_of_one_call_are_those_that_name_it() -> None:
    recent = Recent()
    recent.add(FACTS)
    found = recent.read(100, 160, 1000, None, ONE)
    assert found == [each for each in FACTS if getattr(each.fact, "call", "") == ONE]


def test_what_has_been_dropped_or_was_never_there_is_for_the_database_to_tell() -> None:
    recent = Recent(kept=10)
    assert recent.read(0, 100, 1000, None, None) is None
    recent.add(FACTS)
    assert recent.read(149, 160, 1000, None, None) is None
    assert recent.read(150, 160, 1000, None, None) == FACTS[-10:]
