"""The published formulas: for every figure its name, unit and how it is counted. `docs/formulas.md` is made
of this table (`python -m board.formulas > docs/formulas.md`), and the API serves it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields

from board.drill import openable
from board.figures import LegFigures


@dataclass(frozen=True, slots=True)
class Formula:
    """`unit`: count, ms, time (ms, of all together), fraction, score, instant. `counted`: the instant that
    decides the period."""

    figure: str
    name_zh: str
    name_en: str
    unit: str
    counted: str
    formula: str

    @property
    def opens(self) -> bool:
        """Whether the calls behind it can be listed."""
        return self.figure in openable()


_JOIN, _ANSWER, _NOW, _AT = "joining", "answer", "now", "when it happens"
_TIME = "the time itself"

QUEUE_FORMULAS: tuple[Formula, ...] = (
    Formula("waiting", "正在等待", "Waiting", "count", _NOW, "callers who have joined and neither left nor been answered; one whom we put back into a queue still waits"),  # noqa: E501
    Formula("longest_wait_ms", "当前最长等待", "Longest wait now", "ms", _NOW, "now − the earliest joining among those who wait; 0 if nobody does"),  # noqa: E501
    Formula("longest_since", "最长等待起始", "Longest wait since", "instant", _NOW, "that joining"),
    Formula("offered", "进队量", "Offered", "count", _JOIN, "joinings; a caller put back or moved on our order is still the same one and counts once, in the queue they were last put into"),  # noqa: E501
    Formula("answered", "接通量", "Answered", "count", _JOIN, "offered callers who were bridged with an agent"),  # noqa: E501
    Formula("answered_10", "十秒内接通", "Answered within 10 s", "count", _JOIN, "answered with wait ≤ 10 s, the wait being joining → bridge, the ringing of the agent's phone included"),  # noqa: E501
    Formula("answered_20", "二十秒内接通", "Answered within 20 s", "count", _JOIN, "answered with wait ≤ 20 s"),  # noqa: E501
    Formula("answered_in_sl", "达标接通", "Answered within the service level", "count", _JOIN, "answered with wait ≤ the queue's own service level as it was when the caller came into it; written with the joining, so a later change moves no figure. Joinings from before it was written: 10 s"),  # noqa: E501
    Formula("abandoned", "放弃量", "Abandoned", "count", _JOIN, "offered callers who hung up themselves while waiting = abandoned_5 + abandoned_10 + abandoned_later"),  # noqa: E501
    Formula("abandoned_5", "5秒内放弃", "Abandoned within 5 s", "count", _JOIN, "abandoned with wait ≤ 5 s"),
    Formula("abandoned_10", "5–10秒放弃", "Abandoned after 5 to 10 s", "count", _JOIN, "abandoned with 5 s < wait ≤ 10 s"),  # noqa: E501
    Formula("abandoned_later", "10秒后放弃", "Abandoned after 10 s", "count", _JOIN, "abandoned with wait > 10 s"),  # noqa: E501
    Formula("timed_out", "超时退出", "Timed out", "count", _JOIN, "offered callers whom we let go because the queue's time was up"),  # noqa: E501
    Formula("nobody_on_duty", "无人值守退出", "Left, nobody on duty", "count", _JOIN, "offered callers whom we let go because nobody was on duty any more"),  # noqa: E501
    Formula("callback", "预约回电", "To be called back", "count", _JOIN, "offered callers who asked to be called back instead of waiting; neither answered nor abandoned, and not answered within 10 s"),  # noqa: E501
    Formula("node_lost", "节点失联中断", "Lost with the node", "count", _JOIN, "offered callers whose wait ended with the death of a node, or unseen inside a declared gap"),  # noqa: E501
    Formula("ended_by_us", "系统结束", "Ended by us", "count", _JOIN, "offered callers whose wait ended on any other order of ours"),  # noqa: E501
    Formula("turned_away", "未进队婉拒", "Turned away", "count", _AT, "callers who heard that nobody is on duty, were never queued and did not ask to be called back; not in offered"),  # noqa: E501
    Formula("callback_unserved", "无人值守预约回电", "To be called back, nobody on duty", "count", _AT, "callers who heard that nobody is on duty, were never queued and asked to be called back; neither in turned_away nor in offered; counted when they heard it"),  # noqa: E501
    Formula("called_back", "按位回电接通", "Called back in turn", "count", _AT, "callers who asked to be called back, kept their place and were reached when it was their turn; not in answered, but for who had answered our call, met no agent and waited once more"),  # noqa: E501
    Formula("called_back_mean_ms", "按位回电平均等待", "Mean wait of the called back", "ms", _AT, "Σ (joining → an agent speaks with the customer) ÷ called_back; not in answer_mean_ms"),  # noqa: E501
    Formula("sl10", "十秒服务水平", "Service level 10 s", "fraction", _JOIN, "answered_10 ÷ (offered − those still waiting for 10 s or less). Abandons count, short ones too. A caller who waits enters the fraction when answered, gone or past 10 s: once a period is over this is answered_10 ÷ offered"),  # noqa: E501
    Formula("sl20", "二十秒服务水平", "Service level 20 s", "fraction", _JOIN, "answered_20 ÷ (offered − those still waiting for 20 s or less)"),  # noqa: E501
    Formula("sl", "服务水平", "Service level, the queue's own", "fraction", _JOIN, "answered_in_sl ÷ (offered − those still waiting for no longer than their queue's service level); of all queues together each caller by the one of their own queue"),  # noqa: E501
    Formula("sl10_recent", "近15分钟服务水平", "Service level 10 s, last 15 minutes", "fraction", _JOIN, "sl10 over joinings of the current minute and the fourteen before it"),  # noqa: E501
    Formula("sl_recent", "近15分钟服务水平（本队列）", "Service level, the queue's own, last 15 minutes", "fraction", _JOIN, "sl over the same joinings"),  # noqa: E501
    Formula("offered_recent", "近15分钟进队量", "Offered, last 15 minutes", "count", _JOIN, "offered in the same fifteen minutes"),  # noqa: E501
    Formula("connection_rate", "接通率", "Connection rate", "fraction", _JOIN, "answered ÷ (offered − waiting)"),  # noqa: E501
    Formula("answer_mean_ms", "平均应答时间", "Mean answer time", "ms", _JOIN, "Σ wait of answered ÷ answered"),  # noqa: E501
    Formula("answer_max_ms", "最长应答时间", "Longest answer time", "ms", _JOIN, "the longest wait of an answered caller"),  # noqa: E501
    Formula("offers", "振铃次数", "Offers", "count", _AT, "times an agent's phone was asked to ring"),
    Formula("offers_unanswered", "振铃未接", "Offers unanswered", "count", "end of the offer", "offers that the agent let ring out or rejected; a caller who leaves and a phone out of reach are not counted"),  # noqa: E501
    Formula("ring_mean_ms", "平均振铃时长", "Mean ring time", "ms", _ANSWER, "Σ ring time of answered offers ÷ answered offers; a part of the wait, measured apart (CALL-02)"),  # noqa: E501
    Formula("talks", "通话量", "Talks", "count", _ANSWER, "agent legs whose talk has ended"),
    Formula("agent_first", "坐席先挂", "Released by the agent first", "count", _ANSWER, "talks that the agent's side released first (CALL-10)"),  # noqa: E501
    Formula("wrapups", "话后处理量", "Wrap-ups", "count", _ANSWER, "wrap-ups that have ended, in the queue of their leg"),  # noqa: E501
    Formula("talk_mean_ms", "平均通话时长", "Mean talk time", "ms", _ANSWER, "Σ talk ÷ talks, without holds and consults; talk ends at the first sign that customer and agent are apart"),  # noqa: E501
    Formula("hold_mean_ms", "平均保持时长", "Mean hold time", "ms", _ANSWER, "Σ hold ÷ talks: all holds of a talk together, but for the time in a consult; over all talks, also those without"),  # noqa: E501
    Formula("consult_mean_ms", "平均咨询时长", "Mean consult time", "ms", _ANSWER, "Σ consult ÷ talks: the time in which the agent asks a colleague, the customer on hold or not; over all talks"),  # noqa: E501
    Formula("wrapup_mean_ms", "平均话后时长", "Mean wrap-up time", "ms", _ANSWER, "Σ wrap-up ÷ wrapups"),
    Formula("handling_mean_ms", "平均处理时长", "Mean handling time", "ms", _ANSWER, "talk_mean_ms + hold_mean_ms + consult_mean_ms + wrapup_mean_ms"),  # noqa: E501
    Formula("occupancy", "工时利用率", "Occupancy", "fraction", _TIME, "Σ (talking + wrap-up) ÷ Σ (ready + reserved + ringing + talking + wrap-up) of the queue's agents, whatever queue they were serving; pauses and logged-out time are in neither"),  # noqa: E501
    Formula("on_duty", "值守人数", "On duty", "count", _NOW, "the queue's agents who are logged in and not on a long pause"),  # noqa: E501
    Formula("ready", "就绪人数", "Ready", "count", _NOW, "the queue's agents in the state ready"),
    Formula("surveys_asked", "邀评量", "Surveys asked", "count", "start of the survey", "agent legs whose customer was led to the survey"),  # noqa: E501
    Formula("surveys_answered", "参评量", "Surveys answered", "count", "start of the survey", "surveys with a satisfaction score"),  # noqa: E501
    Formula("satisfaction_mean", "平均满意度", "Mean satisfaction", "score", "start of the survey", "Σ satisfaction (1–5) ÷ surveys_answered"),  # noqa: E501
    Formula("solved_rate", "问题解决率", "Solved", "fraction", "start of the survey", "answers yes ÷ answers to the question whether the matter is solved"),  # noqa: E501
)  # fmt: skip
CALL_FORMULAS: tuple[Formula, ...] = (
    Formula("arrived", "来电量", "Calls arrived", "count", "arrival", "customers' channels that entered the hotline"),  # noqa: E501
    Formula("ended_in_menu", "菜单内挂机", "Hung up in the menu", "count", "end of the call", "calls whose customer hung up before choosing a queue"),  # noqa: E501
    Formula("in_progress", "进行中", "In progress", "count", _NOW, "calls that have arrived and not ended"),
    Formula("in_menu", "菜单中", "In the menu", "count", _NOW, "calls in progress that have not joined a queue"),  # noqa: E501
    Formula("talking", "通话中", "With an agent", "count", _NOW, "calls in progress that an agent has answered, and that are neither in the survey nor sent on to a number outside"),  # noqa: E501
    Formula("outside", "外线通话", "With a number outside", "count", _NOW, "calls in progress that an agent has sent on to a number outside: it rings, or they talk"),  # noqa: E501
    Formula("in_survey", "评价中", "In the survey", "count", _NOW, "calls in progress that are in the survey"),  # noqa: E501
)  # fmt: skip
AGENT_FORMULAS: tuple[Formula, ...] = (
    Formula("answered", "接听量", "Answered", "count", _ANSWER, "legs the agent has answered"),
    Formula("unanswered", "连续未接", "Unanswered in a row", "count", _NOW, "offers let ring out or rejected since the agent last answered, came back from a pause or logged in"),  # noqa: E501
    Formula("occupancy", "工时利用率", "Occupancy", "fraction", _TIME, "(talking + wrap-up) ÷ (ready + reserved + ringing + talking + wrap-up) of the agent"),  # noqa: E501
)  # fmt: skip
_SPENT = "what passed of it in the interval, what still goes on included"
AGENT_INTERVAL_FORMULAS: tuple[Formula, ...] = (
    Formula("answered", "接听量", "Answered", "count", _ANSWER, "legs the agent has answered"),
    *(each for each in QUEUE_FORMULAS if each.figure in {name.name for name in fields(LegFigures)}),
    Formula("logged_in_ms", "签入时长", "Logged in", "time", _TIME, "the sum of the six states below"),
    Formula("ready_ms", "就绪时长", "Ready", "time", _TIME, _SPENT),
    Formula("not_ready_ms", "未就绪时长", "Not ready", "time", _TIME, _SPENT),
    Formula("reserved_ms", "预留时长", "Reserved", "time", _TIME, _SPENT),
    Formula("ringing_ms", "振铃时长", "Ringing", "time", _TIME, _SPENT),
    Formula("talking_ms", "通话时长", "Talking", "time", _TIME, _SPENT),
    Formula("consulting_ms", "被咨询时长", "Being asked", "time", _TIME, _SPENT),
    Formula("wrap_up_ms", "话后时长", "Wrap-up", "time", _TIME, _SPENT),
    Formula("occupancy", "工时利用率", "Occupancy", "fraction", _TIME, "(talking + wrap-up) ÷ (ready + reserved + ringing + talking + wrap-up) of the agent"),  # noqa: E501
)  # fmt: skip

_HEAD = """# Formulas

