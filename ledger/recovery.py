"""What Asterisk wrote down while nobody listened, as the events we would have heard. Pure.

The CEL file (a JSON object a line, see dialplans/cel_custom.conf.j2) has our own facts, bridges and hang-ups
to the microsecond; the queue log says who was asked and who answered. Together they give back the AMI events
that the fold of a call lives on, so that recovery is the live path run again.

Nothing is guessed: a failed offer is given back only where the log's lines and the telephones' channels of a
call pair up one to one, and what cannot be read is refused with its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from core.causes import BY_DEVICE, SILENT
from core.clock import MILLISECOND, SECOND, Duration, Instant, ami_timestamp
from core.errors import BadInput
from ledger.queue_log import QueueLogLine

_RELEASE_TO_HANGUP: Duration = 200 * MILLISECOND
_DONE = {"Result": "Success"}
"""Of transfers: the file tells of no others."""
_FAILED = frozenset({"RINGNOANSWER", "RINGCANCELED"})
_NOT_ASKED_BY_QUEUE = frozenset({"AgentOffered", "ConsultStarted", "OutsideRung"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event as AMI would have told it: `name`, and headers by `get`, `Timestamp` among them."""

    at: Instant
    name: str
    headers: dict[str, str]

    def get(self, header: str) -> str | None:
        """The header's value, None if the event has none of that name."""
        if header == "Timestamp":
            return f"{self.at // SECOND}.{self.at % SECOND:06d}"
        return self.headers.get(header)


@dataclass(frozen=True, slots=True, kw_only=True)
class CelLine:
    """One event of the CEL file; `extra` holds the payload of our own or Asterisk's details."""

    at: Instant
    event: str
    channel_id: str
    linked_id: str
    channel: str
    extra: dict[str, str]


class _Written(msgspec.Struct):
    eventenum: str
    userdeftype: str
    eventtime: str
    uniqueid: str
    linkedid: str
    channame: str
    eventextra: str = ""


_decoder = msgspec.json.Decoder(_Written)


def read_cel(lines: Iterable[str], where: str = "facts.jsonl") -> list[CelLine]:
    """Every line; a last one without its end is left out. `BadInput` names the first that is no CEL."""
    return [_cel(text, f"{where}:{n}") for n, text in enumerate(lines, 1) if text.endswith("\n")]


def _cel(text: str, where: str) -> CelLine:
    try:
        row = _decoder.decode(text)
        extra = msgspec.json.decode(row.eventextra, type=dict[str, str | int]) if row.eventextra else {}
        at = ami_timestamp(row.eventtime)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadInput(where, f"{text[:60]!r} is no line of a CEL file: {error}") from error
    details = {key: str(value) for key, value in extra.items()}
    if row.eventenum == "USER_DEFINED":
        pairs = (pair.partition("=") for pair in details.get("extra", "").split("&"))
        details = {"UserEvent": row.userdeftype} | {key: value for key, _, value in pairs if key}
    return CelLine(
        at=at,
        event=row.eventenum,
        channel_id=row.uniqueid,
        linked_id=row.linkedid,
        channel=row.channame,
        extra=details,
    )


def recorded_events(cel: Sequence[CelLine], log: Sequence[QueueLogLine]) -> list[RecordedEvent]:
    """The events of the period in the order in which they would have been heard."""
    asked = {line.channel_id: line.extra for line in cel if line.extra.get("UserEvent") == "QueueAsked"}
    found = [event for line in cel for event in _from_cel(line, asked)]
    released = _releases(cel)
    queue = _QueueEvents(cel, log)
    return sorted([*found, *released, *queue.all()], key=lambda event: event.at)


def _from_cel(line: CelLine, asked: Mapping[str, Mapping[str, str]]) -> Iterator[RecordedEvent]:
    """`asked`: channel on which an agent asks a queue → what our dialplan has said of it."""
    ids = {"Uniqueid": line.channel_id, "Linkedid": line.linked_id, "Channel": line.channel}
    match line.event:
        case "USER_DEFINED":
            yield RecordedEvent(at=line.at, name="UserEvent", headers=ids | line.extra)
        case "BRIDGE_ENTER" | "BRIDGE_EXIT":
            name = "BridgeEnter" if line.event == "BRIDGE_ENTER" else "BridgeLeave"
            bridge = {"BridgeUniqueid": line.extra.get("bridge_id", "")}
            yield RecordedEvent(at=line.at, name=name, headers=ids | bridge)
        case "HANGUP":
            cause = {"Cause": line.extra.get("hangupcause", "0")}
            yield RecordedEvent(at=line.at, name="Hangup", headers=ids | cause)
        case "BLINDTRANSFER":
            to = {"TransfererUniqueid": line.channel_id, "Extension": line.extra.get("extension", "")}
            yield RecordedEvent(at=line.at, name="BlindTransfer", headers=_DONE | to)
        case "ATTENDEDTRANSFER":
            other = line.extra.get("channel2_uniqueid", "")
            both = {"OrigTransfererUniqueid": line.channel_id, "SecondTransfererUniqueid": other}
            to = _asking(asked.get(other)) if "app" in line.extra else {"DestType": "Bridge"}
            yield RecordedEvent(at=line.at, name="AttendedTransfer", headers=_DONE | both | to)


