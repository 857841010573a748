"""The private Asterisk: unpacked without being installed, so all it needs must be in there."""

import asyncio

import pytest

from telephony.instance import find, version, wide_enough

pytestmark = pytest.mark.asterisk


async def output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return said.decode()


async def test_asterisk_and_sipp_start() -> None:
    programs = await find()
    assert wide_enough(await version(programs))
    assert "SIPp v3." in await output(*programs.sipp, "-v")


async def test_every_module_finds_its_libraries() -> None:
    programs = await find()
    if programs.root is None:
        pytest.skip("the system's own Asterisk is in use; its packages see to its libraries")
    modules = sorted(programs.modules.glob("*.so"))
    assert len(modules) > 200
    for module in modules:
        needed = await output(*programs.asterisk[:-1], "--list", str(module))
        assert "=>" in needed or "statically linked" in needed, module
        assert "not found" not in needed, module
