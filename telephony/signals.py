"""What Asterisk said, in our own words: one signal for each event that matters to a call or an agent.

A signal is a claim, not yet a fact: it may come twice, late or in another order than things happened. The
folds (`calls`, `agents`) turn signals into facts. `at` is Asterisk's own timestamp (µs UTC); legs are channel
Uniqueids; `caller_leg` is the customer's channel when the event speaks of both sides.
"""

from __future__ import annotations

from msgspec import Struct

from core.clock import Instant

UNSEEN = "UNSEEN"
"""A status that Queue() never gives: a snapshot finds that the caller has left, not how."""


class Signal(Struct, frozen=True, gc=False):
    """`at`: Asterisk's timestamp; `node`: where it was said."""

    at: Instant
    node: str


class CallSignal(Signal, frozen=True):
    """Said by the dialplan on the customer's channel, with the call's own id."""

    call: str
    leg: str


class Arrived(CallSignal, frozen=True):
    """A customer entered the dialplan."""

    channel: str
    caller: str
    called: str
    vip: bool
    flow: str
    version: str


class LanguagePicked(CallSignal, frozen=True):
    """cmn, nan or en."""

    language: str


class MenuPicked(CallSignal, frozen=True):
    """A key that the menu knows."""

    menu: str
    key: str
    target: str


class MenuMissed(CallSignal, frozen=True):
    """No key or one that the menu does not know."""

    menu: str
    cause: str
    attempt: int


class NobodyServes(CallSignal, frozen=True):
    """The dialplan found nobody on duty and did not queue the caller."""

    queue: str


class Entering(CallSignal, frozen=True):
    """The customer is about to enter Queue(); it may still refuse (JOINEMPTY)."""

    queue: str
    joined_at: Instant
    round: int
    priority: int
    language: str


class Returned(CallSignal, frozen=True):
    """Queue() gave the customer back; `status` is QUEUESTATUS."""

    queue: str
    round: int
    status: str


class CallbackAsked(CallSignal, frozen=True):
    """The caller has confirmed that we are to call back at `number`, and is about to hang up."""

    queue: str
    joined_at: Instant
    priority: int
    language: str
    number: str


class SurveyBegan(CallSignal, frozen=True):
    """`transferred`: on the agent's command; otherwise the agent hung up first."""

    transferred: bool


class SurveyKeyed(CallSignal, frozen=True):
    """A valid answer."""

    question: str
    answer: int


class SurveyOver(CallSignal, frozen=True):
    """`outcome`: completed, wrong_key, timed_out or hung_up."""

    outcome: str


class LeaderSignal(CallSignal, frozen=True):
    """Said on a leader's channel: `leg` is the agent's leg that he joins, `presence` his channel's own id."""

    leader: str
    presence: str


class LeaderIs(LeaderSignal, frozen=True):
    """He is in the leg, in this mode: from now on, or in another way than before."""

    mode: str


class LeaderGone(LeaderSignal, frozen=True):
    """His channel is no more in the leg."""


class LeaderUnreached(LeaderSignal, frozen=True):
    """His telephone did not take the call; `cause` in our words."""

    cause: str


class CustomerRung(CallSignal, frozen=True):
    """An agent whom we had called has picked up, and the customer is dialled: `leg` is the customer's."""

    channel: str


class CustomerThere(CallSignal, frozen=True):
    """The customer, who was called first, has answered."""

    channel: str


class OutgoingOver(CallSignal, frozen=True):
    """The customer was not reached; said on the agent's channel. `status`: DIALSTATUS, or REFUSED by our own
    list; `cause`: Q.850."""

    status: str
    cause: int


class RecordingBegan(CallSignal, frozen=True):
    """Said on the agent's channel: `leg` is the agent's."""

    file: str


class LegSignal(Signal, frozen=True):
    """About one channel, customer's or agent's; the fold knows which."""

    leg: str


class Seen(LegSignal, frozen=True):
    """A snapshot found the channel alive under this name."""

    channel: str


class Joined(LegSignal, frozen=True):
    """app_queue has taken the customer in."""

    queue: str
    position: int


class Rang(LegSignal, frozen=True):
    """The agent's phone says that it is ringing."""


class Bridged(LegSignal, frozen=True):
    """A channel entered a bridge."""

    bridge: str


class Unbridged(LegSignal, frozen=True):
    """A channel left a bridge."""

    bridge: str


class Held(LegSignal, frozen=True):
    """The telephone at this leg's far end has put the other side on hold."""


class Unheld(LegSignal, frozen=True):
    """It is back. Told also by a telephone that has held nobody, when it transfers."""


class Transferred(LegSignal, frozen=True):
    """The telephone at this leg's far end has referred the other side to `to`, and Asterisk has obeyed."""

    to: str


class HandedOver(LegSignal, frozen=True):
    """The telephone at this leg's far end has joined it to another one of its own, `other`, and left both.

    `to`: the queue that was asked there, if nobody of it had answered yet.
    """

    other: str
    to: str = ""


class HangupAsked(LegSignal, frozen=True):
    """The phone at this leg's far end hung up or refused (`cause`: Q.850, 0 unknown)."""

    cause: int


class DeviceFailed(LegSignal, frozen=True):
    """Asterisk gives the leg up: its telephone sends nothing any more. What ends is not its agent's doing."""


class Gone(LegSignal, frozen=True):
    """The channel is no more."""

    cause: int


class OfferSignal(Signal, frozen=True):
    """About one offer: `leg` is the agent's channel (empty where Asterisk does not say)."""

    caller_leg: str
    leg: str
    queue: str
    agent: str
    device: str


class Offered(OfferSignal, frozen=True):
    """The agent's phone is being called. `channel`: the agent's channel name."""

    channel: str
    by_service: bool = False
    by_transfer: bool = False


class OfferFailed(OfferSignal, frozen=True):
    """This agent was rung and did not take the call."""


class ConsultCalled(CallSignal, frozen=True):
    """A colleague's phone is being called by the agent of `asking`, a leg of this call that talks; `leg` is
    the colleague's channel, `channel` its name, `by` the one on which the agent asks. `of`: the queue that
    was asked for him, "" if he was called himself.
    """

    asking: str
    by: str
    agent: str
    device: str
    channel: str
    of: str = ""


class OutsideCalled(CallSignal, frozen=True):
    """The customer has been sent to a number outside, which is dialled now."""

    number: str


class OutsideOver(CallSignal, frozen=True):
    """The dialplan is done with that number. `status`, `cause`: as of `OutgoingOver`."""

    status: str
    cause: int


class ConferenceCalled(CallSignal, frozen=True):
    """The agent of `leg`, his customer and the colleague whose channel is `asked` are about to be brought
    together: what bridges they leave on the way ends no talk."""

    asked: str


class OfferOver(CallSignal, frozen=True):
    """The dialplan is done with an offer of the service that was not taken; the caller waits on."""

    agent: str


class Connected(OfferSignal, frozen=True):
    """The agent answered; bridging follows. `channel`: the agent's channel name."""

    channel: str


class Completed(OfferSignal, frozen=True):
    """app_queue is done with this answer; `reason`: agent, caller, transfer. Late after a redirect."""

    reason: str


class DeviceCode(Signal, frozen=True):
    """A star code was dialled on a phone and the dialplan has already acted on it."""

    device: str
    code: str
    agent: str
    reason: str
    result: str


class ContactChanged(Signal, frozen=True):
    """A phone registered, lost or renewed its registration. `contact`: its address, "" if not told."""

    device: str
    reachable: bool
    contact: str = ""