def _asking(asked: Mapping[str, str] | None) -> dict[str, str]:
    """Where a customer was handed over to who met nobody there: a queue that was asked, or a colleague."""
    if asked is None:
        return {"DestType": "App"}
    place = {"SecondTransfererContext": "hotline-ask-queue", "SecondTransfererExten": asked.get("Queue", "")}
    return {"DestType": "App"} | place


def _releases(cel: Sequence[CelLine]) -> Iterator[RecordedEvent]:
    """Who hung up first: the channel that is its own hang-up source, just before it left its bridge; nobody
    where a telephone fell silent."""
    last_exit: dict[str, Instant] = {}
    for line in cel:
        if line.event == "BRIDGE_EXIT":
            last_exit[line.channel_id] = line.at
        if line.event != "HANGUP":
            continue
        left = last_exit.get(line.channel_id, 0)
        at = left if line.at - left <= _RELEASE_TO_HANGUP else line.at
        cause = line.extra.get("hangupcause", "0")
        if line.extra.get("hangupsource") == line.channel:
            headers = {"Uniqueid": line.channel_id, "Cause": cause}
            yield RecordedEvent(at=at - 1, name="HangupRequest", headers=headers)
        elif cause == str(SILENT):
            headers = {"Uniqueid": line.channel_id, "Cause": str(BY_DEVICE)}
            yield RecordedEvent(at=at - 1, name="SoftHangupRequest", headers=headers)


class _QueueEvents:
    """What app_queue would have told, its whole seconds made exact by the channels' own times."""

    def __init__(self, cel: Sequence[CelLine], log: Sequence[QueueLogLine]) -> None:
        self._log = [line for line in log if line.is_of_a_call]
        self._first: dict[tuple[str, str], CelLine] = {}
        self._last: dict[tuple[str, str], CelLine] = {}
        for line in cel:
            self._first.setdefault((line.channel_id, line.event), line)
            self._last[line.channel_id, line.event] = line
        self._ours = {line.channel_id for line in cel if line.extra.get("UserEvent") in _NOT_ASKED_BY_QUEUE}
        self._entries = [line for line in cel if line.extra.get("UserEvent") == "QueueEntered"]

    def all(self) -> Iterator[RecordedEvent]:
        by_call = sorted(self._log, key=lambda line: line.call)
        for caller, group in groupby(by_call, key=lambda line: line.call):
            lines = list(group)
            yield from self._joins(caller, [line for line in lines if line.event == "ENTERQUEUE"])
            yield from self._talks([line for line in lines if line.event == "CONNECT"], lines)
            yield from self._failed(caller, lines)

    def _joins(self, caller: str, lines: Sequence[QueueLogLine]) -> Iterator[RecordedEvent]:
        told = [entry for entry in self._entries if entry.channel_id == caller]
        for entry, line in zip(told, lines, strict=False):
            headers = {"Uniqueid": caller, "Queue": line.queue, "Position": line.data[2]}
            yield RecordedEvent(at=entry.at + 1, name="QueueCallerJoin", headers=headers)

    def _talks(
        self, connects: Sequence[QueueLogLine], lines: Sequence[QueueLogLine]
    ) -> Iterator[RecordedEvent]:
        ends = [line for line in lines if line.event.startswith("COMPLETE")]
        for place, line in enumerate(connects):
            leg = line.data[1]
            began, met = self._first.get((leg, "CHAN_START")), self._first.get((leg, "BRIDGE_ENTER"))
            if began is None:
                continue
            headers = self._offer(line, began)
            yield RecordedEvent(at=began.at, name="AgentCalled", headers=headers)
            if met is not None:
                yield RecordedEvent(at=met.at - 1, name="AgentConnect", headers=headers)
            left = self._last.get((leg, "BRIDGE_EXIT"))
            if left is not None and place < len(ends):
                reason = {"Reason": ends[place].event.removeprefix("COMPLETE").lower()}
                yield RecordedEvent(at=left.at + 1, name="AgentComplete", headers=headers | reason)

    def _failed(self, caller: str, lines: Sequence[QueueLogLine]) -> Iterator[RecordedEvent]:
        answered = {line.data[1] for line in lines if line.event == "CONNECT"}
        phones = [
            line
            for (channel, event), line in self._first.items()
            if event == "CHAN_START"
            and line.linked_id == caller
            and channel not in {caller, *answered, *self._ours}
        ]
        offers = [line for line in lines if line.event in _FAILED]
        if len(phones) != len(offers):
            return
        for began, line in zip(phones, offers, strict=True):
            gone = self._last.get((began.channel_id, "HANGUP"))
            headers = self._offer(line, began)
            yield RecordedEvent(at=began.at, name="AgentCalled", headers=headers)
            if line.seconds(0):
                rang = {"DestUniqueid": began.channel_id, "DialStatus": "RINGING"}
                yield RecordedEvent(at=began.at + 1, name="DialState", headers=rang)
            if gone is not None and line.event == "RINGNOANSWER":
                yield RecordedEvent(at=gone.at - 1, name="AgentRingNoAnswer", headers=headers)

    @staticmethod
    def _offer(line: QueueLogLine, phone: CelLine) -> dict[str, str]:
        return {
            "Uniqueid": line.call,
            "DestUniqueid": phone.channel_id,
            "DestChannel": phone.channel,
            "Queue": line.queue,
            "MemberName": line.agent,
            "Interface": phone.channel.rpartition("-")[0],
        }
