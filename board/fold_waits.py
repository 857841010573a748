"""Rules of the fold for calls and their waits: joining, moving on, and the one outcome each wait has."""

from __future__ import annotations

from board.model import OpenCall, Outcome, Place, TurnedAway, Wait
from board.state import JOURNAL, BoardState, Rules
from core.clock import SECOND, Duration
from core.facts import (
    CallArrived,
    CallbackPlaceEnded,
    CallbackRequested,
    CallEnded,
    CallerLeftQueue,
    CallerQueued,
    EndReason,
    LeaveReason,
    NobodyOnDuty,
    Phase,
    PlaceOutcome,
)
from core.masking import mask_number

_CLOSING = {
    LeaveReason.ANSWERED: Outcome.ANSWERED,
    LeaveReason.ABANDONED: Outcome.ABANDONED,
    LeaveReason.TIMED_OUT: Outcome.TIMED_OUT,
    LeaveReason.NOBODY_ON_DUTY: Outcome.NOBODY_ON_DUTY,
    LeaveReason.CALLBACK: Outcome.CALLBACK,
    LeaveReason.NODE_LOST: Outcome.NODE_LOST,
    LeaveReason.SYSTEM: Outcome.ENDED_BY_US,
    LeaveReason.UNSEEN: Outcome.NODE_LOST,  # the node was lost to us: how the wait ended is not known
}
_AFTER_END = {
    EndReason.CUSTOMER: Outcome.ABANDONED,
    EndReason.SYSTEM: Outcome.ENDED_BY_US,
    EndReason.NODE_LOST: Outcome.NODE_LOST,
    EndReason.UNSEEN: Outcome.NODE_LOST,
}


def _call_arrived(state: BoardState, fact: CallArrived) -> None:
    caller = mask_number(fact.caller)
    state.calls[fact.call] = OpenCall(fact.call, fact.at, caller, fact.vip)
    state.mark("arrived", "", fact.call, fact.at)
    for totals in state.totals(fact.at):
        totals.arrived += 1
    state.touched_rest = True


def _caller_queued(state: BoardState, fact: CallerQueued) -> None:
    wait = state.waiting.get(fact.call)
    if wait is not None and (fact.again or wait.joined_at == fact.joined_at):
        _move(state, wait, fact)
        return
    if wait is not None:  # its leaving was never told: we have moved the caller on
        close(state, wait, Outcome.ENDED_BY_US, fact.at - wait.joined_at)
    _join(state, fact)


def _join(state: BoardState, fact: CallerQueued) -> None:
    state.turned_away.pop(fact.call, None)
    call = state.calls.get(fact.call)
    slots = state.slots(fact.queue, fact.joined_at)
    wait = Wait(fact.call, fact.queue, fact.joined_at, slots, fact.priority, fact.language)
    wait.answer_within = fact.answer_within
    if call is not None:
        wait.caller, wait.vip, call.place = call.caller, call.vip, Place.WAITING
    for counts in slots:
        counts.offered += 1
    state.waiting[fact.call] = wait
    state.queue_waiting[fact.queue][fact.call] = wait
    state.recent[fact.queue].append(wait)
    state.recent[""].append(wait)
    state.waits.append(wait)
    if len(state.waits) > JOURNAL:
        state.journal_from = max(state.journal_from, state.waits.popleft().joined_at)
    state.touched_queues.add(fact.queue)


def _move(state: BoardState, wait: Wait, fact: CallerQueued) -> None:
    """The wait goes on: it counts once, in the queue the caller was last put into, by that one's promise."""
    wait.priority = fact.priority
    state.touched_queues.add(wait.queue)
    if wait.queue == fact.queue:
        return
    state.touched_queues.add(fact.queue)
    for counts in wait.slots:
        counts.offered -= 1
    del state.queue_waiting[wait.queue][wait.call]
    if wait in state.recent[wait.queue]:
        state.recent[wait.queue].remove(wait)
    wait.queue, wait.slots = fact.queue, state.slots(fact.queue, wait.joined_at)
    wait.answer_within = fact.answer_within
    for counts in wait.slots:
        counts.offered += 1
    state.queue_waiting[fact.queue][wait.call] = wait
    state.recent[fact.queue].append(wait)


