"""Asterisk's queue_log file, line by line. Pure: text in, lines out.

    1790000000|node1-1789999990.10|card-cmn|1001|CONNECT|2|node1-1789999992.11|1

Time in whole seconds, the caller channel's Uniqueid, queue, member name (ours is the staff number), event,
data. app_queue (22.10.1) writes ENTERQUEUE each time Queue() takes a caller in, and then exactly one of:

    CONNECT          hold s | member channel | ring s     followed by one of the talk's ends below
    ABANDON          position | first position | wait s   hang-up, but any redirect while waiting too
    EXITWITHTIMEOUT  position | first position | wait s
    EXITEMPTY        position | first position | wait s   leavewhenempty; joinempty writes nothing at all
    WITHDRAW         position | first position | wait s | info
    EXITWITHKEY      key | position | first position | wait s

The talk's ends are COMPLETECALLER and COMPLETEAGENT (hold s | talk s | first position), BLINDTRANSFER and
ATTENDEDTRANSFER. RINGNOANSWER stands for every failed offer, refused and busy ones too; RINGCANCELED for
those cut off by the caller. QUEUESTART marks a start of Asterisk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import BadInput

EXITS = frozenset(
    {"CONNECT", "ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "WITHDRAW", "EXITWITHKEY", "SYSCOMPAT"}
)
RESTART = "QUEUESTART"
TALK_ENDS = frozenset({"COMPLETECALLER", "COMPLETEAGENT", "BLINDTRANSFER", "ATTENDEDTRANSFER"})
_SECONDS_AT = {
    "CONNECT": 0,
    "ABANDON": 2,
    "EXITWITHTIMEOUT": 2,
    "EXITEMPTY": 2,
    "WITHDRAW": 2,
    "EXITWITHKEY": 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLogLine:
    """`at`: whole seconds since 1970. `call`: the caller channel's Uniqueid, or NONE, MANAGER, REALTIME.

    `number`: of the line in `file`, which tells apart the files that a log was rotated to.
    """

    number: int
    at: int
    call: str
    queue: str
    agent: str
    event: str
    data: tuple[str, ...]
    file: str = "queue log"

    @property
    def place(self) -> str:
        """Where a person finds the line."""
        return f"{self.file} line {self.number}"

    def seconds(self, place: int) -> int | None:
        """Data field `place` as a whole number; None if it is missing or something else."""
        text = self.data[place] if place < len(self.data) else ""
        return int(text) if text.isascii() and text.isdecimal() else None

    @property
    def waited_s(self) -> int | None:
        """How long Queue() had the caller, of a line in EXITS."""
        place = _SECONDS_AT.get(self.event)
        return None if place is None else self.seconds(place)

    @property
    def talked_s(self) -> int | None:
        """The length of a talk that ended by COMPLETECALLER or COMPLETEAGENT."""
        return self.seconds(1) if self.event.startswith("COMPLETE") else None

    @property
    def is_of_a_call(self) -> bool:
        """Whether a caller's channel is meant, not a member's change of state."""
        return "." in self.call and self.queue != "NONE" and self.event in _OF_CALLS


_OF_CALLS = EXITS | TALK_ENDS | {"ENTERQUEUE", "RINGNOANSWER", "RINGCANCELED", "AGENTDUMP"}


def read_queue_log(lines: Iterable[str], where: str = "queue_log") -> list[QueueLogLine]:
    """Every line; a last one without its end is still being written and is left out.

    `BadInput` naming `where` and the line for one that app_queue would not have written.
    """
    return [
        read_line(text, number, where)
        for number, text in enumerate(lines, 1)
        if text.endswith("\n") and text.strip()
    ]


def read_line(text: str, number: int, where: str, *, file: str = "queue log") -> QueueLogLine:
    """One line. `BadInput` naming `where` and `number` if app_queue would not have written it."""
    at, *fields = text.rstrip("\n").split("|")
    if len(fields) < 4 or not (at.isascii() and at.isdecimal()):
        raise BadInput(
            f"{where}:{number}", f"{text[:60]!r} is no line of a queue log (time|call|queue|agent|event)"
        )
    call, queue, agent, event, *data = fields
    return QueueLogLine(
        number=number,
        at=int(at),
        call=call,
        queue=queue,
        agent=agent,
        event=event,
        data=tuple(data),
        file=file,
    )
