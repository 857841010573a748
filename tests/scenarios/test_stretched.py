"""A recorded call whose talk is made two hours long, across the bank's midnight: times, not paths."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from board.periods import QUARTER
from board.tally import Tally
from core import facts as f
from core.clock import MINUTE, SECOND, Duration, Instant, instant
from core.facts import AgentState, Numbered
from tests.scenarios.captures_read import Capture, Recorded, read
from tests.scenarios.replay import replay

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = instant(datetime(2026, 11, 25, tzinfo=ZONE))
LONGER: Duration = 120 * MINUTE


def stretched(capture: Capture, *, arrives: Instant, longer: Duration) -> list[Recorded]:
    """Its events so that the call arrives then, and all that comes after the answer comes so much later."""
    arrived = capture.one("CallArrived").at
    answered = capture.one("AgentConnect").at + SECOND // 10
    return [_later(one, arrives - arrived + (longer if one.at > answered else 0)) for one in capture.heard]


def _later(event: Recorded, by: Duration) -> Recorded:
    headers = tuple((name, _shifted(name, value, by)) for name, value in event.headers)
    return replace(event, at=event.at + by, headers=headers)


def _shifted(name: str, value: str, by: Duration) -> str:
    if name == "JoinedUs":
        return str(int(value) + by)
    if name == "Timestamp":
        at = int(value.replace(".", "")) + by
        return f"{at // SECOND}.{at % SECOND:06}"
    return value


def test_two_hours_over_midnight_are_one_call_and_lie_in_every_quarter_they_were_in() -> None:
    capture = read("normal_with_survey")
    arrives = MIDNIGHT - 70 * MINUTE
    facts = replay(capture, stretched(capture, arrives=arrives, longer=LONGER))
    short = {type(fact): fact for fact in replay(capture)}
    (talk,) = [fact for fact in facts if isinstance(fact, f.TalkEnded)]
    was = short[f.TalkEnded]
    assert isinstance(was, f.TalkEnded)
    assert (talk.talked, talk.released_by) == (was.talked + LONGER, was.released_by)
    assert talk.at - talk.talked < MIDNIGHT < talk.at
    (ended,) = [fact for fact in facts if isinstance(fact, f.CallEnded)]
    assert ended.lasted == ended.at - arrives > LONGER
    assert [type(fact) for fact in facts] == [type(fact) for fact in replay(capture)]
    tally = Tally()
    for seq, fact in enumerate(facts, 1):
        tally.count(Numbered(seq, fact))
    talking = {
        at: counts.times[AgentState.TALKING]
        for at, by in tally.agent_quarters.items()
        for agent, counts in by.items()
        if agent == talk.agent and counts.times.get(AgentState.TALKING)
    }
    assert sum(talking.values()) == talk.talked
    whole = [at for at, length in talking.items() if length == QUARTER]
    assert len(talking) == 9
    assert len(whole) == 7, "all but the first and the last"
    assert min(talking) < MIDNIGHT <= max(talking)
    (queue,) = [counts for by in tally.quarters.values() for counts in by.values() if counts.offered]
    assert queue.answered == 1, "counted where it joined, on the day before"
