"""Every fact this house knows, and the one form in which it is written down.

A fact is something that has happened: it is never changed and never taken back. Features meet here and
nowhere else. Times are `Instant`s (µs UTC) of the node's clock; durations are µs. Identifiers have the
shapes of `core.names`. `ledger/` numbers and keeps them.

The sources are Asterisk's events, folded by `telephony/`; our own records (`SummarySaved`, `TicketOpened`,
`RecordingFiled`); and what we notice about ourselves (`NodeLost`, `GapDeclared`, `AlarmRaised`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from core.clock import SECOND, Duration, Instant

USUAL_ANSWER_WITHIN: Duration = 10 * SECOND
"""What a queue promises its callers where nothing else is written (CALL-02)."""


class LeaveReason(StrEnum):
    """How a caller left a queue. Only ABANDONED is the customer's own doing."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TIMED_OUT = "timed_out"
    NOBODY_ON_DUTY = "nobody_on_duty"
    REQUEUED = "requeued"
    CALLBACK = "callback"
    """The customer has asked to be called back."""
    NODE_LOST = "node_lost"
    SYSTEM = "system"
    """The channel was ended without the customer asking for it: by our order, or by a dead connection."""
    UNSEEN = "unseen"
    """Inside a declared gap: nobody can say how."""


class OfferOutcome(StrEnum):
    """How an offer (one agent's phone asked to ring) ended, if not by an answer."""

    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_GONE = "caller_gone"
    CANCELLED = "cancelled"
    NODE_LOST = "node_lost"


class ConsultOutcome(StrEnum):
    """How a consult (an agent asks a colleague, the customer's call goes on meanwhile) ended."""

    JOINED = "joined"
    """The colleague came into the customer's call: it was handed over, or there are three of them."""
    DONE = "done"
    """They talked, and one of them hung up."""
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"
    """The agent who asked hung up before the colleague answered."""
    NODE_LOST = "node_lost"
    UNSEEN = "unseen"


class Side(StrEnum):
    """Who released a leg first (CALL-10)."""

    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"


class SurveyOutcome(StrEnum):
    """How a survey ended."""

    COMPLETED = "completed"
    WRONG_KEY = "wrong_key"
    TIMED_OUT = "timed_out"
    HUNG_UP = "hung_up"
    NODE_LOST = "node_lost"


class Phase(StrEnum):
    """Where in its life a call was."""

    MENU = "menu"
    WAITING = "waiting"
    RINGING = "ringing"
    TALKING = "talking"
    SURVEY = "survey"


class EndReason(StrEnum):
    """Why a call is over."""

    CUSTOMER = "customer"
    """The customer hung up."""
    SYSTEM = "system"
    """The dialplan came to its end: survey done, message played."""
    NODE_LOST = "node_lost"
    """Asterisk died or restarted under the call; when it ended is not known."""
    UNSEEN = "unseen"
    """The call was over when we could look again: it ended inside a declared gap."""


class OutgoingOutcome(StrEnum):
    """What came of a call that we made, or of a transfer outside. Only REACHED means that anybody talked."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    WRONG_NUMBER = "wrong_number"
    UNREACHABLE = "unreachable"
    """The carrier did not put it through, now."""
    NOT_ALLOWED = "not_allowed"
    """The dialplan's own list has no place for the number: the customer was not dialled."""
    AGENT_AWAY = "agent_away"
    """The agent's telephone was not taken: the customer was not dialled."""
    CANCELLED = "cancelled"
    """Whoever was waiting for the answer hung up before it came."""
    CUSTOMER_GONE = "customer_gone"
    """The customer was called first, answered, and hung up before an agent was there."""
    NO_AGENT = "no_agent"
    """The customer was called first and answered, and was let go without an agent: nobody came free."""
    NOT_DIALLED = "not_dialled"
    """Asterisk refused the order: nobody was dialled."""
    UNKNOWN = "unknown"
    """Inside a declared gap, or with its node: nobody can say whether the customer was dialled."""


