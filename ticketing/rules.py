"""When a summary or a work order is complete. Pure: lists and time come in as arguments.

Every check returns all its refusals at once; an empty list means yes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from core.clock import Instant
from core.errors import BadInput
from core.facts import SurveyAnswered
from core.masking import mask_text
from core.names import fits
from directory.lookup import Directory
from directory.model import CallType, SurveySettings
from directory.model import Urgency as UrgencyLevel
from ticketing.errors import Refusal
from ticketing.model import CallSummary, SummaryText, TicketText

SUMMARY_FIELDS = frozenset(field.name for field in fields(SummaryText))
"""Names that a call type may list as mandatory."""

_LONGEST = {"content": 4000, "result": 4000, "follow_up": 4000, "hang_up_reason": 400}
_LONGEST_OTHERWISE = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_FREE_TEXT = ("content", "result", "follow_up", "hang_up_reason")
_MISSING = {
    "read_back": "read the record back to the customer and tick that it was confirmed",
    "callback_to": "ask the customer for the number to call back",
    "callback_due": "say until when the customer is called back",
    "reported_to": "say which leader the call was reported to (staff number)",
}
_CHANNEL = "95559"
_TICKET_MANDATORY = ("customer_name", "contact", "business", "content", "urgency")


def fields_unknown(call_types: Iterable[CallType]) -> list[tuple[str, str]]:
    """Call types that demand a field no summary has, each with the field."""
    return [(one.code, name) for one in call_types for name in one.mandatory if name not in SUMMARY_FIELDS]


def check_call_types(call_types: Iterable[CallType]) -> None:
    """`BadInput` naming every call type that demands a field no summary has."""
    if wrong := [f"{code} demands {name!r}" for code, name in fields_unknown(call_types)]:
        raise BadInput("call_types", f"{'; '.join(wrong)}: fields are {', '.join(sorted(SUMMARY_FIELDS))}")


def tidy(text: SummaryText) -> SummaryText:
    """The text as it is kept: no blanks around it, card and identity numbers in free text masked.

    The account has a field of its own; whole numbers elsewhere would escape every later masking.
    """
    changes = {name: getattr(text, name).strip() for name in _text_fields(text)}
    return replace(text, **(changes | {name: mask_text(changes[name]) for name in _FREE_TEXT}))


def summary_refusals(
    text: SummaryText, call_type: CallType | None, languages: Iterable[str], now: Instant
) -> list[Refusal]:
    """What keeps this summary from being saved as one of its type (SUMMARY-03, 05, 06, 08; CALL-09, 13)."""
    if call_type is None:
        return [Refusal("type", f"{text.type!r} is not in the list of call types"), *_unfit(text)]
    wanted = set(call_type.mandatory)
    if call_type.callback:
        wanted |= {"callback_to", "callback_due"}
    if call_type.report:
        wanted |= {"hang_up_reason", "reported_to"}
    found = [
        Refusal(name, _MISSING.get(name, f"is needed for a call of type {call_type.code}"))
        for name in sorted(wanted)
        if not getattr(text, name)
    ]
    known = sorted(languages)
    if text.language and text.language not in known:
        found.append(Refusal("language", f"{text.language!r} is none of {', '.join(known)}"))
    return found + _wrong_shapes(text, now) + _unfit(text)


def ticket_kind_refusals(text: TicketText, call_type: CallType | None) -> list[Refusal]:
    """Whether a call of this type may become a work order of this kind (TICKET-01, CALL-08)."""
    if call_type is None:
        return [Refusal("type", "the list of call types has not the summary's any more: correct that first")]
    if text.kind in call_type.ticket_kinds:
        return []
    allowed = ", ".join(call_type.ticket_kinds) or "none at all"
    return [Refusal("kind", f"a call of type {call_type.code} may open: {allowed}")]


def ticket_refusals(text: TicketText) -> list[Refusal]:
    """What keeps a draft from going to the back office (TICKET-05, transition T02, CALL-27)."""
    found = [
        Refusal(name, "is needed before the work order goes to the back office")
        for name in _TICKET_MANDATORY
        if not getattr(text, name)
    ]
    if not text.limit_told:
        found.append(Refusal("limit_told", "tell the customer the reply limit, then tick it (CALL-27)"))
    return found + _unfit(text)


def from_summary(text: TicketText, summary: CallSummary) -> TicketText:
    """The form with what the agent left empty taken over from the summary (SUMMARY-02)."""
    said = summary.text
    return replace(
        text,
        customer_name=text.customer_name or said.customer_name,
        contact=text.contact or said.contact,
        account=text.account or said.account,
        content=mask_text(text.content.strip()) or said.content,
        urgency=text.urgency or said.urgency,
        channel=text.channel or _CHANNEL,
    )


def reply_limit(text: TicketText, levels: Mapping[str, UrgencyLevel]) -> str:
    """回复时限 as it is promised and printed: `2个工作日`; empty while no urgency is set (TICKET-21)."""
    level = levels.get(text.urgency or "")
    return f"{level.working_days}个工作日" if level else ""


def _wrong_shapes(text: SummaryText, now: Instant) -> list[Refusal]:
    found = []
    if "*" in text.account:
        found.append(Refusal("account", "holds asterisks: leave it out to keep it, or give it whole"))
    if text.reported_to and not fits("staff", text.reported_to):
        found.append(Refusal("reported_to", f"{text.reported_to[:20]!r} is not a staff number"))
    if text.callback_to and not fits("telephone", text.callback_to):
        found.append(Refusal("callback_to", f"{text.callback_to[:40]!r} is not a telephone number"))
    if text.callback_due is not None and text.callback_due <= now:
        found.append(Refusal("callback_due", "has passed already"))
    if text.callback_due is not None and not text.callback_to:
        found.append(Refusal("callback_to", _MISSING["callback_to"]))
    return found


def _unfit(text: SummaryText | TicketText) -> list[Refusal]:
    found = []
    for name in _text_fields(text):
        longest, value = _LONGEST.get(name, _LONGEST_OTHERWISE), getattr(text, name)
        if len(value) > longest:
            found.append(Refusal(name, f"is longer than {longest} characters"))
        if _CONTROL.search(value):
            found.append(Refusal(name, "holds control characters: only line breaks and tabs are text"))
    return found


def _text_fields(text: SummaryText | TicketText) -> list[str]:
    return [field.name for field in fields(text) if type(getattr(text, field.name)) is str]


def is_poor(fact: SurveyAnswered, survey: SurveySettings) -> bool:
    """Whether a rating asks for repair (SURVEY-08): `repair_at` or worse; 0 asks for none."""
    return fact.question == "satisfaction" and fact.answer <= survey.repair_at


def repairer(lists: Directory, agent: str) -> str:
    """Who calls the customer whom this agent did not please: a leader of the agent's team, else one whose
    rights reach the agent, else any, of several the one with the lowest number; the agent, where there is no
    leader at all."""
    leaders = [
        person
        for person in lists.staff.values()
        if person.active and "agents.command" in lists.rights(person.number)
    ]
    team = next(((one.team, one.unit) for one in lists.staff.values() if one.number == agent), ("", ""))
    reaching = [
        person
        for person in leaders
        if agent in lists.within(person.number, lists.rights(person.number)["agents.command"])
    ]
    nearest = [person for person in leaders if (person.team, person.unit) == team] or reaching or leaders
    return min((str(person.number) for person in nearest), default=agent)


def responsible(lists: Directory, queue: str) -> str:
    """Whose it is that a customer of this queue is called back: the leader of those who serve it, nearest the
    one of them with the lowest number."""
    serving = (
        number for number, places in lists.places().items() if any(one.queue == queue for one in places)
    )
    return repairer(lists, min(serving, default=""))
