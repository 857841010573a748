"""The facts of a played floor against what its telephones and customers noted themselves. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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
            case f.AgentOffered() | f.OutgoingStarted():
                if fact.agent in open_leg:
                    found.append(f"{fact.agent}: {fact.leg} offered while {open_leg[fact.agent]} was open")
                open_leg[fact.agent] = fact.leg
            case f.OfferEnded() | f.TalkEnded() | f.OutgoingEnded() if open_leg.get(fact.agent) == fact.leg:
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


@dataclass(frozen=True, slots=True)
class Called:
    """Whom we called, as the ledger tells it. `asked`: numbers to be called back; `dialled`: how often each
    number was; `reached`: how often somebody talked there."""

    asked: frozenset[str]
    dialled: Counter[str]
    reached: Counter[str]

    def doubles(self, answered: Collection[str]) -> list[str]:
        """Those called twice for their one call-back, by the ledger or by their own telephones' notes."""
        noted = Counter(answered)
        return [
            f"{number}: dialled {self.dialled[number]} times and answered {noted[number]} for one call-back"
            for number in sorted(self.asked)
            if max(self.dialled[number], noted[number]) > 1
        ]

    def differences(self, answered: Iterable[str]) -> list[str]:
        """Numbers that answered more or less often than the ledger tells."""
        noted = Counter(answered)
        return [
            f"{number}: answered {noted[number]} times, the ledger says {self.reached[number]}"
            for number in sorted(noted.keys() | self.reached.keys())
            if noted[number] != self.reached[number]
        ]


def called_of(facts: Iterable[f.Fact]) -> Called:
    """Call-backs and transfers outside."""
    asked: set[str] = set()
    dialled: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    numbers: dict[str, str] = {}  # of a call that we make
    for fact in facts:
        match fact:
            case f.CallbackRequested():
                asked.add(fact.number)
            case f.OutgoingStarted():
                numbers[fact.call] = fact.number
            case f.CustomerDialled():
                dialled[numbers[fact.call]] += 1
            case f.AgentAnswered() if fact.call in numbers:
                reached[numbers[fact.call]] += 1
            case f.OutsideDialled():
                dialled[fact.number] += 1
            case f.OutsideAnswered():
                reached[fact.number] += 1
    return Called(frozenset(asked), dialled, reached)
