"""Tells what happened as facts in the order of time, for tests of the board."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.clock import BANK_ZONE, MINUTE, SECOND, Instant, instant
from core.facts import (
    AgentAnswered,
    AgentOffered,
    AgentState,
    AgentStateChanged,
    CallArrived,
    CallEnded,
    CallerLeftQueue,
    CallerQueued,
    EndReason,
    Fact,
    LeaveReason,
    Numbered,
    OfferEnded,
    OfferOutcome,
    Phase,
    Side,
    SurveyAnswered,
    SurveyEnded,
    SurveyOutcome,
    SurveyStarted,
    TalkEnded,
)

NOON: Instant = instant(datetime(2026, 3, 2, 12, 0, tzinfo=BANK_ZONE))
MIDNIGHT: Instant = instant(datetime(2026, 3, 3, 0, 0, tzinfo=BANK_ZONE))
QUEUE = "card-cmn"


def s(seconds: float) -> int:
    """Seconds in µs."""
    return round(seconds * SECOND)


class Story:
    """Facts are added at any instant; `told()` numbers them in the order of time."""

    def __init__(self, start: Instant = NOON) -> None:
        self.start = start
        self.facts: list[Fact] = []

    def add(self, fact: Fact) -> None:
        self.facts.append(fact)

    def told(self, upto: Instant | None = None) -> list[Numbered]:
        ordered = sorted(self.facts, key=lambda fact: fact.at)
        return [Numbered(seq, fact) for seq, fact in enumerate(ordered, 1) if upto is None or fact.at <= upto]

    def joins(self, call: str, at: float, queue: str = QUEUE, **more: Any) -> Instant:
        joined = self.start + s(at)
        self.add(
            CallArrived(at=joined - s(2), call=call, leg=f"c-{call}", caller="13812345678", called="95559")
        )
        self.add(CallerQueued(at=joined, call=call, queue=queue, joined_at=joined, language="cmn", **more))
        return joined

    def leaves(self, call: str, at: float, wait: float, reason: LeaveReason, queue: str = QUEUE) -> None:
        self.add(
            CallerLeftQueue(
                at=self.start + s(at + wait), call=call, queue=queue, reason=reason, waited=s(wait)
            )
        )
        by_customer = reason is LeaveReason.ABANDONED
        self.ends(call, at + wait, EndReason.CUSTOMER if by_customer else EndReason.SYSTEM, Phase.WAITING)

    def ends(self, call: str, at: float, reason: EndReason, phase: Phase) -> None:
        self.add(CallEnded(at=self.start + s(at), call=call, reason=reason, phase=phase, lasted=s(at)))

    def unanswered(self, call: str, agent: str, at: float, rang: float = 4, queue: str = QUEUE) -> None:
        leg, where = f"{call}-{agent}-{at}", self.start + s(at)
        self.add(AgentOffered(at=where, call=call, leg=leg, agent=agent, queue=queue, device="d001"))
        self.add(
            OfferEnded(
                at=where + s(rang),
                call=call,
                leg=leg,
                agent=agent,
                queue=queue,
                outcome=OfferOutcome.NO_ANSWER,
                rang=s(rang),
            )
        )

    def answers(
        self,
        call: str,
        agent: str,
        at: float,
        wait: float,
        talk: float,
        *,
        wrap: float = 0,
        ring: float = 1,
        queue: str = QUEUE,
        by: Side = Side.CUSTOMER,
        survey: tuple[int, int] | None = None,
    ) -> None:
        """`at`: of the joining. `survey`: satisfaction and solved, 0 is no answer."""
        answered = at + wait
        leg: dict[str, Any] = {"call": call, "leg": f"leg-{call}", "agent": agent, "queue": queue}
        self.add(AgentOffered(at=self.start + s(answered - ring), device="d001", **leg))
        self.add(
            AgentAnswered(at=self.start + s(answered), device="d001", waited=s(wait), rang=s(ring), **leg)
        )
        self.add(
            CallerLeftQueue(
                at=self.start + s(answered),
                call=call,
                queue=queue,
                reason=LeaveReason.ANSWERED,
                waited=s(wait),
            )
        )
        self.state(agent, answered, AgentState.TALKING, call=call, leg=leg["leg"])
        over = answered + talk
        self.add(TalkEnded(at=self.start + s(over), talked=s(talk), released_by=by, **leg))
        self.state(agent, over, AgentState.WRAP_UP, call=call, leg=leg["leg"])
        self.state(agent, over + wrap, AgentState.READY, reason="summary")
        if survey is not None:
            self._survey(leg, over, *survey)
        self.ends(call, over + 3, EndReason.CUSTOMER, Phase.TALKING if survey is None else Phase.SURVEY)

    def _survey(self, leg: dict[str, Any], over: float, satisfaction: int, solved: int) -> None:
        at = self.start + s(over)
        self.add(SurveyStarted(at=at, by=Side.AGENT, **leg))
        for question, answer in (("satisfaction", satisfaction), ("solved", solved)):
            if answer:
                self.add(SurveyAnswered(at=at + s(1), question=question, answer=answer, **leg))
        self.add(SurveyEnded(at=at + s(2), outcome=SurveyOutcome.COMPLETED, **leg))

    def state(self, agent: str, at: float, state: AgentState, **more: Any) -> None:
        self.add(
            AgentStateChanged(
                at=self.start + s(at), agent=agent, before=AgentState.READY, state=state, **more
            )
        )


HOUR = 60 * MINUTE
