"""What Asterisk said, in our own words: one signal for each event that matters to a call or an agent.

A signal is a claim, not yet a fact: it may come twice, late or in another order than things happened. The
folds (`calls`, `agents`) turn signals into facts. `at` is Asterisk's own timestamp (µs UTC); legs are channel
Uniqueids; `caller_leg` is the customer's channel when the event speaks of both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import Instant

UNSEEN = "UNSEEN"
"""A status that Queue() never gives: a snapshot finds that the caller has left, not how."""


@dataclass(frozen=True, slots=True)
class Signal:
    """`at`: Asterisk's timestamp; `node`: where it was said."""

    at: Instant
    node: str


@dataclass(frozen=True, slots=True)
class CallSignal(Signal):
    """Said by the dialplan on the customer's channel, with the call's own id."""

    call: str
    leg: str


@dataclass(frozen=True, slots=True)
class Arrived(CallSignal):
    """A customer entered the dialplan."""

    channel: str
    caller: str
    called: str
    vip: bool
    flow: str
    version: str


@dataclass(frozen=True, slots=True)
class LanguagePicked(CallSignal):
    """cmn, nan or en."""

    language: str


@dataclass(frozen=True, slots=True)
class MenuPicked(CallSignal):
    """A key that the menu knows."""

    menu: str
    key: str
    target: str


@dataclass(frozen=True, slots=True)
class MenuMissed(CallSignal):
    """No key or one that the menu does not know."""

    menu: str
    cause: str
    attempt: int


@dataclass(frozen=True, slots=True)
class NobodyServes(CallSignal):
    """The dialplan found nobody on duty and did not queue the caller."""

    queue: str


@dataclass(frozen=True, slots=True)
class Entering(CallSignal):
    """The customer is about to enter Queue(); it may still refuse (JOINEMPTY)."""

    queue: str
    joined_at: Instant
    round: int
    priority: int
    language: str


@dataclass(frozen=True, slots=True)
class Returned(CallSignal):
    """Queue() gave the customer back; `status` is QUEUESTATUS."""

    queue: str
    round: int
    status: str


@dataclass(frozen=True, slots=True)
class SurveyBegan(CallSignal):
    """`transferred`: on the agent's command; otherwise the agent hung up first."""

    transferred: bool


@dataclass(frozen=True, slots=True)
class SurveyKeyed(CallSignal):
    """A valid answer."""

    question: str
    answer: int


@dataclass(frozen=True, slots=True)
class SurveyOver(CallSignal):
    """`outcome`: completed, wrong_key, timed_out or hung_up."""

    outcome: str


@dataclass(frozen=True, slots=True)
class RecordingBegan(CallSignal):
    """Said on the agent's channel: `leg` is the agent's."""

    file: str


@dataclass(frozen=True, slots=True)
class LegSignal(Signal):
    """About one channel, customer's or agent's; the fold knows which."""

    leg: str


@dataclass(frozen=True, slots=True)
class Seen(LegSignal):
    """A snapshot found the channel alive under this name."""

    channel: str


@dataclass(frozen=True, slots=True)
class Joined(LegSignal):
    """app_queue has taken the customer in."""

    queue: str
    position: int


@dataclass(frozen=True, slots=True)
class Rang(LegSignal):
    """The agent's phone says that it is ringing."""


@dataclass(frozen=True, slots=True)
class Bridged(LegSignal):
    """A channel entered a bridge."""

    bridge: str


@dataclass(frozen=True, slots=True)
class Unbridged(LegSignal):
    """A channel left a bridge."""

    bridge: str


@dataclass(frozen=True, slots=True)
class HangupAsked(LegSignal):
    """The phone at this leg's far end hung up or refused (`cause`: Q.850, 0 unknown)."""

    cause: int


@dataclass(frozen=True, slots=True)
class Gone(LegSignal):
    """The channel is no more."""

    cause: int


@dataclass(frozen=True, slots=True)
class OfferSignal(Signal):
    """About one offer: `leg` is the agent's channel (empty where Asterisk does not say)."""

    caller_leg: str
    leg: str
    queue: str
    agent: str
    device: str


@dataclass(frozen=True, slots=True)
class Offered(OfferSignal):
    """The agent's phone is being called. `channel`: the agent's channel name."""

    channel: str
    by_service: bool = False


@dataclass(frozen=True, slots=True)
class OfferFailed(OfferSignal):
    """This agent was rung and did not take the call."""


@dataclass(frozen=True, slots=True)
class OfferOver(CallSignal):
    """The dialplan is done with an offer of the service that was not taken; the caller waits on."""

    agent: str


@dataclass(frozen=True, slots=True)
class Connected(OfferSignal):
    """The agent answered; bridging follows. `channel`: the agent's channel name."""

    channel: str


@dataclass(frozen=True, slots=True)
class Completed(OfferSignal):
    """app_queue is done with this answer; `reason`: agent, caller, transfer. Late after a redirect."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeviceCode(Signal):
    """A star code was dialled on a phone and the dialplan has already acted on it."""

    device: str
    code: str
    agent: str
    reason: str
    result: str


@dataclass(frozen=True, slots=True)
class ContactChanged(Signal):
    """A phone registered, lost or renewed its registration. `contact`: its address, "" if not told."""

    device: str
    reachable: bool
    contact: str = ""
