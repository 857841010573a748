"""What a log line carries, and what it must never carry (guarantee 7)."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from hotline import logs
from hotline.settings import LogForm, LogLevel, LogSettings

CALL = "12345678-1234-4234-8234-123456789012"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Where this process's log goes for the length of a test."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(LogSettings(form=LogForm.JSON), stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_names(lines: io.StringIO) -> None:
    structlog.get_logger("telephony").info("agent answered", waited_ms=3120)
    (line,) = written(lines)
    assert line.pop("at").endswith("Z")
    assert line == {"event": "agent answered", "level": "info", "logger": "telephony", "waited_ms": 3120}


def test_level_holds_back_what_is_below(lines: io.StringIO) -> None:
    logs.configure(LogSettings(form=LogForm.JSON, level=LogLevel.WARNING), lines)
    structlog.get_logger("x").info("quiet")
    logging.getLogger("aiohttp.server").warning("heard")
    assert [line["event"] for line in written(lines)] == ["heard"]


async def test_call_and_agent_are_bound_per_task(lines: io.StringIO) -> None:
    both_in = asyncio.Barrier(2)

    async def handle(agent: str) -> None:
        with logs.about(call=CALL, agent=agent):
            await both_in.wait()
            logging.getLogger("old").warning("seen")

    await asyncio.gather(handle("1001"), handle("1002"))
    structlog.get_logger("x").info("outside")
    first, second, outside = written(lines)
    assert {first["agent"], second["agent"]} == {"1001", "1002"}
    assert first["call"] == CALL
    assert "call" not in outside


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("caller", "13812345678", "138****5678"),
        ("note", "rang 13812345678 twice", "rang 138****5678 twice"),
        ("note", "card 6222 0212 3456 7890", "card ***************7890"),
        ("note", "id 35020319800101123X", "id **************123X"),
        ("password", "hush", "***"),
        ("ami_secret", "hush", "***"),
        ("headers", {"Cookie": "hush", "Host": "x"}, {"Cookie": "***", "Host": "x"}),
        ("rows", [{"pin": "1234"}], [{"pin": "***"}]),
        ("note", "login Secret: hush now", "login Secret: *** now"),
        ("url", "postgresql://bank:hush@db/hotline", "postgresql://bank:***@db/hotline"),
        ("error", ValueError("number 13812345678"), "number 138****5678"),
        ("call", CALL, CALL),
        ("file", f"{CALL}-node1-1700000000.12.wav", f"{CALL}-node1-1700000000.12.wav"),
        ("leg", "node1-1700000000.12", "node1-1700000000.12"),
        ("at_us", 1700000000123456, 1700000000123456),
    ],
)
def test_masking(lines: io.StringIO, key: str, value: object, shown: object) -> None:
    structlog.get_logger("x").info("seen", **{key: value})
    assert written(lines)[0][key] == shown


def test_lines_of_the_standard_library_are_masked_too(lines: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").warning("caller %s", "13812345678")
    assert written(lines)[0]["event"] == "caller 138****5678"


def test_a_traceback_shows_no_local_values(lines: io.StringIO) -> None:
    def fails() -> None:
        hidden = "".join(["hu", "sh"])
        raise ValueError(f"{len(hidden)} letters")

    try:
        fails()
    except ValueError:
        structlog.get_logger("x").exception("went wrong")
    assert "4 letters" in written(lines)[0]["exception"]
    assert "hush" not in lines.getvalue()


def test_console_form_is_for_people() -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    logs.configure(LogSettings(form=LogForm.CONSOLE), stream)
    structlog.get_logger("x").info("ready", password="hush")
    logging.getLogger().handlers[:], logging.getLogger().level = before
    structlog.reset_defaults()
    assert "ready" in stream.getvalue()
    assert "hush" not in stream.getvalue()