<!-- Made by `python -m board.formulas`; change board/formulas.py, not this file. -->

How every figure of the board is counted. All of them are readings of one fold over the ledger's facts
(`board/fold.py`): run again over the same facts, it gives the same digits.

- A day runs from midnight to midnight in the bank's time zone. *Counted at* is the instant that decides the
  day, the quarter-hour and the minute. A wait is counted, with its outcome, in the period of its joining;
  what the agent did with the call (talk, hold, consult, wrap-up) in the period of the answer, so that all
  sums of a period are about the same calls; time in a state in every period it passes through.
- Times are taken on the node's clock in µs; sums are exact, means are rounded half up to whole milliseconds,
  fractions to four digits. A figure with nothing to divide by has no value (`null`), it is not zero.
- *All queues* is worked out from the sums of the counters, never as a mean of means.
- offered = answered + abandoned + timed_out + nobody_on_duty + callback + node_lost
  + ended_by_us + today's waiting.
- *Opens*: the calls behind the figure are listed at `/api/board/calls?figure=…&queue=…`; of a mean or a
  fraction, those below its bar.
- A stretch in which facts may be missing is declared on the board as a gap; nothing is guessed into it.
"""

_OVER_TIME = """## Over time

Reports (`/api/reports/intervals`) are sums of quarter-hours counted by the same fold (`board/tally.py`), over
15, 30 or 60 minutes or a day. Queues have the figures above by the same formulas, but those of the moment;
`waiting` are those who joined in the interval and still wait. Agents have the figures below. Fractions and
means are worked out of the sums, never of other means; of a day they are those of the board.
"""


def markdown() -> str:
    """The text of `docs/formulas.md`."""
    tables = (
        _table("Per queue and in all", QUEUE_FORMULAS, opens=True),
        _table("Calls of the hotline", CALL_FORMULAS, opens=True),
        _table("Per agent", AGENT_FORMULAS, opens=False),
        _OVER_TIME,
        _table("Per agent and interval", AGENT_INTERVAL_FORMULAS, opens=False),
    )
    return "\n".join((_HEAD, *tables))


def _table(title: str, formulas: tuple[Formula, ...], *, opens: bool) -> str:
    rows = "\n".join(
        f"| `{each.figure}` | {each.name_zh} | {each.name_en} | {each.unit} | {each.counted} "
        f"| {each.formula} | {'yes' if opens and each.opens else '-'} |"
        for each in formulas
    )
    head = "| figure | 名称 | name | unit | counted at | formula | opens |\n|---|---|---|---|---|---|---|"
    return f"## {title}\n\n{head}\n{rows}\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
