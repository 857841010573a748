"""Calls to customers from their records: whose, when, how often, and never twice at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.clock import HOUR, MINUTE, SECOND
from core.dialling import DOMESTIC
from core.errors import BadInput, Conflict, NotFound
from core.facts import OutgoingEnded, OutgoingOutcome, OutgoingStarted
from directory.rights import RIGHTS
from ledger.consumer import Consumer
from tests.integration.ticketing.conftest import CALL, Desk, desk_in, running
from tests.integration.ticketing.test_summaries import AGENT, ENQUIRY, LEADER, OTHER
from tests.integration.web.site import FakePeople, running_site
from tests.support.killed import killed_by_itself
from ticketing import outgoing
from ticketing.errors import NotYours
from ticketing.model import CallbackCause, CallbackTask
from ticketing.outgoing import Dialler, OutgoingCalls
from ticketing.outgoing_api import OutgoingApi
from ticketing.outgoing_rules import About, OutgoingRules

MOBILE = "138 1234 5678"


def outgoing_of(desk: Desk, dial: Dialler) -> OutgoingCalls:
    """The use cases around this desk."""
    return OutgoingCalls(
        database=desk.main,
        callbacks=desk.callbacks,
        dial=dial,
        rules=OutgoingRules(
            allow=DOMESTIC,
            first="00:00",
            last="23:59",
            working_days=False,
            tries=2,
            greeting="95559,{agent}号",
        ),
        calendar=lambda: desk.directory.calendar,
        clock=lambda: desk.now,
    )


class Phone:
    """Telephony as ticketing sees it: notes what it is told to dial; `refuses`: the agent cannot."""

    def __init__(self) -> None:
        self.dialled: list[dict[str, Any]] = []
        self.refuses = False

    async def __call__(self, **order: Any) -> None:
        if self.refuses:
            raise Conflict("agent 1001 is talking")
        self.dialled.append(order)


class Follow:
    """Calls, and what follows from what became of them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.phone = Phone()
        self.calls = outgoing_of(desk, self.phone)
        self.consumer = Consumer(
            name=outgoing.CONSUMER,
            ledger=desk.ledger,
            database=desk.main,
            handle=self.calls.follow,
            kinds=outgoing.KINDS,
        )

    async def became(self, call: str, outcome: OutgoingOutcome | None) -> None:
        """Telephony has told of this call: that it began and, with an `outcome`, how it ended."""
        about: dict[str, Any] = {"node": "node1", "call": call, "leg": "node1-1.90000001", "agent": AGENT}
        about |= {"queue": "", "at": self.desk.now}
        started = OutgoingStarted(
            device="d001", number="13812345678", shown="95559", about="callback", record="x", **about
        )
        facts = [started] + (
            [] if outcome is None else [OutgoingEnded(outcome=outcome, lasted=SECOND, **about)]
        )
        await asyncio.wait_for(self.consumer.caught_up(self.desk.ledger.append(facts)), 30)
        self.desk.now += MINUTE


async def _owed(desk: Desk, id_: str = "rating:x", number: str = MOBILE) -> str:
    """A call-back of AGENT."""
    task = CallbackTask(
        id=id_,
        cause=CallbackCause.POOR_RATING,
        call=CALL,
        leg="node1-1.1",
        owner=AGENT,
        number=number,
        due_at=desk.now + HOUR,
        created_at=desk.now,
    )
    async with desk.main.write() as connection:
        await desk.callbacks.owe(connection, task)
    return id_


async def _promised(desk: Desk) -> str:
    """A summary with the customer's number in it."""
    saved = await desk.summaries.save(desk.person(AGENT), await desk.talk(), replace(ENQUIRY, contact=MOBILE))
    return saved.number


@pytest.mark.rule("CALL-05", "CALL-13", "SURVEY-08")
async def test_a_call_back_is_dialled_from_its_record_and_done_when_its_customer_was_reached(
    desk: Desk,
) -> None:
    follow, person = Follow(desk), desk.person(AGENT)
    task = await _owed(desk)
    async with running(follow.consumer.run()):
        begun = await follow.calls.begin(person, About.CALLBACK, task)
        assert (begun.greeting, begun.tries_left) == ("95559,1001号", 1)
        assert follow.phone.dialled == [
            {
                "call": begun.call.call,
                "agent": AGENT,
                "number": "13812345678",
                "about": "callback",
                "record": task,
                "held": False,
            }
        ]
        await follow.became(begun.call.call, OutgoingOutcome.BUSY)
        (still,) = await desk.callbacks.owed(AGENT)
        assert still.done_at is None
        again = await follow.calls.begin(person, About.CALLBACK, task)
        await follow.became(again.call.call, OutgoingOutcome.REACHED)
        assert await desk.callbacks.owed(AGENT) == []
        with pytest.raises(Conflict, match="is done"):
            await follow.calls.begin(person, About.CALLBACK, task)
        made, left = await follow.calls.attempts(person, About.CALLBACK, task)
    assert [one.outcome for one in made] == [OutgoingOutcome.BUSY, OutgoingOutcome.REACHED]
    assert left == 2


