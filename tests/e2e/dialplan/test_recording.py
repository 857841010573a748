"""One pair of files for each agent leg: whose voice is where, how long, and from when to when."""

from __future__ import annotations

import wave
from array import array
from pathlib import Path

import pytest

from hotline.simulation.scripts import Phone
from tests.support.exchange import TO_CARD, Exchange, until
from tests.support.tones import power_at, write_alaw

pytestmark = pytest.mark.asterisk

CUSTOMER_HZ, AGENT_HZ, SECOND_AGENT_HZ = 440, 1_000, 1_700


def _closed(path: Path) -> bool:
    """One look at all of it, as it may be written at this moment; what is recorded here has some sound."""
    written = path.read_bytes() if path.exists() else b""
    return len(written) > 44 and int.from_bytes(written[40:44], "little") == len(written) - 44


async def samples(path: Path) -> array[int]:
    """The recorder closes its file a moment after the channel is gone; only then is its header true."""
    await until(lambda: _closed(path), f"{path.name} to be closed")
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8_000)
        return array("h", file.readframes(file.getnframes()))


def _voices(line: Exchange) -> dict[int, Path]:
    return {
        hz: write_alaw(line.folder / f"{hz}.alaw", hz, 1) for hz in (CUSTOMER_HZ, AGENT_HZ, SECOND_AGENT_HZ)
    }


async def test_each_side_has_its_own_file(line: Exchange) -> None:
    """The agent's voice alone in one, the customer's alone in the other, as long as they talked."""
    voices = _voices(line)
    await line.phone("d001", Phone("agent", answer_ms=200, talk_ms=2_000, voice=voices[AGENT_HZ]))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD, voice=voices[CUSTOMER_HZ])
    started = await line.tap.wait_for("RecordingStarted")
    await line.tap.wait_for("SurveyStarted")
    await line.tap.wait_for("Hangup", Uniqueid=started["Leg"])
    folder = line.spec.directory / "recordings"
    assert started["File"] == f"{started['Call']}_{started['Leg']}"
    agent = await samples(folder / f"{started['File']}-agent.wav")
    customer = await samples(folder / f"{started['File']}-customer.wav")
    assert len(agent) == len(customer)
    assert 1.9 < len(agent) / 8_000 < 2.2
    assert power_at(agent, AGENT_HZ) > 1_000 * power_at(agent, CUSTOMER_HZ) > 0
    assert power_at(customer, CUSTOMER_HZ) > 1_000 * power_at(customer, AGENT_HZ) > 0
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o640}
    await caller.done(60)


async def test_a_pair_for_each_leg(line: Exchange) -> None:
    """Transferred to another queue: no agent is in the other's pair."""
    voices = _voices(line)
    first = Phone("first", answer_ms=200, talk_ms=800, voice=voices[AGENT_HZ], transfer_to="loss-cmn")
    await line.phone("d001", first)
    await line.phone("d002", Phone("second", answer_ms=200, talk_ms=800, voice=voices[SECOND_AGENT_HZ]))
    await line.member("d001", "8001")
    await line.member("d002", "8002", queue="loss-cmn")
    caller = await line.call(*TO_CARD, voice=voices[CUSTOMER_HZ])
    await line.tap.wait_for("SurveyStarted")
    one, two = line.tap.all("RecordingStarted")
    assert one["Call"] == two["Call"]
    await line.tap.wait_for("Hangup", Uniqueid=two["Leg"])
    folder = line.spec.directory / "recordings"
    for started, own, other in ((one, AGENT_HZ, SECOND_AGENT_HZ), (two, SECOND_AGENT_HZ, AGENT_HZ)):
        agent = await samples(folder / f"{started['File']}-agent.wav")
        assert power_at(agent, own) > 1_000 * power_at(agent, other)
        assert power_at(await samples(folder / f"{started['File']}-customer.wav"), CUSTOMER_HZ) > 1_000_000
    await caller.done(60)


@pytest.mark.parametrize("line", [{"recording": False}], indirect=True)
async def test_no_recording_when_it_is_off(line: Exchange) -> None:
    """The setting holds: nothing is written, nothing is announced."""
    await line.phone("d001", Phone("agent", answer_ms=100, talk_ms=300))
    await line.member("d001", "8001")
    caller = await line.call(*TO_CARD)
    await line.tap.wait_for("SurveyStarted")
    assert not line.tap.all("RecordingStarted")
    assert not list((line.spec.directory / "recordings").iterdir())
    await caller.done(60)
