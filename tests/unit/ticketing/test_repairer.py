"""Pure: who calls a customer who rated poorly, or would not go on waiting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.names import StaffId
from directory.lookup import Directory
from directory.seed import DEMO, load
from ticketing.rules import repairer, responsible

SEED = load(DEMO)


def _with(**teams: str) -> Directory:
    """The demo's directory with these people (`_1001`) in other teams."""
    staff = dict(SEED.staff)
    for name, team in teams.items():
        number = StaffId(name.removeprefix("_"))
        staff[number] = replace(staff[number], team=team)
    return replace(SEED, staff=staff)


@pytest.mark.rule("SURVEY-08")
def test_it_is_a_leader_of_the_team_else_one_whose_rights_reach_the_agent() -> None:
    assert [repairer(SEED, agent) for agent in ("1001", "1013")] == ["8001", "8002"]
    assert repairer(_with(_1001="C"), "1001") == "8101", "8001 could not read the summary"
    assert repairer(SEED, "7777") == "8001", "nobody reaches one who is not in the books"


@pytest.mark.rule("CALL-13")
def test_of_a_queue_it_is_the_leader_of_those_who_serve_it() -> None:
    assert responsible(SEED, "card-cmn") == repairer(SEED, "1001")
    only = {
        number: places
        for number, places in SEED.places().items()
        if any(place.queue == "corporate-cmn" for place in places)
    }
    assert responsible(SEED, "corporate-cmn") == repairer(SEED, min(only))
    assert responsible(SEED, "gone-cmn") == repairer(SEED, ""), "a queue that is no more"
