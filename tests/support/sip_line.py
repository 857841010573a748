"""A page that speaks SIP by hand over its line to a node: for what no page of ours would say."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets

from aiohttp import ClientWebSocketResponse

_AT = "hotline.invalid"
_ONCE = "00000001"


async def registers(line: ClientWebSocketResponse, device: str, secret: str) -> int:
    """The status with which Asterisk answers a REGISTER as `device`, with the digest if it asks for one."""
    call, answer = secrets.token_hex(8), ""
    for turn in (1, 2):
        await line.send_str(_register(device, call, turn, _digest(answer, device, secret) if answer else ""))
        answer = await _answer(line, turn)
        if not answer.startswith("SIP/2.0 401"):
            break
    return int(answer.split(" ", 2)[1])


def _register(device: str, call: str, turn: int, authorization: str) -> str:
    who = f"<sip:{device}@{_AT}>"
    lines = [
        f"REGISTER sip:{_AT} SIP/2.0",
        f"Via: SIP/2.0/WS page.invalid;branch=z9hG4bK{call}{turn}",
        f"From: {who};tag={call}",
        f"To: {who}",
        f"Call-ID: {call}",
        f"CSeq: {turn} REGISTER",
        "Max-Forwards: 70",
        f"Contact: <sip:{device}@page.invalid;transport=ws>",
        "Expires: 60",
        *([f"Authorization: {authorization}"] if authorization else []),
        "Content-Length: 0",
    ]
    return "\r\n".join(lines) + "\r\n\r\n"


async def _answer(line: ClientWebSocketResponse, turn: int) -> str:
    """The final answer to this turn; what Asterisk asks of its own accord meanwhile stays unanswered."""
    async with asyncio.timeout(30):
        while True:
            text = await line.receive_str()
            if re.match(r"SIP/2\.0 [2-6]", text) and f"CSeq: {turn} REGISTER" in text:
                return text


def _digest(challenge: str, device: str, secret: str) -> str:
    """RFC 2617, as JsSIP does it."""
    asked = dict(re.findall(r'(\w+)="?([^",\r\n]+)"?', challenge.split("WWW-Authenticate:", 1)[1]))
    uri, nonce, own = f"sip:{_AT}", asked["nonce"], secrets.token_hex(4)
    who = _md5(f"{device}:{asked['realm']}:{secret}")
    response = _md5(f"{who}:{nonce}:{_ONCE}:{own}:auth:{_md5(f'REGISTER:{uri}')}")
    said = {"username": device, "realm": asked["realm"], "nonce": nonce, "uri": uri, "response": response}
    said |= {"cnonce": own} | ({"opaque": asked["opaque"]} if "opaque" in asked else {})
    quoted = ", ".join(f'{name}="{value}"' for name, value in said.items())
    return f"Digest {quoted}, algorithm=MD5, qop=auth, nc={_ONCE}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
