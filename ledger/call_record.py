"""One call as a whole: waits, agent legs, survey, recording, what came of it. `call_folding.py` makes it of
its facts: what no fact has said is empty, and a call whose arrival was not seen says so (`arrival_seen`).
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from core import facts as f
from core.clock import Duration, Instant
from core.facts import (
    ConsultOutcome,
    EndReason,
    LeaveReason,
    OfferOutcome,
    OutgoingOutcome,
    Phase,
    Side,
    SurveyOutcome,
)


class CallOutcome(StrEnum):
    """What became of a call, in one word."""

    OPEN = "open"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    NOBODY_ON_DUTY = "nobody_on_duty"
    CALLBACK = "callback"
    """The caller asked to be called back."""
    MENU = "menu"
    """Ended before any queue: the caller heard what was wanted, or gave up."""
    NODE_LOST = "node_lost"
    """With its node, or in a gap of ours: how it ended is not known."""
    NOT_REACHED = "not_reached"
    """We called, and nobody answered; `outgoing` says more."""
    ENDED_BY_US = "ended_by_us"
    """Cut off while waiting, without the customer's doing."""


class MenuRecord(Struct, frozen=True, gc=False, kw_only=True):
    """One step in a menu; `target` is empty where the caller `failed` (no_input, wrong_input)."""

    at: Instant
    menu: str
    target: str = ""
    failed: str = ""


class WaitRecord(Struct, frozen=True, gc=False, kw_only=True):
    """One wait in one queue. `rounds`: how often app_queue had the caller within it."""

    queue: str
    joined_at: Instant
    priority: int
    rounds: int = 1
    left_at: Instant | None = None
    waited: Duration | None = None
    reason: LeaveReason | None = None


class HoldRecord(Struct, frozen=True, gc=False, kw_only=True):
    """The customer on hold. `held` None: still, or nobody has said for how long. `reason`: what the agent
    gave, with the customer's consent; empty if the agent said nothing (CALL-07).
    """

    at: Instant
    held: Duration | None = None
    reason: str = ""


class JoinRecord(Struct, frozen=True, gc=False, kw_only=True):
    """A leader in the leg. `modes`: from when on he listened, whispered or barged, in their order. `left_at`
    None: he is still in it, or nobody has said when he left.
    """

    leader: str
    presence: str
    at: Instant
    modes: tuple[tuple[Instant, str], ...]
    left_at: Instant | None = None


class OrderRecord(Struct, frozen=True, gc=False, kw_only=True):
    """Who ordered that the call of the leg be taken over or ended, and why."""

    at: Instant
    by: str
    order: str
    reason: str


class ConsultRecord(Struct, frozen=True, gc=False, kw_only=True):
    """The agent of a leg asked a colleague. `consulted` None: still does, or nobody has said for how long."""

    at: Instant
    to: str
    to_leg: str
    answered_at: Instant | None = None
    consulted: Duration | None = None
    outcome: ConsultOutcome | None = None
    file: str = ""
    file_status: str = ""


class ConferenceRecord(Struct, frozen=True, gc=False, kw_only=True):
    """The agent of a leg brought a colleague in. `lasted` None: still, or nobody has said for how long."""

    at: Instant
    to: str
    to_leg: str
    lasted: Duration | None = None


class OutsideRecord(Struct, frozen=True, gc=False, kw_only=True):
    """The agent of a leg sent the customer to a number outside. `outcome` None: that goes on, or nobody has
    said how it ended.
    """

    at: Instant
    number: str
    answered_at: Instant | None = None
    talked: Duration | None = None
    outcome: OutgoingOutcome | None = None


