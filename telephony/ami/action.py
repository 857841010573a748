"""What an action is: safe to be sent, or it cannot be made at all.

Whether one reply comes or a list is declared with the action, never guessed from the reply's wording
(Asterisk's "Added interface to queue" reads like a list to panoramisk, and is none).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from core.clock import SECOND, Duration
from telephony.ami.errors import UnsafeAction

LONGEST_LINE = 1_024
"""Asterisk reads into 1,025 bytes, the closing NUL among them (manager.c)."""
MOST_HEADERS = 120
"""AMI takes 128 and drops the rest in silence."""
ANSWER_WITHIN: Duration = 5 * SECOND
LIST_WITHIN: Duration = 15 * SECOND

_FORBIDDEN = re.compile(r"[\r\n\0]")
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
_ACTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_SECRET_HEADERS = frozenset({"Secret"})


@dataclass(frozen=True, slots=True)
class Replies:
    """What ends the wait: the first response, or (a list) the event named `end`."""

    end: str | None = None


ONE = Replies()


def list_until(end: str) -> Replies:
    """A list: a response, rows as events, and the event `end`. An error response ends it."""
    return Replies(end)


@dataclass(frozen=True, slots=True)
class Action:
    """One action, safe to be sent. `deadline`: how long its last reply is waited for.

    `UnsafeAction` if a header has CR, LF or NUL in it, a line would exceed 1,024 bytes, or there are more
    than 120 headers. Secrets do not show in its repr.
    """

    name: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    replies: Replies = ONE
    deadline: Duration = ANSWER_WITHIN

    def __post_init__(self) -> None:
        if len(self.headers) + 2 > MOST_HEADERS:  # Action and ActionID come on top
            raise UnsafeAction(
                f"{self.name}: {len(self.headers)} headers, AMI takes {MOST_HEADERS - 2} of ours"
            )
        for header, value in (("Action", self.name), *self.headers):
            _check_header(self.name, header, value)

    def encode(self, action_id: str) -> bytes:
        """The bytes to send, under `action_id` (letters, digits and hyphens)."""
        if not _ACTION_ID.fullmatch(action_id):
            raise UnsafeAction(f"{self.name}: {action_id[:40]!r} cannot be an ActionID")
        lines = [f"Action: {self.name}", f"ActionID: {action_id}"]
        lines += [f"{header}: {value}" for header, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def shown(self) -> dict[str, str]:
        """The headers for a log line, secrets left out."""
        return {header: value for header, value in self.headers if header not in _SECRET_HEADERS}


def _check_header(action: str, header: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(header):
        raise UnsafeAction(f"{action}: {header[:40]!r} cannot be the name of a header")
    if _FORBIDDEN.search(value):
        raise UnsafeAction(f"{action}: the value of {header} has a line break or NUL in it; nothing was sent")
    try:
        length = len(header) + len(": \r\n") + len(value.encode())
    except UnicodeEncodeError:
        raise UnsafeAction(f"{action}: the value of {header} is not text (half a character)") from None
    if length > LONGEST_LINE:
        raise UnsafeAction(f"{action}: the line of {header} has {length} bytes, AMI reads {LONGEST_LINE}")
