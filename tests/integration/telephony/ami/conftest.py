"""One small Asterisk for all the tests of this folder that need a real one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from telephony.instance import AsteriskInstance, find
from tests.integration.telephony.ami.real_node import write_node
from tests.support.ports import own


@dataclass(frozen=True)
class RealNode:
    """A running Asterisk and its ports."""

    asterisk: AsteriskInstance
    ami_port: int
    sip_port: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealNode]:
    """Starts it once for a module."""
    programs = await find()
    directory = tmp_path_factory.mktemp("node")
    ports = own()
    write_node(directory, programs, ports.ami, ports.sip)
    async with AsteriskInstance(directory, programs) as asterisk:
        yield RealNode(asterisk, ports.ami, ports.sip)
