"""Rules on the directory's records. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from directory.model import CallType, Membership, Queue, Reason, Staff

FIRST_LINE = 0
BACKUP = 10


def takes_calls(person: Staff) -> bool:
    """Whether they belong to any queue at all."""
    return person.active and all(person.serves)


def memberships(person: Staff, queues: Iterable[Queue]) -> tuple[Membership, ...]:
    """The queues a person serves (CALL-12): first line if business and language both are, else backup."""
    if not takes_calls(person):
        return ()
    found = []
    skills, languages = person.serves
    for queue in queues:
        levels = (skills.get(queue.business), languages.get(queue.language))
        if None not in levels:
            found.append(Membership(queue=queue.name, penalty=FIRST_LINE if levels == (1, 1) else BACKUP))
    return tuple(found)


def may_use_reason(person: Staff, reason: Reason) -> bool:
    """Whether one of the person's roles may use the reason (CALL-20)."""
    return person.active and not set(person.roles).isdisjoint(reason.roles)


def missing_fields(call_type: CallType, filled: Collection[str]) -> tuple[str, ...]:
    """The fields a summary of this type still lacks, in the order of the list (SUMMARY-06)."""
    return tuple(field for field in call_type.mandatory if field not in filled)


def may_open(call_type: CallType, ticket_kind: str) -> bool:
    """Whether a work order of that kind may grow out of such a call (CALL-08: a wrong number has none)."""
    return ticket_kind in call_type.ticket_kinds
