"""The demo as its visitor starts it: one command, and a proof at its end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.ports import own

pytestmark = pytest.mark.asterisk
PORTS = own()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hotline", "demo", *arguments]


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOTLINE_DATA_DIR": str(folder / "data"),
        "HOTLINE_WEB__PORT": str(PORTS.web),
        "HOTLINE_DEMO__SIP_PORT": str(PORTS.sip),
        "HOTLINE_DEMO__AMI_PORT": str(PORTS.ami),
        "HOTLINE_DEMO__PAGE_PORT": str(PORTS.spare[0]),
        "HOTLINE_DEMO__PEOPLE_PORT": str(PORTS.people[0]),
        "HOTLINE_DEMO__RTP_FIRST": str(PORTS.sound[0]),
        "HOTLINE_DEMO__CALLS_PER_MINUTE": "90",
    }


async def demo(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        env=environment(folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 300)
    return process.returncode or 0, out.decode(), err.decode()


def recordings(folder: Path) -> list[int]:
    """Sizes of all recorded files, in bytes."""
    return [file.stat().st_size for file in (folder / "demo" / "node1" / "recordings").glob("*.wav")]


async def test_calls_flow_and_the_ledger_is_proved() -> None:
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        status, out, err = await demo(Path(folder), "--for", "20", "--json")
        sizes = recordings(Path(folder))
    assert status == 0, err
    figures = json.loads(out.splitlines()[-1])
    assert set(figures) == {
        "calls_offered",
        "calls_answered",
        "calls_abandoned",
        "answered_within_10s",
        "surveys_asked",
        "surveys_answered",
        "summaries",
        "tickets",
        "ledger_mismatches",
        "board_p99_ms",
    }
    assert figures["ledger_mismatches"] == 0
    assert figures["calls_offered"] >= figures["calls_answered"] >= 10
    assert figures["surveys_answered"] > 0
    assert figures["summaries"] == figures["calls_answered"]
    assert figures["board_p99_ms"] > 0
    assert "sign in as 8001" in err
    assert len(sizes) == 2 * figures["calls_answered"]
    assert min(sizes) > 16_000  # a second of sound: both sides have said something


async def test_without_callers_the_line_is_the_visitors() -> None:
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        status, out, err = await demo(Path(folder), "--for", "3", "--json", "--no-callers")
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["calls_offered"] == 0
    assert "the line is yours" in err
    assert "dial 95559" in err
    assert "/agent/  sign in as" in err
    assert "dial *11" in err