class AgentState(StrEnum):
    """The agent's state belongs to the service; queue membership and pause are its projection."""

    LOGGED_OUT = "logged_out"
    READY = "ready"
    NOT_READY = "not_ready"
    RESERVED = "reserved"
    RINGING = "ringing"
    TALKING = "talking"
    CONSULTING = "consulting"
    """A colleague asks him in the middle of a customer's call, which is not his."""
    WRAP_UP = "wrap_up"


class Fact(Struct, frozen=True, gc=False, kw_only=True):
    """`at`: when it happened, on the clock of `node` ("" for facts of the service itself)."""

    at: Instant
    node: str = ""


# ------------------------------------------------------------------ the call


class CallFact(Fact, frozen=True, kw_only=True):
    """A fact of one call."""

    call: str


class CallArrived(CallFact, frozen=True, kw_only=True):
    """A customer's channel entered the dialplan. `caller` may be empty (number withheld)."""

    leg: str
    caller: str
    called: str
    vip: bool = False
    flow: str = ""
    version: str = ""


class CustomerIdentified(CallFact, frozen=True, kw_only=True):
    """The number belongs to a customer: of several the most favoured. Name and number stand elsewhere.

    `level`: of `customers.model`; `favoured`: more than ordinary, the caller waits as a VIP does.
    `source`: who said so, `own` or `http`. `language`: preferred, "" if none is.
    """

    customer: str
    level: str
    favoured: bool
    source: str
    language: str = ""


class LanguageChosen(CallFact, frozen=True, kw_only=True):
    """`language`: cmn, nan or en (CALL-12)."""

    language: str


class MenuChosen(CallFact, frozen=True, kw_only=True):
    """The caller pressed `key` in `menu` and was led to `target`."""

    menu: str
    key: str
    target: str


class MenuFailed(CallFact, frozen=True, kw_only=True):
    """No key, or a wrong one; `cause` is `no_input` or `wrong_input`. Keys themselves are not kept."""

    menu: str
    cause: str
    attempt: int


class NobodyOnDuty(CallFact, frozen=True, kw_only=True):
    """The caller asked for a queue nobody serves just now, heard so, and was not queued."""

    queue: str


class CallerQueued(CallFact, frozen=True, kw_only=True):
    """The caller joined a queue. `again`: the wait goes on from `joined_at` (re-entered on our order).

    `answer_within`: the queue's service level as the directory had it then. It stands here so that figures,
    counted again after it was changed, have the same digits.
    """

    queue: str
    joined_at: Instant
    priority: int = 0
    language: str = ""
    again: bool = False
    answer_within: Duration = USUAL_ANSWER_WITHIN


class CallerLeftQueue(CallFact, frozen=True, kw_only=True):
    """`waited`: from the first joining of this wait."""

    queue: str
    reason: LeaveReason
    waited: Duration


class CallbackRequested(CallFact, frozen=True, kw_only=True):
    """The caller is to be called back at `number`; joined at `joined_at`, with `priority`. Whoever waited has
    left the queue by it; whom nobody served was never in it."""

    queue: str
    joined_at: Instant
    number: str
    priority: int = 0
    language: str = ""


class PlaceOutcome(StrEnum):
    """How the place ended that was kept in a queue for a caller who is to be called back."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    """The customer was dialled, once: from then on it is for whoever owes the call-back."""
    EXPIRED = "expired"
    """No agent came free for it in time."""
    OUTSIDE_HOURS = "outside_hours"
    """Its time was over while customers are not called: it is for whoever owes the call-back, by day."""
    WITHDRAWN = "withdrawn"
    """Somebody else has called, or may have; the number cannot be called; or the customer asked once more, or
    called again and was answered."""


class CallbackPlaceEnded(CallFact, frozen=True, kw_only=True):
    """The place in `queue` of the caller of this call, kept since `joined_at`, is over. `waited`: since then;
    of one who was reached until an agent spoke with him. `spoken_in`, `spoken_by`: the other call in which an
    agent (staff number) has answered him meanwhile, if that ended it."""

    queue: str
    joined_at: Instant
    outcome: PlaceOutcome
    waited: Duration
    spoken_in: str = ""
    spoken_by: str = ""


class CallerMoved(CallFact, frozen=True, kw_only=True):
    """A leader has ordered a waiting caller into another queue. `by`: staff number; `queue`: the new one.
    That it came about the next CallerQueued tells.
    """

    queue: str
    by: str


class LegFact(CallFact, frozen=True, kw_only=True):
    """A fact of one agent leg. `leg` is the agent channel's Uniqueid."""

    leg: str
    agent: str
    queue: str


