"""The proof: what the ledger says against what others saw, difference by difference. Pure.

Witnesses are Asterisk's queue log, which app_queue writes whether we live or not, and the counts of whoever
placed the calls. The queue log is not truer than the ledger: it calls every way out of a wait that we order
an ABANDON, counts in whole seconds, and lets a talk that ends in the survey run on until the caller hangs
up. Those differences are its own and are allowed for here; every other one is a mismatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.clock import SECOND, Instant
from core.facts import CallArrived, Numbered
from ledger.call_facts import CallFacts, gather
from ledger.proof_calls import Mismatch, inner_mismatches, log_mismatches
from ledger.queue_log import RESTART, QueueLogLine

__all__ = ["CallerCount", "Mismatch", "hole", "prove", "prove_call", "unknown_channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerCount:
    """What a caller counted himself. `failed` of the `placed` calls may never have reached the dialplan.

    `talked`: calls that some telephone of ours answered, if the telephones counted too.
    """

    placed: int
    failed: int = 0
    talked: int | None = None


def prove(
    facts: Iterable[Numbered],
    log: Sequence[QueueLogLine] | None = None,
    callers: CallerCount | None = None,
    *,
    calls_may_be_open: bool = False,
) -> list[Mismatch]:
    """Every mismatch, those of single calls first; empty if all agree.

    `facts`: all of the period in order. `log`: of the same period and node. `calls_may_be_open`: the period
    ends while calls go on, which are then left out.
    """
    numbered = list(facts)
    found = _gaps(numbered)
    calls = gather(numbered)
    if calls_may_be_open:
        calls = {call: story for call, story in calls.items() if story.is_over}
    lines: dict[str, list[QueueLogLine]] = {}
    for line in log or ():
        if line.is_of_a_call:
            lines.setdefault(line.call, []).append(line)
    restarts = [line.at * SECOND for line in log or () if line.event == RESTART]
    for story in calls.values():
        of_call = None if log is None else lines.pop(story.channel, [])
        found += prove_call(story, of_call, restarts)
    if not calls_may_be_open:
        found += [unknown_channel(channel, left) for channel, left in lines.items()]
    if callers is not None:
        found += _against_callers(numbered, callers)
    return found


def prove_call(
    story: CallFacts, lines: Sequence[QueueLogLine] | None, restarts: Sequence[Instant] = ()
) -> list[Mismatch]:
    """One call against itself and, unless they are None, against the log's `lines` of its channel.

    `restarts`: when Asterisk was started anew, which breaks the log of a call off.
    """
    found = list(inner_mismatches(story))
    if lines is not None:
        cut_short = any(story.began_at <= at <= story.ends_by for at in restarts)
        found += log_mismatches(story, lines, cut_short=cut_short)
    return found


def unknown_channel(channel: str, lines: Sequence[QueueLogLine]) -> Mismatch:
    """The log has a caller of whom the ledger knows nothing."""
    return Mismatch(
        subject=f"channel {channel}",
        rule="known_call",
        ledger="no call began on this channel",
        witness=", ".join(line.event for line in lines),
        explanation=f"app_queue had a caller whose arrival is not in the ledger: a gap ({lines[0].place})",
    )


def hole(before: int, after: int) -> Mismatch:
    """Two facts that follow each other though their numbers do not."""
    return Mismatch(
        subject=f"fact {before + 1}",
        rule="numbers",
        ledger=f"{before} is followed by {after}",
        witness="numbers rise by one",
        explanation="facts are missing or out of order: compare with the spool and a backup",
    )


def _gaps(facts: Sequence[Numbered]) -> list[Mismatch]:
    return [hole(one.seq, two.seq) for one, two in pairwise(facts) if two.seq != one.seq + 1]


def _against_callers(facts: Sequence[Numbered], callers: CallerCount) -> list[Mismatch]:
    found: list[Mismatch] = []
    arrived = sum(isinstance(numbered.fact, CallArrived) for numbered in facts)
    if not callers.placed - callers.failed <= arrived <= callers.placed:
        failed = f", {callers.failed} of them failed" if callers.failed else ""
        found.append(
            Mismatch(
                subject="all calls",
                rule="calls_placed",
                ledger=f"{arrived} arrived",
                witness=f"{callers.placed} placed{failed}",
                explanation="calls were lost before the dialplan, missed by us, or counted twice",
            )
        )
    if callers.talked is not None:
        talked = sum(bool(story.answers) for story in gather(facts).values())
        if talked != callers.talked:
            found.append(
                Mismatch(
                    subject="all calls",
                    rule="calls_answered",
                    ledger=f"{talked} answered",
                    witness=f"{callers.talked} answered by telephones",
                    explanation="an answer was missed, or counted where nobody talked",
                )
            )
    return found
