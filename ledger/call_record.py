"""One call as a whole, folded from its facts: waits, agent legs, survey, recording, what came of it. Pure.

Facts are taken in the order of their numbers. The fold repairs nothing: what no fact has said stays empty,
and a call whose arrival was not seen says so (`arrival_seen`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from core import facts as f
from core.clock import Duration, Instant
from core.facts import (
    ConsultOutcome,
    EndReason,
    LeaveReason,
    Numbered,
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


def fold_call(record: CallRecord | None, facts: Iterable[Numbered]) -> CallRecord | None:
    """`record` with these facts of its call added; one whose number it knows already changes nothing."""
    last = record.seq if record is not None else 0
    for numbered in facts:
        fact = numbered.fact
        if not isinstance(fact, f.CallFact) or numbered.seq <= last:
            continue
        if record is None:
            seen = isinstance(fact, f.CallArrived | f.OutgoingStarted)
            record = CallRecord(call=fact.call, node=fact.node, seq=0, began_at=fact.at, arrival_seen=seen)
        step = _STEPS.get(type(fact))
        if step is not None:
            record = step(record, fact)
        last = numbered.seq
    return record if record is None or record.seq == last else replace(record, seq=last)


def _arrived(record: CallRecord, fact: f.CallArrived) -> CallRecord:
    return replace(
        record,
        began_at=fact.at,
        arrival_seen=True,
        node=fact.node,
        caller=fact.caller,
        called=fact.called,
        vip=fact.vip,
        flow=fact.flow,
        version=fact.version,
    )


def _outgoing_started(record: CallRecord, fact: f.OutgoingStarted) -> CallRecord:
    begun = replace(
        record,
        began_at=fact.at,
        arrival_seen=True,
        node=fact.node,
        caller=fact.number,
        called=fact.number,
        outgoing=OutgoingOutcome.UNKNOWN,
        about=f"{fact.about}:{fact.record}",
    )
    if fact.first is Side.CUSTOMER:
        return begun  # no agent's telephone has rung yet
    return _on_leg(lambda leg, fact: replace(leg, offered_at=fact.at, device=fact.device))(begun, fact)


def _outgoing_ended(record: CallRecord, fact: f.OutgoingEnded) -> CallRecord:
    return replace(record, ended_at=fact.at, lasted=fact.lasted, outgoing=fact.outcome)


def _menu(record: CallRecord, fact: f.MenuChosen | f.MenuFailed) -> CallRecord:
    if isinstance(fact, f.MenuChosen):
        step = MenuRecord(at=fact.at, menu=fact.menu, target=fact.target)
    else:
        step = MenuRecord(at=fact.at, menu=fact.menu, failed=fact.cause)
    return replace(record, menus=(*record.menus, step))


def _queued(record: CallRecord, fact: f.CallerQueued) -> CallRecord:
    last = record.waits[-1] if record.waits else None
    language = fact.language or record.language
    if fact.again and last is not None and (last.queue, last.joined_at) == (fact.queue, fact.joined_at):
        goes_on = replace(
            last, rounds=last.rounds + 1, priority=fact.priority, left_at=None, waited=None, reason=None
        )
        return replace(record, language=language, waits=(*record.waits[:-1], goes_on))
    new = WaitRecord(queue=fact.queue, joined_at=fact.joined_at, priority=fact.priority)
    return replace(record, language=language, waits=(*record.waits, new))


def _left(record: CallRecord, fact: f.CallerLeftQueue) -> CallRecord:
    for place in reversed(range(len(record.waits))):
        wait = record.waits[place]
        if wait.queue == fact.queue and wait.left_at is None:
            over = replace(wait, left_at=fact.at, waited=fact.waited, reason=fact.reason)
            return replace(record, waits=(*record.waits[:place], over, *record.waits[place + 1 :]))
    return record


def _on_leg(change: Callable[[LegRecord, Any], LegRecord]) -> Callable[[CallRecord, Any], CallRecord]:
    def step(record: CallRecord, fact: f.LegFact) -> CallRecord:
        for place, leg in enumerate(record.legs):
            if leg.leg == fact.leg:
                return replace(
                    record, legs=(*record.legs[:place], change(leg, fact), *record.legs[place + 1 :])
                )
        new = LegRecord(leg=fact.leg, agent=fact.agent, queue=fact.queue)
        return replace(record, legs=(*record.legs, change(new, fact)))

    return step


def _survey_answered(leg: LegRecord, fact: f.SurveyAnswered) -> LegRecord:
    if fact.question == "satisfaction":
        return replace(leg, satisfaction=fact.answer)
    return replace(leg, solved=fact.answer)


def _hold_ended(leg: LegRecord, fact: f.HoldEnded) -> LegRecord:
    before = leg.holds[:-1] if leg.holds and leg.holds[-1].held is None else leg.holds
    reason = leg.holds[-1].reason if len(before) < len(leg.holds) else ""
    return replace(leg, holds=(*before, HoldRecord(at=fact.at - fact.held, held=fact.held, reason=reason)))


def _hold_started(leg: LegRecord, fact: f.HoldStarted) -> LegRecord:
    return replace(leg, holds=(*leg.holds, HoldRecord(at=fact.at, reason=leg.hold_reason)), hold_reason="")


def _hold_explained(leg: LegRecord, fact: f.HoldExplained) -> LegRecord:
    if leg.holds and leg.holds[-1].held is None:
        return replace(leg, holds=(*leg.holds[:-1], replace(leg.holds[-1], reason=fact.reason)))
    return replace(leg, hold_reason=fact.reason)


def _leader_joined(leg: LegRecord, fact: f.LeaderJoined) -> LegRecord:
    new = JoinRecord(leader=fact.leader, presence=fact.presence, at=fact.at, modes=((fact.at, fact.mode),))
    return replace(leg, joined_by=(*leg.joined_by, new))


def _leader_changed(leg: LegRecord, fact: f.LeaderModeChanged | f.LeaderLeft) -> LegRecord:
    joins = tuple(_after(one, fact) if one.presence == fact.presence else one for one in leg.joined_by)
    return replace(leg, joined_by=joins)


def _after(join: JoinRecord, fact: f.LeaderModeChanged | f.LeaderLeft) -> JoinRecord:
    if isinstance(fact, f.LeaderLeft):
        return replace(join, left_at=fact.at)
    return replace(join, modes=(*join.modes, (fact.at, fact.mode)))


def _ordered(leg: LegRecord, fact: f.CallOrdered) -> LegRecord:
    new = OrderRecord(at=fact.at, by=fact.by, order=fact.order, reason=fact.reason)
    return replace(leg, orders=(*leg.orders, new))


def _consult(leg: LegRecord, fact: f.ConsultFact) -> LegRecord:
    known = next((one for one in leg.consults if one.to_leg == fact.to_leg), None)
    one = known or ConsultRecord(at=fact.at, to=fact.to, to_leg=fact.to_leg)
    match fact:
        case f.ConsultAnswered():
            one = replace(one, answered_at=fact.at)
        case f.ConsultEnded():
            one = replace(one, consulted=fact.consulted, outcome=fact.outcome)
    others = tuple(other for other in leg.consults if other.to_leg != fact.to_leg)
    return replace(leg, consults=(*others, one))


def _conference_started(leg: LegRecord, fact: f.ConferenceStarted) -> LegRecord:
    new = ConferenceRecord(at=fact.at, to=fact.to, to_leg=fact.to_leg)
    return replace(leg, conferences=(*leg.conferences, new))


def _conference_ended(leg: LegRecord, fact: f.ConferenceEnded) -> LegRecord:
    over = (replace(x, lasted=fact.lasted) if x.to_leg == fact.to_leg else x for x in leg.conferences)
    return replace(leg, conferences=tuple(over))


def _outside(leg: LegRecord, fact: f.OutsideFact) -> LegRecord:
    one = leg.outside or OutsideRecord(at=fact.at, number=fact.number)
    match fact:
        case f.OutsideAnswered():
            one = replace(one, answered_at=fact.at)
        case f.OutsideEnded():
            one = replace(one, talked=fact.talked, outcome=fact.outcome)
    return replace(leg, outside=one)


def _offered(leg: LegRecord, fact: f.AgentOffered) -> LegRecord:
    return replace(leg, offered_at=fact.at, device=fact.device, from_leg=fact.from_leg)


def _taken_in(record: CallRecord, fact: f.AgentOffered) -> CallRecord:
    """An offer; what was recorded of a colleague who was asked goes with him."""
    record = _on_leg(_offered)(record, fact)
    asked = next((one for leg in record.legs for one in leg.consults if one.to_leg == fact.leg), None)
    if asked is None or not asked.file:
        return record
    return _on_leg(lambda leg, _: replace(leg, file=asked.file, file_status=asked.file_status))(record, fact)


def _recorded(record: CallRecord, fact: f.RecordingStarted | f.RecordingFiled) -> CallRecord:
    """Of an agent's leg or of a colleague who is asked, which makes him no leg of the call."""
    status = fact.status if isinstance(fact, f.RecordingFiled) else ""
    news = {"file": fact.file, "file_status": status} if status else {"file": fact.file}
    if any(leg.leg == fact.leg for leg in record.legs):
        return _on_leg(lambda leg, _: replace(leg, **news))(record, fact)
    for place, leg in enumerate(record.legs):
        if any(one.to_leg == fact.leg for one in leg.consults):
            heard = tuple(replace(one, **news) if one.to_leg == fact.leg else one for one in leg.consults)
            legs = (*record.legs[:place], replace(leg, consults=heard), *record.legs[place + 1 :])
            return replace(record, legs=legs)
    return _on_leg(lambda leg, _: replace(leg, **news))(record, fact)


