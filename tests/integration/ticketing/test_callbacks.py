"""Call-backs: a poor rating leads to one, its owner is told and reminded, somebody says what came of it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.calendar import HolidayNotice, Special
from core.clock import HOUR, MINUTE, local_day
from core.errors import Conflict, NotFound
from core.facts import CallArrived, CallbackPlaceEnded, CallbackRequested, PlaceOutcome, SurveyAnswered
from ledger.consumer import Consumer
from storage.notices.outbox import Notices
from storage.timer_runner import TimerRunner
from storage.timers import Timers, timers
from tests.integration.ticketing.conftest import CALL, HOURS, NOW, Desk, running
from tests.integration.ticketing.test_api import Site, site  # noqa: F401 - a fixture
from tests.integration.ticketing.test_summaries import AGENT, LEADER, OTHER
from ticketing import callbacks as tasks
from ticketing.callbacks import Callbacks
from ticketing.errors import NotYours
from ticketing.model import CallbackCause

LEG = "node1-1700000000.12"
CUSTOMER = "13812345678"
OTHER_CALL, THIRD_CALL = (f"0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c1{n}" for n in (2, 3))
DAY = 24 * 60 * MINUTE


class Follow:
    """The call-backs with a timer runner and a consumer of their own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.timers = Timers(clock=lambda: desk.now)
        self.notices = Notices(clock=lambda: desk.now)
        self.callbacks = Callbacks(
            database=desk.main,
            book=desk.ledger,
            timers=self.timers,
            notices=self.notices,
            calendar=lambda: desk.directory.calendar,
            directory=lambda: desk.directory,
            rules=HOURS,
            clock=lambda: desk.now,
        )
        self.consumer = Consumer(
            name=tasks.CONSUMER,
            ledger=desk.ledger,
            database=desk.main,
            handle=self.callbacks.follow,
            kinds=tasks.KINDS,
            wants=self.callbacks.concerns,
        )
        self.runner = TimerRunner(
            database=desk.main, timers=self.timers, clock=lambda: desk.now, random=random.random
        )

    async def rated(self, answer: int, *, question: str = "satisfaction", leg: str = LEG) -> None:
        """The customer of a call has rated it, and the call-backs have followed."""
        arrived = CallArrived(
            at=self.desk.now, node="node1", call=CALL, leg="node1-1.1", caller=CUSTOMER, called="95559"
        )
        rating = SurveyAnswered(
            at=self.desk.now,
            node="node1",
            call=CALL,
            leg=leg,
            agent=AGENT,
            queue="card-cmn",
            question=question,
            answer=answer,
        )
        await asyncio.wait_for(self.consumer.caught_up(self.desk.ledger.append([arrived, rating])), 10)

    async def told(self, person: str) -> list[str]:
        async with self.desk.main.read() as connection:
            return [one.notice.subject for one in await self.notices.page(connection, person)]


@pytest.mark.rule("SURVEY-08")
async def test_a_poor_rating_becomes_a_call_back_of_the_leader_once(desk: Desk) -> None:
    follow = Follow(desk)
    async with running(follow.consumer.run()):
        await follow.rated(2)
        await follow.rated(2)  # the fact once more, as after a restart
        await follow.rated(3, leg="node1-1700000000.13")
        await follow.rated(1, question="solved", leg="node1-1700000000.14")
    (task,) = await follow.callbacks.owed(LEADER)
    assert (task.id, task.cause, task.number) == (f"rating:{LEG}", CallbackCause.POOR_RATING, CUSTOMER)
    assert task.due_at > NOW + DAY  # 2026-11-22 is a Sunday: the end of Monday
    assert task.due_at == desk.directory.calendar.deadline(NOW, 1).at
    assert await follow.told(LEADER) == ["客户评价不满意,请安排回访"]
    assert await follow.callbacks.owed(AGENT) == []


