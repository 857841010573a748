"""A file that a real Asterisk is writing: filed only once it is closed, and then as it stays."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from core.clock import SECOND
from recordings.model import Part, Status
from telephony.instance import AsteriskInstance, find
from tests.integration.recordings.conftest import LEG, archive_in
from tests.integration.ticketing.conftest import CALL

pytestmark = pytest.mark.asterisk

_MODULES = (
    "pbx_config app_mixmonitor format_wav app_milliwatt func_channel res_timing_timerfd codec_ulaw "
    "bridge_simple app_stack res_clioriginate"
)


@pytest.fixture
async def asterisk() -> AsyncIterator[AsteriskInstance]:
    """A bare Asterisk: a Local channel in `record` records until it is hung up."""
    programs = await find()
    # A short path: the address of its control socket may have no more than 107 characters.
    with tempfile.TemporaryDirectory(prefix="rec-") as made:
        node = Path(made)
        for name in ("etc", "run", "log", "spool", "lib", "recordings"):
            (node / name).mkdir()
        (node / "etc/asterisk.conf").write_text(
            "[directories]\n"
            f"astetcdir => {node}/etc\nastrundir => {node}/run\nastlogdir => {node}/log\n"
            f"astspooldir => {node}/spool\nastvarlibdir => {node}/lib\nastdbdir => {node}/lib\n"
            f"astkeydir => {node}/lib\nastdatadir => {programs.data}\nastmoddir => {programs.modules}\n"
        )
        loads = "".join(f"load = {name}.so\n" for name in _MODULES.split())
        (node / "etc/modules.conf").write_text(f"[modules]\nautoload = no\n{loads}")
        base = f"{node}/recordings/{CALL}_{LEG}"
        (node / "etc/extensions.conf").write_text(
            "[record]\nexten => both,1,Answer()\n"
            f" same => n,MixMonitor({base}.wav,r({base}-customer.wav)t({base}-agent.wav))\n"
            " same => n,Wait(60)\n"
        )
        instance = AsteriskInstance(node, programs)
        await instance.start()
        yield instance
        await instance.stop()


async def until(happened: Callable[[], bool]) -> None:
    """The file system tells nobody: ask it, for ten seconds at most."""
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - a file that grows sets no event
            await asyncio.sleep(0.02)


async def test_asterisks_own_file_is_filed_when_it_is_closed(
    asterisk: AsteriskInstance, tmp_path: Path
) -> None:
    (tmp_path / "node1").mkdir()
    (tmp_path / "node1/recordings").symlink_to(asterisk.node_dir / "recordings")
    async with archive_in(tmp_path, waits_s=[0.05] * 200) as archive:
        path = archive.folder / f"{CALL}_{LEG}.wav"
        await asterisk.cli("channel originate Local/both@record application Milliwatt")
        await until(lambda: path.exists() and path.stat().st_size > 1000)
        await archive.leg(file=f"{CALL}_{LEG}")
        assert (await archive.row()).status is Status.ENDED
        assert await archive.ledger.read(0, kinds={"RecordingFiled"}) == []
        await asterisk.cli("channel request hangup all")
        (fact,) = await archive.filed()
        row = await archive.row()
    assert (fact.status, row.status) == ("present", Status.PRESENT)
    assert fact.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {file.part for file in row.files} == set(Part) - {Part.LEADER}
    assert len({file.length for file in row.files}) == 1
    assert fact.length >= SECOND
