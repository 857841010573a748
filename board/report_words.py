"""What a report's sheet says, in Chinese and in English."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything but the figures' own names, which `board.formulas` has. `basis` has two places to fill."""

    of_queues: str
    of_agents: str
    overview: str
    by_time: str
    detail: str
    start: str
    end: str
    code: str
    name: str
    all: str
    seconds: str
    gap: str
    basis: str
    formulas: str


WORDS = {
    "zh": Words(
        of_queues="队列话务报表",
        of_agents="坐席话务报表",
        overview="汇总",
        by_time="分时合计",
        detail="分时明细",
        start="开始",
        end="结束",
        code="代码",
        name="名称",
        all="合计",
        seconds="秒",
        gap="数据缺口",
        basis="统计至台账第 {counted} 条事实;生成于 {made}",
        formulas="各项指标的计算口径见 docs/formulas.md",
    ),
    "en": Words(
        of_queues="Queues",
        of_agents="Agents",
        overview="Overview",
        by_time="By interval",
        detail="Detail",
        start="Start",
        end="End",
        code="Code",
        name="Name",
        all="All",
        seconds="s",
        gap="Gap in the data",
        basis="Counted up to fact {counted} of the ledger; made at {made}",
        formulas="How each figure is counted: docs/formulas.md",
    ),
}
