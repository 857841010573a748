"""Who distributes the calls; `hands` tells a node so.

`Dispatcher` is the head: it looks at those who wait and those who could answer and says what is to be done.
Its first form lets app_queue choose caller and agent and only adds what app_queue cannot do: ageing,
announcements, who is on duty, and a bound to every wait: callers who are overdue are offered to an agent past
app_queue. A central form, which offers every caller so, has the same face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from core.clock import Duration, Instant
from directory.model import Membership
from telephony import commands as c
from telephony.agents import Agent
from telephony.waiting import (
    AGED_PRIORITY,
    OFFERS_APART,
    USUAL_BOUND,
    USUAL_HANDLING,
    Waiting,
    expected_wait,
    on_duty,
    overdue,
    spoken,
    to_be_aged,
    to_be_told,
)


class Dispatcher(Protocol):
    """Looks at the whole picture, about once a second and after every change of an agent."""

    def plan(
        self, lines: Mapping[str, Sequence[Waiting]], agents: Mapping[str, Agent], now: Instant
    ) -> Sequence[c.Command]:
        """What is to be done now; it is not asked twice for the same."""

    def on_duty(self, queue: str) -> int:
        """Agents on duty for it, as planned last: the figure that the dialplan goes by."""

    def choose(self, agent: Agent, now: Instant) -> Waiting | None:
        """The agent takes calls again: the caller to be offered to him past app_queue, if there is one."""

    def forget(self, node: str, call: str) -> Sequence[c.Command]:
        """The call does not wait any more; what there is to be stopped on its account."""

    def requeued(self, call: str) -> None:
        """The call waits on in a new round of its queue, as urgent as the dialplan has made it."""

    def node_came(self, node: str) -> None:
        """The node listens from now on; whatever was told to it before may be gone."""

    def node_went(self, node: str) -> None:
        """The node cannot be told anything until it comes back."""


class AppQueueDispatcher:
    """app_queue distributes (house decision 4); this adds what surrounds it."""

    def __init__(
        self,
        *,
        memberships: Callable[[str], Sequence[Membership]],
        short_pause: Callable[[str], bool],
        handling: Callable[[str], Duration] = lambda queue: USUAL_HANDLING,
        bound: Callable[[str], Duration] = lambda queue: USUAL_BOUND,
        offers_callback: Callable[[str, str], Duration] = lambda node, queue: 0,
        queues: Callable[[], Sequence[str]],
    ) -> None:
        self._memberships = memberships
        self._short_pause = short_pause
        self._handling = handling
        self._bound = bound
        self._offers_callback = offers_callback
        self._queues = queues
        self._listening: set[str] = set()
        self._published: dict[str, set[c.Command]] = {}
        self._told: dict[str, Instant] = {}
        self._aged: set[str] = set()
        self._overdue: dict[str, list[Waiting]] = {}
        self._offered: dict[str, Instant] = {}
        self._duty: dict[str, int] = {}

    def plan(
        self, lines: Mapping[str, Sequence[Waiting]], agents: Mapping[str, Agent], now: Instant
    ) -> list[c.Command]:
        """Duty counts and seats that changed, callers to be aged, callers to be told their place."""
        self._duty = duty = on_duty(agents.values(), self._memberships, self._short_pause)
        commands = self._publish(duty, agents.values())
        self._overdue = {}
        for queue, callers in lines.items():
            line = [w for w in callers if w.call.channel and w.call.node in self._listening]
            late = overdue(line, self._bound(queue), agents, now)
            if late := [w for w in late if now - self._offered.get(w.call.id, 0) >= OFFERS_APART]:
                self._overdue[queue] = late
            commands += self._ageing(line, now)
            commands += self._announcements(queue, line, duty.get(queue, 0), now)
        return commands

    def on_duty(self, queue: str) -> int:
        """As `Dispatcher` says."""
        return self._duty.get(queue, 0)

    def choose(self, agent: Agent, now: Instant) -> Waiting | None:
        """Of those overdue in the agent's queues the one who joined first.

        A queue of more weight would otherwise keep them waiting as long as it has callers of its own:
        app_queue weighs queues, and knows no bound.
        """
        if not self._overdue:
            return None
        mine = [w for place in self._memberships(agent.number) for w in self._overdue.get(place.queue, ())]
        chosen = min(mine, key=lambda waiting: waiting.wait.joined_at, default=None)
        if chosen is not None:
            self._overdue[chosen.wait.queue].remove(chosen)
            self._offered[chosen.call.id] = now
        return chosen

    def forget(self, node: str, call: str) -> list[c.Command]:
        """An announcement that may still be speaking is cut short: the caller is through, or gone."""
        self._aged.discard(call)
        self._offered.pop(call, None)
        told = self._told.pop(call, None)
        return [] if told is None else [c.Silence(node, announcement_of(call))]

    def requeued(self, call: str) -> None:
        """It may have to be aged again; what it has been told it has been told."""
        self._aged.discard(call)

    def node_came(self, node: str) -> None:
        """Global variables do not survive a restart of Asterisk: publish all of them again."""
        self._published.pop(node, None)
        self._listening.add(node)

    def node_went(self, node: str) -> None:
        """Nothing is planned for it until it comes back."""
        self._listening.discard(node)

    def _publish(self, counts: Mapping[str, int], agents: Iterable[Agent]) -> list[c.Command]:
        """What the dialplan has to know and has not been told; a seat that is empty again is told so."""
        agents = tuple(agents)
        changed: list[c.Command] = []
        for node in sorted(self._listening):
            told = self._published.setdefault(node, set())
            duty = [c.PublishDuty(node, queue, counts.get(queue, 0)) for queue in self._queues()]
            wanted = [*duty, *seats(node, agents, told)]
            changed += [command for command in wanted if command not in told]
            self._published[node] = set(wanted)
        return changed

    def _ageing(self, line: Sequence[Waiting], now: Instant) -> list[c.Command]:
        due = [waiting for waiting in to_be_aged(line, now) if waiting.call.id not in self._aged]
        self._aged.update(waiting.call.id for waiting in due)
        return [c.ChangePriority(w.call.node, w.wait.queue, w.call.channel, AGED_PRIORITY) for w in due]

    def _announcements(
        self, queue: str, line: Sequence[Waiting], serving: int, now: Instant
    ) -> list[c.Command]:
        said: list[c.Command] = []
        for waiting in to_be_told(line, now, self._told):
            offered_after = self._offers_callback(waiting.call.node, queue)
            self._told[waiting.call.id] = now
            expected = expected_wait(waiting.position, serving, self._handling(queue))
            position, minutes = spoken(waiting.position, expected)
            said.append(
                c.Announce(
                    waiting.call.node,
                    waiting.call.channel,
                    position,
                    minutes,
                    announcement_of(waiting.call.id),
                    0 < offered_after <= waiting.waited(now),
                )
            )
        return said


def seats(node: str, agents: Iterable[Agent], told: Iterable[c.Command]) -> list[c.Command]:
    """Who sits where, both ways; devices of `told` that nobody sits at any more are told to be empty."""
    agents = tuple(agents)
    seated = {agent.device: agent.number for agent in agents if agent.device}
    left = {one.device for one in told if isinstance(one, c.PublishAgentAt)} - seated.keys()
    return [
        *(c.PublishAgentAt(node, device, seated.get(device, "")) for device in sorted({*seated, *left})),
        *(c.PublishDeviceOf(node, agent.number, agent.device) for agent in agents),
    ]


def announcement_of(call: str) -> str:
    """The name of the channel that speaks to a call: one at a time."""
    return "announce-" + call.replace("-", "")
