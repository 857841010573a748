"""The lists of the seed: languages, businesses, queues, reasons, call types, thresholds.

Each function reads one record and returns its code ("" if it has none) with the record; problems are noted
at their places.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.names import LANGUAGES, QueueName
from directory.alarms import ALARMS, SEVERITIES
from directory.model import CallType, Named, Queue, Reason, Role, SurveySettings, Threshold, Urgency
from directory.places import Place

_CODE = (r"[a-z][a-z0-9_]{0,23}", "a code: small letters, digits and _, beginning with a letter")
_SHORT_CODE = (
    r"[a-z][a-z0-9_]{0,15}",
    "a code: small letters, digits and _, at most 16, beginning with a letter",
)
_QUEUE_LIMITS = {
    "weight": (0, 100),
    "priority": (0, 100),
    "service_level_s": (1, 600),
    "ring_s": (2, 60),
    "timeout_s": (10, 7200),
    "wrapup_limit_s": (1, 3600),
    "widen_after_s": (0, 600),
    "bound_s": (5, 3600),
    "callback_after_s": (0, 3600),
}
_NOT_SAID = {"callback_after_s": 0}
"""Figures that came later: lists written before them do not have them."""


def named(place: Place) -> tuple[str, Named]:
    """A code with its names."""
    found = place.fields(("code", "zh", "en"))
    code = found["code"].shaped(*_CODE)
    return code, Named(code=code, name_zh=found["zh"].text(), name_en=found["en"].text())


def ticket_kind(place: Place) -> tuple[str, Named]:
    """A kind of work order (TICKET-01); its code stands in tables."""
    found = place.fields(("code", "zh", "en"))
    code = found["code"].shaped(*_SHORT_CODE)
    return code, Named(code=code, name_zh=found["zh"].text(), name_en=found["en"].text())


def language(place: Place) -> tuple[str, Named]:
    """A language callers may choose (CALL-12)."""
    found = place.fields(("code", "zh", "en"))
    code = found["code"].one_of(LANGUAGES, "language with prompts")
    return code, Named(code=code, name_zh=found["zh"].text(), name_en=found["en"].text())


def queues(
    section: Place, businesses: Mapping[str, Named], languages: Mapping[str, Named]
) -> Mapping[QueueName, Queue]:
    """One queue for each business in each language, with the figures of its business."""
    found = section.fields(("defaults",), ("businesses",))
    defaults = _NOT_SAID | _figures(found["defaults"], required=True)
    own: dict[str, dict[str, int]] = {}
    if "businesses" in found:
        for key, value in found["businesses"].pairs():
            if code := key.one_of(businesses, "business"):
                own[code] = _figures(value, required=False)
    table = {}
    for business in businesses.values():
        figures = defaults | own.get(business.code, {})
        if figures["widen_after_s"] >= figures["service_level_s"]:
            section.refuse(
                f"{business.code}: widen_after_s must be below service_level_s, or backups come late"
            )
        for tongue in languages.values():
            name = QueueName(f"{business.code}-{tongue.code}")
            table[name] = _queue(name, business, tongue, figures)
    return MappingProxyType(table)


def _figures(place: Place, *, required: bool) -> dict[str, int]:
    needed = tuple(_QUEUE_LIMITS.keys() - _NOT_SAID) if required else ()
    found = place.fields(needed, [name for name in _QUEUE_LIMITS if name not in needed])
    return {name: value.whole(*_QUEUE_LIMITS[name]) for name, value in found.items()}


def _queue(name: QueueName, business: Named, tongue: Named, figures: dict[str, int]) -> Queue:
    return Queue(
        name=name,
        business=business.code,
        language=tongue.code,
        name_zh=f"{business.name_zh}·{tongue.name_zh}",
        name_en=f"{business.name_en}, {tongue.name_en}",
        weight=figures["weight"],
        priority=figures["priority"],
        service_level_s=figures["service_level_s"],
        ring_s=figures["ring_s"],
        timeout_s=figures["timeout_s"],
        wrapup_limit_s=figures["wrapup_limit_s"],
        widen_after_s=figures["widen_after_s"],
        bound_s=figures["bound_s"],
        callback_after_s=figures["callback_after_s"],
    )


def reason(place: Place, roles: Mapping[str, Role]) -> tuple[str, Reason]:
    """A not-ready reason (CALL-20, CALL-21)."""
    found = place.fields(("code", "zh", "en", "roles", "max_minutes", "digit"), ("on_duty",))
    code = found["code"].shaped(*_CODE)
    record = Reason(
        code=code,
        name_zh=found["zh"].text(),
        name_en=found["en"].text(),
        roles=tuple(entry.one_of(roles, "role") for entry in found["roles"].entries()),
        max_minutes=found["max_minutes"].whole(1, 600),
        digit=found["digit"].whole(1, 9, otherwise=0),  # 0: noted, and no key of anyone
        on_duty=found["on_duty"].yes_no() if "on_duty" in found else False,
    )
    return code, record


def check_digits(section: Place, reasons: Mapping[str, Reason]) -> None:
    """No two reasons behind one key of the star code."""
    first: dict[int, str] = {}
    for one in reasons.values():
        if one.digit and (other := first.setdefault(one.digit, one.code)) != one.code:
            section.refuse(f"{other} and {one.code} both have the digit {one.digit}")


def call_type(place: Place, kinds: Mapping[str, Named]) -> tuple[str, CallType]:
    """A call type (CALL-24); which summary fields exist is for the summaries to say."""
    found = place.fields(("code", "zh", "en", "mandatory", "ticket_kinds"), ("callback", "report"))
    code = found["code"].shaped(*_CODE)
    record = CallType(
        code=code,
        name_zh=found["zh"].text(),
        name_en=found["en"].text(),
        mandatory=tuple(entry.shaped(*_CODE) for entry in found["mandatory"].entries()),
        ticket_kinds=tuple(entry.one_of(kinds, "ticket kind") for entry in found["ticket_kinds"].entries()),
        callback=found["callback"].yes_no() if "callback" in found else False,
        report=found["report"].yes_no() if "report" in found else False,
    )
    return code, record


def urgency(place: Place) -> tuple[str, Urgency]:
    """A level of urgency with its reply limit (TICKET-21)."""
    found = place.fields(("code", "zh", "en", "working_days"))
    code = found["code"].one_of(("high", "medium", "low"), "level of urgency")
    record = Urgency(
        code=code,
        name_zh=found["zh"].text(),
        name_en=found["en"].text(),
        working_days=found["working_days"].whole(1, 90),
    )
    return code, record


def threshold(place: Place) -> tuple[str, Threshold]:
    """When an alarm is raised and cleared."""
    found = place.fields(("alarm", "zh", "en", "severity", "raise_at", "clear_at"), ("window",))
    alarm = found["alarm"].one_of(ALARMS, "alarm")
    kind = ALARMS.get(alarm)
    highest = 100 if kind is not None and kind.unit == "percent" else 86_400
    raise_at, clear_at = found["raise_at"].whole(0, highest), found["clear_at"].whole(0, highest)
    if kind is not None:
        if (clear_at < raise_at) if kind.falls else (clear_at > raise_at):
            side = "below" if kind.falls else "above"
            found["clear_at"].refuse(f"{clear_at} lies {side} raise_at: it would clear while it is raised")
        if kind.windowed != ("window" in found):
            place.refuse("lacks window" if kind.windowed else "window means nothing for this alarm")
    record = Threshold(
        alarm=alarm,
        name_zh=found["zh"].text(),
        name_en=found["en"].text(),
        severity=found["severity"].one_of(SEVERITIES, "severity"),
        unit=kind.unit if kind is not None else "",
        raise_at=raise_at,
        clear_at=clear_at,
        window=found["window"].whole(1, 1000) if "window" in found else 0,
    )
    return alarm, record


def check_thresholds(section: Place, thresholds: Mapping[str, Threshold]) -> None:
    """Every alarm has its threshold: silence must be a decision, not an omission."""
    if missing := [alarm for alarm in ALARMS if alarm not in thresholds]:
        section.refuse(f"lacks {', '.join(missing)}")


def survey(place: Place) -> SurveySettings:
    """How the survey asks (SURVEY-01)."""
    found = place.fields(("satisfaction_best", "repair_at", "attempts", "timeout_s"))
    return SurveySettings(
        satisfaction_best=found["satisfaction_best"].whole(2, 9),
        repair_at=found["repair_at"].whole(0, 8),
        attempts=found["attempts"].whole(1, 5),
        timeout_s=found["timeout_s"].whole(2, 60),
    )