class AgentOffered(LegFact, frozen=True, kw_only=True):
    """The agent's phone was asked to ring: by app_queue, past it by the service's own dispatcher or, where
    there is a `from_leg`, by the agent of that leg, who transferred the customer.
    """

    device: str
    by_service: bool = False
    from_leg: str = ""


class OfferEnded(LegFact, frozen=True, kw_only=True):
    """The offer ended without an answer."""

    outcome: OfferOutcome
    rang: Duration


class AgentAnswered(LegFact, frozen=True, kw_only=True):
    """Customer and agent are bridged. `waited` since joining, `rang` since this offer (CALL-02)."""

    device: str
    waited: Duration
    rang: Duration


class HoldStarted(LegFact, frozen=True, kw_only=True):
    """The agent has put the customer on hold (CALL-07)."""


class HoldExplained(LegFact, frozen=True, kw_only=True):
    """The customer was told why, and agrees: to the hold that lasts, else to the next one (CALL-07)."""

    reason: str


class HoldEnded(LegFact, frozen=True, kw_only=True):
    """The agent is back, or the talk is over. `held`: this hold."""

    held: Duration


class ConsultFact(LegFact, frozen=True, kw_only=True):
    """A fact of one consult: the agent of this leg asks `to` (a staff number), whose channel is `to_leg`.
    Nothing of it is an offer, an answer or a talk with the customer.
    """

    to: str
    to_leg: str


class ConsultStarted(ConsultFact, frozen=True, kw_only=True):
    """The colleague's phone, `device`, is called. `by_leg`: the channel on which the agent asks; `of`: the
    queue that was asked for a colleague, "" if this one was called himself.
    """

    device: str
    by_leg: str
    of: str = ""


class ConsultAnswered(ConsultFact, frozen=True, kw_only=True):
    """The two agents are bridged with each other."""

    rang: Duration


class ConsultEnded(ConsultFact, frozen=True, kw_only=True):
    """`consulted`: from the call of the colleague's phone on, as far as the talk with the customer lasted."""

    outcome: ConsultOutcome
    consulted: Duration


class ConferenceFact(LegFact, frozen=True, kw_only=True):
    """A fact of one conference: the agent of this leg, `to` on the leg `to_leg`, and the customer."""

    to: str
    to_leg: str


class ConferenceStarted(ConferenceFact, frozen=True, kw_only=True):
    """All three hear each other, by the order of the agent of this leg."""


class ConferenceEnded(ConferenceFact, frozen=True, kw_only=True):
    """One of them has left; if it is an agent, the other one goes on with the customer."""

    lasted: Duration


class CallTransferred(LegFact, frozen=True, kw_only=True):
    """The agent of this leg has sent the customer on. `to`: a queue, a staff number, a device, or what else
    was dialled, masked; what becomes of it the following facts tell. The survey is not a transfer.
    """

    to: str


class OutsideFact(LegFact, frozen=True, kw_only=True):
    """A fact of a transfer outside: the agent of this leg has sent the customer to `number`, one of those
    that the bank allows. Who answers there is no agent: nothing of it is a leg, a talk in the figures or
    recorded.
    """

    number: str


class OutsideDialled(OutsideFact, frozen=True, kw_only=True):
    """The number is dialled; the customer hears music."""


class OutsideAnswered(OutsideFact, frozen=True, kw_only=True):
    """The customer talks with whoever is there."""

    rang: Duration


class OutsideEnded(OutsideFact, frozen=True, kw_only=True):
    """After REACHED the call comes to its end; of another outcome the customer comes back to the queue."""

    outcome: OutgoingOutcome
    talked: Duration


