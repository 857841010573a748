"""The records the directory is made of; `directory.lookup.Directory` holds them together.

Durations end in `_s` (seconds) or `_minutes`, as people write them in the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.names import DeviceName, QueueName, StaffId
from web.scope import Grants


class DeviceKind(StrEnum):
    """What stands behind a device: a simulated phone, a SIP phone, or the agent page."""

    SIM = "sim"
    PHONE = "phone"
    WEB = "web"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A bundle of rights, each with how far it reaches, under the name the house uses for it."""

    code: str
    name_zh: str
    name_en: str
    rights: Grants


class UnitKind(StrEnum):
    """What a unit of the bank is (§19 of the rule register)."""

    HEAD_OFFICE = "head_office"
    DEPARTMENT = "department"
    BRANCH = "branch"
    OUTLET = "outlet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A part of the bank. `parent`: the unit it belongs to, "" for the one at the top."""

    code: str
    name_zh: str
    name_en: str
    kind: UnitKind
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """What somebody serves on one day instead of what they usually do; with that day it is over.

    `in_force`: on the day on which the directory was made.
    """

    on: date
    skills: Mapping[str, int]
    languages: Mapping[str, int]
    in_force: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """A person. `skills`: business → level, `languages`: language → level; 1 is first line, 2 is backup.

    `unit`: code of the unit they belong to, "" for none; `team`: a part of it. `since`, `until`: first and
    last day with the bank. `suspended`: may do nothing for now, whatever the days say. `active`: neither, on
    the day on which the directory was made. `lent`: to other queues, for a day.
    """

    number: StaffId
    name: str
    name_en: str
    team: str
    roles: tuple[str, ...]
    skills: Mapping[str, int]
    languages: Mapping[str, int]
    unit: str = ""
    trainee: bool = False
    since: date | None = None
    until: date | None = None
    suspended: bool = False
    active: bool = True
    lent: Loan | None = None

    @property
    def serves(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Skills and languages that count today."""
        if self.lent is not None and self.lent.in_force:
            return self.lent.skills, self.lent.languages
        return self.skills, self.languages


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A PJSIP endpoint of the pool. Its secret is in the credentials file, never here."""

    name: DeviceName
    kind: DeviceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something that people choose from a list: a code and what to call it."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Callers of one business in one language.

    `weight`: over other queues when one agent serves both. `priority`: of a caller at joining.
    `timeout_s`: the longest wait before the caller is told to call again. `widen_after_s`: backups are
    asked from then on. `bound_s`: who has waited so long gets the next agent of the queue that comes free,
    even from queues of more weight. `callback_after_s`: who has waited so long is offered to be called back;
    0: nobody is.
    """

    name: QueueName
    business: str
    language: str
    name_zh: str
    name_en: str
    weight: int
    priority: int
    service_level_s: int
    ring_s: int
    timeout_s: int
    wrapup_limit_s: int
    widen_after_s: int
    bound_s: int
    callback_after_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An agent's place in a queue. `penalty`: 0 first line, 10 backup."""

    queue: QueueName
    penalty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an agent is not ready (CALL-20, CALL-21).

    `roles`: who may use it. `digit`: the key after the star code `*13`, 1 to 9.
    `on_duty`: a short pause that still counts as being on duty (the wait goes on for them).
    """

    code: str
    name_zh: str
    name_en: str
    roles: tuple[str, ...]
    max_minutes: int
    digit: int
    on_duty: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallType:
    """What a call was about (SUMMARY-01, CALL-24).

    `mandatory`: names of summary fields (SUMMARY-06). `ticket_kinds`: work orders that may grow out of it.
    `callback`: a call-back is owed (CALL-13). `report`: the leader must be told (CALL-09).
    """

    code: str
    name_zh: str
    name_en: str
    mandatory: tuple[str, ...]
    ticket_kinds: tuple[str, ...]
    callback: bool
    report: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """紧急级别 with its reply limit in working days (TICKET-21)."""

    code: str
    name_zh: str
    name_en: str
    working_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """When an alarm is raised and when it is cleared again.

    `raise_at` and `clear_at` are in `unit` (percent, seconds, count); the gap between them keeps the alarm
    from flapping. `window`: how many of the last events are looked at, 0 where that has no meaning.
    """

    alarm: str
    name_zh: str
    name_en: str
    severity: str
    unit: str
    raise_at: float
    clear_at: float
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveySettings:
    """`attempts`: wrong or missing keys before a question is given up. `timeout_s`: for one key.
    `repair_at`: a score up to this leads to a call-back (SURVEY-08); 0: none does.
    """

    satisfaction_best: int
    repair_at: int
    attempts: int
    timeout_s: int
