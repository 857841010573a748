"""What our own dialplan says (UserEvent) → signal. Pure; each word of it has its line in `USER_EVENTS`."""

from __future__ import annotations

from core.clock import Instant
from core.facts import SurveyOutcome
from core.names import fits
from telephony import signals as s
from telephony.event_headers import Event, Translator, call_and_leg, need, text_of, whole

_CALLED_BACK = "callback"
"""By whom an agent is rung for a customer whom we have called: nobody has waited in a queue for it."""
_RANG = "3"
"""What Originate calls its failure when the telephone rang in vain; busy and not there it tells not apart."""


def _arrived(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Arrived(
        at,
        node,
        *call_and_leg(event),
        channel=text_of(event, "Channel"),
        caller=text_of(event, "Caller"),
        called=text_of(event, "Called"),
        vip=text_of(event, "Vip") == "1",
        flow=text_of(event, "Flow"),
        version=text_of(event, "Version"),
    )


def _language(event: Event, at: Instant, node: str) -> s.Signal:
    return s.LanguagePicked(at, node, *call_and_leg(event), text_of(event, "Language"))


def _menu(event: Event, at: Instant, node: str) -> s.Signal:
    return s.MenuPicked(
        at,
        node,
        *call_and_leg(event),
        text_of(event, "Menu"),
        text_of(event, "Key"),
        text_of(event, "Target"),
    )


def _menu_missed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.MenuMissed(
        at,
        node,
        *call_and_leg(event),
        menu=text_of(event, "Menu"),
        cause=text_of(event, "Cause"),
        attempt=whole(event, "Attempt"),
    )


def _nobody(event: Event, at: Instant, node: str) -> s.Signal:
    return s.NobodyServes(at, node, *call_and_leg(event), need(event, "Queue", "queue"))


def _entering(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Entering(
        at,
        node,
        *call_and_leg(event),
        queue=need(event, "Queue", "queue"),
        joined_at=whole(event, "JoinedUs") or at,
        round=whole(event, "Round") or 1,
        # Not "Priority": every event that names a channel has one, the dialplan's own step.
        priority=whole(event, "Urgency"),
        language=text_of(event, "Language"),
    )


def _returned(event: Event, at: Instant, node: str) -> s.Signal:
    return s.Returned(
        at,
        node,
        *call_and_leg(event),
        queue=need(event, "Queue", "queue"),
        round=whole(event, "Round") or 1,
        status=text_of(event, "Status"),
    )


def _callback(event: Event, at: Instant, node: str) -> s.Signal:
    return s.CallbackAsked(
        at,
        node,
        *call_and_leg(event),
        queue=need(event, "Queue", "queue"),
        joined_at=whole(event, "JoinedUs") or at,
        priority=whole(event, "Urgency"),
        language=text_of(event, "Language"),
        number=need(event, "Number", "dialled"),
    )


def _survey_began(event: Event, at: Instant, node: str) -> s.Signal:
    return s.SurveyBegan(at, node, *call_and_leg(event), text_of(event, "By") == "transfer")


def _survey_keyed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.SurveyKeyed(
        at, node, *call_and_leg(event), text_of(event, "Question"), int(text_of(event, "Answer"))
    )


def _survey_over(event: Event, at: Instant, node: str) -> s.Signal:
    outcome = SurveyOutcome(text_of(event, "Outcome"))  # ValueError if it is none of ours
    return s.SurveyOver(at, node, *call_and_leg(event), outcome.value)


def _recording(event: Event, at: Instant, node: str) -> s.Signal:
    # Of a call that we made it is told on the customer's channel, which names the agent's.
    leg = text_of(event, "Leg") or text_of(event, "Uniqueid")
    if not fits("leg", leg):
        raise ValueError(f"header Leg is {leg[:60]!r}, not a leg name")
    return s.RecordingBegan(at, node, need(event, "Call", "call"), leg, text_of(event, "File"))


def _customer_rung(event: Event, at: Instant, node: str) -> s.Signal:
    return s.CustomerRung(at, node, *call_and_leg(event), text_of(event, "Channel"))


def _customer_there(event: Event, at: Instant, node: str) -> s.Signal:
    return s.CustomerThere(at, node, *call_and_leg(event), text_of(event, "Channel"))


def _outgoing_over(event: Event, at: Instant, node: str) -> s.Signal:
    # Not "Cause": in the CEL file the name is Asterisk's own.
    return s.OutgoingOver(
        at, node, *call_and_leg(event), text_of(event, "Status"), whole(event, "HangupCause")
    )


def _service_offer(event: Event, at: Instant, node: str) -> tuple[Instant, str, str, str, str, str, str]:
    _, leg = call_and_leg(event)
    channel = text_of(event, "Channel")
    queue = need(event, "Queue", "queue")
    return (
        at,
        node,
        need(event, "Customer", "leg"),
        leg,
        "" if text_of(event, "By") == _CALLED_BACK else queue,
        need(event, "Agent", "staff"),
        channel.partition("/")[2].rpartition("-")[0],
    )


def _service_offered(event: Event, at: Instant, node: str) -> s.Signal:
    by_transfer = text_of(event, "By") == "transfer"
    return s.Offered(
        *_service_offer(event, at, node), text_of(event, "Channel"), not by_transfer, by_transfer
    )


def _service_offer_missed(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OfferFailed(*_service_offer(event, at, node))


def _service_offer_over(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OfferOver(at, node, *call_and_leg(event), need(event, "Agent", "staff"))


def _leader(event: Event) -> tuple[str, str, str, str]:
    leg = need(event, "Leg", "leg")
    presence = need(event, "Presence", "presence")
    return need(event, "Call", "call"), leg, need(event, "Leader", "staff"), presence


def _leader_is(event: Event, at: Instant, node: str) -> s.Signal:
    return s.LeaderIs(at, node, *_leader(event), text_of(event, "Mode"))


def _leader_gone(event: Event, at: Instant, node: str) -> s.Signal:
    return s.LeaderGone(at, node, *_leader(event))


def _leader_unreached(event: Event, at: Instant, node: str) -> s.Signal:
    cause = "no_answer" if text_of(event, "Reason") == _RANG else "not_taken"
    return s.LeaderUnreached(at, node, *_leader(event), cause)


def _consult(event: Event, at: Instant, node: str) -> s.Signal:
    channel = text_of(event, "Channel")
    return s.ConsultCalled(
        at,
        node,
        *call_and_leg(event),
        asking=need(event, "Asking", "leg"),
        by=need(event, "By", "leg"),
        agent=need(event, "Agent", "staff"),
        device=channel.partition("/")[2].rpartition("-")[0],
        channel=channel,
        of=text_of(event, "Of"),
    )


def _outside_called(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OutsideCalled(at, node, *call_and_leg(event), need(event, "Number", "dialled"))


def _outside_over(event: Event, at: Instant, node: str) -> s.Signal:
    return s.OutsideOver(
        at, node, *call_and_leg(event), text_of(event, "Status"), whole(event, "HangupCause")
    )


def _conference(event: Event, at: Instant, node: str) -> s.Signal:
    # Told on a channel of its own, which is none of the call's.
    about = need(event, "Call", "call"), need(event, "Leg", "leg"), need(event, "Asked", "leg")
    return s.ConferenceCalled(at, node, *about)


def _agent_code(event: Event, at: Instant, node: str) -> s.Signal:
    return s.DeviceCode(
        at,
        node,
        device=need(event, "Device", "device"),
        code=text_of(event, "Code"),
        agent=text_of(event, "Agent"),
        reason=text_of(event, "Reason"),
        result=text_of(event, "Result"),
    )


USER_EVENTS: dict[str, Translator] = {
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