def _ended(record: CallRecord, fact: f.CallEnded) -> CallRecord:
    return replace(record, ended_at=fact.at, reason=fact.reason, phase=fact.phase, lasted=fact.lasted)


_STEPS: dict[type[f.Fact], Callable[[CallRecord, Any], CallRecord]] = {
    f.CallArrived: _arrived,
    f.CustomerIdentified: lambda record, fact: replace(
        record, customer=fact.customer, level=fact.level, prefers=fact.language
    ),
    f.LanguageChosen: lambda record, fact: replace(record, language=fact.language),
    f.MenuChosen: _menu,
    f.MenuFailed: _menu,
    f.NobodyOnDuty: lambda record, fact: replace(record, turned_away=fact.queue),
    f.CallerQueued: _queued,
    f.CallerLeftQueue: _left,
    f.AgentOffered: _taken_in,
    f.CallTransferred: _on_leg(lambda leg, fact: replace(leg, transferred_to=fact.to)),
    f.OutsideDialled: _on_leg(_outside),
    f.OutsideAnswered: _on_leg(_outside),
    f.OutsideEnded: _on_leg(_outside),
    f.OfferEnded: _on_leg(
        lambda leg, fact: replace(leg, ended_at=fact.at, outcome=fact.outcome, rang=fact.rang)
    ),
    f.AgentAnswered: _on_leg(
        lambda leg, fact: replace(
            leg, answered_at=fact.at, device=fact.device, waited=fact.waited, rang=fact.rang
        )
    ),
    f.HoldStarted: _on_leg(_hold_started),
    f.HoldExplained: _on_leg(_hold_explained),
    f.HoldEnded: _on_leg(_hold_ended),
    f.ConsultStarted: _on_leg(_consult),
    f.ConsultAnswered: _on_leg(_consult),
    f.ConsultEnded: _on_leg(_consult),
    f.ConferenceStarted: _on_leg(_conference_started),
    f.ConferenceEnded: _on_leg(_conference_ended),
    f.TalkEnded: _on_leg(
        lambda leg, fact: replace(leg, ended_at=fact.at, talked=fact.talked, released_by=fact.released_by)
    ),
    f.TelephoneLost: _on_leg(lambda leg, fact: replace(leg, telephone_lost=True)),
    f.LeaderJoined: _on_leg(_leader_joined),
    f.LeaderModeChanged: _on_leg(_leader_changed),
    f.LeaderLeft: _on_leg(_leader_changed),
    f.CallOrdered: _on_leg(_ordered),
    f.HarassmentReported: _on_leg(lambda leg, fact: replace(leg, harassment=True)),
    f.RecordingStarted: _recorded,
    f.RecordingFiled: _recorded,
    f.SurveyStarted: _on_leg(lambda leg, fact: replace(leg, surveyed_by=fact.by)),
    f.SurveyAnswered: _on_leg(_survey_answered),
    f.SurveyEnded: _on_leg(lambda leg, fact: replace(leg, survey=fact.outcome)),
    f.SummarySaved: _on_leg(lambda leg, fact: replace(leg, summary=fact.number, summary_type=fact.type)),
    f.TicketOpened: lambda record, fact: replace(record, tickets=(*record.tickets, fact.number)),
    f.CallEnded: _ended,
    f.OutgoingStarted: _outgoing_started,
    f.OutgoingEnded: _outgoing_ended,
}
