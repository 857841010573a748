"""From facts to duties: a talk makes a summary owed, a saved summary settles it (SUMMARY-01)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from core.facts import AgentAnswered, LegFact, Numbered, SummarySaved, TalkEnded
from storage import fill_in
from ticketing.tables import summary_duties

CONSUMER = "ticketing.duties"
KINDS = frozenset({"AgentAnswered", "TalkEnded", "SummarySaved"})


async def follow(connection: AsyncConnection, batch: Sequence[Numbered]) -> None:
    """A ledger consumer's handler. Facts may come again, and a summary before its talk has ended."""
    duties: dict[str, dict[str, Any]] = {}  # one may be answered, ended and summed up in one batch
    for numbered in batch:
        if isinstance(fact := numbered.fact, LegFact):
            duty = duties.setdefault(fact.leg, _row(fact))
            duty.update({name: value for name, value in _news(fact).items() if duty[name] is None})
    await fill_in(connection, summary_duties, list(duties.values()))


def _row(fact: LegFact) -> dict[str, Any]:
    unknown = dict.fromkeys(("answered_at", "ended_at", "settled_at", "summary"))
    return {"leg": fact.leg, "call": fact.call, "agent": fact.agent, "queue": fact.queue, **unknown}


def _news(fact: LegFact) -> dict[str, Any]:
    match fact:
        case AgentAnswered():
            return {"answered_at": fact.at}
        case TalkEnded():
            return {"ended_at": fact.at}
        case SummarySaved():
            return {"settled_at": fact.at, "summary": fact.number}
    return {}
