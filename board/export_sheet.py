"""A long report made into a sheet, in a process of its own (`storage.jobs.apart`): it reads for itself.

Reading, adding up and writing so many rows hold the processor for the better part of a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from board.figures import GapFigures
from board.intervals import sums_of_agents, sums_of_queues
from board.report_schemas import By
from board.report_service import read_rows
from board.report_sheet import About, sheet_of
from board.reports import AgentReport, Asked, QueueReport, agent_report, queue_report
from core.clock import Instant
from core.errors import BadInput
from storage import Database
from storage.jobs.apart import tell
from storage.jobs.model import Hopeless

STEPS = ("读取数据", "汇总计算", "生成表格")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be made, and all it takes. `url`: of the main database; `file`: where the sheet goes."""

    url: str = field(repr=False)
    by: By
    asked: Asked
    most: int
    counted: int
    names: Mapping[str, str]
    zone: str
    language: str
    made_at: Instant
    file: Path


def make_sheet(order: Order) -> int:
    """Make it; its size in bytes. `Hopeless` if there are too many rows."""
    tell(0, len(STEPS), STEPS[0])
    try:
        report, about = asyncio.run(_read(order))
    except BadInput as refused:
        raise Hopeless(refused.problem) from refused
    tell(2, len(STEPS), STEPS[2])
    content = sheet_of(report, about)
    order.file.write_bytes(content)
    return len(content)


async def _read(order: Order) -> tuple[QueueReport | AgentReport, About]:
    database = Database(order.url, name="main")
    await database.open()
    try:
        report, gaps = await _added_up(database, order)
    finally:
        await database.close()
    about = About(
        since=order.asked.since,
        until=order.asked.until,
        made_at=order.made_at,
        counted=order.counted,
        gaps=gaps,
        names=order.names,
        zone=ZoneInfo(order.zone),
        language=order.language,
    )
    return report, about


async def _added_up(
    database: Database, order: Order
) -> tuple[QueueReport | AgentReport, Sequence[GapFigures]]:
    asked, now = order.asked, order.made_at
    if order.by is By.AGENT:
        agents = await read_rows(database, asked, order.most, sums_of_agents)
        tell(1, len(STEPS), STEPS[1])
        return agent_report(asked, agents.counted, agents.held, now), agents.gaps
    queues = await read_rows(database, asked, order.most, sums_of_queues)
    tell(1, len(STEPS), STEPS[1])
    return queue_report(asked, queues.counted, queues.held, now), queues.gaps
