"""`hotline audit` on a real database: what it says, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.clock import SECOND
from hotline.__main__ import main
from hotline.commands.audit import progress_of
from storage import Database, migrate
from storage.audit import START, Access, record_access

BEGAN = 1_795_276_800_000_000
"""2026-11-22 00:00:00 in the bank's zone."""
pytestmark = pytest.mark.rule("SEC-17")


async def _prepare(folder: Path, links: int, statement: str) -> None:
    database = Database(f"sqlite+aiosqlite:///{folder}/hotline.db", name="main")
    await database.open()
    await migrate(database)
    async with database.write() as connection:
        for second in range(links):
            access = Access(
                at=BEGAN + second * SECOND, staff="7001", action="play", subject="x", purpose="quality"
            )
            await record_access(connection, access)
        if statement:
            await connection.exec_driver_sql(statement)
    await database.close()


def prepare(links: int, statement: str = "") -> None:
    """A chain of so many links in the data folder, and what was done to it."""
    asyncio.run(_prepare(Path("data"), links, statement))


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOTLINE_DATA_DIR", "data")
    Path("data").mkdir()


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(["audit", *arguments]) == status
    return capsys.readouterr().out


def test_a_chain_that_holds_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    prepare(3)
    last = said(capsys, "head").strip()
    assert last.startswith("3:")
    assert said(capsys, "verify").splitlines() == [
        "the chain of accesses holds: 3 links, the first of 2026-11-22 00:00:00, "
        "the last of 2026-11-22 00:00:02 (Asia/Shanghai)",
        "whether its end was cut off cannot be told without a link that was kept elsewhere (--expect)",
        f"its last link, to be kept elsewhere: {last}",
    ]
    assert "link 3 stands as it was kept\n" in said(capsys, "verify", "--expect", last)


def test_a_change_of_the_directory_without_a_link_is_told_and_ends_with_status_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(
        3,
        "INSERT INTO directory_changes VALUES (1, 0, '9001', 'by hand', '2026-11-22', 'applied', 0, '')",
    )
    assert said(capsys, "verify", status=1).splitlines()[-1] == (
        "change 1 of the directory has no link in the chain: it was put there by hand"
    )


def test_an_empty_chain_holds(capsys: pytest.CaptureFixture[str]) -> None:
    prepare(0)
    assert said(capsys, "head") == f"0:{START}\n"
    assert said(capsys, "verify", "--expect", f"0:{START}").startswith("the chain of accesses is empty: ")


def test_a_broken_chain_is_told_with_its_place_and_ends_with_status_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(4, "UPDATE access_log SET reason = '' WHERE seq = 1")
    assert "holds" in said(capsys, "verify")
    prepare(0, "UPDATE access_log SET staff = '1001' WHERE seq = 2")
    lines = said(capsys, "verify", status=1).splitlines()
    assert lines[0].startswith("the chain of accesses IS BROKEN: 4 links, the first of 2026-11-22 00:00:00")
    assert lines[1] == "  link 2 or link 1 was changed, or link 2 was put in"
    assert "docs/operations.md" in lines[-1]


def test_an_end_that_was_cut_off_is_told_with_the_link_kept_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(4)
    last = said(capsys, "head").strip()
    prepare(0, "DELETE FROM access_log WHERE seq > 1")
    assert "  links 2 to 4 are gone: the end was cut off\n" in said(
        capsys, "verify", "--expect", last, status=1
    )
    prepare(0, "DELETE FROM access_log")
    assert said(capsys, "verify", "--expect", last, status=1).startswith(
        "the chain of accesses IS BROKEN: no link is there\n  links 1 to 4 are gone"
    )


def test_a_long_list_of_places_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    prepare(30, "UPDATE access_log SET staff = '1001'")
    assert "  and 10 more\n" in said(capsys, "verify", status=1)


@pytest.mark.parametrize("text", ["17", "last", "17:abc"])
def test_an_expectation_of_the_wrong_form_is_refused(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["audit", "verify", "--expect", text])
    assert refused.value.code == 2
    assert "write SEQ:VALUE as `hotline audit head` prints it" in capsys.readouterr().err


def test_where_there_is_no_database_none_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("verify", "head"):
        assert main(["audit", what]) == 2
        assert "there is no data/hotline.db: say by --config" in capsys.readouterr().err
    assert list(Path("data").iterdir()) == []


def test_a_database_of_another_program_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    prepare(1, "DELETE FROM alembic_version")
    assert main(["audit", "verify"]) == 2
    assert "run the migrations" in capsys.readouterr().err


def test_a_long_walk_says_how_far_it_has_come(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, 2.5, 2.5, 3.0, 5.0, 5.0])
    tell = progress_of(40_000, every_s=2.0, clock=lambda: next(times))
    for links in (2_000, 4_000, 6_000, 8_000):
        tell(links)
    assert capsys.readouterr().err == "4,000 of 40,000 links walked\n8,000 of 40,000 links walked\n"