def _caller_left(state: BoardState, fact: CallerLeftQueue) -> None:
    wait = state.waiting.get(fact.call)
    outcome = _CLOSING.get(fact.reason)
    if wait is not None and outcome is not None:  # REQUEUED: the caller still waits, between two rounds
        close(state, wait, outcome, fact.waited)


def enter(state: BoardState, call: str, place: Place) -> None:
    """The customer is somewhere else now; a call that is not known stays unknown."""
    known = state.calls.get(call)
    if known is not None:
        known.place = place
        state.touched_rest = True


def close(state: BoardState, wait: Wait, outcome: Outcome, waited: Duration) -> None:
    """The wait has come to its one outcome: count it where its joining was counted."""
    wait.outcome, wait.waited = outcome, waited
    del state.waiting[wait.call]
    del state.queue_waiting[wait.queue][wait.call]
    state.touched_queues.add(wait.queue)
    names = _counters(outcome, waited, wait.answer_within)
    for counts in wait.slots:
        for name in names:
            setattr(counts, name, getattr(counts, name) + 1)
        if outcome is Outcome.ANSWERED:
            counts.answer_us += waited
            counts.answer_max_us = max(counts.answer_max_us, waited)


def _counters(outcome: Outcome, waited: Duration, within: Duration) -> tuple[str, ...]:
    if outcome is Outcome.ANSWERED:
        own = ("answered_in_sl",) if waited <= within else ()
        if waited <= 10 * SECOND:
            return ("answered", "answered_10", "answered_20", *own)
        return ("answered", "answered_20", *own) if waited <= 20 * SECOND else ("answered", *own)
    if outcome is Outcome.ABANDONED:
        if waited <= 5 * SECOND:
            return ("abandoned_5",)
        return ("abandoned_10",) if waited <= 10 * SECOND else ("abandoned_later",)
    return (outcome.value,)


def _nobody_on_duty(state: BoardState, fact: NobodyOnDuty) -> None:
    slots = state.slots(fact.queue, fact.at)
    for counts in slots:
        counts.turned_away += 1
    mark = state.mark("turned_away", fact.queue, fact.call, fact.at)
    state.turned_away[fact.call][fact.queue] = TurnedAway(mark, slots)
    state.touched_queues.add(fact.queue)


def _callback_requested(state: BoardState, fact: CallbackRequested) -> None:
    """Who is called back has not been turned away. One who has waited counts by that wait."""
    turned = state.turned_away.get(fact.call, {}).pop(fact.queue, None)
    if turned is None:
        return
    for counts in turned.slots:
        counts.turned_away -= 1
        counts.callback_unserved += 1
    turned.mark.figure = "callback_unserved"
    state.touched_queues.add(fact.queue)


def _place_ended(state: BoardState, fact: CallbackPlaceEnded) -> None:
    """Called back in his turn: no answer of the queue's, and a wait under a name of its own."""
    if fact.outcome is not PlaceOutcome.REACHED:
        return
    for counts in state.slots(fact.queue, fact.at):
        counts.called_back += 1
        counts.called_back_us += fact.waited
    state.mark("called_back", fact.queue, fact.call, fact.at)
    state.touched_queues.add(fact.queue)


def _call_ended(state: BoardState, fact: CallEnded) -> None:
    wait = state.waiting.get(fact.call)
    if wait is not None:
        close(state, wait, _AFTER_END[fact.reason], fact.at - wait.joined_at)
    state.calls.pop(fact.call, None)
    state.turned_away.pop(fact.call, None)
    in_menu = fact.phase is Phase.MENU and fact.reason is EndReason.CUSTOMER
    if in_menu:
        state.mark("ended_in_menu", "", fact.call, fact.at)
    for totals in state.totals(fact.at):
        totals.ended += 1
        totals.ended_in_menu += in_menu
    state.touched_rest = True


RULES: Rules = {
    CallArrived: _call_arrived,
    CallerQueued: _caller_queued,
    CallerLeftQueue: _caller_left,
    NobodyOnDuty: _nobody_on_duty,
    CallbackRequested: _callback_requested,
    CallbackPlaceEnded: _place_ended,
    CallEnded: _call_ended,
}
