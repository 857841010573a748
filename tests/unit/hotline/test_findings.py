"""What the node has, held against what the service says: only what is wrong is an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.facts import AgentState as S
from directory.calendar import shipped
from directory.model import Membership
from hotline.findings import (
    FORBIDDEN,
    NEEDED,
    Finding,
    Weight,
    of_calendar,
    of_flow,
    of_prompts,
    of_rights,
    of_seats,
)
from hotline.witness import SeatSeen
from ivr.standing import PromptStanding, PromptState
from telephony.agents import Agent
from telephony.ami.accounts import Role

READY = SeatSeen("1001", paused=False, reason="")
AWAY = SeatSeen("1001", paused=True, reason="meal")


def members(number: str) -> tuple[Membership, ...]:
    return (Membership(queue="card-cmn", penalty=0), Membership(queue="loss-cmn", penalty=10))


def seats_of(agent: Agent | None, **seats: SeatSeen) -> list[str]:
    """What is wrong; `seats`: queue with _ for - → who is a member there, at d001."""
    agents = {agent.number: agent} if agent else {}
    found = {queue.replace("_", "-"): {"d001": seat} for queue, seat in seats.items()}
    queues = {"card-cmn": {}, "loss-cmn": {}} | found
    return [finding.what for finding in of_seats("node1", agents, queues, members)]


@pytest.mark.parametrize("state", [S.READY, S.RINGING, S.TALKING, S.WRAP_UP, S.RESERVED])
def test_an_agent_at_work_may_be_paused_or_not_between_two_calls(state: S) -> None:
    agent = Agent("1001", state, device="d001")
    assert seats_of(agent, card_cmn=READY, loss_cmn=READY) == []
    if state is not S.READY:
        assert seats_of(agent, card_cmn=AWAY, loss_cmn=AWAY) == []


def test_pauses_that_differ_are_told() -> None:
    ready, away = Agent("1001", S.READY, device="d001"), Agent("1001", S.NOT_READY, "meal", device="d001")
    assert seats_of(away, card_cmn=AWAY, loss_cmn=AWAY) == []
    assert seats_of(ready, card_cmn=AWAY, loss_cmn=AWAY) == ["is ready here, paused there"]
    assert seats_of(away, card_cmn=AWAY, loss_cmn=READY) == ["is not_ready here, paused there"]


def test_seats_that_are_missing_elsewhere_or_nobodys_are_told() -> None:
    agent = Agent("1001", S.READY, device="d001")
    (missing,) = seats_of(agent, card_cmn=READY)
    assert missing.startswith("is ready here, but no member of loss-cmn")
    elsewhere = Agent("1001", S.READY, device="d009")
    assert seats_of(elsewhere, card_cmn=READY, loss_cmn=READY) == ["sits at d009 here, at d001 there"]
    assert seats_of(None, card_cmn=READY) == ["is logged out here, but a member at d001"]
    assert seats_of(Agent("1001")) == []


def test_rights_too_few_and_too_many() -> None:
    def found(role: Role, permitted: frozenset[str]) -> list[Weight]:
        return [finding.weight for finding in of_rights("account", role, permitted)]

    for role in Role:
        assert found(role, NEEDED[role] | {"Ping"}) == [Weight.GOOD]
    assert found(Role.COMMANDS, NEEDED[Role.COMMANDS] - {"Redirect"}) == [Weight.ERROR]
    for power in FORBIDDEN:
        assert found(Role.EVENTS, frozenset({power})) == [Weight.ERROR]


def test_a_line_has_the_remedy() -> None:
    finding = Finding(Weight.ERROR, "AMI of node1", "nobody answers", "start it")
    assert finding.line() == "error    AMI of node1: nobody answers → start it"
    assert Finding(Weight.GOOD, "nodes", "two").line() == "ok       nodes: two"


def test_prompts_are_prepared_or_recorded_again() -> None:
    rendered = PromptStanding("cmn/welcome", PromptState.RENDERED)
    missing = [PromptStanding(f"en/digit-{digit}", PromptState.MISSING) for digit in range(5)]
    outdated = PromptStanding("nan/welcome", PromptState.STALE, "its text has changed", record=True)
    assert [one.weight for one in of_prompts("prompts", [rendered])] == [Weight.GOOD]
    found = list(of_prompts("prompts", [rendered, *missing, outdated]))
    assert [one.weight for one in found] == [Weight.ERROR, Weight.ERROR]
    assert found[0].what == "en/digit-0: missing; en/digit-1: missing; en/digit-2: missing and 2 more"
    assert found[0].remedy == "`hotline prepare`"
    assert found[1].what == "nan/welcome: stale, its text has changed"
    assert "`hotline prompts replace`" in found[1].remedy


@pytest.mark.parametrize(
    ("content", "file", "live", "left", "weight"),
    [
        ("b", "b", "b", "", Weight.GOOD),
        ("b", "b", "a", "", Weight.ERROR),
        ("b", "a", "a", "", Weight.WARNING),
        ("b", "a", "a", "b", Weight.GOOD),
        ("c", "a", "a", "b", Weight.WARNING),
        ("b", "", "", "", Weight.ERROR),
    ],
)
def test_a_flow_is_live_as_its_file_has_it_or_somebody_went_back(
    content: str, file: str, live: str, left: str, weight: Weight
) -> None:
    assert of_flow("flow", content=content, file=file, live=live, left=left).weight is weight


@pytest.mark.parametrize(
    ("today", "weight"),
    [
        (date(2026, 11, 30), Weight.GOOD),
        (date(2026, 12, 1), Weight.WARNING),
        (date(2027, 1, 1), Weight.ERROR),
    ],
)
def test_a_year_without_its_holidays_is_found_from_december_on(today: date, weight: Weight) -> None:
    until_2026 = replace(shipped(), notices=[one for one in shipped().notices if one.until.year < 2027])
    assert of_calendar(until_2026, today).weight is weight
