"""What the benches are made of: the search for a rate, the bars, the counting of time. No servers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import fold, processor, timers
from bench.board import Screen, percentile
from bench.floor_seed import QUEUE, device_at, seed_text, staff_at
from bench.ingest import traffic
from bench.report import Result, at_least, at_most
from bench.search import highest
from bench.sms_centre import SmsCentre
from bench.timers_service import effects
from core.clock import MILLISECOND, SECOND, Instant, system_clock
from directory import seed
from storage import Database, migrate
from storage.notices.model import ChannelName, Notice
from storage.notices.outbox import Notices


@pytest.mark.parametrize(("limit", "guess"), [(70.0, 60.0), (70.0, 71.0), (70.0, 200.0), (9.5, 60.0)])
async def test_the_highest_working_rate_is_found_within_three_percent(limit: float, guess: float) -> None:
    async def works(rate: float) -> bool:
        return rate <= limit

    found = await highest(works, guess, step=1.25)
    assert limit / 1.03 <= found <= limit


async def test_one_bad_moment_does_not_lower_the_rate() -> None:
    asked: list[float] = []

    async def works_the_second_time(rate: float) -> bool:
        asked.append(rate)
        return rate <= 70 and asked.count(rate) == 2

    assert await highest(works_the_second_time, 60, step=1.25) >= 70 / 1.03


async def test_a_floor_on_which_nothing_works_is_no_measurement() -> None:
    async def never(rate: float) -> bool:
        return False

    with pytest.raises(ValueError, match="something else is broken"):
        await highest(never, 60, step=1.25)


def test_bars_are_met_on_their_own_side_and_not_by_figures_that_are_missing() -> None:
    bars = {"ratio": at_least(0.95), "share": at_most(0.25)}
    assert Result(bench="b", figures={"ratio": 0.95, "share": 0.25}, bars=bars).met
    assert not Result(bench="b", figures={"ratio": 0.94, "share": 0.2}, bars=bars).met
    assert not Result(bench="b", figures={"ratio": 1.0, "share": 0.26}, bars=bars).met
    assert not Result(bench="b", figures={"ratio": 1.0}, bars=bars).met


def test_the_table_marks_what_is_met() -> None:
    result = Result(
        bench="b",
        figures={"ratio": 1.0, "share": 0.5},
        bars={"ratio": at_least(0.95), "share": at_most(0.25)},
    )
    _, ratio, share = result.table().splitlines()
    assert ratio.endswith("✓") and "≥ 0.95" in ratio
    assert share.endswith("✗") and "≤ 0.25" in share
    assert json.loads(result.line()) == {"bench": "b", "figures": {"ratio": 1.0, "share": 0.5}}


def test_processor_time_grows_with_work_and_not_with_waiting() -> None:
    before = processor.seconds(os.getpid())
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass
    worked = processor.seconds(os.getpid()) - before
    assert 0.15 <= worked <= 0.5


def test_a_thing_is_on_the_screen_with_the_first_message_that_covers_it() -> None:
    screen = Screen()
    screen.covered, screen.at = [10, 12, 20], [1_000_000, 1_050_000, 1_100_000]
    assert screen.age(11, 1_010_000) == 40.0
    assert screen.age(12, 1_010_000) == 40.0
    assert screen.age(13, 1_010_000) == 90.0
    assert screen.age(21, 1_010_000) is None
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
    assert percentile([1.0], 0.99) == 1.0


def test_the_seed_of_a_bench_is_one_the_directory_takes() -> None:
    people = seed.parse(seed_text(300, wrapup_s=1), "bench seed")
    assert len(people.agents()) == len(people.devices) == 300
    assert device_at(300) in people.devices
    assert [(place.queue, place.penalty) for place in people.memberships(staff_at(300))] == [(QUEUE, 0)]


def test_the_recorded_call_of_the_fold_bench_is_folded_whole() -> None:
    messages = fold.parsed(fold.events(fold.CAPTURE.read_text(encoding="utf-8")))
    assert len(messages) > 20
    assert fold.folded(messages) > 15


def test_a_bench_ends_with_one_line_of_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "ami_parse", "--json"], capture_output=True, text=True, check=False
    )
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["bench"] == "ami_parse"
    assert last["figures"]["event_us"] > 0


def test_recorded_traffic_is_made_of_calls_of_their_own() -> None:
    wire, count = traffic(3)
    assert wire.count(b"\r\n\r\n") == count
    assert len(set(re.findall(rb"^Call: (\S+)", wire, re.M))) == 3
    assert len(set(re.findall(rb"^Uniqueid: (\S+)", wire, re.M))) == 6  # a customer's leg and an agent's each
    times = [float(time) for time in re.findall(rb"^Timestamp: (\S+)", wire, re.M)]
    assert times[-1] - times[0] > 2


def test_timers_come_due_all_over_the_span_and_each_part_of_it_has_a_kill() -> None:
    load = timers.Load(span_s=100, count=1_000, kills=10)
    dues = load.dues(0)
    assert dues == load.dues(0)
    assert 0 <= min(dues) < 2 * SECOND
    assert 98 * SECOND < max(dues) < 100 * SECOND
    assert [int(at // 10) for at in load.kill_times()] == list(range(10))
    assert sum(load.tells(number) for number in range(1_000)) == 100


def test_late_counts_from_the_due_time_or_from_when_there_was_a_service_again() -> None:
    outages = [timers.Outage(100, 150), timers.Outage(300, 310)]
    cases = [(99, 99), (100, 150), (149, 150), (150, 150), (305, 310)]
    assert [timers.begins_to_count(due, outages) for due, _ in cases] == [counts for _, counts in cases]


def test_an_effect_is_seen_with_the_first_look_that_finds_it_or_a_later_one() -> None:
    seen = timers.Seen()
    for last, at in ((0, 1), (3, 10), (3, 20), (5, 30)):
        seen.note(last, at)
    assert [seen.when(number) for number in range(1, 6)] == [10, 10, 10, 30, 30]


async def test_what_was_lost_or_happened_twice_is_counted(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/main.db", name="main")
    await database.open()
    await migrate(database)
    load, notices, centre = timers.Load(count=4, telling=2), Notices(clock=system_clock), SmsCentre()
    dues: dict[str, Instant] = dict.fromkeys(("told", "plain", "never told", "lost"), 0)
    async with database.write() as connection:
        await connection.run_sync(effects.metadata.create_all)
        for name in ("told", "plain", "plain", "never told"):
            await connection.execute(effects.insert(), {"timer": name})
        for name in ("told", "told", "never told"):
            await notices.put(connection, notice_of(name), [ChannelName.SMS])
    async with database.read() as connection:
        told = await notices.about(connection, "bench:told")
    centre.taken = {one.provider_id: 9 * MILLISECOND for one in told if one.channel is ChannelName.SMS}
    seen = timers.Seen()
    seen.note(4, 7 * MILLISECOND)
    count = await timers.counted(database, load, timers.Watched(dues, [], seen), centre)
    await database.close()
    assert count.lost == 2, "one timer without an effect, one notice that never arrived"
    assert count.doubled == 2, "one effect too many, one notice put twice"
    assert (count.late, count.told_late) == ([7.0] * 3, [9.0])


def notice_of(name: str) -> Notice:
    return Notice(person="1001", subject="到期提醒", text="请处理", key=name, cause=f"bench:{name}")
