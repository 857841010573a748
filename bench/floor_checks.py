"""The facts of a played floor against what its telephones and customers noted themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core import facts as f


@dataclass(frozen=True, slots=True)
class Talked:
    """A telephone's note: it was connected in this call. `at`: seconds, by the machine's clock."""

    at: float
    call: str
    device: str


@dataclass(slots=True)
class Scores:
    """How the scores of the ledger stand against SIPp's notes; `wrong` are told one by one."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)


def offers_to_busy(facts: Iterable[f.Fact]) -> list[str]:
    """Offers to an agent whose leg of before, offered or talking, had not ended."""
    open_leg: dict[str, str] = {}
    found = []
    for fact in facts:
        match fact:
            case f.AgentOffered():
                if fact.agent in open_leg:
                    found.append(f"{fact.agent}: {fact.leg} offered while {open_leg[fact.agent]} was open")
                open_leg[fact.agent] = fact.leg
            case f.OfferEnded() | f.TalkEnded() if open_leg.get(fact.agent) == fact.leg:
                del open_leg[fact.agent]
    return found


def scores_of(
    facts: Sequence[f.Fact], talked: Iterable[Talked], score_of: Mapping[str, int], slack_s: float = 0.0
) -> Scores:
    """Every satisfaction score against the customer's note (which key) and the telephones' (whose talk it was
    that was the last before the survey). `score_of`: caller's number → the key."""
    callers = {fact.call: fact.caller for fact in facts if isinstance(fact, f.CallArrived)}
    devices = {fact.leg: fact.device for fact in facts if isinstance(fact, f.AgentAnswered)}
    notes: dict[str, list[Talked]] = {}
    for note in sorted(talked, key=lambda note: note.at):
        notes.setdefault(note.call, []).append(note)
    scores = Scores()
    for fact in facts:
        if not isinstance(fact, f.SurveyAnswered) or fact.question != "satisfaction":
            continue
        before = [note for note in notes.get(fact.call, ()) if note.at <= fact.at / 1_000_000 + slack_s]
        whose = before[-1].device if before else "nobody's"
        keyed = score_of.get(callers.get(fact.call, ""))
        if (keyed, whose) == (fact.answer, devices.get(fact.leg)):
            scores.right += 1
        else:
            scores.wrong.append(
                f"{fact.call}: {fact.answer} for {devices.get(fact.leg)}, noted are {keyed} and {whose}"
            )
    return scores
