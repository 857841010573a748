"""AMI event → signal. Pure; every event this project listens to has its line in `_TRANSLATORS`.

What cannot be translated (a header missing, a name of the wrong shape) raises `BadEvent`: it is logged and
counted by whoever reads the stream, and never stops it.
"""

from __future__ import annotations

from core.causes import BY_DEVICE
from core.clock import Instant, ami_timestamp
from core.errors import HotlineError
from core.names import fits
from telephony import signals as s
from telephony.event_headers import Event, Translator, device_of, need, text_of, whole
from telephony.translate_words import USER_EVENTS

_ASK_QUEUE = "hotline-ask-queue"
"""Where an agent's telephone asks a queue (dialplans/parts/consult.j2)."""
_REACHABLE = frozenset({"Reachable", "NonQualified", "Created", "Updated"})


class BadEvent(HotlineError):
    """An event that does not look as Asterisk 22 writes it; the message names event and header."""


def translate(event: Event, node: str, now: Instant) -> s.Signal | None:
    """The signal in this event, or None where the event says nothing to us.

    `now` stands in only if the event carries no Timestamp (`timestampevents=yes` puts one into each).
    """
    translator = _TRANSLATORS.get(event.name)
    if translator is None:
        return None
    try:
        stamp = text_of(event, "Timestamp")
        return translator(event, ami_timestamp(stamp) if stamp else now, node)
    except ValueError as problem:
        raise BadEvent(f"event {event.name} on node {node}: {problem}") from problem


def _user_event(event: Event, at: Instant, node: str) -> s.Signal | None:
    translator = USER_EVENTS.get(text_of(event, "UserEvent"))
    return None if translator is None else translator(event, at, node)


def _joined(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Joined(at, node, text_of(event, "Uniqueid"), text_of(event, "Queue"), whole(event, "Position"))


def _offer(event: Event, at: Instant, node: str) -> tuple[Instant, str, str, str, str, str, str]:
    return (
        at,
        node,
        text_of(event, "Uniqueid"),
        text_of(event, "DestUniqueid"),
        text_of(event, "Queue"),
        text_of(event, "MemberName"),
        device_of(event),
    )


def _offered(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Offered(*_offer(event, at, node), text_of(event, "DestChannel"))


def _offer_failed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OfferFailed(*_offer(event, at, node))


def _connected(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Connected(*_offer(event, at, node), text_of(event, "DestChannel"))


def _completed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Completed(*_offer(event, at, node), text_of(event, "Reason"))


def _dial_state(event: Event, at: Instant, node: str) -> s.Signal | None:
    if text_of(event, "DialStatus") != "RINGING":
        return None
    return s.Rang(at, node, text_of(event, "DestUniqueid"))


def _bridged(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Bridged(at, node, text_of(event, "Uniqueid"), text_of(event, "BridgeUniqueid"))


def _unbridged(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Unbridged(at, node, text_of(event, "Uniqueid"), text_of(event, "BridgeUniqueid"))


def _held(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Held(at, node, text_of(event, "Uniqueid"))


def _unheld(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Unheld(at, node, text_of(event, "Uniqueid"))


def _blind_transfer(event: Event, at: Instant, node: str) -> s.Signal | None:
    if text_of(event, "Result") != "Success":
        return None
    return s.Transferred(at, node, text_of(event, "TransfererUniqueid"), text_of(event, "Extension"))


def _attended_transfer(event: Event, at: Instant, node: str) -> s.Signal | None:
    if text_of(event, "Result") != "Success":
        return None
    legs = text_of(event, "OrigTransfererUniqueid"), text_of(event, "SecondTransfererUniqueid")
    # To an application, not a bridge: the dialplan was still looking for somebody of the queue it asks.
    looking = text_of(event, "DestType") == "App" and text_of(event, "SecondTransfererContext") == _ASK_QUEUE
    return s.HandedOver(at, node, *legs, to=need(event, "SecondTransfererExten", "queue") if looking else "")


def _hangup_asked(event: Event, at: Instant, node: str) -> s.Signal:
    return s.HangupAsked(at, node, text_of(event, "Uniqueid"), whole(event, "Cause"))


def _cut_off(event: Event, at: Instant, node: str) -> s.Signal | None:
    if whole(event, "Cause") != BY_DEVICE:
        return None  # our own order, the dialplan's, or another channel's end
    return s.DeviceFailed(at, node, text_of(event, "Uniqueid"))


def _gone(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Gone(at, node, text_of(event, "Uniqueid"), whole(event, "Cause"))


def _contact(event: Event, at: Instant, node: str) -> s.Signal | None:
    device = text_of(event, "EndpointName") or text_of(event, "AOR")
    if not fits("device", device):
        return None  # a trunk's contact, not a phone of the pool
    status = text_of(event, "ContactStatus")
    return s.ContactChanged(at, node, device, status in _REACHABLE, text_of(event, "URI"))


_TRANSLATORS: dict[str, Translator] = {
    "UserEvent": _user_event,
    "QueueCallerJoin": _joined,
    "AgentCalled": _offered,
    "AgentRingNoAnswer": _offer_failed,
    "AgentConnect": _connected,
    "AgentComplete": _completed,
    "DialState": _dial_state,
    "BridgeEnter": _bridged,
    "BridgeLeave": _unbridged,
    "BlindTransfer": _blind_transfer,
    "AttendedTransfer": _attended_transfer,
    "Hold": _held,
    "Unhold": _unheld,
    "HangupRequest": _hangup_asked,
    "SoftHangupRequest": _cut_off,
    "Hangup": _gone,
    "ContactStatus": _contact,
}

EVENTS: tuple[str, ...] = tuple(_TRANSLATORS)
"""Every event that says something to us: the include-list of the events account."""
