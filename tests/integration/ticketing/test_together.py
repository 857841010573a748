"""People who save, change and read at the same instant: each gets a number, a refusal or a row."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from core.errors import Conflict
from core.facts import SummarySaved, TicketOpened
from storage.audit_chain import walk
from tests.integration.ticketing.conftest import Desk
from tests.integration.ticketing.test_summaries import AGENT, COMPLAINT, ENQUIRY, LEADER
from tests.integration.ticketing.test_work_orders import FORM
from ticketing.model import Ticket

MANY = 12


@pytest.mark.rule("SUMMARY-02")
async def test_summaries_saved_at_once_are_numbered_without_a_gap(desk: Desk) -> None:
    person = desk.person(AGENT)
    legs = [await desk.talk(f"node1-1700000000.{n}") for n in range(MANY)]
    twice = [*legs, *legs[:4]]  # four agents press the button twice
    saved = await asyncio.gather(
        *(desk.summaries.save(person, leg, ENQUIRY) for leg in twice), return_exceptions=True
    )
    refused = [one for one in saved if isinstance(one, BaseException)]
    assert [type(one) for one in refused] == [Conflict] * 4, refused
    assert all("has its summary already: ZJ20261122-" in str(one) for one in refused)
    numbers = sorted(one.number for one in saved if not isinstance(one, BaseException))
    assert numbers == [f"ZJ20261122-{n:06d}" for n in range(1, MANY + 1)]
    facts = [fact.number for fact in await desk.told("SummarySaved") if isinstance(fact, SummarySaved)]
    assert sorted(facts) == numbers


@pytest.mark.rule("TICKET-05")
async def test_tickets_opened_at_once_are_numbered_without_a_gap(desk: Desk) -> None:
    person = desk.person(AGENT)
    summary = await desk.summaries.save(person, await desk.talk(), COMPLAINT)
    forms = [replace(FORM, content=f"第{n}笔年费重复收取") for n in range(MANY)]
    opened = await asyncio.gather(
        *(desk.tickets.open(person, summary.number, form, draft=False) for form in forms)
    )
    assert sorted(one.number for one in opened) == [f"GD20261122-{n:06d}" for n in range(1, MANY + 1)]
    assert len([fact for fact in await desk.told("TicketOpened") if isinstance(fact, TicketOpened)]) == MANY


@pytest.mark.rule("SUMMARY-03")
async def test_of_two_changes_to_one_version_one_is_told_to_read_again(desk: Desk) -> None:
    person = desk.person(AGENT)
    saved = await desk.summaries.save(person, await desk.talk(), COMPLAINT)
    texts = [replace(COMPLAINT, result=f"已退费{n}") for n in range(4)]
    outcomes = await asyncio.gather(
        *(desk.summaries.change(person, saved.number, 1, text) for text in texts), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["CallSummary", *["Conflict"] * 3]


async def test_of_two_submissions_of_one_draft_one_is_told_to_read_again(desk: Desk) -> None:
    person = desk.person(AGENT)
    summary = await desk.summaries.save(person, await desk.talk(), COMPLAINT)
    draft = await desk.tickets.open(person, summary.number, FORM, draft=True)
    outcomes = await asyncio.gather(
        *(desk.tickets.submit(person, draft.number, 1, FORM) for _ in range(4)), return_exceptions=True
    )
    assert [type(one) for one in outcomes if not isinstance(one, Ticket)] == [Conflict] * 3
    assert len(await desk.told("TicketOpened")) == 1


@pytest.mark.rule("SEC-15")
async def test_readings_at_once_stand_in_one_chain(desk: Desk) -> None:
    saved = await desk.summaries.save(desk.person(AGENT), await desk.talk(), COMPLAINT)
    leader = desk.person(LEADER)
    await asyncio.gather(*(desk.summaries.read(leader, saved.number, "quality", "") for _ in range(MANY)))
    assert (await walk(desk.main)).findings == ()
    async with desk.main.read() as connection:
        rows = await connection.exec_driver_sql("SELECT seq FROM access_log ORDER BY seq")
        assert list(rows.scalars()) == list(range(1, MANY + 1))
