"""The fold of one call: its facts make its record (`call_record.py`). Pure.

Facts are taken in the order of their numbers, and nothing is repaired: what no fact has said stays empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from core import facts as f
from core.facts import Numbered, OutgoingOutcome, Side
from ledger.call_record import (
    CallRecord,
    ConferenceRecord,
    ConsultRecord,
    HoldRecord,
    JoinRecord,
    LegRecord,
    MenuRecord,
    OrderRecord,
    OutsideRecord,
    WaitRecord,
)


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
