"""From facts to duties: a talk makes a summary owed, a saved summary settles it (SUMMARY-01)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.facts import AgentAnswered, LegFact, Numbered, SummarySaved, TalkEnded
from storage import insert_new
from ticketing.tables import summary_duties

CONSUMER = "ticketing.duties"
KINDS = frozenset({"AgentAnswered", "TalkEnded", "SummarySaved"})


async def follow(connection: AsyncConnection, batch: Sequence[Numbered]) -> None:
    """A ledger consumer's handler. Facts may come again, and a summary before its talk has ended."""
    facts = [numbered.fact for numbered in batch if isinstance(numbered.fact, LegFact)]
    legs = {fact.leg: _row(fact) for fact in facts}  # one may be answered, ended and summed up in one batch
    await insert_new(connection, summary_duties, list(legs.values()))
    answered = [_stamp(fact) for fact in facts if isinstance(fact, AgentAnswered)]
    ended = [_stamp(fact) for fact in facts if isinstance(fact, TalkEnded)]
    saved = [_stamp(fact) | {"number": fact.number} for fact in facts if isinstance(fact, SummarySaved)]
    duties = summary_duties.c
    this_leg = duties.leg == bindparam("of_leg")
    for stamps, column in ((answered, duties.answered_at), (ended, duties.ended_at)):
        if stamps:
            statement = update(summary_duties).where(this_leg, column.is_(None))
            await connection.execute(statement.values({column.name: bindparam("stamp")}), stamps)
    if saved:
        statement = update(summary_duties).where(this_leg, duties.settled_at.is_(None))
        values: dict[str, Any] = {"settled_at": bindparam("stamp"), "summary": bindparam("number")}
        await connection.execute(statement.values(values), saved)


def _row(fact: LegFact) -> dict[str, Any]:
    return {"leg": fact.leg, "call": fact.call, "agent": fact.agent, "queue": fact.queue}


def _stamp(fact: LegFact) -> dict[str, Any]:
    return {"of_leg": fact.leg, "stamp": fact.at}
