"""`hotline call show` on a real ledger, beside nobody: in words, as a drawing, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotline.__main__ import main
from ledger.ledger import Ledger
from storage import Database, migrate
from tests.support.databases import Databases
from tests.unit.ledger.samples import call_id, normal


async def one_call(url: str, folder: Path) -> None:
    facts = Database(url, name="ledger")
    await facts.open()
    await migrate(facts, "ledger")
    ledger = Ledger(facts, spool=folder / "ledger.spool")
    await ledger.open()
    ledger.append(normal().facts)
    await ledger.stored(ledger.last)
    await ledger.close()
    await facts.close()


def test_a_call_is_shown_in_words_and_as_a_drawing(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = databases.url("ledger", "ledger")
    (tmp_path / "own.toml").write_text(f'data_dir = "{tmp_path}"\n[database]\nledger = "{url}"\n', "utf-8")
    config = ["--config", str(tmp_path / "own.toml")]
    asyncio.run(one_call(url, tmp_path))
    capsys.readouterr()
    assert main(["call", "show", *config, call_id(1), "--language", "en"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith(call_id(1))
    assert lines[0].strip() == "+0.0 s  customer → hotline: calls 95559 from 138****0001"
    assert lines[-1].endswith("hotline → customer: call ends: system, 38.4 s")
    assert main(["call", "show", *config, call_id(1), "--svg"]) == 0
    ElementTree.fromstring(capsys.readouterr().out)  # noqa: S314 - our own
    assert main(["call", "show", *config, "no-such-call"]) == 2
    assert "the ledger has no call 'no-such-call'" in capsys.readouterr().err
