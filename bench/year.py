"""A year of calls in PostgreSQL, made by the server itself: 10 million, with their legs and their intervals.

Each month is laid out in a table of its own, call by call; the list of calls, the legs and the quarter-hours
are then made of that table, each by a statement of its own. Afterwards they are held against each other
(`CHECKS`): the list and the legs know nothing of how the intervals were added up.
"""

# ruff: noqa: S608 - every word of every statement is ours

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from board.model import COUNTERS, LEG_COUNTERS
from board.tables import STATE_COLUMNS
from core.clock import Instant, instant
from core.errors import HotlineError
from storage.months import months, name_of, shifted

CALLS = 10_000_000
AGENTS = 250
FIRST_AGENT = 20_001
SINCE, UNTIL = (instant(datetime(year, 11, 1, tzinfo=UTC)) for year in (2025, 2026))
BUSINESSES = ("personal", "card", "corporate", "complaints", "loss", "operator")
LANGUAGES = ("cmn", "nan", "en")
_QUARTER = 900_000_000
_DAY_S = 86_400
_BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 15, 12, 13, 16, 16, 14, 12, 9, 8, 6, 4, 2, 1)
"""How many calls come in each hour of the bank's day, beside each other."""
_OF_BUSINESS = (35, 30, 8, 4, 8, 15)
_OF_LANGUAGE = (85, 12, 3)


class NotOneYear(HotlineError):
    """What was made does not agree with itself: a report of it would say nothing."""


