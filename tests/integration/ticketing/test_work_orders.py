from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from core.clock import MINUTE
from core.errors import Conflict, NotFound
from core.facts import TicketOpened
from directory.model import Named
from storage.audit import accesses_of
from tests.integration.ticketing.conftest import CALL, NOW, Desk
from tests.integration.ticketing.test_summaries import AGENT, COMPLAINT, ENQUIRY, LEADER, OTHER
from ticketing.errors import Incomplete, NotYours
from ticketing.model import SummaryText, Ticket, TicketState, TicketText
from ticketing.tables import ticket_events

FORM = TicketText(kind="complaint", business="card", limit_told=True)


@pytest.mark.rule("SUMMARY-02", "TICKET-05", "TICKET-29", "CALL-27")
async def test_a_ticket_grows_out_of_a_summary_with_all_its_head(desk: Desk) -> None:
    person = desk.person(AGENT)
    summary = await desk.summaries.save(person, await desk.talk(), COMPLAINT)
    desk.now += MINUTE
    ticket = await desk.tickets.open(person, summary.number, FORM, draft=False)
    assert ticket.number == "GD20261122-000001"
    assert (ticket.state, ticket.limit_told_at) == (TicketState.CLERK, NOW + MINUTE)
    form = ticket.form()
    assert form["回复时限"] == "3个工作日"
    assert (form["客户姓名"], form["受理内容"], form["受理时间"]) == ("张三丰", "年费重复收取", "00:01:00")
    assert form["受理座席姓名"] == person.name
    (fact,) = await desk.told("TicketOpened")
    assert fact == TicketOpened(
        at=NOW + MINUTE,
        call=CALL,
        agent=AGENT,
        number=ticket.number,
        summary=summary.number,
        kind="complaint",
    )
    assert await desk.tickets.read(person, ticket.number, "", "") == ticket
    other = replace(FORM, content="另一笔年费也重复收取")
    second = await desk.tickets.open(person, summary.number, other, draft=False)
    assert (second.number, second.summary) == ("GD20261122-000002", summary.number)


async def test_two_clicks_open_one_ticket(desk: Desk) -> None:
    """At once or later: the second one is told the number of the first, and uses none up."""
    person = desk.person(AGENT)
    summary = await desk.summaries.save(person, await desk.talk(), COMPLAINT)
    clicks = (desk.tickets.open(person, summary.number, FORM, draft=False) for _ in range(2))
    first, second = await asyncio.gather(*clicks, return_exceptions=True)
    assert isinstance(first, Ticket)
    assert isinstance(second, Conflict)
    assert first.number in str(second)
    with pytest.raises(Conflict, match=first.number):
        await desk.tickets.open(person, summary.number, FORM, draft=False)
    other = await desk.tickets.open(person, summary.number, replace(FORM, content="另一件事"), draft=False)
    assert (first.number, other.number) == ("GD20261122-000001", "GD20261122-000002")
    assert len(await desk.told("TicketOpened")) == 2


@pytest.mark.rule("CALL-27", "TICKET-05")
async def test_a_draft_goes_to_the_back_office_only_with_the_tick(desk: Desk) -> None:
    person = desk.person(AGENT)
    summary = await desk.summaries.save(person, await desk.talk(), COMPLAINT)
    untold = replace(FORM, limit_told=False)
    with pytest.raises(Incomplete, match="limit_told: tell the customer"):
        await desk.tickets.open(person, summary.number, untold, draft=False)
    draft = await desk.tickets.open(person, summary.number, untold, draft=True)
    assert (draft.state, draft.limit_told_at, draft.submitted_at) == (TicketState.DRAFT, None, None)
    assert await desk.told("TicketOpened") == []
    with pytest.raises(Incomplete):
        await desk.tickets.submit(person, draft.number, 1, untold)
    with pytest.raises(Conflict, match="version 1"):
        await desk.tickets.submit(person, draft.number, 7, FORM)
    desk.now += MINUTE
    sent = await desk.tickets.submit(person, draft.number, 1, FORM)
    assert (sent.state, sent.version) == (TicketState.CLERK, 2)
    assert (sent.opened_at, sent.limit_told_at, sent.submitted_at) == (NOW, NOW + MINUTE, NOW + MINUTE)
    with pytest.raises(Conflict, match="no draft"):
        await desk.tickets.submit(person, draft.number, 2, FORM)
    assert len(await desk.told("TicketOpened")) == 1
    async with desk.main.read() as connection:
        steps = (await connection.execute(select(ticket_events).order_by(ticket_events.c.step))).all()
    assert [(step.before, step.after, step.by) for step in steps] == [
        ("", "draft", AGENT),
        ("draft", "clerk", AGENT),
    ]


@pytest.mark.rule("CALL-08", "TICKET-01")
async def test_the_calls_type_says_which_tickets_it_opens(desk: Desk) -> None:
    person = desk.person(AGENT)
    wrong = await desk.summaries.save(person, await desk.talk(), SummaryText(type="wrong_number"))
    with pytest.raises(Incomplete, match="may open: none at all"):
        await desk.tickets.open(person, wrong.number, FORM, draft=True)
    leg = await desk.talk("node1-1700000000.13")
    enquiry = await desk.summaries.save(person, leg, ENQUIRY)
    with pytest.raises(Incomplete, match="may open: suggestion, help"):
        await desk.tickets.open(person, enquiry.number, FORM, draft=True)
    with pytest.raises(NotFound):
        await desk.tickets.open(person, "ZJ20261122-000099", FORM, draft=True)


async def test_others_neither_open_nor_read_without_the_right(desk: Desk) -> None:
    summary = await desk.summaries.save(desk.person(AGENT), await desk.talk(), COMPLAINT)
    with pytest.raises(NotYours):
        await desk.tickets.open(desk.person(OTHER), summary.number, FORM, draft=False)
    ticket = await desk.tickets.open(desk.person(LEADER), summary.number, FORM, draft=False)
    assert ticket.agent == AGENT
    with pytest.raises(NotYours):
        await desk.tickets.read(desk.person(OTHER), ticket.number, "handling", "")
    await desk.tickets.read(desk.person(LEADER), ticket.number, "complaint", "复核")
    async with desk.main.read() as connection:
        rows = await accesses_of(connection, f"ticket:{ticket.number}")
    assert [(row.staff, row.purpose) for row in rows] == [(LEADER, "complaint")]


@pytest.mark.rule("TICKET-01", "CALL-24")
async def test_a_kind_and_a_call_type_that_the_bank_has_listed_count_at_once(desk: Desk) -> None:
    person, lists = desk.person(AGENT), desk.directory
    summary = await desk.summaries.save(person, await desk.talk(), ENQUIRY)
    praise = replace(FORM, kind="praise")
    with pytest.raises(Incomplete, match="may open"):
        await desk.tickets.open(person, summary.number, praise, draft=True)
    kinds = {**lists.ticket_kinds, "praise": Named(code="praise", name_zh="表扬", name_en="Praise")}
    opens = replace(lists.call_types["enquiry"], ticket_kinds=("praise",))
    desk.directory = replace(lists, ticket_kinds=kinds, call_types={**lists.call_types, "enquiry": opens})
    ticket = await desk.tickets.open(person, summary.number, praise, draft=True)
    assert (await desk.tickets.read(person, ticket.number, "", "")).text.kind == "praise"
    rest = {code: one for code, one in lists.call_types.items() if code != "enquiry"}
    desk.directory = replace(lists, call_types=rest)
    with pytest.raises(Incomplete, match="has not the summary's any more"):
        await desk.tickets.open(person, summary.number, replace(FORM, content="another"), draft=True)