class LegRecord(Struct, frozen=True, gc=False, kw_only=True):
    """One offer to one agent and the talk that came of it. `satisfaction` 1-5, `solved` 1 yes 2 no."""

    leg: str
    agent: str
    queue: str
    device: str = ""
    offered_at: Instant | None = None
    answered_at: Instant | None = None
    ended_at: Instant | None = None
    waited: Duration | None = None
    rang: Duration | None = None
    talked: Duration | None = None
    holds: tuple[HoldRecord, ...] = ()
    hold_reason: str = ""
    """Given for a hold that has not begun yet."""
    consults: tuple[ConsultRecord, ...] = ()
    conferences: tuple[ConferenceRecord, ...] = ()
    from_leg: str = ""
    """The leg whose agent transferred the customer to this one."""
    transferred_to: str = ""
    outside: OutsideRecord | None = None
    outcome: OfferOutcome | None = None
    released_by: Side | None = None
    telephone_lost: bool = False
    """The talk ended because the agent's telephone had fallen silent."""
    joined_by: tuple[JoinRecord, ...] = ()
    orders: tuple[OrderRecord, ...] = ()
    harassment: bool = False
    """The agent reported malicious harassment, and ended the call for it."""
    file: str = ""
    file_status: str = ""
    surveyed_by: Side | None = None
    survey: SurveyOutcome | None = None
    satisfaction: int | None = None
    solved: int | None = None
    summary: str = ""
    summary_type: str = ""


class CallRecord(Struct, frozen=True, gc=False, kw_only=True):
    """`seq`: the last fact folded in. `began_at`: the arrival, or the first fact if that was not seen."""

    call: str
    seq: int
    began_at: Instant
    arrival_seen: bool = True
    node: str = ""
    caller: str = ""
    called: str = ""
    vip: bool = False
    flow: str = ""
    version: str = ""
    language: str = ""
    customer: str = ""
    """The number of the customer who calls, as the look-up has found; nothing of one who is not known."""
    level: str = ""
    prefers: str = ""
    """The language that the customer's record names."""
    turned_away: str = ""
    """The queue that nobody served when the caller asked for it."""
    ended_at: Instant | None = None
    reason: EndReason | None = None
    phase: Phase | None = None
    lasted: Duration | None = None
    menus: tuple[MenuRecord, ...] = ()
    waits: tuple[WaitRecord, ...] = ()
    legs: tuple[LegRecord, ...] = ()
    tickets: tuple[str, ...] = ()
    outgoing: OutgoingOutcome | None = None
    """Of a call that we made: what came of it, once it is over; of one still going on, UNKNOWN."""
    about: str = ""
    """Of a call that we made: the record on whose account, `callback:…`, `ticket:…` or `summary:…`."""

    @property
    def answered_legs(self) -> tuple[LegRecord, ...]:
        """The legs on which customer and agent talked, in the order of the answers."""
        talked = [leg for leg in self.legs if leg.answered_at is not None]
        return tuple(sorted(talked, key=lambda leg: leg.answered_at or 0))

    @property
    def outcome(self) -> CallOutcome:
        """A call that was answered once stays answered, whatever came after."""
        if self.answered_legs:
            return CallOutcome.ANSWERED
        if self.ended_at is None:
            return CallOutcome.OPEN
        if self.about:
            return CallOutcome.NOT_REACHED
        if self.reason is EndReason.NODE_LOST:
            return CallOutcome.NODE_LOST
        left = self.waits[-1].reason if self.waits else None
        if left in _OUTCOMES:
            return _OUTCOMES[left]
        return CallOutcome.NOBODY_ON_DUTY if self.turned_away else CallOutcome.MENU

    @property
    def queue(self) -> str:
        """The queue the call came to last."""
        return self.waits[-1].queue if self.waits else self.turned_away

    @property
    def waited(self) -> Duration | None:
        """Of the last wait."""
        return self.waits[-1].waited if self.waits else None

    @property
    def talked(self) -> Duration:
        """With all agents together."""
        return sum(leg.talked or 0 for leg in self.legs)


_OUTCOMES = {
    LeaveReason.ABANDONED: CallOutcome.ABANDONED,
    LeaveReason.TIMED_OUT: CallOutcome.TIMED_OUT,
    LeaveReason.NOBODY_ON_DUTY: CallOutcome.NOBODY_ON_DUTY,
    LeaveReason.CALLBACK: CallOutcome.CALLBACK,
    LeaveReason.NODE_LOST: CallOutcome.NODE_LOST,
    LeaveReason.SYSTEM: CallOutcome.ENDED_BY_US,
    LeaveReason.UNSEEN: CallOutcome.NODE_LOST,
}
CALL_KINDS = frozenset(name for name, kind in f.KINDS.items() if issubclass(kind, f.CallFact))
