"""What goes over the wire, and how it becomes our records and back. Accounts leave masked, always."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import AwareDatetime, Field

from core.clock import Instant, instant, moment
from core.masking import mask_number
from ledger.call_record import JoinRecord
from ledger.schemas import JoinOut, join_out
from ticketing.model import (
    CallSummary,
    Gender,
    Nature,
    OwedSummary,
    SummaryText,
    Ticket,
    TicketState,
    TicketText,
    Urgency,
)
from web.route import In, Out, Principal

_KEEP_END = 4


class SummaryTextIn(In):
    """What the agent writes down. Which fields are mandatory depends on `type`; see the call types."""

    type: str = Field(description="code of a call type")
    customer_name: str = ""
    contact: str = ""
    account: str = Field(default="", description="whole; it is never sent back whole")
    content: str = ""
    result: str = ""
    follow_up: str = ""
    nature: Nature | None = None
    urgency: Urgency | None = None
    language: str = ""
    suggestion: bool = Field(default=False, description="建议: an opinion or idea is in it (SUMMARY-07)")
    read_back: bool = Field(default=False, description="read back and confirmed (SUMMARY-08)")
    hang_up_reason: str = ""
    reported_to: str = Field(default="", description="staff number of the leader told (CALL-09)")
    callback_to: str = ""
    callback_due: AwareDatetime | None = None

    def text(self) -> SummaryText:
        """The record's text."""
        given = {name: getattr(self, name) for name in SummaryTextIn.model_fields}
        due = self.callback_due
        return SummaryText(**(given | {"callback_due": instant(due) if due else None}))


class SummaryIn(SummaryTextIn):
    """A new summary of one leg."""

    leg: str


class SummaryChange(SummaryTextIn):
    """A summary as it shall be. `version`: of the one that was changed; an empty `account` keeps it."""

    version: int


class SummaryOut(Out):
    """A summary. Contact and call-back number are whole only for those who may write it."""

    number: str
    leg: str
    call: str
    agent: str
    queue: str
    saved_at: datetime
    saved_by: str
    version: int
    type: str
    customer_name: str
    contact: str
    account: str
    content: str
    result: str
    follow_up: str
    nature: Nature | None
    urgency: Urgency | None
    language: str
    suggestion: bool
    read_back: bool
    hang_up_reason: str
    reported_to: str
    callback_to: str
    callback_due: datetime | None
    joined_by: list[JoinOut] = Field(description="leaders who were in the talk, and in which way")


class SummariesOut(Out):
    """The summaries of one call."""

    summaries: list[SummaryOut]


class OwedOut(Out):
    """A talk without its summary. `age_s`: owed for so long."""

    leg: str
    call: str
    queue: str
    answered_at: datetime | None
    ended_at: datetime
    age_s: int


class OwedListOut(Out):
    """Oldest first; empty for one who owes nothing."""

    agent: str
    owed: list[OwedOut]


class UnaccountedOut(Out):
    """A long talk with nobody known to us, and without a summary: what was it about? (CALL-23)"""

    leg: str
    call: str
    agent: str
    queue: str
    answered_at: datetime
    ended_at: datetime
    talked_s: int


class UnaccountedListOut(Out):
    """Newest first. `more`: there are others, ask for a shorter time."""

    talks: list[UnaccountedOut]
    more: bool


class OfCall(In):
    """Which call, and why its records are read."""

    call: str
    purpose: str = ""
    reason: str = Field(default="", max_length=200)


class WhyRead(In):
    """Why a record is read; those who wrote it themselves may leave it out."""

    purpose: str = ""
    reason: str = Field(default="", max_length=200)


class OfAgent(In):
    """Whose; empty for one's own."""

    agent: str = Field(default="", max_length=8)


class Unaccounted(In):
    """Talks that ended between `since` and `until`."""

    since: AwareDatetime
    until: AwareDatetime
    over_s: int = Field(default=180, ge=0, le=86_400, description="that lasted longer than these seconds")
    agent: str = Field(default="", max_length=8, description="of this agent alone")


