"""Facts of whole calls, as telephony writes them, for the ledger's tests."""

from __future__ import annotations

from core import facts as f
from core.clock import SECOND

T0 = 1_790_000_000 * SECOND
QUEUE = "card-cmn"


def call_id(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012d}"


def customer(n: int) -> str:
    return f"node1-{T0 // SECOND}.{10 * n}"


def leg_id(n: int, which: int = 1) -> str:
    return f"node1-{T0 // SECOND}.{10 * n + which}"


class Story:
    """One call told fact by fact; `at` moves on by the seconds given to each step."""

    def __init__(self, n: int = 1, at: int = T0) -> None:
        self.n, self.at, self.facts = n, at, list[f.Fact]()
        self.joined_at = 0
        self.add(f.CallArrived, leg=customer(n), caller=f"1380000{n:04d}", called="95559", flow="95559")

    def add(self, kind: type[f.Fact], after: float = 0, /, **fields: object) -> Story:
        self.at += int(after * SECOND)
        self.facts.append(kind(at=self.at, node="node1", call=call_id(self.n), **fields))  # type: ignore[call-arg]
        return self

    def leg(self, kind: type[f.Fact], after: float, which: int, agent: str, **fields: object) -> Story:
        return self.add(kind, after, leg=leg_id(self.n, which), agent=agent, queue=QUEUE, **fields)

    def menu(self) -> Story:
        self.add(f.LanguageChosen, 1, language="cmn")
        return self.add(f.MenuChosen, 1, menu="main", key="2", target=QUEUE)

    def join(self, after: float = 0, *, again: bool = False) -> Story:
        self.joined_at = self.joined_at if again else self.at + int(after * SECOND)
        return self.add(
            f.CallerQueued, after, queue=QUEUE, joined_at=self.joined_at, language="cmn", again=again
        )

    def leave(self, reason: f.LeaveReason, after: float = 0) -> Story:
        waited = self.at + int(after * SECOND) - self.joined_at
        return self.add(f.CallerLeftQueue, after, queue=QUEUE, reason=reason, waited=waited)

    def offer(self, agent: str = "1001", which: int = 1, after: float = 0.1, *, ours: bool = False) -> Story:
        return self.leg(f.AgentOffered, after, which, agent, device="d001", by_service=ours)

    def no_answer(
        self,
        agent: str = "1001",
        which: int = 1,
        rang: float = 4,
        outcome: f.OfferOutcome = f.OfferOutcome.NO_ANSWER,
    ) -> Story:
        return self.leg(f.OfferEnded, rang, which, agent, outcome=outcome, rang=int(rang * SECOND))

    def answer(self, agent: str = "1001", which: int = 1, rang: float = 2) -> Story:
        times = {"waited": self.at + int(rang * SECOND) - self.joined_at, "rang": int(rang * SECOND)}
        self.leg(f.AgentAnswered, rang, which, agent, device="d001", **times)
        return self.leave(f.LeaveReason.ANSWERED)

    def record(self, agent: str = "1001", which: int = 1) -> Story:
        return self.leg(f.RecordingStarted, 0, which, agent, file=f"{leg_id(self.n, which)}.wav")

    def talk(self, seconds: float, by: f.Side, agent: str = "1001", which: int = 1) -> Story:
        return self.leg(f.TalkEnded, seconds, which, agent, talked=int(seconds * SECOND), released_by=by)

    def survey(self, score: int, outcome: f.SurveyOutcome = f.SurveyOutcome.COMPLETED) -> Story:
        self.leg(f.SurveyStarted, 0.1, 1, "1001", by=f.Side.AGENT)
        self.leg(f.SurveyAnswered, 2, 1, "1001", question="satisfaction", answer=score)
        self.leg(f.SurveyAnswered, 2, 1, "1001", question="solved", answer=1)
        return self.leg(f.SurveyEnded, 0.1, 1, "1001", outcome=outcome)

    def end(
        self,
        phase: f.Phase,
        after: float = 0.1,
        reason: f.EndReason = f.EndReason.CUSTOMER,
    ) -> Story:
        lasted = self.at + int(after * SECOND) - T0
        return self.add(f.CallEnded, after, reason=reason, phase=phase, lasted=lasted)


def normal(n: int = 1) -> Story:
    """The call that goes well: menu, 2.1 s wait, 30 s talk, agent hangs up, survey 5, solved."""
    story = Story(n).menu().join().offer().answer().record().talk(30, f.Side.AGENT)
    return story.survey(5).end(f.Phase.SURVEY, reason=f.EndReason.SYSTEM)


def abandoned(n: int = 2) -> Story:
    """The caller hangs up 7 s into waiting, while a telephone rings."""
    story = Story(n).menu().join().offer()
    story.leg(f.OfferEnded, 6.9, 1, "1001", outcome=f.OfferOutcome.CALLER_GONE, rang=6_900_000)
    return story.leave(f.LeaveReason.ABANDONED).end(f.Phase.RINGING, 0)