def make(connection: psycopg.Connection[Any], calls: int = CALLS) -> None:
    """Fill a migrated main database; `connection` commits by itself. `NotOneYear` if it went wrong."""
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute(
        "SET max_parallel_workers_per_gather = 0"
    )  # one session, one order: the same each time
    there = list(months(SINCE, UNTIL))
    for number, month in enumerate(there):
        _make_month(connection, number, month, calls // len(there))
    for table in ("calls", "legs", "interval_queues", "interval_agents"):
        connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
    check(connection, calls // len(there) * len(there))


def check(connection: psycopg.Connection[Any], calls: int) -> None:
    """`NotOneYear` unless intervals, list and legs tell of the same calls."""
    for what, one, other in CHECKS:
        counted = [connection.execute(query).fetchall() for query in (one, other)]
        if counted[0] != counted[1]:
            raise NotOneYear(f"{what}: intervals and calls differ: {counted[0][:3]} and {counted[1][:3]}")
    found = connection.execute("SELECT count(*) FROM calls").fetchone()
    if found is None or found[0] != calls:
        raise NotOneYear(f"{calls} calls were to be made, there are {found}")


CHECKS = (
    (
        "offered and answered by queue",
        "SELECT queue, sum(offered)::bigint, sum(answered)::bigint "
        "FROM interval_queues GROUP BY 1 ORDER BY 1",
        "SELECT queue, count(*), count(*) FILTER (WHERE outcome = 'answered') "
        "FROM calls GROUP BY 1 ORDER BY 1",
    ),
    (
        "answer times by queue",
        "SELECT queue, sum(answer_us)::bigint, max(answer_max_us) FROM interval_queues GROUP BY 1 ORDER BY 1",
        "SELECT queue, sum(waited)::bigint, max(waited) FROM calls WHERE outcome = 'answered' "
        "GROUP BY 1 ORDER BY 1",
    ),
    (
        "talk and ratings by agent",
        "SELECT agent, sum(talks)::bigint, sum(talk_us)::bigint, sum(satisfaction_sum)::bigint "
        "FROM interval_agents GROUP BY 1 ORDER BY 1",
        "SELECT agent, count(*), sum(talked)::bigint, sum(coalesce(satisfaction, 0))::bigint "
        "FROM legs GROUP BY 1 ORDER BY 1",
    ),
)
"""What, as the intervals have it, as the calls have it."""


def _make_month(connection: psycopg.Connection[Any], number: int, month: Instant, calls: int) -> None:
    end, name = shifted(month, 1), name_of(month).replace("-", "_")
    words = {
        "calls": calls,
        "month": month,
        "days": (end - month) // 1_000_000 // _DAY_S,
        "number": number,
        "quarter": _QUARTER,
        "name": name,
        "end": end,
    }
    with connection.transaction():
        for statement in _statements():
            connection.execute(statement.format(**words))


def _statements() -> Iterator[str]:
    yield "SELECT setseed(0.{number:02d})"
    yield _MADE
    for table, filled in (("calls", _CALLS), ("legs", _LEGS)):
        part = f"{table}_{{name}}"
        # Without indexes at first: attaching it makes them, all at once.
        yield f"CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS)"
        yield f"INSERT INTO {part} {filled}"
        yield f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({{month}}) TO ({{end}})"
    yield _QUEUE_QUARTERS
    yield _AGENT_QUARTERS
    yield "DROP TABLE made"


def _slots(weights: tuple[int, ...]) -> str:
    """An SQL array in which each place stands as often as it weighs: one index is one weighted draw."""
    drawn = [str(place) for place, weight in enumerate(weights) for _ in range(weight)]
    return f"(ARRAY[{','.join(drawn)}])[1 + floor(random() * {len(drawn)})::int]"


def _named(names: tuple[str, ...], weights: tuple[int, ...]) -> str:
    return f"(ARRAY[{','.join(repr(name) for name in names)}])[1 + {_slots(weights)}]"


# Two shifts of a hundred agents each and a night watch of fifty; waits and talks are exponential.
_MADE = f"""
CREATE TEMPORARY TABLE made AS
SELECT n, began, began + 15000000 AS joined, queue, language, caller, waited, answered,
    CASE WHEN answered THEN began + 15000000 + waited END AS answered_at,
    CASE WHEN answered THEN ({FIRST_AGENT} + CASE
        WHEN hour BETWEEN 8 AND 13 THEN floor(draw * 100)
        WHEN hour BETWEEN 14 AND 19 THEN 100 + floor(draw * 100)
        ELSE 200 + floor(draw * 50) END)::int::text END AS agent,
    CASE WHEN answered THEN 20000000 + floor(-110000000 * ln(1 - talk))::bigint END AS talked,
    CASE WHEN answered THEN floor(45000000 * wrapup)::bigint END AS wrapup,
    CASE WHEN answered AND rated < 0.4 THEN 5 - floor(power(rating, 4) * 5)::int END AS satisfaction,
    CASE WHEN answered AND rated < 0.4 THEN 1 + (rating > 0.9)::int END AS solved,
    rated < 0.7 AND answered AS asked,
    agent_first < 0.3 AND answered AS agent_first
FROM (
    SELECT *, {{month}} + day * {_DAY_S}000000::bigint + ((hour + 16) % 24) * 3600000000::bigint
            + floor(second * 3600000000)::bigint AS began,
        1000000 + floor(-8000000 * ln(1 - wait))::bigint AS waited, wait < 0.93 AS answered
    FROM (
        SELECT n, floor(random() * {{days}})::int AS day, {_slots(_BY_HOUR)} AS hour, random() AS second,
            {_named(BUSINESSES, _OF_BUSINESS)} AS business, {_named(LANGUAGES, _OF_LANGUAGE)} AS language,
            '13' || lpad(floor(random() * 1e9)::int::text, 9, '0') AS caller, random() AS wait,
            random() AS draw, random() AS talk, random() AS wrapup, random() AS rated, random() AS rating,
            random() AS agent_first
        FROM generate_series(1, {{calls}}) AS n
    ) AS drawn, LATERAL (SELECT business || '-' || language AS queue) AS named
) AS told
"""
_ID = "md5('{number}.' || n)::uuid::text"
_LEG_ID = "'node1-' || began / 1000000 || '.' || n"
_RECORD = f"""
'{{{{"call":"' || {_ID} || '","seq":' || n || ',"began_at":' || began || ',"node":"node1","caller":"'
|| caller || '","called":"95559","language":"' || language || '","waits":[{{{{"queue":"' || queue
|| '","joined_at":' || joined || ',"priority":0,"waited":' || waited || '}}}}]'
|| coalesce(',"legs":[{{{{"leg":"' || {_LEG_ID} || '","agent":"' || agent || '","queue":"' || queue
|| '","answered_at":' || answered_at || ',"talked":' || talked || '}}}}]', '') || '}}}}'
"""
_CALLS = f"""
SELECT {_ID} AS call, 'node1', began, coalesce(answered_at + talked, joined + waited), caller, false, queue,
    CASE WHEN answered THEN 'answered' ELSE 'abandoned' END, waited, {_RECORD}
FROM made
"""
_LEGS = f"""
SELECT {_LEG_ID}, began, {_ID}, agent, queue, answered_at - 2000000, answered_at, talked, satisfaction, solved
FROM made WHERE answered
"""
_WORK = {
    "offers": "count(*)",
    "rings": "count(*)",
    "ring_us": "count(*) * 2000000",
    "talks": "count(*)",
    "talk_us": "sum(talked)",
    "agent_first": "count(*) FILTER (WHERE agent_first)",
    "wrapups": "count(*)",
    "wrapup_us": "sum(wrapup)",
    "surveys_asked": "count(*) FILTER (WHERE asked)",
    "surveys_answered": "count(satisfaction)",
    "satisfaction_sum": "coalesce(sum(satisfaction), 0)",
    "solved_answers": "count(solved)",
    "solved_yes": "count(*) FILTER (WHERE solved = 1)",
}
"""What agents did, of the answered calls of a row; every other counter is 0."""
_WAITS = {
    "offered": "count(*)",
    "answered": "count(*) FILTER (WHERE answered)",
    "answered_10": "count(*) FILTER (WHERE answered AND waited <= 10000000)",
    "answered_20": "count(*) FILTER (WHERE answered AND waited <= 20000000)",
    "answered_in_sl": "count(*) FILTER (WHERE answered AND waited <= 10000000)",
    "abandoned_5": "count(*) FILTER (WHERE NOT answered AND waited <= 5000000)",
    "abandoned_10": "count(*) FILTER (WHERE NOT answered AND waited > 5000000 AND waited <= 10000000)",
    "abandoned_later": "count(*) FILTER (WHERE NOT answered AND waited > 10000000)",
    "answer_us": "coalesce(sum(waited) FILTER (WHERE answered), 0)",
    "answer_max_us": "coalesce(max(waited) FILTER (WHERE answered), 0)",
}
_TIMES = {
    "talking_us": "least(sum(talked), {quarter})",
    "wrap_up_us": "least(sum(wrapup), greatest({quarter} - sum(talked), 0))",
    "ready_us": "greatest({quarter} - sum(talked) - sum(wrapup), 0)",
}


def _of_answered(expression: str) -> str:
    """The same over a row in which some were not answered."""
    if expression.startswith("count(*)"):
        head, _, tail = expression.partition(" FILTER (WHERE ")
        condition = f"answered AND {tail}" if tail else "answered)"
        return head.replace("count(*)", f"count(*) FILTER (WHERE {condition}")
    return f"coalesce({expression}, 0)"


def _summed(names: tuple[str, ...], known: dict[str, str]) -> str:
    return ", ".join(f"({known.get(name, '0')})::bigint" for name in names)


_AGENT_COUNTERS = (*LEG_COUNTERS, *STATE_COLUMNS)


def _added(table: str, names: tuple[str, ...]) -> str:
    """What a month adds to quarter-hours that the one before has begun."""
    return ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in names)


_QUEUE_QUARTERS = f"""
INSERT INTO interval_queues (start, queue, {", ".join(COUNTERS)})
SELECT joined / {{quarter}} * {{quarter}}, queue,
    {_summed(COUNTERS, _WAITS | {name: _of_answered(each) for name, each in _WORK.items()})}
FROM made GROUP BY 1, 2
ON CONFLICT (start, queue) DO UPDATE SET
    {_added("interval_queues", tuple(name for name in COUNTERS if name != "answer_max_us"))},
    answer_max_us = greatest(interval_queues.answer_max_us, excluded.answer_max_us)
"""
_AGENT_QUARTERS = f"""
INSERT INTO interval_agents (start, agent, {", ".join(_AGENT_COUNTERS)})
SELECT answered_at / {{quarter}} * {{quarter}}, agent, {_summed(_AGENT_COUNTERS, _WORK | _TIMES)}
FROM made WHERE answered GROUP BY 1, 2
ON CONFLICT (start, agent) DO UPDATE SET
    {_added("interval_agents", _AGENT_COUNTERS)}
"""
