from __future__ import annotations

from dataclasses import replace

import pytest

from core.clock import SECOND
from core.errors import BadInput
from directory.model import CallType
from directory.model import Urgency as UrgencyLevel
from directory.seed import DEMO, load
from ticketing.errors import Incomplete
from ticketing.model import (
    FORM_FIELDS,
    CallSummary,
    Nature,
    SummaryText,
    Ticket,
    TicketState,
    TicketText,
    Urgency,
)
from ticketing.rules import (
    check_call_types,
    from_summary,
    reply_limit,
    summary_refusals,
    ticket_kind_refusals,
    ticket_refusals,
    tidy,
)

LISTS = load(DEMO)

NOW = 1_795_276_800_000_000
LANGUAGES = ("cmn", "nan", "en")


def call_type(
    code: str, *mandatory: str, kinds: tuple[str, ...] = (), callback: bool = False, report: bool = False
) -> CallType:
    return CallType(
        code=code,
        name_zh=code,
        name_en=code,
        mandatory=mandatory,
        ticket_kinds=kinds,
        callback=callback,
        report=report,
    )


COMPLAINT = call_type(
    "complaint",
    *("customer_name", "contact", "content", "nature", "urgency", "read_back"),
    kinds=("complaint", "help"),
)
WRONG_NUMBER = call_type("wrong_number")
HARASSMENT = call_type("harassment", "content", report=True)
LATER = call_type("answer_later", callback=True)

COMPLETE = SummaryText(
    type="complaint",
    customer_name="张三丰",
    contact="13812345678",
    account="6222021234567890123",
    content="年费重复收取",
    nature=Nature.ORDINARY,
    urgency=Urgency.MEDIUM,
    language="cmn",
    read_back=True,
)
SUMMARY = CallSummary(
    number="ZJ20261122-000001",
    leg="node1-1700000000.12",
    call="0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c11",
    agent="1001",
    queue="card-cmn",
    saved_at=NOW,
    saved_by="1001",
    version=1,
    text=COMPLETE,
)


def refused(text: SummaryText, kind: CallType | None) -> list[str]:
    return [one.field for one in summary_refusals(text, kind, LANGUAGES, NOW)]


@pytest.mark.rule("SUMMARY-06")
def test_a_complete_complaint_is_accepted() -> None:
    assert refused(COMPLETE, COMPLAINT) == []


@pytest.mark.rule("SUMMARY-03", "SUMMARY-05", "SUMMARY-06", "SUMMARY-08")
def test_everything_that_is_missing_is_named_at_once() -> None:
    bare = SummaryText(type="complaint")
    assert refused(bare, COMPLAINT) == [
        "contact",
        "content",
        "customer_name",
        "nature",
        "read_back",
        "urgency",
    ]
    error = Incomplete(summary_refusals(bare, COMPLAINT, LANGUAGES, NOW))
    assert "contact: is needed for a call of type complaint" in str(error)
    assert "read_back: read the record back" in str(error)


@pytest.mark.rule("SUMMARY-01", "SUMMARY-04")
def test_a_type_that_is_not_in_the_list_is_refused() -> None:
    assert refused(replace(COMPLETE, type="gossip"), None) == ["type"]


@pytest.mark.rule("CALL-08")
def test_a_wrong_number_is_a_type_of_its_own_and_opens_no_ticket() -> None:
    assert refused(SummaryText(type="wrong_number"), WRONG_NUMBER) == []
    for kind in LISTS.ticket_kinds:
        (refusal,) = ticket_kind_refusals(TicketText(kind=kind), WRONG_NUMBER)
        assert refusal.problem == "a call of type wrong_number may open: none at all"


@pytest.mark.rule("CALL-09")
def test_harassment_needs_the_reason_and_whom_it_was_reported_to() -> None:
    told = SummaryText(type="harassment", content="辱骂, 警告后挂断")
    assert refused(told, HARASSMENT) == ["hang_up_reason", "reported_to"]
    assert refused(replace(told, hang_up_reason="警告无效", reported_to="leader"), HARASSMENT) == [
        "reported_to"
    ]
    assert refused(replace(told, hang_up_reason="警告无效", reported_to="9001"), HARASSMENT) == []


