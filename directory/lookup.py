"""The directory as it stands at one moment, and what it is asked. Read-only: a change makes a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.calendar import WorkingCalendar
from core.dialling import known
from core.names import DeviceName, QueueName, StaffId
from directory import rules
from directory.model import (
    CallType,
    Device,
    Membership,
    Named,
    Queue,
    Reason,
    Role,
    Staff,
    SurveySettings,
    Threshold,
    Unit,
    Urgency,
)
from directory.reach import within
from web.scope import Grants, Reach, Scope, widest


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everything, checked: every name that is used is defined. Keys are the codes, numbers and names."""

    staff: Mapping[StaffId, Staff]
    roles: Mapping[str, Role]
    devices: Mapping[DeviceName, Device]
    languages: Mapping[str, Named]
    businesses: Mapping[str, Named]
    queues: Mapping[QueueName, Queue]
    reasons: Mapping[str, Reason]
    call_types: Mapping[str, CallType]
    ticket_kinds: Mapping[str, Named]
    urgencies: Mapping[str, Urgency]
    thresholds: Mapping[str, Threshold]
    vip_numbers: frozenset[str]
    survey: SurveySettings
    calendar: WorkingCalendar
    units: Mapping[str, Unit] = field(default_factory=dict)
    hold_reasons: Mapping[str, Named] = field(default_factory=dict)

    def agents(self) -> tuple[Staff, ...]:
        """Those who take calls, by number."""
        return tuple(person for person in self.staff.values() if rules.takes_calls(person))

    def memberships(self, staff: str) -> tuple[Membership, ...]:
        """The queues of one agent; none for those who take no calls. KeyError: nobody has that number."""
        return rules.memberships(self.staff[StaffId(staff)], self.queues.values())

    def places(self) -> dict[str, tuple[Membership, ...]]:
        """The queues of every agent, by number."""
        return {person.number: self.memberships(person.number) for person in self.agents()}

    def members(self, queue: str) -> tuple[tuple[StaffId, int], ...]:
        """The agents of one queue with their penalties, first line first. KeyError: no such queue."""
        found = (
            (person.number, place.penalty)
            for person in self.agents()
            for place in self.memberships(person.number)
            if place.queue == self.queues[QueueName(queue)].name
        )
        return tuple(sorted(found, key=lambda member: (member[1], member[0])))

    def rights(self, staff: str) -> Grants:
        """All rights of all roles of one person, as far as any of these goes. KeyError: nobody's number."""
        roles = self.staff[StaffId(staff)].roles
        return widest(grant for role in roles for grant in self.roles[role].rights.items())

    def within(self, staff: str, scope: Scope) -> Reach:
        """Those whose records one person reaches with that scope. KeyError: nobody has that number."""
        return within(self.staff[StaffId(staff)], scope, self.staff.values(), self.units)

    def reasons_for(self, staff: str) -> tuple[Reason, ...]:
        """The not-ready reasons a person may use (CALL-20). KeyError: nobody has that number."""
        person = self.staff[StaffId(staff)]
        return tuple(reason for reason in self.reasons.values() if rules.may_use_reason(person, reason))

    def reason_of_digit(self, digit: int) -> Reason | None:
        """The reason behind a key of the star code."""
        return next((reason for reason in self.reasons.values() if reason.digit == digit), None)

    def is_vip(self, number: str) -> bool:
        """Whether a caller's number is on the list, in any usual way of writing it."""
        return known(number) in self.vip_numbers
