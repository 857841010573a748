"""A telephone that does at the test's word what its script does not: BYE, INFO and REFER in its dialogues.

A SIPp process acts by the clock, and knows one of the telephone's dialogues, where REFER with Replaces (as
JsSIP sends it, RFC 3515, 3891, 5589) needs the names of two. Asterisk is asked for the names, and the request
goes into the dialogue from a socket of its own. SIPp is not told: its script may only wait from then on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote

from tests.support.ami_tap import AmiTap

_cseq = count(50)
"""Later than anything a script has sent in its dialogue before."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One dialogue by its three names and both addresses, as Asterisk sees them: `local_*` is Asterisk's."""

    call_id: str
    local_tag: str
    remote_tag: str
    local_uri: str
    remote_uri: str


async def dialogue_of(tap: AmiTap, channel: str) -> Dialogue:
    """The dialogue behind a PJSIP channel."""

    async def ask(what: str) -> str:
        reply = await tap.action("Getvar", Channel=channel, Variable=f"CHANNEL(pjsip,{what})")
        assert reply["Value"], f"{channel} has no {what}: {reply}"
        return reply["Value"]

    names = [await ask(what) for what in ("call-id", "local_tag", "remote_tag", "local_uri", "remote_uri")]
    return Dialogue(*names)


async def bye(tap: AmiTap, channel: str, port: int) -> str:
    """Whoever is at the other end of `channel` hangs up; the first line of the answer."""
    return await _ask(await dialogue_of(tap, channel), port, "BYE")


async def press(tap: AmiTap, channel: str, key: str, port: int) -> str:
    """He presses one key; the first line of the answer."""
    kind, relay = "Content-Type: application/dtmf-relay", f"Signal={key}\r\nDuration=120\r\n"
    return await _ask(await dialogue_of(tap, channel), port, "INFO", kind, body=relay)


async def refer_with_replaces(tap: AmiTap, channel: str, other: str, port: int) -> str:
    """Send the REFER within `channel`'s dialogue, replacing `other`'s; the first line of the answer."""
    replaced = await dialogue_of(tap, other)
    # Tags are named as whoever gets the request calls them: its own is the "to-tag".
    dialogue = f"{replaced.call_id};to-tag={replaced.local_tag};from-tag={replaced.remote_tag}"
    return await _refer(tap, channel, f"127.0.0.1:{port}?Replaces={quote(dialogue, safe='')}", port)


async def refer(tap: AmiTap, channel: str, target: str, port: int) -> str:
    """Send the REFER to `target` within `channel`'s dialogue; the first line of the answer, which says what
    comes of it: no messages later on (RFC 4488), as the telephone's script would not understand them.
    """
    return await _refer(tap, channel, f"{target}@127.0.0.1:{port}", port, "Refer-Sub: false")


async def _refer(tap: AmiTap, channel: str, place: str, port: int, *more: str) -> str:
    mine = await dialogue_of(tap, channel)
    by = f"Referred-By: <{_address(mine.remote_uri)}>"
    return await _ask(mine, port, "REFER", f"Refer-To: <sip:{place}>", *more, by)


async def _ask(mine: Dialogue, port: int, method: str, *headers: str, body: str = "") -> str:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    class _Listens(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            if not answer.done():
                answer.set_result(data.decode().partition("\r\n")[0])

    transport, _ = await loop.create_datagram_endpoint(
        _Listens, local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", port)
    )
    try:
        here = transport.get_extra_info("sockname")[1]
        number = next(_cseq)
        lines = (
            f"{method} sip:127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{here};rport;branch=z9hG4bK-{method}-{here}-{number}",
            f"From: <{_address(mine.remote_uri)}>;tag={mine.remote_tag}",
            f"To: <{_address(mine.local_uri)}>;tag={mine.local_tag}",
            f"Call-ID: {mine.call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:127.0.0.1:{here}>",
            "Max-Forwards: 70",
            *headers,
            f"Content-Length: {len(body)}",
        )
        transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return await asyncio.wait_for(answer, 30)
    finally:
        transport.close()


def _address(uri: str) -> str:
    """The bare address in what may have a display name and angle brackets."""
    return uri.rpartition("<")[2].partition(">")[0]