class TalkEnded(LegFact, frozen=True, kw_only=True):
    """Customer and agent are apart, by the first sign of it. Of `talked`: `consulted`, the time in which the
    agent asked a colleague, and `held`, the time on hold for other reasons.
    """

    talked: Duration
    released_by: Side
    held: Duration = 0
    consulted: Duration = 0


class TelephoneLost(LegFact, frozen=True, kw_only=True):
    """The talk has ended because nothing came from the agent's telephone any more: the customer waits again,
    ahead of all others, and is asked for no score of this leg.
    """


class LeaderJoined(LegFact, frozen=True, kw_only=True):
    """`leader` is in this leg by his own telephone, whose channel we have named `presence`.

    `mode`: `listen`, `whisper` (the agent alone hears him) or `barge` (both do). His voice is in a recording
    (`<call>_<leg>-leader.wav`) while he barges, and only then.
    """

    leader: str
    mode: str
    presence: str


class LeaderModeChanged(LegFact, frozen=True, kw_only=True):
    """He goes on in another way."""

    leader: str
    mode: str
    presence: str


class LeaderLeft(LegFact, frozen=True, kw_only=True):
    """He is out of it: by his own hang-up, on our order, or because the leg is over."""

    leader: str
    presence: str


class LeaderMissed(LegFact, frozen=True, kw_only=True):
    """His telephone was to ring and did not take the call.

    `cause`: `no_answer`, or `not_taken` (busy, refused, not there).
    """

    leader: str
    cause: str
    presence: str


class CallOrdered(LegFact, frozen=True, kw_only=True):
    """Somebody has ordered what is to become of the call of this leg; what came of it, later facts tell.

    `order`: `take_over` (the customer goes to the one who ordered it) or `end`. `by`: staff number.
    """

    order: str
    by: str
    reason: str = ""


class HarassmentReported(LegFact, frozen=True, kw_only=True):
    """恶意骚扰: the agent of this leg has warned the customer and ends the call (CALL-09). `note`: masked."""

    note: str = ""


class RecordingStarted(LegFact, frozen=True, kw_only=True):
    """`file`: base name inside the node's recordings folder, made of our own ids only."""

    file: str


class RecordingEnded(LegFact, frozen=True, kw_only=True):
    """The leg is over: its file may be measured and catalogued."""

    file: str


class OutgoingStarted(LegFact, frozen=True, kw_only=True):
    """We call a customer: the telephone of the `first` is asked to ring, `leg` is its channel. The first fact
    of its call, in place of an arrival; `queue` is empty, as nobody waited in one.

    `number`: the customer's; `shown`: the one the customer sees. `about`: callback, ticket or summary, and
    `record` which of them. `first`: AGENT, or CUSTOMER: then `agent`, who sits at `device`, is held for him.
    """

    device: str
    number: str
    shown: str
    about: str
    record: str
    first: Side = Side.AGENT


class CustomerDialled(LegFact, frozen=True, kw_only=True):
    """The customer's telephone is called; `customer`: its channel's Uniqueid. `leg`: of the agent, who has
    picked up. Where the customer is called first there is no such leg yet, and it is the customer's; told
    then by the first sign of that channel: it rings, is answered, or gone."""

    customer: str


class CustomerAnswered(CallFact, frozen=True, kw_only=True):
    """The customer, who was called first, has picked up and hears that an agent's telephone is rung."""

    rang: Duration


class OutgoingEnded(LegFact, frozen=True, kw_only=True):
    """The last fact of a call that we made, in place of `CallEnded`. `lasted`: since it was started.

    `leg`: of the agent who made it; where the customer was called first of the one who was there last, or the
    customer's own if there was none.
    """

    outcome: OutgoingOutcome
    lasted: Duration


class SurveyStarted(LegFact, frozen=True, kw_only=True):
    """`leg` and `agent` are those the score belongs to (house decision 3).

    `by`: AGENT if the agent hung up first (CALL-10), SYSTEM if the customer was transferred on command or
    the agent's leg was hung up for him.
    """

    by: Side


class SurveyAnswered(LegFact, frozen=True, kw_only=True):
    """`question` is `satisfaction` (1-5) or `solved` (1 yes, 2 no)."""

    question: str
    answer: int


