"""What `hotline check` has found: a line each, with the remedy. Comparing is pure; looking is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.calendar import WorkingCalendar
from core.facts import AgentState
from directory.model import Membership
from hotline.unheld import REMEDY, Unheld, told
from hotline.witness import SeatSeen
from ivr.standing import PromptStanding
from telephony.agents import Agent
from telephony.ami.accounts import Role


class Weight(StrEnum):
    """`error`: something does not work, or may not stay as it is. `warning`: it will hurt some day."""

    GOOD = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """`about`: what was looked at; `remedy`: what to do, "" where all is well."""

    weight: Weight
    about: str
    what: str
    remedy: str = ""

    def line(self) -> str:
        """For people."""
        remedy = f" → {self.remedy}" if self.remedy else ""
        return f"{self.weight:<7}  {self.about}: {self.what}{remedy}"


def good(about: str, what: str) -> Finding:
    """All is well with it."""
    return Finding(Weight.GOOD, about, what)


# What an account must be able to do, and what none of ours may: those would let whoever has the secret run
# programs, change configuration or read what callers key in.
NEEDED: Mapping[Role, frozenset[str]] = {
    Role.EVENTS: frozenset(),
    Role.COMMANDS: frozenset(
        [
            "QueueAdd",
            "QueueRemove",
            "QueuePause",
            "QueuePenalty",
            "Redirect",
            "Hangup",
            "Setvar",
            "Getvar",
            "Originate",
        ]
    ),
    Role.RESYNC: frozenset(["CoreShowChannels", "Status", "DeviceStateList", "CoreSettings", "QueueStatus"]),
}
FORBIDDEN = frozenset(
    [
        "Command",
        "UpdateConfig",
        "GetConfig",
        "CreateConfig",
        "Reload",
        "ModuleLoad",
        "MixMonitor",
        "DBPut",
        "DBDel",
        "DialplanExtensionAdd",
    ]
)


def of_rights(about: str, role: Role, permitted: Collection[str]) -> Iterator[Finding]:
    """What an account cannot do though it must, or can do though it must not."""
    names = set(permitted)
    if lacking := sorted(NEEDED[role] - names):
        yield Finding(
            Weight.ERROR, about, f"may not send {', '.join(lacking)}", "`hotline prepare`, restart Asterisk"
        )
    if beyond := sorted(FORBIDDEN & names):
        yield Finding(
            Weight.ERROR,
            about,
            f"may send {', '.join(beyond)}: whoever has its secret owns the machine",
            "take those rights from manager.conf (`hotline prepare` writes it), restart Asterisk",
        )
    if not lacking and not beyond:
        yield good(about, "logs in, with no right too many and none too few")


def of_lacking(about: str, staff: Sequence[str], all_well: str, what: str, remedy: str) -> Finding:
    """People who lack something, the first of them named; `all_well` if nobody does."""
    if not staff:
        return good(about, all_well)
    who = ", ".join(staff[:5]) + (f" and {len(staff) - 5} more" if len(staff) > 5 else "")
    return Finding(Weight.WARNING, about, f"{who}: {what}", remedy)


def of_calendar(calendar: WorkingCalendar, today: date) -> Finding:
    """A year whose holidays nobody has entered though it is time: limits in it are guesses."""
    year = calendar.year_lacking(today)
    if year is None:
        return good("working calendar", f"confirmed until {calendar.confirmed_until}")
    return Finding(
        Weight.WARNING if year > today.year else Weight.ERROR,
        "working calendar",
        f"{year} is lacking: limits count the holidays of the law alone, and no make-up day",
        "enter its notice in the directory, section holiday_notices",
    )


def of_unheld(found: Unheld) -> Finding:
    """Rights that came with a new version, or that the bank has given to nobody."""
    if not found:
        return good("rights", "each that the shipped roles have is held by somebody")
    return Finding(Weight.WARNING, "rights", f"held by nobody, as shipped of {told(found)}", REMEDY)


def of_prompts(about: str, standings: Sequence[PromptStanding]) -> Iterator[Finding]:
    """What a caller does not hear, or not as it is written: to be prepared, or to be recorded."""
    for wanted, remedy in (
        (False, "`hotline prepare`"),
        (True, "have it read again, then `hotline prompts replace`; `hotline prompts back` until then"),
    ):
        wrong = [one.problem for one in standings if one.problem and one.record is wanted]
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            yield Finding(Weight.ERROR, about, "; ".join(wrong[:3]) + more, remedy)
    if not any(one.problem for one in standings):
        yield good(about, f"{len(standings)} as the catalogue has them")


def of_flow(about: str, *, content: str, file: str, live: str, left: str) -> Finding:
    """Versions of one flow: the flow file's, Asterisk's file's, the one callers are led into, one left."""
    if not file:
        return Finding(Weight.ERROR, about, "Asterisk has no file of it", "`hotline prepare`")
    if live != file:
        return Finding(
            Weight.ERROR,
            about,
            f"callers are led into {live or 'none'}, after Asterisk's next start into {file or 'none'}",
            "`hotline flow publish`",
        )
    if content not in (live, left):
        return Finding(
            Weight.WARNING,
            about,
            f"callers are led into {live}, the flow file would be {content}",
            "`hotline flow publish`, if it is meant to be",
        )
    return good(about, f"{live} is live" + (f", gone back to from {left}" if content == left else ""))


def of_seats(
    node: str,
    agents: Mapping[str, Agent],
    seats: Mapping[str, Mapping[str, SeatSeen]],
    memberships: Callable[[str], Sequence[Membership]],
) -> Iterator[Finding]:
    """Where Asterisk's queue members are not what the service says of its agents. `seats`: queue → device."""
    there = {
        (seat.agent, queue): (device, seat)
        for queue, found in seats.items()
        for device, seat in found.items()
    }
    for number in sorted({*agents, *(agent for agent, _ in there)}):
        agent = agents.get(number, Agent(number))
        about = f"agent {number} on {node}"
        at_work = agent.state is not AgentState.LOGGED_OUT
        for queue in sorted({place.queue for place in memberships(number)} if at_work else ()):
            if queue in seats and (number, queue) not in there:
                yield Finding(
                    Weight.ERROR,
                    about,
                    f"is {agent.state.value} here, but no member of {queue}: its callers do not reach him",
                    "log out and in again",
                )
        yield from _of_members(about, agent, [one for key, one in there.items() if key[0] == number])


def _of_members(about: str, agent: Agent, found: Sequence[tuple[str, SeatSeen]]) -> Iterator[Finding]:
    if not found:
        return
    devices = {device for device, _ in found}
    paused = {seat.paused for _, seat in found}
    if agent.state is AgentState.LOGGED_OUT:
        yield Finding(
            Weight.ERROR,
            about,
            f"is logged out here, but a member at {', '.join(sorted(devices))}",
            "*14 on that telephone; if it stays, restart the service, which compares both",
        )
    elif devices != {agent.device}:
        yield Finding(
            Weight.ERROR,
            about,
            f"sits at {agent.device} here, at {', '.join(sorted(devices))} there",
            "log out and in again",
        )
    elif agent.state in (AgentState.READY, AgentState.NOT_READY) and paused != {
        agent.state is AgentState.NOT_READY
    }:
        word = "paused" if True in paused else "not paused"
        yield Finding(
            Weight.ERROR, about, f"is {agent.state.value} here, {word} there", "set the state once more"
        )