class TicketTextIn(In):
    """The form. What is left empty is taken from the summary."""

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]{0,15}$", description="a code of the list of ticket kinds")
    urgency: Urgency | None = None
    customer_name: str = ""
    gender: Gender = Gender.UNKNOWN
    contact: str = ""
    account: str = ""
    intake_type: str = ""
    business: str = ""
    product: str = ""
    channel: str = ""
    channel_concerned: str = ""
    content: str = ""
    branch: str = ""
    unit: str = ""
    attachment: str = ""
    limit_told: bool = Field(default=False, description="the customer was told the reply limit (CALL-27)")

    def text(self) -> TicketText:
        """The record's text."""
        return TicketText(**{name: getattr(self, name) for name in TicketTextIn.model_fields})


class TicketIn(TicketTextIn):
    """A work order out of a summary. `draft`: not yet for the back office."""

    summary: str
    draft: bool = False


class TicketSubmit(TicketTextIn):
    """The draft as it shall be handed over. `version`: of the draft that was changed."""

    version: int


class TicketOut(Out):
    """A work order. `form`: the head as the form prints it, Chinese field names in their order."""

    number: str
    summary: str
    call: str
    state: TicketState
    version: int
    kind: str
    urgency: Urgency | None
    agent: str
    agent_name: str
    reply_limit: str
    opened_at: datetime
    limit_told_at: datetime | None
    submitted_at: datetime | None
    form: dict[str, str]


def summary_out(summary: CallSummary, person: Principal, joins: Sequence[JoinRecord]) -> SummaryOut:
    """As this person may see it. `joins`: of the summary's leg."""
    text = summary.text
    whole = summary.agent == person.staff or person.may_of("summaries.correct", summary.agent)
    shown = {name: getattr(text, name) for name in SummaryTextIn.model_fields}
    shown |= {
        "account": masked_account(text.account),
        "contact": text.contact if whole else mask_number(text.contact),
        "callback_to": text.callback_to if whole else mask_number(text.callback_to),
        "callback_due": _moment(text.callback_due),
    }
    return SummaryOut(
        number=summary.number,
        leg=summary.leg,
        call=summary.call,
        agent=summary.agent,
        queue=summary.queue,
        saved_at=moment(summary.saved_at),
        saved_by=summary.saved_by,
        version=summary.version,
        joined_by=[join_out(join) for join in joins],
        **shown,
    )


def ticket_out(ticket: Ticket) -> TicketOut:
    """With the account masked; the contact is what a work order is answered by, and stays whole."""
    return TicketOut(
        number=ticket.number,
        summary=ticket.summary,
        call=ticket.call,
        state=ticket.state,
        version=ticket.version,
        kind=ticket.text.kind,
        urgency=ticket.text.urgency,
        agent=ticket.agent,
        agent_name=ticket.agent_name,
        reply_limit=ticket.reply_limit,
        opened_at=moment(ticket.opened_at),
        limit_told_at=_moment(ticket.limit_told_at),
        submitted_at=_moment(ticket.submitted_at),
        form=ticket.form() | {"账号": masked_account(ticket.text.account)},
    )


def owed_out(owed: OwedSummary, now: Instant) -> OwedOut:
    """With its age by the service's clock."""
    return OwedOut(
        leg=owed.leg,
        call=owed.call,
        queue=owed.queue,
        answered_at=_moment(owed.answered_at),
        ended_at=moment(owed.ended_at),
        age_s=max(0, now - owed.ended_at) // 1_000_000,
    )


def unaccounted_out(talk: OwedSummary, answered_at: Instant) -> UnaccountedOut:
    """With its length."""
    return UnaccountedOut(
        leg=talk.leg,
        call=talk.call,
        agent=talk.agent,
        queue=talk.queue,
        answered_at=moment(answered_at),
        ended_at=moment(talk.ended_at),
        talked_s=(talk.ended_at - answered_at) // 1_000_000,
    )


def masked_account(account: str) -> str:
    """All but the last four characters hidden; a short one hidden whole."""
    kept = account[-_KEEP_END:] if len(account) > 2 * _KEEP_END else ""
    return "*" * (len(account) - len(kept)) + kept


def _moment(at: Instant | None) -> datetime | None:
    return None if at is None else moment(at)
