"""What a call was about: the summary (电话总结), the work order's head (工单), the call-back owed.

Instants are µs UTC, as everywhere; a date or a time of day exists only where the form prints one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.clock import Instant, moment


class Nature(StrEnum):
    """The first assessment of a matter (SUMMARY-05)."""

    ORDINARY = "ordinary"
    COMPLEX = "complex"
    GRAVE = "grave"


class Urgency(StrEnum):
    """紧急级别: high, medium or low (SUMMARY-05)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class TicketState(StrEnum):
    """As far as a ticket goes today: being filled in by the agent, or with the clerk (业务处理员)."""

    DRAFT = "draft"
    CLERK = "clerk"


class Gender(StrEnum):
    """性别, as the customer gave it; unknown when not asked."""

    UNKNOWN = ""
    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryText:
    """What the agent writes down about one leg; every field may be changed later, with a new version.

    `type` is a code of the directory's list of call types (CALL-24). `account` is kept whole and leaves
    the program masked. `read_back`: the customer confirmed what was read to them (SUMMARY-08).
    `suggestion`: an opinion or an idea for a better process is in it (SUMMARY-07). `hang_up_reason` and
    `reported_to` (a staff number) belong to a harassing call that the agent ended (CALL-09).
    `callback_to`, `callback_due`: the customer is owed an answer at this number by then (CALL-13).
    """

    type: str
    customer_name: str = ""
    contact: str = ""
    account: str = ""
    content: str = ""
    result: str = ""
    follow_up: str = ""
    nature: Nature | None = None
    urgency: Urgency | None = None
    language: str = ""
    suggestion: bool = False
    read_back: bool = False
    hang_up_reason: str = ""
    reported_to: str = ""
    callback_to: str = ""
    callback_due: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSummary:
    """One leg's summary (SUMMARY-01). `number`: 电话总结编号. `version` counts from 1."""

    number: str
    leg: str
    call: str
    agent: str
    queue: str
    saved_at: Instant
    saved_by: str
    version: int
    text: SummaryText


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedSummary:
    """A talk whose summary is missing. `ended_at`: since when it has been owed."""

    leg: str
    call: str
    agent: str
    queue: str
    answered_at: Instant | None
    ended_at: Instant


class CallbackCause(StrEnum):
    """Why a customer is to be called back."""

    PROMISE = "promise"
    POOR_RATING = "poor_rating"
    ASKED = "asked"
    """The customer asked for it while waiting, or where nobody was on duty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackTask:
    """A customer is owed a call: by `owner`, at `number` ("" if withheld), before `due_at`.

    `id`: `summary:<number>` of a promise (CALL-13), `rating:<leg>` of a poor rating (SURVEY-08),
    `asked:<call>` of a customer who asked for it while waiting. `summary`:
    "" without one. `outcome`: what came of it, once it is done. `spoken_in`: another call of the customer's,
    which `spoken_by` has answered at `spoken_at`; what was settled only people know, so it is still owed.
    """

    id: str
    cause: CallbackCause
    call: str
    leg: str
    owner: str
    number: str
    due_at: Instant
    created_at: Instant
    summary: str = ""
    done_at: Instant | None = None
    done_by: str = ""
    outcome: str = ""
    spoken_in: str = ""
    spoken_by: str = ""
    spoken_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketText:
    """What the agent fills into the form; the rest of its head comes from summary, staff and clock.

    `kind` is a code of the directory's list of ticket kinds (TICKET-01). `limit_told`: the customer was told
    the reply limit without having to ask (CALL-27).
    """

    kind: str
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
    limit_told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A work order's head: the 22 fields of the form (TICKET-29), see `FORM_FIELDS`.

    `reply_limit` is text, as promised on that day: later changes of policy do not move it (TICKET-31).
    `limit_told_at`: when the agent ticked CALL-27.
    """

    number: str
    summary: str
    call: str
    state: TicketState
    version: int
    text: TicketText
    reply_limit: str
    agent: str
    agent_name: str
    opened_at: Instant
    limit_told_at: Instant | None
    submitted_at: Instant | None

    @property
    def intake_date(self) -> str:
        """受理日期 in the bank's zone: `2026-11-22`."""
        return moment(self.opened_at).strftime("%Y-%m-%d")

    @property
    def intake_time(self) -> str:
        """受理时间 in the bank's zone: `14:05:09`."""
        return moment(self.opened_at).strftime("%H:%M:%S")

    def form(self) -> dict[str, str]:
        """The head as the form prints it: Chinese field name → value, in the form's order."""
        return {label: str(self._value(name) or "") for label, name in FORM_FIELDS.items()}

    def _value(self, name: str) -> object:
        return getattr(self, name) if hasattr(self, name) else getattr(self.text, name)


FORM_FIELDS: dict[str, str] = {
    "工单编号": "number",
    "电话总结编号": "summary",
    "客户姓名": "customer_name",
    "账号": "account",
    "性别": "gender",
    "联系方式": "contact",
    "工单种类": "kind",
    "受理类型": "intake_type",
    "业务类型": "business",
    "产品种类": "product",
    "渠道来源": "channel",
    "涉及渠道": "channel_concerned",
    "受理内容": "content",
    "紧急级别": "urgency",
    "回复时限": "reply_limit",
    "责任分行": "branch",
    "涉及单位": "unit",
    "附件名": "attachment",
    "受理座席工号": "agent",
    "受理座席姓名": "agent_name",
    "受理日期": "intake_date",
    "受理时间": "intake_time",
}
"""客户服务业务工单, 工单信息表: the field names of the form in their order → our names (TICKET-29)."""