@pytest.mark.rule("CALL-13")
def test_an_answer_owed_needs_a_number_and_a_time_to_come() -> None:
    asked = SummaryText(type="answer_later", content="需查询")
    assert refused(asked, LATER) == ["callback_due", "callback_to"]
    due = replace(asked, callback_due=NOW + SECOND)
    assert refused(replace(due, callback_to="call me"), LATER) == ["callback_to"]
    assert refused(replace(asked, callback_to="13812345678", callback_due=NOW), LATER) == ["callback_due"]
    assert refused(replace(asked, callback_to="13812345678", callback_due=NOW + SECOND), LATER) == []
    due_without_number = replace(COMPLETE, callback_due=NOW + SECOND)
    assert refused(due_without_number, COMPLAINT) == ["callback_to"]


def test_language_length_and_a_masked_account_are_looked_at() -> None:
    odd = replace(COMPLETE, language="fr", content="x" * 4001, account="***************0123")
    assert refused(odd, COMPLAINT) == ["language", "account", "content"]
    assert refused(replace(COMPLETE, content="第一行\n\t第二行", result="\x00"), COMPLAINT) == ["result"]


@pytest.mark.rule("CALL-18", "SUMMARY-07")
def test_notes_and_the_suggestion_flag_are_kept_and_long_numbers_in_them_are_not() -> None:
    text = tidy(replace(COMPLETE, content="  卡号 6222 0212 3456 7890 123 重复扣费 ", suggestion=True))
    assert text.content == f"卡号 {'*' * 19} 123 重复扣费"
    assert text.suggestion
    assert text.account == COMPLETE.account


@pytest.mark.rule("TICKET-01")
def test_a_ticket_is_one_of_three_kinds_and_only_one_its_call_type_allows() -> None:
    assert list(LISTS.ticket_kinds) == ["complaint", "suggestion", "help"]
    assert ticket_kind_refusals(TicketText(kind="complaint"), COMPLAINT) == []
    (refusal,) = ticket_kind_refusals(TicketText(kind="suggestion"), COMPLAINT)
    assert (refusal.field, refusal.problem) == ("kind", "a call of type complaint may open: complaint, help")


@pytest.mark.rule("TICKET-05", "CALL-27")
def test_the_back_office_gets_no_ticket_without_its_fields_and_the_tick() -> None:
    bare = TicketText(kind="complaint")
    assert [one.field for one in ticket_refusals(bare)] == [
        "customer_name",
        "contact",
        "business",
        "content",
        "urgency",
        "limit_told",
    ]
    filled = from_summary(replace(bare, business="card"), SUMMARY)
    assert [one.field for one in ticket_refusals(filled)] == ["limit_told"]
    assert ticket_refusals(replace(filled, limit_told=True)) == []


@pytest.mark.rule("SUMMARY-02")
def test_what_the_agent_leaves_empty_comes_from_the_summary() -> None:
    form = from_summary(TicketText(kind="help", contact="02112345678"), SUMMARY)
    assert (form.customer_name, form.contact) == ("张三丰", "02112345678")
    assert (form.account, form.content, form.urgency) == (COMPLETE.account, COMPLETE.content, Urgency.MEDIUM)


@pytest.mark.rule("TICKET-31")
def test_the_reply_limit_is_text_from_the_list_of_that_day() -> None:
    levels = {"high": UrgencyLevel(code="high", name_zh="高", name_en="high", working_days=2)}
    assert reply_limit(TicketText(kind="help", urgency=Urgency.HIGH), levels) == "2个工作日"
    assert reply_limit(TicketText(kind="help"), levels) == ""


@pytest.mark.rule("TICKET-29")
def test_the_form_has_its_twenty_two_fields_in_order() -> None:
    ticket = Ticket(
        number="GD20261122-000001",
        summary=SUMMARY.number,
        call=SUMMARY.call,
        state=TicketState.CLERK,
        version=1,
        text=from_summary(TicketText(kind="complaint", business="card", limit_told=True), SUMMARY),
        reply_limit="3个工作日",
        agent="1001",
        agent_name="林晓",
        opened_at=NOW,
        limit_told_at=NOW,
        submitted_at=NOW,
    )
    form = ticket.form()
    assert len(form) == len(FORM_FIELDS) == 22
    assert list(form)[:3] == ["工单编号", "电话总结编号", "客户姓名"]
    assert list(form)[-2:] == ["受理日期", "受理时间"]
    assert form["电话总结编号"] == "ZJ20261122-000001"
    assert form["工单种类"] == "complaint"
    assert form["紧急级别"] == "medium"
    assert (form["受理日期"], form["受理时间"]) == ("2026-11-22", "00:00:00")


def test_a_call_type_that_demands_an_unknown_field_stops_the_start() -> None:
    check_call_types([COMPLAINT, LATER])
    with pytest.raises(BadInput, match="odd demands 'shoe_size'"):
        check_call_types([call_type("odd", "shoe_size")])
