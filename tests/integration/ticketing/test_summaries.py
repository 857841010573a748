from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from core.clock import MINUTE, SECOND
from core.errors import BadInput, Conflict, NotFound
from core.facts import SummarySaved
from storage.audit import accesses_of
from storage.audit_chain import walk
from tests.integration.ticketing.conftest import CALL, NOW, Desk, desk_in
from ticketing.errors import Incomplete, NotYours
from ticketing.model import Nature, SummaryText, Urgency
from ticketing.tables import summaries, summary_revisions

AGENT, OTHER, LEADER = "1001", "1002", "8001"
ENQUIRY = SummaryText(type="enquiry", content="咨询信用卡年费", result="已解答", language="cmn")
COMPLAINT = SummaryText(
    type="complaint",
    customer_name="张三丰",
    contact="13812345678",
    account="6222021234567890123",
    content="年费重复收取",
    result="已登记",
    nature=Nature.ORDINARY,
    urgency=Urgency.MEDIUM,
    read_back=True,
)


@pytest.mark.rule("SUMMARY-01")
async def test_a_talk_owes_a_summary_until_it_is_saved(desk: Desk) -> None:
    assert await desk.summaries.owed(AGENT) == []
    leg = await desk.talk()
    (owed,) = await desk.summaries.owed(AGENT)
    assert (owed.leg, owed.call, owed.queue, owed.ended_at) == (leg, CALL, "card-cmn", NOW)
    assert await desk.summaries.owed(OTHER) == []
    saved = await desk.summaries.save(desk.person(AGENT), leg, ENQUIRY)
    assert saved.number == "ZJ20261122-000001"
    assert await desk.summaries.owed(AGENT) == []
    (fact,) = await desk.told("SummarySaved")
    assert isinstance(fact, SummarySaved)
    assert (fact.number, fact.leg, fact.agent, fact.type) == (saved.number, leg, AGENT, "enquiry")


@pytest.mark.rule("SUMMARY-01")
async def test_facts_that_come_again_or_early_owe_nothing_anew(desk: Desk) -> None:
    leg = await desk.talk(ended=False)
    assert await desk.summaries.owed(AGENT) == []
    await desk.summaries.save(desk.person(AGENT), leg, ENQUIRY)
    await desk.told("SummarySaved")
    await desk.talk()
    await desk.talk()
    assert await desk.summaries.owed(AGENT) == []