class SurveyEnded(LegFact, frozen=True, kw_only=True):
    """How the survey of this leg ended."""

    outcome: SurveyOutcome


class CallEnded(CallFact, frozen=True, kw_only=True):
    """The customer's channel is gone. `phase`: where the call was; `lasted`: since arrival."""

    reason: EndReason
    phase: Phase
    lasted: Duration


# ------------------------------------------------------------------ agents and devices


class AgentFact(Fact, frozen=True, kw_only=True):
    """A fact of one agent."""

    agent: str


class AgentStateChanged(AgentFact, frozen=True, kw_only=True):
    """`reason`: the not-ready reason; of a wrap-up's end, `summary`, `limit` or `command`; of a log-out that
    nobody has asked for, `page_gone`.
    """

    before: AgentState
    state: AgentState
    reason: str = ""
    device: str = ""
    call: str = ""
    leg: str = ""


class HelpRaised(AgentFact, frozen=True, kw_only=True):
    """举手: the agent asks for the leader without a word, in any state (CALL-22)."""

    call: str = ""


class HelpEnded(AgentFact, frozen=True, kw_only=True):
    """`by`: the staff number of who ended it."""

    by: str


class DeviceContactChanged(Fact, frozen=True, kw_only=True):
    """A phone registered or lost its registration."""

    device: str
    reachable: bool


# ------------------------------------------------------------------ nodes and ourselves


class NodeConnected(Fact, frozen=True, kw_only=True):
    """We are logged in on the node and have compared our picture with its own."""

    version: str


class NodeLost(Fact, frozen=True, kw_only=True):
    """The node's sessions are gone. `cause` for people."""

    cause: str


class GapDeclared(Fact, frozen=True, kw_only=True):
    """Between `since` and `at` events of this node may be missing; figures over it say so."""

    since: Instant
    cause: str


class AlarmRaised(Fact, frozen=True, kw_only=True):
    """`alarm`: the name of a threshold in the directory; `subject`: the queue, agent or node concerned."""

    alarm: str
    subject: str
    detail: str = ""


class AlarmAcknowledged(Fact, frozen=True, kw_only=True):
    """A leader has taken a standing alarm upon himself. `by`: staff number; `note`: what is being done."""

    alarm: str
    subject: str
    by: str
    note: str = ""


class AlarmCleared(Fact, frozen=True, kw_only=True):
    """The reason for the alarm has passed."""

    alarm: str
    subject: str


# ------------------------------------------------------------------ our own records


class SummarySaved(LegFact, frozen=True, kw_only=True):
    """`number`: the 电话总结编号; `type`: code in the list of call types."""

    number: str
    type: str


class TicketOpened(CallFact, frozen=True, kw_only=True):
    """A work order (工单) grew out of a summary."""

    agent: str
    number: str
    summary: str
    kind: str


class RecordingFiled(LegFact, frozen=True, kw_only=True):
    """The leg's file has its catalogue row. `status`: `present`, `missing` or `damaged`."""

    file: str
    status: str
    length: Duration = 0
    sha256: str = ""


# ------------------------------------------------------------------ written form


class Numbered(Struct, frozen=True, gc=False):
    """A fact with its number in the ledger."""

    seq: int
    fact: Fact


def _leaves(cls: type[Fact]) -> list[type[Fact]]:
    below = cls.__subclasses__()
    return [cls] if not below else [leaf for sub in below for leaf in _leaves(sub)]


KINDS: dict[str, type[Fact]] = {cls.__name__: cls for cls in _leaves(Fact)}
_encoder = msgspec.json.Encoder()
_decoders: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(cls) for name, cls in KINDS.items()
}
F = TypeVar("F", bound=Fact)


def encode(fact: Fact) -> tuple[str, bytes]:
    """The fact's kind (class name) and its JSON body."""
    return type(fact).__name__, _encoder.encode(fact)


def decode(kind: str, body: bytes | str) -> Fact:
    """The fact again; `msgspec.ValidationError` if the body is not one of its kind."""
    fact: Fact = _decoders[kind].decode(body)
    return fact
