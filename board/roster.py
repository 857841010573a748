"""Who and what the board shows, as the directory has it: queues, agents and their queues, long pauses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.clock import MINUTE, Duration
from core.facts import AgentState
from directory.lookup import Directory
from directory.model import Named, Queue, Reason

OFF = frozenset({AgentState.LOGGED_OUT, AgentState.NOT_READY})


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueEntry:
    """One queue as people know it."""

    queue: str
    name_zh: str = ""
    name_en: str = ""
    business: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEntry:
    """One agent as people know them. `queues`: all they serve, first line or backup."""

    agent: str
    name: str = ""
    name_en: str = ""
    team: str = ""
    queues: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Queues and agents in the order in which they are shown.

    `short_pauses`: not-ready reasons that stay on duty. `pause_limits`: how long each reason may last.
    `names`: of all staff, Chinese and English; leaders answer for alarms without taking calls.
    """

    queues: Mapping[str, QueueEntry] = field(default_factory=dict)
    agents: Mapping[str, AgentEntry] = field(default_factory=dict)
    short_pauses: frozenset[str] = frozenset()
    pause_limits: Mapping[str, Duration] = field(default_factory=dict)
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def on_duty(self, state: AgentState, reason: str) -> bool:
        """Logged in and not on a long pause (house definition)."""
        return state not in OFF or (state is AgentState.NOT_READY and reason in self.short_pauses)


def roster_of(directory: Directory) -> Roster:
    """The roster of everyone who takes calls and of every queue there is."""
    return Roster(
        queues={
            queue.name: QueueEntry(
                queue=queue.name,
                name_zh=queue.name_zh,
                name_en=queue.name_en,
                business=queue.business,
                language=queue.language,
            )
            for queue in directory.queues.values()
        },
        agents={
            person.number: AgentEntry(
                agent=person.number,
                name=person.name,
                name_en=person.name_en,
                team=person.team,
                queues=frozenset(place.queue for place in directory.memberships(person.number)),
            )
            for person in directory.agents()
        },
        short_pauses=frozenset(reason.code for reason in directory.reasons.values() if reason.on_duty),
        pause_limits={reason.code: reason.max_minutes * MINUTE for reason in directory.reasons.values()},
        names={number: (person.name, person.name_en) for number, person in directory.staff.items()},
    )


Labels = dict[str, dict[str, dict[str, str]]]


def labels_of(directory: Directory) -> Labels:
    """What people call things, by list and code: `zh` and `en`; of alarms `severity` and `raise_at` too, of
    queues `service_level_s`, within how many seconds they promise to answer.
    """
    queues = _labelled(directory.queues)
    for code, each in directory.queues.items():
        queues[code]["service_level_s"] = str(each.service_level_s)
    labels: Labels = {
        "queues": queues,
        "languages": _labelled(directory.languages),
        "businesses": _labelled(directory.businesses),
        "reasons": _labelled(directory.reasons),
    }
    labels["alarms"] = {
        code: {
            "zh": each.name_zh,
            "en": each.name_en,
            "severity": each.severity,
            "raise_at": f"{each.raise_at:g}",
        }
        for code, each in directory.thresholds.items()
    }
    return labels


def _labelled(entries: Mapping[Any, Named | Reason | Queue]) -> dict[str, dict[str, str]]:
    return {str(code): {"zh": each.name_zh, "en": each.name_en} for code, each in entries.items()}


def names_of(directory: Directory, language: str) -> dict[str, str]:
    """What queues and agents are called in `language` (zh or en), by code and staff number."""
    chinese = language == "zh"
    names = {code: each.name_zh if chinese else each.name_en for code, each in directory.queues.items()}
    return names | {
        number: each.name if chinese else each.name_en for number, each in directory.staff.items()
    }