@pytest.mark.rule("SEC-11")
async def test_whose_record_it_is_and_what_number_it_has_decide_whether_anybody_is_dialled(
    desk: Desk,
) -> None:
    follow, person = Follow(desk), desk.person(AGENT)
    task = await _owed(desk)
    with pytest.raises(NotYours):
        await follow.calls.begin(desk.person(OTHER), About.CALLBACK, task)
    with pytest.raises(NotFound):
        await follow.calls.begin(person, About.CALLBACK, "rating:none")
    for number, problem in (("", BadInput), ("+1 202 555 0100", BadInput), ("0012025550100", Conflict)):
        await _owed(desk, f"rating:{number}", number)
        with pytest.raises(problem):
            await follow.calls.begin(person, About.CALLBACK, f"rating:{number}")
    assert follow.phone.dialled == []
    await follow.calls.begin(desk.person(LEADER), About.CALLBACK, task)
    assert [one["agent"] for one in follow.phone.dialled] == [LEADER]


async def test_one_at_a_time_and_so_often(desk: Desk) -> None:
    follow, person = Follow(desk), desk.person(AGENT)
    summary = await _promised(desk)
    async with running(follow.consumer.run()):
        for outcome in (OutgoingOutcome.BUSY, OutgoingOutcome.AGENT_AWAY, OutgoingOutcome.NO_ANSWER):
            begun = await follow.calls.begin(person, About.SUMMARY, summary)
            await follow.became(begun.call.call, None)
            desk.now += HOUR  # however long it lasts
            with pytest.raises(Conflict, match="being called"):
                await follow.calls.begin(person, About.SUMMARY, summary)
            await follow.became(begun.call.call, outcome)
        with pytest.raises(Conflict, match="2 times"):
            await follow.calls.begin(person, About.SUMMARY, summary)
    assert len(follow.phone.dialled) == 3


async def test_of_many_who_want_to_call_at_once_one_does(desk: Desk) -> None:
    follow, person = Follow(desk), desk.person(AGENT)
    task = await _owed(desk)
    calls = (follow.calls.begin(person, About.CALLBACK, task) for _ in range(8))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in results) == 7
    assert len(follow.phone.dialled) == 1


async def test_an_agent_who_cannot_call_has_used_no_try(desk: Desk) -> None:
    follow, person = Follow(desk), desk.person(AGENT)
    task = await _owed(desk)
    follow.phone.refuses = True
    for _ in range(3):
        with pytest.raises(Conflict, match="talking"):
            await follow.calls.begin(person, About.CALLBACK, task)
    follow.phone.refuses = False
    assert (await follow.calls.begin(person, About.CALLBACK, task)).tries_left == 1


async def test_a_process_killed_while_it_dials_leaves_a_customer_who_is_not_dialled_again_by_itself(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with desk_in(tmp_path, *urls) as desk:
        summary = await _promised(desk)
        await asyncio.wait_for(desk.outbox.emptied(), 30)
    module = "tests.integration.ticketing.outgoing_dialler"
    await killed_by_itself(module, str(tmp_path), *urls, summary)
    assert (tmp_path / "dialled").read_text(encoding="ascii").splitlines() == ["13812345678"]
    async with desk_in(tmp_path, *urls) as desk:
        phone, person = Phone(), desk.person(AGENT)
        calls = outgoing_of(desk, phone)
        with pytest.raises(Conflict, match="being called"):
            await calls.begin(person, About.SUMMARY, summary)
        assert phone.dialled == []
        # Later a person may decide to call once more; that nobody knows of the first time is on record.
        desk.now += outgoing.UNHEARD_AFTER + MINUTE
        assert (await calls.begin(person, About.SUMMARY, summary)).tries_left == 0
        made, _ = await calls.attempts(person, About.SUMMARY, summary)
        assert [one.outcome for one in made] == [OutgoingOutcome.UNKNOWN, None]


@pytest.mark.rule("SEC-11")
async def test_no_number_goes_in_over_http_and_none_comes_out_whole(desk: Desk, tmp_path: Path) -> None:
    follow = Follow(desk)
    task = await _owed(desk)
    people = FakePeople({AGENT: desk.person(AGENT).rights}, every_right=frozenset(RIGHTS))
    path = "/api/agent/outgoing"
    async with running_site(OutgoingApi(follow.calls).routes(), tmp_path, people=people) as site:
        await site.sign_in(AGENT)
        for body in ({}, {"callback": task, "summary": "ZJ1"}, {"callback": task, "number": "13900000000"}):
            status, _ = await site.call("POST", path, json=body)
            assert status == 422, body
        status, begun = await site.call("POST", path, json={"callback": task})
        assert (status, begun["number"], begun["greeting"]) == (201, "138****5678", "95559,1001号")
        status, told = await site.call("GET", f"{path}?callback={task}")
        assert (status, told["tries_left"]) == (200, 1)
        assert [one["outcome"] for one in told["attempts"]] == [None]
    assert [one["number"] for one in follow.phone.dialled] == ["13812345678"]