@pytest.mark.rule("SURVEY-08", "CALL-13")
async def test_the_owner_is_reminded_when_the_time_has_come_and_only_of_what_is_open(desk: Desk) -> None:
    follow = Follow(desk)
    async with running(follow.consumer.run()):
        await follow.rated(1)
        await follow.rated(1, leg="node1-1700000000.13")
    first, second = await follow.callbacks.owed(LEADER)
    desk.now = first.due_at - 1
    await follow.runner.fire_due()
    assert len(await follow.told(LEADER)) == 2  # of the two ratings, and no more
    await follow.callbacks.done(desk.person(LEADER), second.id, "已回访,客户满意")
    desk.now = first.due_at
    await follow.runner.fire_due()
    assert (await follow.told(LEADER))[0] == "回电时间已到"
    assert len(await follow.told(LEADER)) == 3


@pytest.mark.rule("CALL-13")
async def test_what_came_of_it_is_said_once_by_whom_it_concerns(desk: Desk) -> None:
    follow = Follow(desk)
    async with running(follow.consumer.run()):
        await follow.rated(1)
    (task,) = await follow.callbacks.owed(LEADER)
    with pytest.raises(NotYours, match=f"is {LEADER}'s"):
        await follow.callbacks.done(desk.person(OTHER), task.id, "x")
    with pytest.raises(NotFound):
        await follow.callbacks.done(desk.person(LEADER), "rating:node1-1.9", "x")
    desk.now += MINUTE
    ended = await follow.callbacks.done(desk.person(LEADER), task.id, "三次未接")
    assert (ended.done_at, ended.done_by, ended.outcome) == (desk.now, LEADER, "三次未接")
    with pytest.raises(Conflict, match="ended before"):
        await follow.callbacks.done(desk.person(LEADER), task.id, "again")
    assert await follow.callbacks.owed(LEADER) == []


async def test_over_http_a_leader_sees_and_ends_them(site: Site, desk: Desk) -> None:  # noqa: F811
    follow = Follow(desk)
    async with running(follow.consumer.run()):
        await follow.rated(1)
    await site.sign_in(AGENT)
    assert (await site.call("GET", f"/api/callbacks?agent={LEADER}"))[0] == 403
    await site.sign_in(LEADER)
    _, told = await site.call("GET", "/api/callbacks")
    (task,) = told["callbacks"]
    assert (task["cause"], task["number"], task["overdue"]) == ("poor_rating", CUSTOMER, False)
    path = f"/api/callbacks/{task['id']}/done"
    assert (await site.call("POST", path, json={"outcome": ""}))[0] == 422
    status, ended = await site.call("POST", path, json={"outcome": "已回访"})
    assert (status, ended["done_by"], ended["outcome"]) == (200, LEADER, "已回访")
    assert (await site.call("POST", path, json={"outcome": "已回访"}))[0] == 409


@pytest.mark.rule("SURVEY-08")
async def test_a_task_keeps_its_time_when_the_calendar_changes_and_the_next_counts_anew(desk: Desk) -> None:
    follow = Follow(desk)
    async with running(follow.consumer.run()):
        await follow.rated(1)
        (before,) = await follow.callbacks.owed(LEADER)
        monday = local_day(before.due_at)
        closed = HolidayNotice(
            number="closed",
            published=monday,
            since=monday,
            until=monday,
            days={monday: Special(works=False, name="停业")},
        )
        calendar = desk.directory.calendar
        desk.directory = replace(
            desk.directory, calendar=replace(calendar, notices=(*calendar.notices, closed))
        )
        await follow.rated(1, leg="node1-1700000000.13")
    first, second = await follow.callbacks.owed(LEADER)
    assert first == before
    assert local_day(second.due_at) == monday + timedelta(days=1)
    async with desk.main.read() as connection:
        rows = await connection.execute(select(timers.c.owner, timers.c.due_at))
    assert {row.owner: row.due_at for row in rows} == {
        f"callback:{one.id}": one.due_at for one in (first, second)
    }


