"""A standing alarm taken by a leader: over HTTP, on every screen, after a restart. Real ledger and server."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from board.alarms import Condition
from board.service import Board
from core.clock import MINUTE, SECOND, Clock
from core.facts import AlarmAcknowledged, AlarmCleared, AlarmRaised
from core.names import StaffId
from directory.lookup import Directory
from ledger import Ledger
from tests.integration.board.conftest import AGENT, LEADER, House
from tests.integration.board.screen import Screen
from web.live import LiveHub

OTHER = "8002"
SUBJECT = "node1/events"
"""A subject may hold a slash."""


async def take(client: aiohttp.ClientSession, note: str = "") -> tuple[int, dict[str, Any]]:
    body = {"alarm": "session_lost", "subject": SUBJECT, "note": note}
    async with client.get("/api/session") as answer:
        headers = {"X-CSRF-Token": (await answer.json())["csrf_token"]}
    async with client.post("/api/alarms/acknowledge", json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def standing(shown: dict[str, Any]) -> list[str]:
    return [each["subject"] for each in shown["alarms"]]


def taken(shown: dict[str, Any]) -> bool:
    return any(each["acknowledged"] for each in shown["alarms"])


async def test_the_first_leader_has_it_on_every_screen_until_it_ends(house: House, ledger: Ledger) -> None:
    async with house.signed_in() as client, Screen().watching(client) as screen:
        status, problem = await take(client)
        assert (status, problem["type"]) == (409, "/problems/conflict")
        assert (
            problem["detail"]
            == f"session_lost of {SUBJECT} does not stand, or no longer: look at the board again"
        )

        house.conditions.append(Condition("session_lost", SUBJECT, house.clock() - 60 * SECOND, "refused"))
        await screen.until(lambda shown: standing(shown) == [SUBJECT])
        assert not taken(screen.shown)
        status, mine = await take(client, "  asked the operator ")
        assert status == 200
        assert mine["acknowledged"]["by"] == LEADER
        assert mine["acknowledged"]["note"] == "asked the operator"
        await screen.until(taken)
        assert screen.shown["alarms"][0]["acknowledged"] == mine["acknowledged"]
        assert mine["acknowledged"]["name"] == house.directory.staff[StaffId(LEADER)].name

        assert await take(client, "once more") == (200, mine)
        async with house.signed_in(OTHER) as other:
            status, problem = await take(other)
            async with other.get("/api/board") as answer:
                seen = (await answer.json())["alarms"]
        assert status == 409
        assert f"{mine['acknowledged']['name']} {LEADER} has taken" in problem["detail"]
        assert seen[0]["acknowledged"] == mine["acknowledged"]

        house.conditions.clear()
        await screen.until(lambda shown: standing(shown) == [])
        assert (await take(client))[0] == 409
    await ledger.readable(ledger.last)
    kept = await ledger.read(0, kinds={"AlarmRaised", "AlarmAcknowledged", "AlarmCleared"})
    assert [type(each.fact) for each in kept] == [AlarmRaised, AlarmAcknowledged, AlarmCleared]


async def test_a_board_rebuilt_from_the_ledger_knows_whose_it_is(house: House, ledger: Ledger) -> None:
    house.conditions.append(Condition("session_lost", SUBJECT, house.clock() - 60 * SECOND))
    async with house.signed_in() as client, Screen().watching(client) as screen:
        await screen.until(lambda shown: standing(shown) == [SUBJECT])
        assert (await take(client, "mine"))[0] == 200
    before = house.board.figures().alarms
    again = Board(ledger=ledger, hub=LiveHub(clock=house.clock), directory=house.directory, clock=house.clock)
    await again.start()
    assert again.figures().alarms == before
    assert before[0].acknowledged is not None


async def test_after_a_midnight_it_is_still_theirs(
    ledger: Ledger, directory: Directory, clock: Clock
) -> None:
    """Facts of yesterday that still stand are read again, though nothing else of yesterday is."""
    yesterday = clock() - 20 * 60 * MINUTE
    ledger.append(
        [
            AlarmRaised(at=yesterday, alarm="node_lost", subject="node9"),
            AlarmAcknowledged(at=yesterday + SECOND, alarm="node_lost", subject="node9", by=OTHER),
        ]
    )
    board = Board(ledger=ledger, hub=LiveHub(clock=clock), directory=directory, clock=clock)
    await board.start()
    (alarm,) = board.figures().alarms
    assert alarm.acknowledged is not None
    assert alarm.acknowledged.by == OTHER


@pytest.mark.parametrize(
    ("staff", "body", "status"),
    [
        (AGENT, {"alarm": "node_lost", "subject": "node1"}, 403),
        (LEADER, {"alarm": "node_lost"}, 422),
        (LEADER, {"alarm": "node_lost", "subject": "node1", "note": "x" * 121}, 422),
    ],
)
async def test_who_may_not_and_what_cannot_be_are_refused(
    house: House, staff: str, body: dict[str, str], status: int
) -> None:
    async with house.signed_in(staff) as client:
        async with client.get("/api/session") as answer:
            headers = {"X-CSRF-Token": (await answer.json())["csrf_token"]}
        async with client.post("/api/alarms/acknowledge", json=body, headers=headers) as answer:
            assert answer.status == status
