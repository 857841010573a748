"""Changes of the directory that stand in Asterisk's own files: on a real one, without anybody's help."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core import facts as f
from hotline.simulation.scripts import Key, Pause, keys
from tests.e2e.journey.test_seats import dial
from tests.support.floor import Floor, Person

pytestmark = [pytest.mark.asterisk, pytest.mark.asyncio(loop_scope="module")]
VIP = "13800001111"
TO_CARD = (Pause(400), Key("1"), Pause(400), Key("2"), Pause(400), Key("1"))


async def changed(admin: Person, section: str, key: str, body: Any) -> int:
    """Make a change; its number."""
    line = {"section": section, "key": key, "entry": body}
    return int((await admin.post("/api/directory/changes", lines=[line], reason="asked for"))["number"])


async def live(hotline: Floor, admin: Person, change: int) -> dict[str, Any]:
    """The node, once it has been told of that change."""
    async with asyncio.timeout(60):
        await hotline.hotline.upkeep.tried(change)
    (node,) = (await admin.get("/api/directory/live"))["nodes"]
    assert node["change"] == change or node["waiting"], node
    return dict(node)


def etc(hotline: Floor, name: str) -> Path:
    return hotline.settings.nodes[0].directory / "etc" / name


@pytest.mark.rule("SEC-05")
async def test_a_new_vip_goes_first_from_the_next_call_on(hotline: Floor) -> None:
    admin = await hotline.sign_in("9001")
    queues = etc(hotline, "queues.conf").stat().st_mtime_ns
    node = await live(hotline, admin, await changed(admin, "vip_numbers", VIP, {}))
    assert (node["waiting"], node["since"] is not None) == ("", True)
    since = len(hotline.facts)
    await hotline.exchange.call(*TO_CARD, number=VIP)
    arrived = await hotline.fact(f.CallArrived, after=since)
    assert (arrived.caller, arrived.vip) == (VIP, True)
    assert etc(hotline, "queues.conf").stat().st_mtime_ns == queues  # nothing else was touched


@pytest.mark.rule("SEC-21")
async def test_the_pin_of_who_is_suspended_opens_nothing(hotline: Floor) -> None:
    admin = await hotline.sign_in("9001")
    await hotline.exchange.phone("d010")
    there = (await admin.get("/api/directory/entries", section="staff", key="1012"))["entries"][0]
    await live(hotline, admin, await changed(admin, "staff", "1012", {**there["entry"], "active": False}))
    code = await dial(hotline, "d010", "*11", *keys("1012#"), *keys(f"{hotline.pin('1012')}#"))
    assert code["Result"] == "denied"


async def test_another_ring_time_reaches_the_queue_and_calls_go_on(hotline: Floor) -> None:
    admin = await hotline.sign_in("9001")
    since = len(hotline.facts)
    await hotline.exchange.call(*TO_CARD)
    await hotline.fact(f.CallArrived, after=since)
    await live(hotline, admin, await changed(admin, "queues", "card", {"ring_s": 7}))
    shown = await hotline.exchange.asterisk.cli("queue show card-cmn")
    assert "card-cmn" in shown
    assert "timeout=7" in etc(hotline, "queues.conf").read_text().replace(" ", "")
    assert not [fact for fact in hotline.all(f.CallEnded) if fact.reason is f.EndReason.NODE_LOST]


async def test_a_file_that_somebody_else_has_changed_is_left_alone(hotline: Floor) -> None:
    admin = await hotline.sign_in("9001")
    file = etc(hotline, "queues.conf")
    ours = file.read_text()
    file.write_text(ours + "; mine\n")
    try:
        node = await live(hotline, admin, await changed(admin, "queues", "card", {"ring_s": 8}))
        assert "queues.conf is not as this program made it" in node["waiting"]
        assert "`hotline prepare`" in node["waiting"]
        assert file.read_text().endswith("; mine\n")
    finally:
        file.write_text(ours)
    node = await live(hotline, admin, await changed(admin, "vip_numbers", "13800002222", {}))
    assert node["waiting"] == ""
    assert "timeout=8" in file.read_text().replace(" ", "")
