"""The daily proof of summaries: a talk that has ended owes one, or has it (SUMMARY-01)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import RowMapping, select

from core.facts import TalkEnded
from ledger.proof_calls import Mismatch
from storage import Database
from ticketing.tables import summaries, summary_duties

WRITTEN, OWED = "written", "owed"


async def prove_summaries(
    database: Database, talks: Sequence[TalkEnded], counts: Counter[str]
) -> list[Mismatch]:
    """The talks that neither owe nor have a summary; `counts` how many of them do which (WRITTEN, OWED).

    At most some hundred talks at once.
    """
    duties = summary_duties.c
    query = (
        select(duties.leg, duties.ended_at, duties.settled_at, duties.summary, summaries.c.number)
        .outerjoin(summaries, summaries.c.leg == duties.leg)
        .where(duties.leg.in_(sorted({talk.leg for talk in talks})))
    )
    async with database.read() as connection:
        rows = {row["leg"]: row for row in (await connection.execute(query)).mappings()}
    counts.update(WRITTEN if row["number"] else OWED for row in rows.values() if row["number"] or _owes(row))
    return [mismatch for talk in talks for mismatch in _mismatches_of(talk, rows.get(talk.leg))]


def _owes(row: RowMapping) -> bool:
    return row["ended_at"] is not None and row["settled_at"] is None


def _mismatches_of(talk: TalkEnded, row: RowMapping | None) -> Iterator[Mismatch]:
    def wrong(witness: str, explanation: str) -> Mismatch:
        return Mismatch(
            subject=f"call {talk.call}",
            rule="summary",
            ledger=f"{talk.agent} has talked on {talk.leg}",
            witness=witness,
            explanation=explanation,
        )

    if row is None or (row["ended_at"] is None and not row["number"]):
        yield wrong(
            "neither a summary nor a duty to write one",
            "the duties have not come so far, or were taken away: start the service, then compare a backup",
        )
    elif row["settled_at"] is not None and not row["number"]:
        yield wrong(
            f"owes nothing any more on account of summary {row['summary']}, which is not there",
            "the summary was taken away past the service: look in a backup",
        )
