"""Who is served first, and in which language, with no service running."""

from __future__ import annotations

import pytest

from core.dialling import spellings
from hotline.simulation.scripts import Key, Pause, Phone
from telephony.nodefiles import customer_file
from tests.support.exchange import Exchange

pytestmark = pytest.mark.asterisk

ANSWERS = Phone("agent", answer_ms=200, talk_ms=400)
TO_LOSS = (Pause(400), Key("5"))
"""Straight to 挂失 from the first menu, without a word about the language."""
MOBILE, LANDLINE, ABROAD, STRANGER = "13800001111", "059588880001", "+442079460000", "13800001112"
KEY = "0123456789abcdef"


def keep(line: Exchange, number: str, says: str) -> None:
    """What the service writes of a customer's number while it is alive."""
    folder = line.spec.directory / "customers"
    (folder / customer_file(line.spec.customer_key, number)).write_text(says, "ascii")


async def arrives(line: Exchange, number: str) -> str:
    """Somebody calls from that number and says nothing; whether the dialplan takes them for a VIP."""
    heard = len(line.tap.heard)
    reply = await line.tap.action(
        "Originate",
        Channel="Local/95559@from-trunk",
        CallerID=f"somebody <{number}>",
        Application="Wait",
        Data="60",
        Async="true",
    )
    assert reply["Response"] == "Success", reply
    return (await line.tap.wait_for("CallArrived", after=heard, Caller=number))["Vip"]


@pytest.mark.parametrize("line", [{"vips": (MOBILE, LANDLINE, ABROAD), "customer_key": KEY}], indirect=True)
async def test_a_caller_is_known_however_the_carrier_writes_the_number(line: Exchange) -> None:
    """By the list of VIPs, and by the file of the number."""
    listed = [way for number in (MOBILE, LANDLINE, ABROAD) for way in sorted(spellings(number))]
    assert {way: await arrives(line, way) for way in listed} == dict.fromkeys(listed, "1")
    kept = sorted(spellings(STRANGER))
    assert {way: await arrives(line, way) for way in kept} == dict.fromkeys(kept, "0")
    keep(line, STRANGER, "1")
    assert {way: await arrives(line, way) for way in kept} == dict.fromkeys(kept, "1")
    keep(line, STRANGER, "0en")
    assert {way: await arrives(line, way) for way in kept} == dict.fromkeys(kept, "0")
    assert await arrives(line, "") == "0"
    assert line.messages == ""


@pytest.mark.parametrize("line", [{"customer_key": KEY}], indirect=True)
async def test_a_language_of_the_record_that_nobody_speaks_turns_nobody_away(line: Exchange) -> None:
    """Led to the queue of the record's language; from there, where nobody is, to the one that is served."""
    await line.phone("d001", ANSWERS)
    await line.member("d001", "8001", "loss-cmn")
    keep(line, MOBILE, "1en")
    caller = await line.call(*TO_LOSS, number=MOBILE)
    await line.tap.wait_for("AgentConnect", MemberName="8001")
    assert (await caller.done(60)).succeeded == 1, caller.errors()
    entered = line.tap.all("QueueEntered")
    assert [(e["Queue"], e["Language"]) for e in entered] == [("loss-en", "en"), ("loss-cmn", "cmn")]
    assert len({e["JoinedUs"] for e in entered}) == 1
    assert [e["Status"] for e in line.tap.all("QueueLeft")] == ["OTHERWISE", "CONTINUE"]
    assert not line.tap.all("NobodyOnDuty")
    said = line.messages.splitlines()
    assert [text for text in said if "Unable to join queue 'loss-en'" not in text] == []
