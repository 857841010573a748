"""The node itself: starts clean, lives beside others, dies and comes back, and tells its own story."""

from __future__ import annotations

import json

import pytest

from hotline.simulation.scripts import Key, Pause, Phone
from telephony import instance
from telephony.nodespec import DeviceSpec
from telephony.seat_address import seat_address
from tests.support.exchange import TO_CARD, Exchange, exchange
from tests.support.ports import own

pytestmark = pytest.mark.asterisk
PAGES = {
    "page_port": own().spare[1],
    "devices": (
        DeviceSpec(name="d001", secret="a" * 20),
        DeviceSpec(name="d002", secret="b" * 20, page=True),
        DeviceSpec(name="d003", secret="c" * 20, page=True),
    ),
}


async def test_it_starts_without_a_warning(line: Exchange) -> None:
    """Not one warning or error in the log, and the version is one the facts were measured on."""
    assert line.messages == ""
    version = instance.version_of(await line.asterisk.cli("core show version"))
    assert version is not None
    assert instance.wide_enough(version)


async def test_two_run_side_by_side_and_one_dies(line: Exchange) -> None:
    """Own sockets, ports and files; the death of one is nothing to the other; a dead one starts again."""
    async with exchange(port=own().spare[0]) as other:
        assert other.asterisk.pid != line.asterisk.pid
        await line.asterisk.kill()
        assert "fully booted" in await other.asterisk.cli("core waitfullybooted")
        with pytest.raises(instance.AsteriskProblem):
            await line.asterisk.cli("core show uptime")
        await line.boot()
        assert "fully booted" in await line.asterisk.cli("core waitfullybooted")


async def test_our_facts_can_be_read_back_from_cel(line: Exchange) -> None:
    """What was told live is in the file too, the same facts with the same values in the same order."""
    await line.phone("d001", Phone("agent", answer_ms=100, talk_ms=300))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, Pause(1000), Key("5"), Pause(600), Key("1"))
    await caller.done(60)
    await line.tap.wait_for("CallGone")
    own = [heard for heard in line.tap.heard if heard["Event"] == "UserEvent"]
    await line.asterisk.stop()
    path = line.spec.directory / "log" / "cel-custom" / "facts.jsonl"
    records = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()]
    kept = [record for record in records if record["eventenum"] == "USER_DEFINED"]
    assert [record["userdeftype"] for record in kept] == [heard["UserEvent"] for heard in own]
    for record, heard in zip(kept, own, strict=True):
        assert record["uniqueid"] == heard["Uniqueid"]
        extra = json.loads(record["eventextra"])["extra"]
        for pair in extra.split("&"):
            name, _, value = pair.partition("=")
            assert (name, value) in heard.headers


@pytest.mark.parametrize("line", [PAGES], indirect=True)
async def test_the_secret_of_a_telephone_in_a_page_is_good_at_its_own_seat_alone(line: Exchange) -> None:
    """From another address it is no good, as that of a telephone on a desk is; nor is that from a seat."""
    port = own().spare[2]
    assert not await line.registers("d002", port, source="127.0.0.9")
    assert not await line.registers("d002", port)
    assert not await line.registers("d002", port, source=seat_address("d003"))
    assert await line.registers("d002", port, source=seat_address("d002"))
    assert await line.registers("d001", port, source="127.0.0.9")
    assert not await line.registers("d001", port, source=seat_address("d002"))


@pytest.mark.rule("CALL-12")
async def test_the_language_goes_with_the_call(line: Exchange) -> None:
    """English chosen: English queue, and the queue's fact says so."""
    caller = await line.call(Pause(250), Key("3"), Pause(250), Key("4"))
    await line.tap.wait_for("QueueEntered", Queue="complaints-en", Language="en")
    await caller.done(60)


async def test_a_strange_number_does_no_harm(line: Exchange) -> None:
    """Letters, quotes and dialplan in the caller's number: only digits arrive."""
    caller = await line.call(Pause(100), hang_up=True, number="%22%5D%24%7BSHELL(id)%7D139")
    arrived = await line.tap.wait_for("CallArrived")
    assert arrived["Caller"] == "139"
    await caller.done(60)
    assert line.messages == ""
