"""AMI event → signal. Pure; every event this project listens to has its line in `_TRANSLATORS`.

What cannot be translated (a header missing, a name of the wrong shape) raises `BadEvent`: it is logged and
counted by whoever reads the stream, and never stops it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from core.causes import BY_DEVICE
from core.clock import Instant, ami_timestamp
from core.errors import HotlineError
from core.facts import SurveyOutcome
from core.names import fits
from telephony import signals as s


class Event(Protocol):
    """What `telephony.ami` delivers: a name and headers, each read once by its exact spelling."""

    @property
    def name(self) -> str: ...

    def get(self, header: str) -> str | None: ...


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
        stamp = _text(event, "Timestamp")
        return translator(event, ami_timestamp(stamp) if stamp else now, node)
    except ValueError as problem:
        raise BadEvent(f"event {event.name} on node {node}: {problem}") from problem


def _text(event: Event, header: str) -> str:
    return event.get(header) or ""


def _need(event: Event, header: str, kind: str) -> str:
    value = _text(event, header)
    if not fits(kind, value):
        raise ValueError(f"header {header} is {value[:60]!r}, not a {kind} name")
    return value


def _device(event: Event) -> str:
    interface = _text(event, "Interface")
    return interface.partition("/")[2]


def _whole(event: Event, header: str) -> int:
    text = _text(event, header)
    return int(text) if text.isdigit() else 0


# ------------------------------------------------------------------ what our own dialplan says


def _call_and_leg(event: Event) -> tuple[str, str]:
    return _need(event, "Call", "call"), _need(event, "Uniqueid", "leg")


def _arrived(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Arrived(
        at,
        node,
        *_call_and_leg(event),
        channel=_text(event, "Channel"),
        caller=_text(event, "Caller"),
        called=_text(event, "Called"),
        vip=_text(event, "Vip") == "1",
        flow=_text(event, "Flow"),
        version=_text(event, "Version"),
    )


def _language(event: Event, at: Instant, node: str) -> s.Signal:
    return s.LanguagePicked(at, node, *_call_and_leg(event), _text(event, "Language"))


def _menu(event: Event, at: Instant, node: str) -> s.Signal:
    return s.MenuPicked(
        at, node, *_call_and_leg(event), _text(event, "Menu"), _text(event, "Key"), _text(event, "Target")
    )


def _menu_missed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.MenuMissed(
        at,
        node,
        *_call_and_leg(event),
        menu=_text(event, "Menu"),
        cause=_text(event, "Cause"),
        attempt=_whole(event, "Attempt"),
    )


def _nobody(event: Event, at: Instant, node: str) -> s.Signal:
    return s.NobodyServes(at, node, *_call_and_leg(event), _need(event, "Queue", "queue"))


def _entering(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Entering(
        at,
        node,
        *_call_and_leg(event),
        queue=_need(event, "Queue", "queue"),
        joined_at=_whole(event, "JoinedUs") or at,
        round=_whole(event, "Round") or 1,
        # Not "Priority": every event that names a channel has one, the dialplan's own step.
        priority=_whole(event, "Urgency"),
        language=_text(event, "Language"),
    )


def _returned(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Returned(
        at,
        node,
        *_call_and_leg(event),
        queue=_need(event, "Queue", "queue"),
        round=_whole(event, "Round") or 1,
        status=_text(event, "Status"),
    )


def _callback(event: Event, at: Instant, node: str) -> s.Signal:
    return s.CallbackAsked(
        at,
        node,
        *_call_and_leg(event),
        queue=_need(event, "Queue", "queue"),
        joined_at=_whole(event, "JoinedUs") or at,
        priority=_whole(event, "Urgency"),
        language=_text(event, "Language"),
        number=_need(event, "Number", "dialled"),
    )


def _survey_began(event: Event, at: Instant, node: str) -> s.Signal:
    return s.SurveyBegan(at, node, *_call_and_leg(event), _text(event, "By") == "transfer")


def _survey_keyed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.SurveyKeyed(
        at, node, *_call_and_leg(event), _text(event, "Question"), int(_text(event, "Answer"))
    )


def _survey_over(event: Event, at: Instant, node: str) -> s.Signal:
    outcome = SurveyOutcome(_text(event, "Outcome"))  # ValueError if it is none of ours
    return s.SurveyOver(at, node, *_call_and_leg(event), outcome.value)


def _recording(event: Event, at: Instant, node: str) -> s.Signal:
    # Of a call that we made it is told on the customer's channel, which names the agent's.
    leg = _text(event, "Leg") or _text(event, "Uniqueid")
    if not fits("leg", leg):
        raise ValueError(f"header Leg is {leg[:60]!r}, not a leg name")
    return s.RecordingBegan(at, node, _need(event, "Call", "call"), leg, _text(event, "File"))


def _customer_rung(event: Event, at: Instant, node: str) -> s.Signal:
    return s.CustomerRung(at, node, *_call_and_leg(event), _text(event, "Channel"))


def _customer_there(event: Event, at: Instant, node: str) -> s.Signal:
    return s.CustomerThere(at, node, *_call_and_leg(event), _text(event, "Channel"))


def _outgoing_over(event: Event, at: Instant, node: str) -> s.Signal:
    # Not "Cause": in the CEL file the name is Asterisk's own.
    return s.OutgoingOver(
        at, node, *_call_and_leg(event), _text(event, "Status"), _whole(event, "HangupCause")
    )


def _service_offer(event: Event, at: Instant, node: str) -> tuple[Instant, str, str, str, str, str, str]:
    _, leg = _call_and_leg(event)
    channel = _text(event, "Channel")
    queue = _need(event, "Queue", "queue")
    return (
        at,
        node,
        _need(event, "Customer", "leg"),
        leg,
        "" if _text(event, "By") == _CALLED_BACK else queue,
        _need(event, "Agent", "staff"),
        channel.partition("/")[2].rpartition("-")[0],
    )


def _service_offered(event: Event, at: Instant, node: str) -> s.Signal:
    by_transfer = _text(event, "By") == "transfer"
    return s.Offered(*_service_offer(event, at, node), _text(event, "Channel"), not by_transfer, by_transfer)


def _service_offer_missed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OfferFailed(*_service_offer(event, at, node))


def _service_offer_over(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OfferOver(at, node, *_call_and_leg(event), _need(event, "Agent", "staff"))


def _leader(event: Event) -> tuple[str, str, str, str]:
    leg = _need(event, "Leg", "leg")
    presence = _need(event, "Presence", "presence")
    return _need(event, "Call", "call"), leg, _need(event, "Leader", "staff"), presence


def _leader_is(event: Event, at: Instant, node: str) -> s.Signal:
    return s.LeaderIs(at, node, *_leader(event), _text(event, "Mode"))


def _leader_gone(event: Event, at: Instant, node: str) -> s.Signal:
    return s.LeaderGone(at, node, *_leader(event))


def _leader_unreached(event: Event, at: Instant, node: str) -> s.Signal:
    cause = "no_answer" if _text(event, "Reason") == _RANG else "not_taken"
    return s.LeaderUnreached(at, node, *_leader(event), cause)


def _consult(event: Event, at: Instant, node: str) -> s.Signal:
    channel = _text(event, "Channel")
    return s.ConsultCalled(
        at,
        node,
        *_call_and_leg(event),
        asking=_need(event, "Asking", "leg"),
        by=_need(event, "By", "leg"),
        agent=_need(event, "Agent", "staff"),
        device=channel.partition("/")[2].rpartition("-")[0],
        channel=channel,
        of=_text(event, "Of"),
    )


def _outside_called(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OutsideCalled(at, node, *_call_and_leg(event), _need(event, "Number", "dialled"))


def _outside_over(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OutsideOver(
        at, node, *_call_and_leg(event), _text(event, "Status"), _whole(event, "HangupCause")
    )


def _conference(event: Event, at: Instant, node: str) -> s.Signal:
    # Told on a channel of its own, which is none of the call's.
    about = _need(event, "Call", "call"), _need(event, "Leg", "leg"), _need(event, "Asked", "leg")
    return s.ConferenceCalled(at, node, *about)


def _agent_code(event: Event, at: Instant, node: str) -> s.Signal:
    return s.DeviceCode(
        at,
        node,
        device=_need(event, "Device", "device"),
        code=_text(event, "Code"),
        agent=_text(event, "Agent"),
        reason=_text(event, "Reason"),
        result=_text(event, "Result"),
    )


# ------------------------------------------------------------------ what Asterisk itself says


def _user_event(event: Event, at: Instant, node: str) -> s.Signal | None:
    translator = _USER_EVENTS.get(_text(event, "UserEvent"))
    return None if translator is None else translator(event, at, node)


def _joined(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Joined(at, node, _text(event, "Uniqueid"), _text(event, "Queue"), _whole(event, "Position"))


def _offer(event: Event, at: Instant, node: str) -> tuple[Instant, str, str, str, str, str, str]:
    return (
        at,
        node,
        _text(event, "Uniqueid"),
        _text(event, "DestUniqueid"),
        _text(event, "Queue"),
        _text(event, "MemberName"),
        _device(event),
    )


def _offered(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Offered(*_offer(event, at, node), _text(event, "DestChannel"))


def _offer_failed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OfferFailed(*_offer(event, at, node))


def _connected(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Connected(*_offer(event, at, node), _text(event, "DestChannel"))


def _completed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Completed(*_offer(event, at, node), _text(event, "Reason"))


def _dial_state(event: Event, at: Instant, node: str) -> s.Signal | None:
    if _text(event, "DialStatus") != "RINGING":
        return None
    return s.Rang(at, node, _text(event, "DestUniqueid"))


def _bridged(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Bridged(at, node, _text(event, "Uniqueid"), _text(event, "BridgeUniqueid"))


def _unbridged(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Unbridged(at, node, _text(event, "Uniqueid"), _text(event, "BridgeUniqueid"))


def _held(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Held(at, node, _text(event, "Uniqueid"))


def _unheld(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Unheld(at, node, _text(event, "Uniqueid"))


def _blind_transfer(event: Event, at: Instant, node: str) -> s.Signal | None:
    if _text(event, "Result") != "Success":
        return None
    return s.Transferred(at, node, _text(event, "TransfererUniqueid"), _text(event, "Extension"))


def _attended_transfer(event: Event, at: Instant, node: str) -> s.Signal | None:
    if _text(event, "Result") != "Success":
        return None
    legs = _text(event, "OrigTransfererUniqueid"), _text(event, "SecondTransfererUniqueid")
    # To an application, not a bridge: the dialplan was still looking for somebody of the queue it asks.
    looking = _text(event, "DestType") == "App" and _text(event, "SecondTransfererContext") == _ASK_QUEUE
    return s.HandedOver(at, node, *legs, to=_need(event, "SecondTransfererExten", "queue") if looking else "")


def _hangup_asked(event: Event, at: Instant, node: str) -> s.Signal:
    return s.HangupAsked(at, node, _text(event, "Uniqueid"), _whole(event, "Cause"))


def _cut_off(event: Event, at: Instant, node: str) -> s.Signal | None:
    if _whole(event, "Cause") != BY_DEVICE:
        return None  # our own order, the dialplan's, or another channel's end
    return s.DeviceFailed(at, node, _text(event, "Uniqueid"))


def _gone(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Gone(at, node, _text(event, "Uniqueid"), _whole(event, "Cause"))


def _contact(event: Event, at: Instant, node: str) -> s.Signal | None:
    device = _text(event, "EndpointName") or _text(event, "AOR")
    if not fits("device", device):
        return None  # a trunk's contact, not a phone of the pool
    status = _text(event, "ContactStatus")
    return s.ContactChanged(at, node, device, status in _REACHABLE, _text(event, "URI"))


_ASK_QUEUE = "hotline-ask-queue"
"""Where an agent's telephone asks a queue (dialplans/parts/consult.j2)."""
_CALLED_BACK = "callback"
"""By whom an agent is rung for a customer whom we have called: nobody has waited in a queue for it."""
_RANG = "3"
"""What Originate calls its failure when the telephone rang in vain; busy and not there it tells not apart."""
_REACHABLE = frozenset({"Reachable", "NonQualified", "Created", "Updated"})

