"""A telephone that only listens: the words of the first INVITE it gets, as they went over the wire."""

from __future__ import annotations

import asyncio
from typing import Any, cast


class _Ear(asyncio.DatagramProtocol):
    """Answers questions whether it is there, and keeps the first INVITE it hears."""

    def __init__(self) -> None:
        self.invite: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        text = data.decode()
        if text.startswith("INVITE ") and not self.invite.done():
            self.invite.set_result(text)
        if text.startswith("OPTIONS "):
            kept = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
            lines = [line for line in text.splitlines() if line.startswith(kept)]
            answer = ["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]
            self._transport.sendto("\r\n".join(answer).encode(), addr)


async def listen(ip: str, port: int) -> tuple[asyncio.DatagramTransport, asyncio.Future[str]]:
    """Such a telephone at this address, to be closed by its transport, and what it will have heard."""
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(_Ear, local_addr=(ip, port))
    return transport, ear.invite
