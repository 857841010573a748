"""Text messages through the bank's SMS gateway, over HTTP.

Every request is signed: `X-Signature` is the HMAC-SHA256, in hexadecimal, of `X-Timestamp` (seconds since
1970), a line feed and the body, under the key both sides hold. Delivery reports come signed in the same way.

    → POST {"id": "5f…", "to": "13800001111", "text": "…"}
    ← 2xx taken · 409 taken before under this id · 400, 422 never · 5xx, 429, 401, 403 nothing just now
    report: {"id": "5f…", "status": "delivered" | "failed", "detail": "…"}
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
import msgspec

from core.clock import MINUTE, SECOND, Clock, Duration, Instant
from core.errors import BadInput
from storage.notices.channel import ChannelDown, Message, OutcomeUnknown, Refused

FRESH: Duration = 5 * MINUTE
"""How far the time of a report may be from our own: what is older may be a copy somebody kept."""

_LONGEST_TEXT = 300
_STAMP, _SIGNATURE = re.compile(r"[0-9]{1,12}"), re.compile(r"[0-9a-f]{64}")
_NEVER = frozenset({400, 404, 413, 422})
_TAKEN_BEFORE = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """`account`: who we are to it. `key`: shared with it. `signature`: 【…】 before every text."""

    url: str
    account: str
    key: str = field(repr=False)
    signature: str = ""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a message, by the gateway. `id`: the message's `provider_id`."""

    id: str
    status: Literal["delivered", "failed"]
    detail: str = ""


class SmsChannel:
    """A `Channel` by one gateway."""

    def __init__(self, gateway: Gateway, *, clock: Clock) -> None:
        self._gateway = gateway
        self._clock = clock

    async def send(self, message: Message) -> None:
        """Hand one message to the gateway."""
        gateway = self._gateway
        body = msgspec.json.encode(
            {"id": message.id, "to": message.address, "text": text_of(message, gateway.signature)}
        )
        stamp = str(self._clock() // SECOND)
        headers = {
            "Content-Type": "application/json",
            "X-Account": gateway.account,
            "X-Timestamp": stamp,
            "X-Signature": sign(gateway.key, stamp, body),
        }
        limit = aiohttp.ClientTimeout(total=gateway.timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(gateway.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                said = (await answer.text())[:200]
        except aiohttp.ClientConnectorError as error:
            raise ChannelDown(f"the SMS gateway does not answer: {error}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(
                f"the SMS gateway did not say whether it took it: {error or 'time is up'}"
            ) from error
        if answer.status in _NEVER:
            raise Refused(f"{answer.status} {said}")
        if not 200 <= answer.status < 300 and answer.status != _TAKEN_BEFORE:
            raise ChannelDown(f"the SMS gateway takes nothing just now: {answer.status} {said}")


def text_of(message: Message, signature: str) -> str:
    """The text as it arrives: signature, subject and text in one line, cut where a message grows too long."""
    line = re.sub(r"\s+", " ", f"{message.subject}:{message.text}")
    return (f"【{signature}】" if signature else "") + line[:_LONGEST_TEXT]


def sign(key: str, stamp: str, body: bytes) -> str:
    """The signature of a body sent at `stamp`."""
    return hmac.new(key.encode(), f"{stamp}\n".encode() + body, hashlib.sha256).hexdigest()


def verified_report(body: bytes, *, stamp: str, signature: str, key: str, now: Instant) -> Report:
    """The report of a body that the gateway signed. `BadInput`: somebody else's, too old, or no report.

    Its `where` says which: `X-Signature`, `X-Timestamp` or `body`; nothing but the first is told to somebody
    who cannot sign. Pure. A report that comes twice is the same report: what is done with it must bear that.
    """
    signature = signature.lower()
    shaped = _STAMP.fullmatch(stamp) and _SIGNATURE.fullmatch(signature)
    if not shaped or not hmac.compare_digest(sign(key, stamp, body), signature):
        raise BadInput("X-Signature", "is not that of X-Timestamp and this body under our key")
    if abs(now - int(stamp) * SECOND) > FRESH:
        raise BadInput("X-Timestamp", f"is not within {FRESH // MINUTE} minutes of our clock")
    try:
        return msgspec.json.decode(body, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("body", f"is no delivery report: {error}") from error