_Translator = Callable[[Event, Instant, str], s.Signal | None]
_USER_EVENTS: dict[str, _Translator] = {
    "CallArrived": _arrived,
    "LanguageChosen": _language,
    "MenuChosen": _menu,
    "MenuFailed": _menu_missed,
    "NobodyOnDuty": _nobody,
    "QueueEntered": _entering,
    "QueueLeft": _returned,
    "CallbackRequested": _callback,
    "SurveyStarted": _survey_began,
    "SurveyAnswered": _survey_keyed,
    "SurveyEnded": _survey_over,
    "RecordingStarted": _recording,
    "LeaderJoined": _leader_is,
    "LeaderModeChanged": _leader_is,
    "LeaderLeft": _leader_gone,
    "LeaderMissed": _leader_unreached,
    "AgentCode": _agent_code,
    "AgentOffered": _service_offered,
    "OfferMissed": _service_offer_missed,
    "OfferOver": _service_offer_over,
    "ConsultStarted": _consult,
    "ConferenceCalled": _conference,
    "CustomerDialled": _customer_rung,
    "CustomerAnswered": _customer_there,
    "OutgoingOver": _outgoing_over,
    "OutsideDialled": _outside_called,
    "OutsideOver": _outside_over,
}
_TRANSLATORS: dict[str, _Translator] = {
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
