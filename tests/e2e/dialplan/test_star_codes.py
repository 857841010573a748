"""Agents work from the telephone alone, with no service running."""

from __future__ import annotations

import pytest

from hotline.simulation.scripts import Key, Pause, Phone, keys
from tests.support.ami_tap import Heard
from tests.support.exchange import TO_CARD, Exchange

pytestmark = pytest.mark.asterisk

NUMBER = keys("8001#")
PIN = keys("1357#")
WRONG = keys("1111#")


async def _code(line: Exchange, device: str, number: str, *steps: Pause | Key) -> Heard:
    """Dial a code; what the dialplan told the service about it."""
    since = len(line.tap.heard)
    sipp = await line.dial(device, number, *steps)
    told = await line.tap.wait_for("AgentCode", after=since, Device=device)
    assert (await sipp.done(60)).succeeded == 1, sipp.errors()
    return told


async def _log_in(line: Exchange, device: str) -> None:
    told = await _code(line, device, "*11", *NUMBER, *PIN)
    assert (told["Code"], told["Agent"], told["Result"]) == ("login", "8001", "ok")


@pytest.mark.rule("CALL-19", "CALL-21", "CALL-22")
async def test_a_shift_on_the_telephone_alone(line: Exchange) -> None:
    """Log in, ready, take a call, not ready with a reason, help, log out."""
    tap = line.tap
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=500))
    await _log_in(line, "d001")
    added = tap.all("QueueMemberAdded", MemberName="8001")
    assert {(e["Queue"], e["Penalty"], e["Paused"]) for e in added} == {
        ("card-cmn", "0", "1"),
        ("loss-cmn", "0", "1"),
        ("personal-cmn", "10", "1"),
    }
    told = await _code(line, "d001", "*12")
    assert (told["Code"], told["Agent"], told["Result"]) == ("ready", "8001", "ok")
    caller = await line.call(*TO_CARD)
    await tap.wait_for("AgentConnect", MemberName="8001")
    await caller.done(60)
    told = await _code(line, "d001", "*131")
    assert (told["Code"], told["Reason"], told["Result"]) == ("not_ready", "meal", "ok")
    assert tap.all("QueueMemberPause", Paused="1", PausedReason="meal", Queue="card-cmn")
    told = await _code(line, "d001", "*15")
    assert (told["Code"], told["Agent"], told["Result"]) == ("help", "8001", "ok")
    told = await _code(line, "d001", "*14")
    assert (told["Code"], told["Result"]) == ("logout", "ok")
    assert {e["Queue"] for e in tap.all("QueueMemberRemoved")} == {"card-cmn", "loss-cmn", "personal-cmn"}
    assert line.messages == ""


async def test_a_wrong_pin_opens_nothing_and_five_close_the_number(line: Exchange) -> None:
    """Denied five times; then the right PIN is refused too."""
    for _ in range(5):
        told = await _code(line, "d001", "*11", *NUMBER, *WRONG)
        assert told["Result"] == "denied"
    told = await _code(line, "d001", "*11", *NUMBER, *PIN)
    assert told["Result"] == "locked"
    assert not line.tap.all("QueueMemberAdded")


async def test_codes_of_a_telephone_where_nobody_is_logged_in(line: Exchange) -> None:
    """Ready and not ready are denied, an unknown code too."""
    assert (await _code(line, "d002", "*12"))["Result"] == "denied"
    assert (await _code(line, "d002", "*131"))["Result"] == "denied"
    unknown = await line.dial("d002", "*139")
    assert (await unknown.done(60)).failed == 1
    assert "404" in unknown.errors()


async def test_one_agent_has_one_telephone(line: Exchange) -> None:
    """Logging in elsewhere logs out at the former telephone."""
    await _log_in(line, "d001")
    await _log_in(line, "d002")
    assert {e["Queue"] for e in line.tap.all("QueueMemberRemoved", Interface="PJSIP/d001")} == {
        "card-cmn",
        "loss-cmn",
        "personal-cmn",
    }
    members = await line.asterisk.cli("queue show card-cmn")
    assert "PJSIP/d002" in members
    assert "PJSIP/d001" not in members


async def test_codes_of_an_agent_whom_the_service_logged_in(line: Exchange) -> None:
    """The codes act for whoever the service says sits here, not for whom an old record names."""
    await _log_in(line, "d001")
    await line.tap.action("QueueRemove", Queue="card-cmn", Interface="PJSIP/d001")
    await line.tap.action("Setvar", Variable="AGENT_D001", Value="8002")
    await line.member("d001", "8002", queue="personal-nan")
    assert (await _code(line, "d001", "*12"))["Agent"] == "8002"
    told = await _code(line, "d001", "*14")
    assert (told["Code"], told["Agent"], told["Result"]) == ("logout", "8002", "ok")
    assert line.tap.all("QueueMemberRemoved", Queue="personal-nan", MemberName="8002")


async def test_pins_are_nowhere_in_asterisks_own_records(line: Exchange) -> None:
    """Neither the log nor CEL nor CDR holds what was keyed in."""
    await _log_in(line, "d001")
    log = line.spec.directory / "log"
    for path in log.rglob("*"):
        if path.is_file():
            assert "1357" not in path.read_text(encoding="utf-8", errors="replace").replace("\n", " "), path


async def test_a_telephone_of_ours_calls_the_hotline_as_a_customer(line: Exchange) -> None:
    """Menu, queue, agent, survey: the same way as from the trunk."""
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=500))
    await line.member("d001", "8001")
    since = len(line.tap.heard)
    rates = (Pause(2_000), Key("5"), Pause(1_000), Key("1"))
    customer = await line.dial("d002", "95559", *TO_CARD, *rates)
    arrived = await line.tap.wait_for("CallArrived", after=since)
    assert (arrived["Called"], arrived["Caller"]) == ("95559", "002")
    connected = await line.tap.wait_for("AgentConnect", after=since)
    assert (connected["Queue"], connected["MemberName"]) == ("card-cmn", "8001")
    assert arrived["Uniqueid"] == connected["Uniqueid"]
    assert (await customer.done(60)).succeeded == 1, customer.errors()
    assert [e["Answer"] for e in line.tap.all("SurveyAnswered")] == ["5", "1"]
    assert line.messages == ""
