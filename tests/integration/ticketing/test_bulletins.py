"""公告: written by one, approved by another, announced when its time comes, and known who has read it."""

from __future__ import annotations

import random

import pytest

from core.clock import HOUR, MINUTE, Instant
from core.errors import BadInput, Conflict, NotFound
from storage.notices.outbox import Notices
from storage.timer_runner import TimerRunner
from storage.timers import Timers
from tests.integration.ticketing.conftest import Desk
from ticketing.bulletins import Bulletin, Bulletins

AUTHOR, OTHER, AGENT = "8001", "8002", "1001"


class Board:
    """The bulletins of a desk, with a timer runner of their own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._timers = Timers(clock=self.now)
        self.bulletins = Bulletins(
            database=desk.main,
            timers=self._timers,
            notices=Notices(clock=self.now),
            directory=lambda: desk.directory,
            clock=self.now,
        )
        self._runner = TimerRunner(
            database=desk.main, timers=self._timers, clock=self.now, random=random.random
        )

    def now(self) -> Instant:
        return self.desk.now

    async def written(self, *, begins: int = 0, lasts: int = HOUR) -> Bulletin:
        return await self.bulletins.write(
            AUTHOR,
            "系统升级",
            "今晚十点至十一点网银停机,客户来电请致歉说明。",
            valid_from=self.now() + begins,
            valid_until=self.now() + begins + lasts,
        )

    async def shown(self, staff: str = AGENT) -> list[tuple[int, bool]]:
        """What is on the page of this person, and whether it has been read."""
        return [(one.id, by.read_at is not None) for one, by in await self.bulletins.valid(staff)]

    async def passes(self, time: int) -> None:
        self.desk.now += time
        await self._runner.fire_due()


@pytest.fixture
def board(desk: Desk) -> Board:
    return Board(desk)


@pytest.mark.rule("KB-10", "SEC-13")
async def test_nobody_approves_their_own_and_nobody_sees_it_before(board: Board) -> None:
    one = await board.written()
    await board.passes(0)
    assert await board.shown() == []
    with pytest.raises(Conflict, match="is your own"):
        await board.bulletins.approve(AUTHOR, one.id)
    approved = await board.bulletins.approve(OTHER, one.id)
    assert (approved.author, approved.approved_by) == (AUTHOR, OTHER)
    with pytest.raises(Conflict, match="approved already"):
        await board.bulletins.approve(OTHER, one.id)
    assert await board.shown() == [(one.id, False)]


@pytest.mark.rule("KB-10")
async def test_it_is_announced_when_its_time_comes_and_over_when_that_has_passed(board: Board) -> None:
    one = await board.written(begins=30 * MINUTE)
    await board.bulletins.approve(OTHER, one.id)
    await board.passes(29 * MINUTE)
    assert (await board.shown(), await board.bulletins.readers(one.id)) == ([], [])
    await board.passes(MINUTE)
    assert await board.shown() == [(one.id, False)]
    told = {reader.staff for reader in await board.bulletins.readers(one.id)}
    assert told >= {AGENT, "1024", "8001"}
    assert not told & {"9001", "7001"}  # they take no calls
    await board.passes(HOUR)
    assert await board.shown() == []


@pytest.mark.rule("KB-10")
async def test_who_has_read_it_is_known(board: Board) -> None:
    one = await board.written()
    await board.bulletins.approve(OTHER, one.id)
    await board.passes(0)
    await board.bulletins.read(AGENT, one.id)
    assert await board.shown() == [(one.id, True)]
    readers = await board.bulletins.readers(one.id)
    assert [reader.staff for reader in readers if reader.read_at is not None] == [AGENT]
    with pytest.raises(NotFound, match="was announced to 9001"):
        await board.bulletins.read("9001", one.id)


async def test_what_is_withdrawn_is_neither_shown_nor_announced(board: Board) -> None:
    one = await board.written(begins=HOUR)
    await board.bulletins.approve(OTHER, one.id)
    await board.bulletins.withdraw(OTHER, one.id)
    await board.passes(HOUR)
    assert (await board.shown(), await board.bulletins.readers(one.id)) == ([], [])
    with pytest.raises(Conflict, match="withdrawn by 8002"):
        await board.bulletins.withdraw(AUTHOR, one.id)
    with pytest.raises(BadInput, match="nobody would ever see it"):
        await board.written(lasts=0)
