"""Identifiers: what each is made of, and the check every one passes before it goes anywhere else.

A name that passes here may stand in an AMI header, a dialplan expression, a file name and SQL (guarantee 6).
"""

from __future__ import annotations

import re
from typing import NewType

from core.errors import BadInput

LANGUAGES = ("cmn", "nan", "en")
"""In which callers are spoken to; the first is the one that calls begin with (CALL-12)."""

CallId = NewType("CallId", str)
"""Made by the dialplan at entry with UUID(), inherited by every channel of the call."""
LegId = NewType("LegId", str)
"""Asterisk's Uniqueid, with the node's system name in it: `node1-1700000000.12`."""
StaffId = NewType("StaffId", str)
"""工号: four to eight digits; an agent's number is said aloud to customers (CALL-06)."""
QueueName = NewType("QueueName", str)
"""`<business>-<language>`, e.g. `card-cmn`."""
DeviceName = NewType("DeviceName", str)
"""A PJSIP endpoint of the pool, e.g. `d007`."""
NodeName = NewType("NodeName", str)
"""One Asterisk; the same as its systemname."""

_SHAPES: dict[str, re.Pattern[str]] = {
    "call": re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "leg": re.compile(r"(?:[a-z0-9]{1,16}-)?\d{9,12}\.\d{1,10}"),
    "staff": re.compile(r"\d{4,8}"),
    "queue": re.compile(r"[a-z][a-z0-9]{0,23}(?:-[a-z]{2,3})?"),
    "device": re.compile(r"[a-z]\d{3,5}"),
    "node": re.compile(r"[a-z][a-z0-9]{0,15}"),
    "reason": re.compile(r"[a-z][a-z0-9_]{0,23}"),
    "presence": re.compile(r"leader-[0-9a-f]{32}"),
    "channel": re.compile(r"(?:PJSIP|Local)/[A-Za-z0-9_.@-]{1,64}-[0-9a-f]{8}(?:;[12])?"),
    "telephone": re.compile(r"\+?[0-9*#]{1,32}"),
    "dialled": re.compile(r"[0-9]{3,20}"),
    "mobile": re.compile(r"(?:\+86)?1[3-9]\d{9}"),
    "mail": re.compile(
        r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
    ),
}


def check(kind: str, value: str, where: str) -> str:
    """`value` itself if it has the shape of its kind, else `BadInput` naming `where` it came from."""
    if not _SHAPES[kind].fullmatch(value):
        raise BadInput(where, f"{value[:60]!r} is not a {kind} name ({_SHAPES[kind].pattern})")
    return value


def fits(kind: str, value: str) -> bool:
    """Whether `value` has the shape of its kind."""
    return _SHAPES[kind].fullmatch(value) is not None


def asked_callback(call: str) -> str:
    """The call-back that the caller asked for in this call: the name of its record."""
    return f"asked:{call}"
