"""What one node says, heard into the switchboard: its events, what it wrote down itself, its own picture.

    NodeLink ─► Hearing.hear ─► Outcome (facts, commands)

Facts come out in the order in which they are to be appended; nothing is appended or told from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from core import facts as f
from core.clock import SECOND, Clock, Duration, Instant
from telephony.agents import Duties
from telephony.ami.accounts import Role
from telephony.ami.inbox import Gap
from telephony.ami.link import Connected, Item, Lost, NodeLink, RoleChanged
from telephony.ami.session import State
from telephony.ami.snapshot import NodeSnapshot
from telephony.ami.wire import Message
from telephony.dispatch import Dispatcher
from telephony.event_headers import Event
from telephony.reconcile import CallDifferences, compare_calls, compare_devices
from telephony.reconcile_agents import compare_agents
from telephony.records import recorded_since
from telephony.switchboard import Outcome, Switchboard
from telephony.translate import BadEvent, translate

_log = structlog.get_logger(__name__)

_UPTIME_ERROR: Duration = 2 * SECOND
PHONES_ASKED_WITHIN: Duration = 20 * SECOND
"""A node that has booted knows within this time which of its registered phones are there."""
_OVERLAP: Duration = SECOND
"""Events about the edges of a gap are heard twice rather than not at all; the folds do not mind."""
_MOVING_S = 1.0
NOT_RUNNING = "the service was not running"


@dataclass(frozen=True, slots=True)
class Node:
    """One Asterisk: its stream, and the folder we share with it."""

    name: str
    link: NodeLink
    directory: Path


@dataclass(frozen=True, slots=True)
class SessionDown:
    """A log-in at a node that does not stand. `subject`: node and role; `cause`: for people."""

    subject: str
    since: Instant
    cause: str


class Hearing:
    """The ear for one node. `absent_since`: when this program last listened, before it was started."""

    def __init__(
        self, node: Node, board: Switchboard, *, duties: Duties, dispatcher: Dispatcher, clock: Clock
    ) -> None:
        self.node = node
        self._board = board
        self._duties = duties
        self._dispatcher = dispatcher
        self._clock = clock
        self.absent_since: Instant | None = None
        self.bad_events = 0
        self.sessions_down: dict[str, SessionDown] = {}
        self._died: Instant | None = None
        self._last_heard: Instant | None = None
        self._unchecked: set[str] | None = set()
        """Calls to be compared with the next snapshot; None: all there are."""
        self._look_due: asyncio.TimerHandle | None = None
        self._asked_by: Instant = 0

    async def hear(self, batch: Sequence[Item]) -> Outcome:
        """What follows from the next items of the node's stream."""
        outcome = Outcome()
        for item in batch:
            missed = self._take(item, outcome)
            if missed is not None:
                outcome.facts.append(missed)
                await self._recover(missed, outcome)
        return outcome

    def look_soon(self, within_s: float) -> None:
        """Look at the node again in a while; one look serves everyone who wants one until then."""
        if self._look_due is None:
            self._look_due = asyncio.get_running_loop().call_later(within_s, self._look)

    def stop(self) -> None:
        """No more looks."""
        if self._look_due is not None:
            self._look_due.cancel()

    def _look(self) -> None:
        self._look_due = None
        self.node.link.resync()

    # ------------------------------------------------------------------ one item

    def _take(self, item: Item, outcome: Outcome) -> f.GapDeclared | None:
        """What follows from one item; a gap if it is one, to be declared and recovered from."""
        name = self.node.name
        match item:
            case Message():
                self._event(item, outcome)
            case NodeSnapshot():
                self._snapshot(item, outcome)
            case Connected():
                return self._connected(item)
            case Gap():
                self._unchecked = None
                self._last_heard = item.since
                return f.GapDeclared(at=item.until, node=name, since=item.since, cause=item.cause)
            case Lost():
                _log.warning("telephony.node_lost", node=name, cause=item.cause)
                self._dispatcher.node_went(name)
                outcome.facts.append(f.NodeLost(at=item.at, node=name, cause=item.cause))
            case RoleChanged():
                self._role_changed(item)
        return None

    def _event(self, event: Event, outcome: Outcome) -> None:
        name = self.node.name
        try:
            signal = translate(event, name, self._clock())
        except BadEvent as problem:
            self.bad_events += 1
            _log.warning("telephony.bad_event", node=name, problem=str(problem))
            return
        if signal is None:
            return
        try:
            outcome.add(self._board.hear(signal))
        except Exception:  # noqa: BLE001  our mistake about one event must not end all calls of the node
            self.bad_events += 1
            _log.exception("telephony.not_folded", node=name, signal=type(signal).__name__)

    def _role_changed(self, item: RoleChanged) -> None:
        subject = f"{self.node.name}/{item.role.value}"
        if item.state is State.UP:
            down = self.sessions_down.pop(subject, None)
            if down is not None and item.role is Role.COMMANDS:
                self.node.link.resync()  # what could not be told is found out, and told, by comparing
        elif item.state not in (State.STOPPED, State.IDLE):
            self.sessions_down.setdefault(subject, SessionDown(subject, item.at, item.cause))

    # ------------------------------------------------------------------ after an absence

    def _connected(self, item: Connected) -> f.GapDeclared | None:
        # Uptime comes in whole seconds; after a start of our own it is all there is to go by.
        died = item.at if item.restarted else item.at - item.uptime - _UPTIME_ERROR
        self._died = max(died, self._died or 0)
        self._unchecked = None
        if item.restarted or item.uptime < PHONES_ASKED_WITHIN:
            self._asked_by = item.at + PHONES_ASKED_WITHIN
            later = asyncio.get_running_loop().call_later
            later(PHONES_ASKED_WITHIN / SECOND + 1, self.node.link.resync)
        since, self.absent_since = self.absent_since, None
        if since is None:
            return None
        self._last_heard = since
        return f.GapDeclared(at=item.at, node=self.node.name, since=since, cause=NOT_RUNNING)

    async def _recover(self, gap: f.GapDeclared, outcome: Outcome) -> None:
        """Hear what we missed from what the node wrote down itself.

        Calls from before the gap are known and calls from after it are being heard: only what lies between is
        folded. What it would have made us tell the node is too late to be told; the snapshot sees to that.
        """
        recorded = await asyncio.to_thread(recorded_since, self.node.directory, gap.since)
        heard = Outcome()
        for event in recorded:
            if gap.since - _OVERLAP <= event.at <= gap.at + _OVERLAP:
                self._event(event, heard)
        outcome.facts += heard.facts
        _log.info("telephony.recovered", node=self.node.name, events=len(recorded), facts=len(heard.facts))

    def _snapshot(self, snapshot: NodeSnapshot, outcome: Outcome) -> None:
        name = self.node.name
        self._dispatcher.node_came(name)
        # Only now: what the node wrote down before it died has been heard by then.
        died, self._died = self._died or 0, None
        last_heard, self._last_heard = self._last_heard, None
        outcome.add(self._board.lose_node(name, died, died if last_heard is None else last_heard))
        found = self._compare_calls(snapshot)
        for call_id in found.vanished:
            outcome.add(self._board.close_call(call_id, snapshot.began, f.EndReason.UNSEEN))
        devices = compare_devices(
            name, self._board.reachable, snapshot, just_booted=snapshot.began < self._asked_by
        )
        for signal in (*found.signals, *devices):
            outcome.add(self._board.hear(signal))
        agents = compare_agents(
            name,
            self._board.agents,
            snapshot,
            self._duties.memberships,
            lambda agent: self._duties.wrapup_limit(agent.queue) > 0,
        )
        for number, wish in agents.adopt:
            outcome.add(self._board.wish(number, wish))
        outcome.commands += agents.commands
        outcome.facts.append(f.NodeConnected(at=snapshot.ended, node=name, version=snapshot.version))
        _log.info(
            "telephony.reconciled",
            node=name,
            vanished=len(found.vanished),
            told=len(found.signals),
            adopted=len(agents.adopt),
            commands=len(agents.commands),
        )

    def _compare_calls(self, snapshot: NodeSnapshot) -> CallDifferences:
        """Each call that a gap may have touched is compared once, at a moment when it does not move."""
        calls = [call for call in self._board.calls.values() if call.node == self.node.name]
        wanted, self._unchecked = self._unchecked, set()
        due = [call for call in calls if wanted is None or call.id in wanted]
        still = [call for call in due if self._board.heard_at(call.id) < snapshot.began]
        if len(still) < len(due):
            self._unchecked = {call.id for call in due} - {call.id for call in still}
            self.look_soon(_MOVING_S)
        return compare_calls(self.node.name, still, snapshot, known={call.leg for call in calls})
