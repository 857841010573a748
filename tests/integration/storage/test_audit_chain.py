"""The chain of accesses on a real database: whatever is done to it shows, and where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Executable, delete, insert, update

from core.clock import SECOND
from core.errors import BadInput
from storage import Database, migrate
from storage.audit import START, Access, access_log, record_access
from storage.audit_chain import MOST_FINDINGS, Fault, Head, Verdict, head, walk

BEGAN = 1_795_276_800_000_000
PUT_IN = {
    "at": BEGAN,
    "staff": "1001",
    "action": "play",
    "subject": "recording:x",
    "purpose": "quality",
    "reason": "",
    "chain": "4f" * 32,
}
pytestmark = pytest.mark.rule("SEC-17")


async def look(database: Database, count: int, *, staff: str = "7001") -> None:
    """So many accesses more."""
    access = Access(at=BEGAN, staff=staff, action="play", subject="recording:x", purpose="quality")
    async with database.write() as connection:
        for _ in range(count):
            await record_access(connection, access)


async def do(database: Database, *statements: Executable) -> None:
    """What somebody with the file in their hands might do."""
    async with database.write() as connection:
        for statement in statements:
            await connection.execute(statement)


def seen(verdict: Verdict) -> list[tuple[Fault, int]]:
    return [(finding.fault, finding.seq) for finding in verdict.findings]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/main.db", name="main")
    await database.open()
    await migrate(database)
    yield database
    await database.close()


@pytest.mark.parametrize("page", [1, 3, 4, 1000])
async def test_a_chain_that_nobody_touched_holds_however_it_is_read(database: Database, page: int) -> None:
    await look(database, 9)
    pages: list[int] = []
    verdict = await walk(database, page=page, progress=pages.append)
    assert (verdict.holds, verdict.links, verdict.head) == (True, 9, await head(database))
    assert verdict.head.seq == 9
    assert pages == [*range(page, 9, page), 9]


async def test_the_first_and_the_last_time_are_told(database: Database) -> None:
    async with database.write() as connection:
        for second in (0, 5, 7):
            at = BEGAN + second * SECOND
            await record_access(
                connection, Access(at=at, staff="7001", action="play", subject="x", purpose="quality")
            )
    verdict = await walk(database)
    assert (verdict.first_at, verdict.last_at) == (BEGAN, BEGAN + 7 * SECOND)


async def test_an_empty_chain_holds_and_has_a_head_of_its_own(database: Database) -> None:
    verdict = await walk(database, kept=Head())
    assert (verdict.holds, verdict.links, verdict.first_at) == (True, 0, None)
    assert verdict.head == await head(database) == Head(0, START)


@pytest.mark.parametrize(
    "change",
    [
        {"staff": "1001"},
        {"at": BEGAN + 1},
        {"action": "look"},
        {"subject": "recording:y"},
        {"purpose": "training"},
        {"reason": "复核"},
    ],
)
async def test_a_changed_row_is_found(database: Database, change: dict[str, object]) -> None:
    await look(database, 5)
    await do(database, update(access_log).where(access_log.c.seq == 3).values(change))
    verdict = await walk(database, page=2)
    assert seen(verdict) == [(Fault.ALTERED, 3)]
    assert verdict.findings[0].detail == "link 3 or link 2 was changed, or link 3 was put in"
    assert verdict.links == 5


async def test_a_changed_row_with_a_value_that_fits_shows_at_the_next(database: Database) -> None:
    await look(database, 2)
    before = (await head(database)).value
    await look(database, 1, staff="1001")  # what the forger would have: link 3 with another name in it
    forged = (await head(database)).value
    await do(database, delete(access_log).where(access_log.c.seq == 3))
    assert (await head(database)).value == before
    await look(database, 3)
    change = {"staff": "1001", "chain": forged}
    await do(database, update(access_log).where(access_log.c.seq == 3).values(change))
    assert seen(await walk(database)) == [(Fault.ALTERED, 4)]


@pytest.mark.parametrize(("gone", "detail"), [([3], "link 3 is gone"), ([1, 2, 3], "links 1 to 3 are gone")])
async def test_removed_rows_are_found(database: Database, gone: list[int], detail: str) -> None:
    await look(database, 6)
    await do(database, delete(access_log).where(access_log.c.seq.in_(gone)))
    verdict = await walk(database, page=2)
    assert [finding.detail for finding in verdict.findings] == [detail]
    assert verdict.findings[0].fault is Fault.GONE


async def test_a_removed_row_is_found_though_the_others_close_up(database: Database) -> None:
    await look(database, 6)
    seq = access_log.c.seq
    await do(
        database,
        delete(access_log).where(seq == 3),
        update(access_log).where(seq > 3).values(seq=seq - 1),
    )
    assert seen(await walk(database)) == [(Fault.ALTERED, seq) for seq in (3, 4, 5)]


async def test_an_inserted_row_is_found(database: Database) -> None:
    await look(database, 5)
    seq = access_log.c.seq
    await do(
        database,
        update(access_log).where(seq > 3).values(seq=-seq - 1),  # in two steps: no number twice on the way
        update(access_log).where(seq < 0).values(seq=-seq),
        insert(access_log).values(PUT_IN | {"seq": 4}),
    )
    verdict = await walk(database)
    assert (seen(verdict)[0], verdict.links) == ((Fault.ALTERED, 4), 6)


async def test_a_row_put_before_the_first_is_found(database: Database) -> None:
    await look(database, 3)
    await do(database, insert(access_log).values(PUT_IN | {"seq": 0}))
    assert seen(await walk(database, page=1)) == [(Fault.ALTERED, 0)]


async def test_a_cut_off_end_is_found_by_a_link_kept_elsewhere_and_not_without(database: Database) -> None:
    await look(database, 6)
    kept = await head(database)
    assert (await walk(database, kept=kept)).holds
    await do(database, delete(access_log).where(access_log.c.seq > 4))
    assert (await walk(database)).holds
    verdict = await walk(database, kept=kept)
    assert seen(verdict) == [(Fault.CUT_OFF, 5)]
    assert verdict.findings[0].detail == "links 5 to 6 are gone: the end was cut off"


async def test_a_kept_link_stands_while_the_chain_grows_on(database: Database) -> None:
    await look(database, 2)
    kept = await head(database)
    await look(database, 5)
    assert (await walk(database, kept=kept, page=3)).holds


async def test_a_chain_worked_out_anew_is_found_by_a_link_kept_elsewhere(database: Database) -> None:
    await look(database, 3)
    kept = await head(database)
    await do(database, delete(access_log))
    await look(database, 4, staff="1001")
    assert (await walk(database)).holds
    assert seen(await walk(database, kept=kept)) == [(Fault.REWRITTEN, 3)]


async def test_a_chain_in_ruins_is_counted_not_listed(database: Database) -> None:
    await look(database, MOST_FINDINGS + 7)
    await do(database, update(access_log).values(reason="x"))
    verdict = await walk(database, page=10)
    assert (len(verdict.findings), verdict.more) == (MOST_FINDINGS, 7)


@pytest.mark.parametrize(
    "text",
    ["", "17", "17:", f"17:{'0' * 63}", f"x:{'a' * 64}", f"-1:{'a' * 64}", f"0:{'a' * 64}", f"3:{START}"],
)
def test_what_is_no_link_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="write SEQ:VALUE"):
        Head.parse(text)


def test_a_link_is_read_as_it_is_written() -> None:
    for link in (Head(), Head(17, "4f" * 32)):
        assert Head.parse(f" {link}\n") == link
