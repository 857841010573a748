"""The proof of a single call: against itself, and against the lines of the queue log. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core import facts as f
from core.clock import SECOND
from core.facts import EndReason, LeaveReason, OfferOutcome, OutgoingOutcome
from ledger.call_facts import CallFacts, Turn
from ledger.queue_log import EXITS, TALK_ENDS, QueueLogLine

_WHOLE_SECONDS = 2  # two clocks cut to whole seconds, and what Asterisk does between log line and event
_ROUND_IS_OVER = {"EXITWITHTIMEOUT", "EXITEMPTY", "WITHDRAW", "ABANDON", "EXITWITHKEY"}
_TAKEN_AWAY = {"ABANDON"}
"""What the log calls a caller whom we have taken to an agent past app_queue."""
_ASKING = {"EXITWITHKEY"}
"""A caller who is asked whether we are to call back; he may come back from there, or be taken to an agent."""
_BETWEEN_ROUNDS = {"EXITWITHTIMEOUT", "EXITEMPTY", *_ASKING}
_EXITS_OF = {
    LeaveReason.ANSWERED: {"CONNECT"},
    LeaveReason.ABANDONED: {"ABANDON"},
    LeaveReason.TIMED_OUT: {"EXITWITHTIMEOUT"},
    LeaveReason.NOBODY_ON_DUTY: _BETWEEN_ROUNDS,
    LeaveReason.REQUEUED: _ROUND_IS_OVER,
    LeaveReason.CALLBACK: _ASKING,
    LeaveReason.NODE_LOST: set[str](),
    LeaveReason.SYSTEM: {"ABANDON", *_BETWEEN_ROUNDS},
    LeaveReason.UNSEEN: set(EXITS),
}
_Ends = tuple[tuple[type[f.CallFact], str], ...]
_FAILED_OFFERS = {OfferOutcome.NO_ANSWER, OfferOutcome.REJECTED, OfferOutcome.BUSY}


_INCOMING: _Ends = ((f.CallArrived, "arrived"), (f.CallEnded, "ended"))
_OUTGOING: _Ends = ((f.OutgoingStarted, "started"), (f.OutgoingEnded, "ended"))

_PAIRS: dict[tuple[type[f.CallFact], type[f.CallFact]], tuple[str, str, str, str]] = {
    (f.SurveyStarted, f.SurveyEnded): (
        "survey_ended",
        "a survey began",
        "it ended",
        "the survey's end was missed",
    ),
    (f.ConsultStarted, f.ConsultEnded): (
        "consult_ended",
        "a colleague was asked",
        "that ended",
        "the consult's end was missed",
    ),
    (f.ConferenceStarted, f.ConferenceEnded): (
        "conference_ended",
        "three were together",
        "that ended",
        "who left first was missed",
    ),
    (f.OutsideDialled, f.OutsideEnded): (
        "outside_ended",
        "a number outside was dialled",
        "that ended",
        "the end of the transfer outside was missed",
    ),
    (f.RecordingStarted, f.RecordingEnded): (
        "recording_ended",
        "a recording began",
        "it ended",
        "the leg's end was missed",
    ),
}
"""What begins and has to end, with the rule and the words of a mismatch."""

_Leg = TypeVar("_Leg", bound=f.LegFact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """`subject`: the call or what else is concerned; `explanation`: what it means and where to look."""

    subject: str
    rule: str
    ledger: str
    witness: str
    explanation: str


def inner_mismatches(story: CallFacts) -> Iterator[Mismatch]:
    """What is wrong within the ledger itself: a call and each of its parts begins once and ends once."""

    def wrong(rule: str, ledger: str, expected: str, explanation: str) -> Mismatch:
        return Mismatch(
            subject=f"call {story.call}", rule=rule, ledger=ledger, witness=expected, explanation=explanation
        )

    ends = _OUTGOING if story.outgoing else _INCOMING
    for kind, word in ends:
        if (times := story.count(kind)) != 1:
            yield wrong(f"{word}_once", f"{word} {times} times", "once", "an event was missed or taken twice")
    for turn in story.turns:
        if turn.left is None:
            yield wrong("wait_ended", f"joined {turn.joined.queue}", "left it again", "the exit was missed")
    for stray in story.stray_exits:
        yield wrong("wait_begun", f"left {stray.queue}", "joined it before", "the joining was missed")
    answers = Counter(fact.leg for fact in story.answers)
    for leg, times in answers.items():
        if times > 1:
            yield wrong(
                "answered_once", f"leg {leg} answered {times} times", "once", "one answer was taken twice"
            )
        if leg not in story.talks:
            yield wrong(
                "talk_ended", f"leg {leg} answered", "its talk ended", "the end of the talk was missed"
            )
    for leg in story.talks.keys() - answers.keys():
        yield wrong("talk_begun", f"talk on leg {leg} ended", "it was answered", "the answer was missed")
    for (began, ended), words in _PAIRS.items():
        if story.count(began) != story.count(ended):
            yield wrong(*words)


def log_mismatches(story: CallFacts, lines: Sequence[QueueLogLine], *, cut_short: bool) -> list[Mismatch]:
    """What the queue log saw otherwise. `cut_short`: Asterisk was started anew during the call, so the log
    of it ends without an exit."""
    return list(_Against(story, lines, cut_short=cut_short).all())


class _Against:
    def __init__(self, story: CallFacts, lines: Sequence[QueueLogLine], *, cut_short: bool) -> None:
        self._story = story
        self._lines = lines
        self._ends = {fact.reason for fact in story.facts if isinstance(fact, f.CallEnded)}
        self._cut_short = cut_short or EndReason.NODE_LOST in self._ends
        ended = {fact.outcome for fact in story.facts if isinstance(fact, f.OutgoingEnded)}
        if OutgoingOutcome.CUSTOMER_GONE in ended:
            self._ends.add(EndReason.CUSTOMER)

    def all(self) -> Iterator[Mismatch]:
        yield from self._waits()
        yield from self._answers()
        yield from self._talks()
        yield from self._offers()

    def _wrong(self, rule: str, ledger: str, witness: str, explanation: str) -> Mismatch:
        return Mismatch(
            subject=f"call {self._story.call}",
            rule=rule,
            ledger=ledger,
            witness=witness,
            explanation=explanation,
        )

    def _by_queue(self, facts: Sequence[_Leg]) -> list[_Leg]:
        """Those of legs that app_queue offered: of the others its log knows nothing."""
        return [fact for fact in facts if fact.leg not in self._story.ours]

    def _of(self, *events: str) -> list[QueueLogLine]:
        return [line for line in self._lines if line.event in events]

    def _waits(self) -> Iterator[Mismatch]:
        turns, entered = self._story.turns, self._of("ENTERQUEUE")
        mine, theirs = [turn.joined.queue for turn in turns], [line.queue for line in entered]
        if mine != theirs:
            yield self._wrong(
                "joined",
                f"joined {', '.join(mine) or 'no queue'}",
                f"entered {', '.join(theirs) or 'no queue'}",
                "a joining was missed by us or by the log, or taken twice",
            )
            return
        exits = self._of(*EXITS)
        for place, turn in enumerate(turns):
            left = exits[place] if place < len(exits) else None
            yield from self._exit(turn, left)
        for line in exits[len(turns) :]:
            yield self._wrong("exit", "no further wait", line.event, "app_queue let go of a caller twice")

    def _exit(self, turn: Turn, line: QueueLogLine | None) -> Iterator[Mismatch]:
        if turn.left is None:
            return  # told as `wait_ended` already
        reason = turn.left.reason
        if line is None:
            if not self._cut_short:
                yield self._wrong("exit", reason.value, "still waiting", "the log has no exit for this wait")
            return
        if not self._same_exit(reason, line):
            yield self._wrong(
                "exit",
                reason.value,
                line.event,
                f"the two do not mean the same ({line.place})",
            )
            return
        longer = (turn.left.at - turn.joined.at) / SECOND - (line.waited_s or 0)
        # Between two rounds, in a moment of music, the wait goes on though no queue has the caller.
        goes_on = line.event in _BETWEEN_ROUNDS and reason is not LeaveReason.TIMED_OUT
        # And while we offer the caller to an agent ourselves.
        goes_on = goes_on or (line.event in _TAKEN_AWAY and bool(self._story.ours))
        if longer < -_WHOLE_SECONDS or (longer > _WHOLE_SECONDS and not goes_on):
            yield self._wrong(
                "waited",
                f"{(turn.left.at - turn.joined.at) / SECOND:.1f} s in {turn.joined.queue}",
                f"{line.waited_s} s",
                f"more apart than whole seconds explain ({line.place})",
            )

    def _same_exit(self, reason: LeaveReason, line: QueueLogLine) -> bool:
        if line.event in _EXITS_OF[reason] or self._hung_up_while_connecting(reason, line):
            return True
        if reason is LeaveReason.ANSWERED and line.event in _TAKEN_AWAY | _ASKING:
            return any(fact.leg in self._story.ours for fact in self._story.answers)
        # The customer's own hang-up between two rounds; an end by the dialplan would be no abandon.
        return (
            reason is LeaveReason.ABANDONED
            and line.event in _BETWEEN_ROUNDS
            and self._ends == {EndReason.CUSTOMER}
        )

    def _hung_up_while_connecting(self, reason: LeaveReason, line: QueueLogLine) -> bool:
        # The log speaks of a connection as soon as the telephone is picked up; if the customer hangs up
        # before the two are bridged, nobody has talked.
        ends = self._of(*TALK_ENDS)
        return (
            reason is LeaveReason.ABANDONED
            and line.event == "CONNECT"
            and line.data[1:2] != ()
            and line.data[1] not in {fact.leg for fact in self._story.answers}
            and all((end.talked_s or 0) <= 1 for end in ends[-1:])
        )

    def _answers(self) -> Iterator[Mismatch]:
        mine = [(fact.agent, fact.leg) for fact in self._by_queue(self._story.answers)]
        theirs = [(line.agent, line.data[1] if len(line.data) > 1 else "") for line in self._of("CONNECT")]
        gave_up = {leg for _, leg in theirs if leg not in {fact.leg for fact in self._story.answers}}
        if any(turn.left and turn.left.reason is LeaveReason.ABANDONED for turn in self._story.turns):
            theirs = [(agent, leg) for agent, leg in theirs if leg not in gave_up]  # see _exit
        if Counter(mine) != Counter(theirs):
            yield self._wrong(
                "answered",
                "; ".join(f"{agent} on {leg}" for agent, leg in mine) or "nobody",
                "; ".join(f"{agent} on {leg}" for agent, leg in theirs) or "nobody",
                "another agent, another leg, or an answer that one of the two has missed",
            )

    def _talks(self) -> Iterator[Mismatch]:
        ends = self._of(*TALK_ENDS)
        answers = self._by_queue(self._story.answers)
        if len(ends) < len(answers) and not self._cut_short:
            yield self._wrong(
                "talk_ended",
                f"{len(answers)} talks",
                f"{len(ends)} ends of talks",
                "the log is cut off, or a talk has no end in it",
            )
        for answer, line in zip(answers, ends, strict=False):
            talk = self._story.talks.get(answer.leg)
            if talk is None or line.talked_s is None:
                continue
            mine = talk.talked / SECOND
            runs_on = line.event == "COMPLETECALLER" and answer.leg in self._story.surveyed_legs
            longer = line.talked_s - mine
            if longer < -_WHOLE_SECONDS or (longer > _WHOLE_SECONDS and not runs_on):
                yield self._wrong(
                    "talked",
                    f"{mine:.1f} s on {answer.leg}",
                    f"{line.talked_s} s",
                    f"more apart than whole seconds explain ({line.place})",
                )

    def _offers(self) -> Iterator[Mismatch]:
        offers = self._by_queue(self._story.offers_ended)
        failed = Counter(fact.agent for fact in offers if fact.outcome in _FAILED_OFFERS)
        ended = Counter(fact.agent for fact in offers)
        logged = Counter(line.agent for line in self._of("RINGNOANSWER"))
        for agent in sorted(failed.keys() | logged.keys()):
            if not failed[agent] <= logged[agent] <= ended[agent]:
                yield self._wrong(
                    "offers",
                    f"{failed[agent]} offers to {agent} failed, {ended[agent]} ended without an answer",
                    f"{logged[agent]} RINGNOANSWER",
                    "an offer was missed, or its end taken for another",
                )