@pytest.mark.rule("SUMMARY-01")
async def test_a_leg_has_one_summary_even_when_two_windows_save_at_once(desk: Desk) -> None:
    leg = await desk.talk()
    outcomes = await asyncio.gather(
        *(desk.summaries.save(desk.person(AGENT), leg, ENQUIRY) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["CallSummary", *["Conflict"] * 3]
    assert any("ZJ20261122-000001" in str(one) for one in outcomes)
    assert len(await desk.told("SummarySaved")) == 1


@pytest.mark.rule("SUMMARY-02")
async def test_numbers_count_per_day_of_the_bank_and_a_refused_save_uses_none_up(desk: Desk) -> None:
    person = desk.person(AGENT)
    legs = [await desk.talk(f"node1-1700000000.{n}") for n in range(4)]
    first = await desk.summaries.save(person, legs[0], ENQUIRY)
    with pytest.raises(Incomplete):
        await desk.summaries.save(person, legs[1], SummaryText(type="enquiry"))
    second = await desk.summaries.save(person, legs[1], ENQUIRY)
    desk.now -= 1
    day_before = await desk.summaries.save(person, legs[2], ENQUIRY)
    assert [first.number, second.number] == ["ZJ20261122-000001", "ZJ20261122-000002"]
    assert day_before.number == "ZJ20261121-000001"


@pytest.mark.rule("SUMMARY-06", "SUMMARY-08")
async def test_an_incomplete_complaint_is_refused_whole_with_every_field(desk: Desk) -> None:
    leg = await desk.talk()
    with pytest.raises(Incomplete) as refused:
        await desk.summaries.save(desk.person(AGENT), leg, SummaryText(type="complaint", content="年费"))
    fields = [one.field for one in refused.value.refusals]
    assert fields == ["contact", "customer_name", "nature", "read_back", "result", "urgency"]
    assert len(await desk.summaries.owed(AGENT)) == 1
    assert await desk.told("SummarySaved") == []


async def test_only_the_legs_own_agent_or_a_leader_writes(desk: Desk) -> None:
    leg = await desk.talk()
    with pytest.raises(NotYours, match="agent 1001"):
        await desk.summaries.save(desk.person(OTHER), leg, ENQUIRY)
    saved = await desk.summaries.save(desk.person(LEADER), leg, ENQUIRY)
    assert (saved.agent, saved.saved_by) == (AGENT, LEADER)
    with pytest.raises(NotFound, match="nobody has talked"):
        await desk.summaries.save(desk.person(AGENT), "node1-1700000000.99", ENQUIRY)
    with pytest.raises(BadInput, match=r"body\.leg"):
        await desk.summaries.save(desk.person(AGENT), "../etc", ENQUIRY)


@pytest.mark.rule("SUMMARY-03")
async def test_a_change_keeps_what_was_there_and_never_overwrites_another_change(desk: Desk) -> None:
    person = desk.person(AGENT)
    saved = await desk.summaries.save(person, await desk.talk(), COMPLAINT)
    desk.now += MINUTE
    changed = replace(COMPLAINT, result="已退费", account="")
    after = await desk.summaries.change(person, saved.number, 1, changed)
    assert (after.version, after.text.result, after.text.account) == (2, "已退费", COMPLAINT.account)
    with pytest.raises(Conflict, match="version 2"):
        await desk.summaries.change(person, saved.number, 1, COMPLAINT)
    with pytest.raises(NotYours):
        await desk.summaries.change(desk.person(OTHER), saved.number, 2, COMPLAINT)
    async with desk.main.read() as connection:
        (before,) = (await connection.execute(select(summary_revisions))).all()
    assert (before.version, before.saved_at) == (1, NOW)
    assert "已登记" in before.body
    assert len(await desk.told("SummarySaved")) == 1


@pytest.mark.rule("CALL-13")
async def test_a_promised_answer_becomes_a_task_with_owner_and_due_time(desk: Desk) -> None:
    person = desk.person(AGENT)
    promise = SummaryText(
        type="callback_promised",
        customer_name="李四",
        content="查询跨行汇款",
        callback_to="13812345678",
        callback_due=NOW + 30 * MINUTE,
    )
    saved = await desk.summaries.save(person, await desk.talk(), promise)
    (task,) = await desk.callbacks.owed(AGENT)
    assert (task.summary, task.owner, task.number, task.due_at) == (
        saved.number,
        AGENT,
        "13812345678",
        NOW + 30 * MINUTE,
    )
    later = replace(promise, callback_due=NOW + 60 * MINUTE)
    await desk.summaries.change(person, saved.number, 1, later)
    assert [one.due_at for one in await desk.callbacks.owed(AGENT)] == [NOW + 60 * MINUTE]
    desk.now += 90 * MINUTE
    await desk.summaries.change(person, saved.number, 2, replace(later, result="已回电"))


@pytest.mark.rule("CALL-09")
async def test_a_harassing_call_is_reported_to_a_leader(desk: Desk) -> None:
    leg = await desk.talk()
    report = SummaryText(type="harassment", content="辱骂", hang_up_reason="警告无效")
    for nobody in ("7777", OTHER):
        with pytest.raises(Incomplete, match=f"{nobody} is no leader"):
            await desk.summaries.save(desk.person(AGENT), leg, replace(report, reported_to=nobody))
    saved = await desk.summaries.save(desk.person(AGENT), leg, replace(report, reported_to=LEADER))
    assert saved.text.reported_to == LEADER


@pytest.mark.rule("SEC-15")
async def test_every_reading_leaves_a_row_in_a_chain_that_shows_tampering(desk: Desk) -> None:
    saved = await desk.summaries.save(desk.person(AGENT), await desk.talk(), COMPLAINT)
    await desk.summaries.read(desk.person(AGENT), saved.number, "", "")
    with pytest.raises(NotYours):
        await desk.summaries.read(desk.person(OTHER), saved.number, "quality", "")
    with pytest.raises(BadInput, match="say why"):
        await desk.summaries.read(desk.person(LEADER), saved.number, "", "")
    await desk.summaries.read(desk.person(LEADER), saved.number, "complaint", "投诉复核")
    assert await desk.summaries.read_of_call(desk.person(OTHER), CALL, "quality", "") == []
    assert len(await desk.summaries.read_of_call(desk.person(LEADER), CALL, "quality", "")) == 1
    async with desk.main.read() as connection:
        rows = await accesses_of(connection, f"summary:{saved.number}")
    assert (await walk(desk.main)).holds
    assert [(row.staff, row.purpose, row.reason) for row in rows] == [
        (AGENT, "handling", ""),
        (LEADER, "complaint", "投诉复核"),
        (LEADER, "quality", ""),
    ]
    async with desk.main.write() as connection:
        await connection.exec_driver_sql("UPDATE access_log SET staff = '1002' WHERE seq = 2")
    assert [finding.seq for finding in (await walk(desk.main)).findings] == [2]


async def test_card_numbers_do_not_reach_the_free_text_in_the_database(desk: Desk) -> None:
    text = replace(COMPLAINT, content="卡号6222021234567890123被盗刷")
    await desk.summaries.save(desk.person(AGENT), await desk.talk(), text)
    async with desk.main.read() as connection:
        (content,) = (await connection.execute(select(summaries.c.content))).scalars()
    assert content == f"卡号{'*' * 15}0123被盗刷"


async def test_a_crash_after_the_commit_neither_loses_nor_doubles_the_fact(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with desk_in(tmp_path, *urls, carry=False) as desk:
        saved = await desk.summaries.save(desk.person(AGENT), await desk.talk(), ENQUIRY)
        assert await desk.ledger.read(0, kinds={"SummarySaved"}) == []
    for _ in range(2):
        async with desk_in(tmp_path, *urls) as desk:
            facts = await desk.told("SummarySaved")
            assert [fact.number for fact in facts if isinstance(fact, SummarySaved)] == [saved.number]
            assert await desk.summaries.owed(AGENT) == []


@pytest.mark.rule("CALL-18", "SUMMARY-03", "SUMMARY-04", "SUMMARY-05", "SUMMARY-07")
async def test_every_field_is_read_back_as_it_was_written(desk: Desk) -> None:
    person = desk.person(AGENT)
    notes = replace(
        COMPLAINT,
        content="客户情绪激动:\n- 三次致电\n- 要求书面答复",
        follow_up="周一回访",
        suggestion=True,
        language="nan",
        nature=Nature.COMPLEX,
        callback_to="13812345678",
        callback_due=NOW + MINUTE,
    )
    saved = await desk.summaries.save(person, await desk.talk(), notes)
    assert saved.text == notes
    assert await desk.summaries.read(person, saved.number, "", "") == saved


async def test_oldest_duty_comes_first(desk: Desk) -> None:
    young = await desk.talk("node1-1700000000.2")
    desk.now -= 5 * SECOND
    old = await desk.talk("node1-1700000000.3")
    assert [owed.leg for owed in await desk.summaries.owed(AGENT)] == [old, young]
