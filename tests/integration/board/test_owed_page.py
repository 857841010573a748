"""The call-backs that a leader owes, on the board's page in a real browser: one click ends one."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import select

from core.clock import MINUTE, Clock
from directory.lookup import Directory
from ledger import Ledger
from ledger.calls import CallBook
from ledger.outbox import Outbox
from storage import Database
from storage.notices.outbox import Notices
from storage.timers import Timers
from tests.integration.board.conftest import AGENT, LEADER, House
from tests.integration.board.test_board_page import databases, enter, page  # noqa: F401 - fixtures
from tests.integration.ticketing.conftest import HOURS
from tests.unit.board.story import NOON
from ticketing import store
from ticketing.api import TicketingApi
from ticketing.callbacks import Callbacks
from ticketing.model import CallbackCause, CallbackTask
from ticketing.service import SummaryService
from ticketing.tables import callback_tasks
from ticketing.work_orders import TicketService
from web.route import Route

pytestmark = pytest.mark.browser
CALL, LATER_CALL, OTHER_CALL = (f"0f8c2b1e-5a77-4c1d-9b3e-6a0d5f2e1c1{n}" for n in (1, 2, 3))


@pytest.fixture
def callbacks(
    both: tuple[Database, Database], ledger: Ledger, directory: Directory, clock: Clock
) -> Callbacks:
    return Callbacks(
        database=both[0],
        book=ledger,
        timers=Timers(clock=clock),
        notices=Notices(clock=clock),
        calendar=lambda: directory.calendar,
        directory=lambda: directory,
        rules=HOURS,
        clock=clock,
    )


@pytest.fixture
def more_routes(
    both: tuple[Database, Database], ledger: Ledger, directory: Directory, clock: Clock, callbacks: Callbacks
) -> list[Route]:
    main, outbox = both[0], Outbox(ledger=ledger, database=both[0])
    summaries = SummaryService(
        database=main, outbox=outbox, callbacks=callbacks, directory=lambda: directory, clock=clock
    )
    return TicketingApi(
        summaries=summaries,
        callbacks=callbacks,
        tickets=TicketService(database=main, outbox=outbox, directory=lambda: directory, clock=clock),
        calls=CallBook(ledger=ledger, database=main),
        clock=clock,
    ).routes()


def task(call: str, number: str) -> CallbackTask:
    return CallbackTask(
        id=f"asked:{call}",
        cause=CallbackCause.ASKED,
        call=call,
        leg="",
        owner=LEADER,
        number=number,
        due_at=NOON + 30 * MINUTE,
        created_at=NOON,
    )


async def test_whose_customer_was_answered_meanwhile_says_so_and_is_ended_with_one_click(
    house: House,
    page: Page,  # noqa: F811
    callbacks: Callbacks,
) -> None:
    async with house.main.write() as connection:
        await callbacks.owe(connection, task(CALL, "13812345678"))
        await callbacks.owe(connection, task(OTHER_CALL, "13812349999"))
        id_, at = f"asked:{CALL}", NOON + MINUTE
        await store.note_spoken(connection, id_, call=LATER_CALL, agent=AGENT, at=at)
    await enter(page, house)
    await page.click("#owed-open")
    rows = page.locator("#owed-list li")
    await expect(rows).to_have_count(2)
    mine = rows.filter(has_text="138****5678")
    await expect(mine.locator("a")).to_contain_text(f"{AGENT} 已于")
    await expect(mine.locator("a")).to_have_attribute("href", f"/api/calls/{LATER_CALL}/story.svg")
    await expect(rows.filter(has_text="138****9999").locator("button, a")).to_have_count(0)
    await mine.locator("button").click()
    await expect(rows).to_have_count(1)
    await expect(page.locator("#owed-trouble")).to_have_text("")
    async with house.main.read() as connection:
        query = select(callback_tasks).where(callback_tasks.c.id == f"asked:{CALL}")
        row = (await connection.execute(query)).one()
    assert (row.done_by, LATER_CALL in row.outcome) == (LEADER, True)