@pytest.mark.rule("CALL-13")
async def test_who_asks_to_be_called_back_while_waiting_is_owed_a_call_once_and_within_the_hours(
    desk: Desk,
) -> None:
    follow, evening = Follow(desk), NOW + 20 * HOUR
    morning = evening - 10 * HOUR
    facts = [
        CallbackRequested(
            at=at, node="node1", call=call, queue="card-cmn", joined_at=at - MINUTE, number=number
        )
        for at, call, number in (
            (evening, CALL, CUSTOMER),
            (evening, CALL, CUSTOMER),
            (evening, OTHER_CALL, "13812345679"),
            (morning, THIRD_CALL, "13812345670"),
        )
    ]
    async with running(follow.consumer.run()):
        await asyncio.wait_for(follow.consumer.caught_up(desk.ledger.append(facts)), 30)
    owed = {task.call: task for task in await follow.callbacks.owed(LEADER)}
    task = owed[CALL]
    assert (task.id, task.cause, task.number) == (f"asked:{CALL}", CallbackCause.ASKED, CUSTOMER)
    assert task.due_at == NOW + DAY + 8 * HOUR + 30 * MINUTE  # half past eight in the evening is too late
    assert owed[THIRD_CALL].due_at == morning + 30 * MINUTE
    assert len(owed) == 3
    assert await follow.told(LEADER) == ["排队客户要求回电"] * 3
    desk.now = owed[THIRD_CALL].due_at
    await follow.runner.fire_due()
    assert (await follow.told(LEADER))[0] == "回电时间已到"


@pytest.mark.rule("CALL-13")
async def test_who_asks_in_two_calls_is_owed_the_later_one_alone(desk: Desk) -> None:
    follow, now = Follow(desk), NOW + 10 * HOUR
    first, second = (
        CallbackRequested(
            at=at, node="node1", call=call, queue="card-cmn", joined_at=at - MINUTE, number=CUSTOMER
        )
        for at, call in ((now, CALL), (now + MINUTE, OTHER_CALL))
    )
    async with running(follow.consumer.run()):
        facts = [first, second, first]  # told twice, it is as it was
        await asyncio.wait_for(follow.consumer.caught_up(desk.ledger.append(facts)), 30)
    (owed,) = await follow.callbacks.owed(LEADER)
    assert owed.call == OTHER_CALL
    with pytest.raises(Conflict, match="ended before"):
        await follow.callbacks.done(desk.person(LEADER), f"asked:{CALL}", "已联系")
    desk.now = owed.due_at
    await follow.runner.fire_due()
    assert (await follow.told(LEADER)).count("回电时间已到") == 1


@pytest.mark.rule("CALL-13")
async def test_who_calls_again_and_is_answered_is_still_owed_a_call_that_says_so(
    site: Site,  # noqa: F811
    desk: Desk,
) -> None:
    follow, now = Follow(desk), NOW + 10 * HOUR
    kept = {"node": "node1", "call": CALL, "queue": "card-cmn", "joined_at": now - MINUTE}
    asked = CallbackRequested(at=now, number=CUSTOMER, **kept)
    ends = {"outcome": PlaceOutcome.WITHDRAWN, "waited": 2 * MINUTE, **kept}
    await site.sign_in(LEADER)
    async with running(follow.consumer.run()):
        withdrawn = CallbackPlaceEnded(at=now + MINUTE, **ends)  # by somebody, for another reason
        await asyncio.wait_for(follow.consumer.caught_up(desk.ledger.append([asked, withdrawn])), 30)
        (task,) = (await site.call("GET", "/api/callbacks"))[1]["callbacks"]
        assert task["spoken"] is None
        spoken = CallbackPlaceEnded(at=now + MINUTE, spoken_in=OTHER_CALL, spoken_by=AGENT, **ends)
        await asyncio.wait_for(follow.consumer.caught_up(desk.ledger.append([spoken])), 30)
    (task,) = (await site.call("GET", "/api/callbacks"))[1]["callbacks"]
    assert (task["spoken"]["call"], task["spoken"]["agent"]) == (OTHER_CALL, AGENT)
    assert task["spoken"]["at"] == "2026-11-22T10:01:00+08:00"
    desk.now = now + HOUR
    await follow.runner.fire_due()
    async with desk.main.read() as connection:
        (last, *_) = await follow.notices.page(connection, LEADER)
    assert f"由 {AGENT} 接听" in last.notice.text
    outcome = task["spoken"]["outcome"]
    status, ended = await site.call("POST", f"/api/callbacks/{task['id']}/done", json={"outcome": outcome})
    assert (status, ended["outcome"], OTHER_CALL in outcome) == (200, outcome, True)
    assert (await site.call("GET", "/api/callbacks"))[1]["callbacks"] == []
