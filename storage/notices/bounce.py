"""Reading a mail that came back: a delivery status notification (RFC 3464). Pure, for input from anybody.

Only what a machine said in its machine-readable part counts; what stands in words beside it is for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from enum import StrEnum

_ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
"""Where the address that the mail came back to may stand: the last four are the last mail system's own."""
_NAMED = ("Message-ID", "Return-Path")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_MOST_PARTS = 20
_MOST_RECIPIENTS = 20
_LONGEST_WORDS = 300
_GONE = {(0, 0), (2, 0), (2, 1)}
"""Besides all of 5.1.x, what says that an address is no good, rather than this mail or just now."""


class Fate(StrEnum):
    """What the mail system says of a mail, as far as it concerns us."""

    RETURNED = "returned"
    """It gives up."""
    DELAYED = "delayed"
    """It goes on trying."""
    OTHER = "other"
    """Delivered, relayed, expanded: nothing that was missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What came back. `named`: all places at which a token of ours may stand. `gone`: addresses that are no
    good, in small letters. `status`: `5.1.1`, "" if it was not told; `words`: the far end's own, one line.
    """

    fate: Fate
    named: str
    status: str
    words: str
    gone: frozenset[str] = frozenset()


class NotReadable(ValueError):
    """It is no delivery status notification, or a broken one; says why."""


def read_bounce(raw: bytes) -> Bounce:
    """What a mail says. `NotReadable`, and nothing else, for whatever else it may be."""
    try:
        return _read(message_from_bytes(raw, policy=compat32))
    except NotReadable:
        raise
    except Exception as error:  # RecursionError, LookupError, UnicodeError …: the parser's, of hostile input
        raise NotReadable(f"it cannot be taken apart: {type(error).__name__}") from error


def _read(mail: Message) -> Bounce:
    if mail.get_content_type() != "multipart/report":
        raise NotReadable(f"it is no report but {mail.get_content_type()[:60]}")
    parts = _parts(mail)
    status = next((part for part in parts if part.get_content_type() == "message/delivery-status"), None)
    blocks = status.get_payload() if status is not None else None
    if not isinstance(blocks, list) or len(blocks) < 2:
        raise NotReadable("it has no delivery status of a recipient")
    recipients = [block for block in blocks[1:] if isinstance(block, Message)][:_MOST_RECIPIENTS]
    fates = [_fate(one) for one in recipients]
    fate = min(fates, key=list(Fate).index)
    worst = recipients[fates.index(fate)]
    given = _text(worst, "Status")
    found = _STATUS.search(given)
    return Bounce(
        fate=fate,
        named="\n".join(_named(mail, parts)),
        status=found[0] if found else "",
        words=_line(_text(worst, "Diagnostic-Code") or given),
        gone=frozenset(_gone(recipients)),
    )


def _parts(mail: Message) -> list[Message]:
    """The parts of the report itself: what stands within a mail that was sent back is not ours to read."""
    payload = mail.get_payload()
    if not isinstance(payload, list):
        raise NotReadable("its parts cannot be told apart")
    return [part for part in payload if isinstance(part, Message)][:_MOST_PARTS]


def _fate(recipient: Message) -> Fate:
    match _text(recipient, "Action").strip().lower():
        case "failed":
            return Fate.RETURNED
        case "delayed":
            return Fate.DELAYED
    return Fate.OTHER


def _gone(recipients: Iterable[Message]) -> Iterator[str]:
    for one in recipients:
        found = _STATUS.search(_text(one, "Status"))
        if _fate(one) is not Fate.RETURNED or found is None or found[1] != "5":
            continue
        subject, detail = int(found[2]), int(found[3])
        if subject == 1 or (subject, detail) in _GONE:
            for field in ("Final-Recipient", "Original-Recipient"):
                address = _text(one, field).partition(";")[2].strip().strip("<>").lower()
                if address:
                    yield address[:254]


def _named(mail: Message, parts: Iterable[Message]) -> Iterator[str]:
    for field in _ADDRESSED:
        yield from map(str, mail.get_all(field, []))
    for part in parts:
        head: object = part
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload()
            head = inner[0] if isinstance(inner, list) and inner else None
        elif part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            head = message_from_bytes(text, policy=compat32) if isinstance(text, bytes) else None
        else:
            continue
        if isinstance(head, Message):
            for field in _NAMED:
                yield from map(str, head.get_all(field, []))


def _text(block: Message, field: str) -> str:
    return str(block.get(field, ""))


def _line(text: str) -> str:
    """One printable line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_WORDS]
