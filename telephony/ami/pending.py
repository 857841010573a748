"""What we wait for: ActionIDs, replies, deadlines. Pure; time comes in as an argument.

An action ends in exactly one of four ways and is never sent again by itself: whoever asked knows best what
a second time would do.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import StrEnum

from core.clock import Instant
from telephony.ami.action import Action
from telephony.ami.wire import Message


class Outcome(StrEnum):
    """How an action ended (guarantee 5)."""

    DONE = "done"
    REFUSED = "refused"
    """Certainly not done: Asterisk said no, or it was never sent."""
    TIMED_OUT = "timed_out"
    """No reply within the deadline; it may have been done."""
    UNKNOWN = "unknown"
    """The connection was lost after the action was written; it may have been done."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`message`: the response, if one came. `rows`: a list's events, its end included, as far as they came.

    `why`: a sentence for people when the outcome is not DONE.
    """

    outcome: Outcome
    message: Message | None = None
    rows: tuple[Message, ...] = ()
    why: str = ""

    @property
    def done(self) -> bool:
        """Whether Asterisk did it."""
        return self.outcome is Outcome.DONE


@dataclass(slots=True)
class _Waiting:
    action: Action
    until: Instant
    message: Message | None
    rows: list[Message]


Settled = tuple[str, Reply]
"""An ActionID and how its action ended."""


class Pending:
    """The actions of one session that are under way. `prefix` makes its ActionIDs known from others'."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix + "-"
        self._count = 0
        self._waiting: dict[str, _Waiting] = {}
        self._deadlines: list[tuple[Instant, str]] = []
        self.late = 0
        """Replies that came after their action had ended, and were dropped."""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, action: Action, now: Instant) -> str:
        """Begins to wait for the replies to `action`, about to be written; its ActionID."""
        self._count += 1
        action_id = f"{self._prefix}{self._count}"
        until = now + action.deadline
        self._waiting[action_id] = _Waiting(action, until, None, [])
        self._forget_ended_deadlines()
        heapq.heappush(self._deadlines, (until, action_id))
        return action_id

    def is_ours(self, message: Message) -> bool:
        """Whether `message` answers an action of this session: a response, or an event with an id of ours."""
        action_id = message.get("ActionID")
        return not message.is_event or (action_id is not None and action_id.startswith(self._prefix))

    def take(self, message: Message) -> Settled | None:
        """Counts `message` (one that `is_ours`) in; what it settled, if it settled anything."""
        action_id = message.get("ActionID") or ""
        waiting = self._waiting.get(action_id)
        if waiting is None:
            self.late += 1
            return None
        end = waiting.action.replies.end
        if message.is_event:
            waiting.rows.append(message)
            return self._settle(action_id, Outcome.DONE) if message.name == end else None
        waiting.message = message
        if not message.accepted:
            why = f"{waiting.action.name}: {message.get('Message') or message.name}"
            return self._settle(action_id, Outcome.REFUSED, why)
        return self._settle(action_id, Outcome.DONE) if end is None else None

    def expire(self, now: Instant) -> list[Settled]:
        """Ends the actions whose deadline has come."""
        settled = []
        while self._deadlines and self._deadlines[0][0] <= now:
            _, action_id = heapq.heappop(self._deadlines)
            if (waiting := self._waiting.get(action_id)) is not None:
                seconds = waiting.action.deadline / 1e6
                why = f"{waiting.action.name}: no reply within {seconds:g} s; it may have been done"
                settled.append(self._settle(action_id, Outcome.TIMED_OUT, why))
        return settled

    def lose(self, cause: str) -> list[Settled]:
        """The connection is gone: nobody can say what became of what was written."""
        self._deadlines.clear()
        return [
            self._settle(action_id, Outcome.UNKNOWN, f"{self._waiting[action_id].action.name}: {cause}")
            for action_id in list(self._waiting)
        ]

    def next_deadline(self) -> Instant | None:
        """When `expire` is due next."""
        while self._deadlines and self._deadlines[0][1] not in self._waiting:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def _settle(self, action_id: str, outcome: Outcome, why: str = "") -> Settled:
        waiting = self._waiting.pop(action_id)
        return action_id, Reply(outcome, waiting.message, tuple(waiting.rows), why)

    def _forget_ended_deadlines(self) -> None:
        # Answered actions leave their deadline in the heap; swept when they outnumber the others.
        if len(self._deadlines) > 64 + 2 * len(self._waiting):
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._waiting]
            heapq.heapify(self._deadlines)
