"""One call as far as Asterisk's signals tell: frozen, and changed only by `call_fold`.

House definitions: answered = bridged with an agent; talk ends at the first of the agent leg's BridgeLeave,
its Hangup, AgentComplete; a survey score belongs to the last agent leg that was bridged with the customer.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from core.causes import NO_ANSWER, NO_USER_RESPONDING, REJECTED, USER_BUSY
from core.clock import SECOND, Duration, Instant
from core.facts import ConsultOutcome, OfferOutcome, OutgoingOutcome, Phase, Side
from telephony.signals import Entering

_AT_ONCE: Duration = SECOND
"""Asterisk lets both agents of a conference go one after the other, in either order."""


class Wait(Struct, frozen=True, gc=False):
    """One wait in one queue; `open` until the caller has left it."""

    queue: str
    joined_at: Instant
    round: int
    priority: int
    heard_at: Instant = 0
    """When the queue itself told of it."""
    open: bool = True


class Leg(Struct, frozen=True, gc=False):
    """One agent's phone in this call, from the offer to its hang-up."""

    id: str
    agent: str
    device: str
    queue: str
    channel: str
    offered_at: Instant
    rang: bool = False
    cause: int = 0
    bridge: str = ""
    answered_at: Instant | None = None
    ended_at: Instant | None = None
    """End of the talk, or of an offer that nobody answered."""
    released_by: Side | None = None
    held_since: Instant | None = None
    held: Duration = 0
    """On hold, all of it that is over."""
    hold_at: Instant = 0
    """Time of the last signal about a hold that was taken in."""
    consulting_since: Instant | None = None
    consulted: Duration = 0
    """In consults, all of it that is over."""
    both: Duration = 0
    """Of `held`, the time that was also one in a consult."""
    file: str = ""
    sent_to: str = ""
    """Where this agent has sent the customer."""
    gone: bool = False

    @property
    def talking(self) -> bool:
        return self.answered_at is not None and self.ended_at is None

    @property
    def offering(self) -> bool:
        return self.answered_at is None and self.ended_at is None

    def failure(self) -> OfferOutcome:
        """Why this offer failed, from what the phone said (or did not say)."""
        return _failure(self.cause, self.rang)

    def hold_over(self, at: Instant) -> Leg:
        """The customer is no longer on hold."""
        if self.held_since is None:
            return self
        held = self.held + max(0, at - self.held_since)
        return replace(self, held_since=None, held=held, both=self.both + self._both_until(at))

    def consult_over(self, at: Instant) -> Leg:
        """The agent no longer asks a colleague."""
        if self.consulting_since is None:
            return self
        consulted = self.consulted + max(0, at - self.consulting_since)
        both = self.both + self._both_until(at)
        return replace(self, consulting_since=None, consulted=consulted, both=both)

    def _both_until(self, at: Instant) -> Duration:
        if self.held_since is None or self.consulting_since is None:
            return 0
        return max(0, at - max(self.held_since, self.consulting_since))


_REFUSED = frozenset({REJECTED, NO_ANSWER, NO_USER_RESPONDING})
"""What a phone gives when it refuses: SIP 603, and 480 or 404 as Asterisk maps them."""


def _failure(cause: int, rang: bool) -> OfferOutcome:
    if cause == USER_BUSY:
        return OfferOutcome.BUSY
    if cause in _REFUSED:
        return OfferOutcome.REJECTED
    if cause or not rang:
        return OfferOutcome.UNREACHABLE
    return OfferOutcome.NO_ANSWER


class Consult(Struct, frozen=True, gc=False):
    """A colleague, asked by the agent of the leg `asking`. `id`: the colleague's channel, which becomes a leg
    of this call if it joins it; `by`: the channel on which the agent asks; `queue`: whose agent he is then,
    and `of` the same if that queue was asked for him.
    """

    id: str
    asking: str
    by: str
    agent: str
    device: str
    channel: str
    began_at: Instant
    queue: str = ""
    of: str = ""
    rang: bool = False
    cause: int = 0
    bridge: str = ""
    by_bridge: str = ""
    cancelled: bool = False
    """The agent who asks has hung up."""
    answered_at: Instant | None = None
    ended_at: Instant | None = None
    file: str = ""

    def outcome(self) -> ConsultOutcome:
        """How it ends if it ends by a hang-up."""
        if self.answered_at is not None:
            return ConsultOutcome.DONE
        if self.cancelled:
            return ConsultOutcome.CANCELLED
        return ConsultOutcome(_failure(self.cause, self.rang).value)


class Conference(Struct, frozen=True, gc=False):
    """The customer, the agent of the leg `asking` and `to`, whose channel is `asked`. `called_at`: when the
    dialplan began to bring them together; `began_at`: when they were; `ended_at`: when one of them left.
    """

    asking: str
    asked: str
    to: str
    called_at: Instant
    began_at: Instant | None = None
    ended_at: Instant | None = None

    @property
    def legs(self) -> tuple[str, str]:
        """The two agents'."""
        return self.asking, self.asked

    @property
    def gathering(self) -> bool:
        """They are on their way."""
        return self.began_at is None

    @property
    def lasting(self) -> bool:
        """All three are together."""
        return self.began_at is not None and self.ended_at is None


class Outside(Struct, frozen=True, gc=False):
    """A number outside to which the agent of `leg` has sent the customer."""

    leg: str
    number: str
    began_at: Instant
    answered_at: Instant | None = None
    ended_at: Instant | None = None


class Survey(Struct, frozen=True, gc=False):
    """The survey of one leg; `answered` holds the questions that have an answer."""

    leg: str
    answered: frozenset[str] = frozenset()
    over: bool = False


class Presence(Struct, frozen=True, gc=False):
    """A leader in one agent's leg; `id` is that of the leader's own channel, `leg` the agent's.

    `at`: since when in this mode.
    """

    id: str
    leader: str
    leg: str
    mode: str
    at: Instant
    left: bool = False


class First(Struct, frozen=True, gc=False):
    """Of a call of ours in which the customer is called first: the agent who is held for it, at `device`."""

    agent: str
    device: str
    dialled: bool = False
    """The customer's channel has given a sign of itself."""
    answered: bool = False
    """The customer has picked up."""


class Known(Struct, frozen=True, gc=False):
    """Which customer calls, as the look-up has found: number of the customer, level, preferred language."""

    customer: str
    level: str
    language: str = ""


class Call(Struct, frozen=True, gc=False):
    """A customer's call. `leg` and `channel` are the customer's."""

    id: str
    node: str
    leg: str
    channel: str
    arrived_at: Instant
    vip: bool = False
    language: str = ""
    phase: Phase = Phase.MENU
    entering: Entering | None = None
    wait: Wait | None = None
    legs: tuple[Leg, ...] = ()
    consults: tuple[Consult, ...] = ()
    conference: Conference | None = None
    """The last one."""
    outside: Outside | None = None
    """The last number outside that the customer was sent to."""
    bridge: str = ""
    customer_asked: bool = False
    survey: Survey | None = None
    files: tuple[tuple[str, str], ...] = ()
    """Recordings announced before their leg was known: (leg, file)."""
    leaders: tuple[Presence, ...] = ()
    """Every leader who joined, those who have left, too: what is heard late of them begins nothing."""
    refused: frozenset[str] = frozenset()
    """Queues that nobody served when the caller asked for them."""
    menu_at: Instant = 0
    """Time of the last menu signal taken in."""
    favoured: bool = False
    """Found to be a customer who is served first; the dialplan does not know it."""
    to_be_called: bool = False
    """The caller has asked to be called back."""
    caller: str = ""
    """The number the call comes from, as the carrier gives it; "" of a call of ours."""
    known: Known | None = None
    ended_at: Instant | None = None
    outgoing: bool = False
    """We make it: the first leg is the agent's who calls; `leg` is empty until the customer is dialled."""
    first: First | None = None
    """Where the customer of a call of ours is called first: `leg` is known beforehand, and no agent has one
    before he is rung."""
    failed: OutgoingOutcome | None = None
    """Why the customer of a call of ours was not reached, once that is known."""

    @property
    def waiting(self) -> bool:
        return self.wait is not None and self.wait.open

    @property
    def over(self) -> bool:
        """Nothing more can come of this call: the customer is gone, and so are every leg, every leader and
        who was asked."""
        others_gone = all(leg.gone for leg in self.legs) and all(one.left for one in self.leaders)
        return self.ended_at is not None and others_gone and not self.asking

    @property
    def asking(self) -> tuple[Consult, ...]:
        """Consults that go on."""
        return tuple(consult for consult in self.consults if consult.ended_at is None)

    @property
    def anchor(self) -> str:
        """The channel with which the call stands and falls: the customer's, once there is one."""
        return self.leg if self.leg or not self.legs else self.legs[0].id

    @property
    def unqueued(self) -> bool:
        """Whether the customer was called first, and has waited in no queue since."""
        return self.first is not None and self.wait is None

    @property
    def is_unheard(self) -> bool:
        """Whether nothing was heard yet of the customer who is called first."""
        return self.first is not None and not self.first.dialled and self.ended_at is None

    @property
    def holds_agent(self) -> bool:
        """Whether an agent is held until its customer has answered, and his telephone is to be rung next."""
        return self.unqueued and self.ended_at is None and not self.legs

    def is_dialling(self, leg: Leg) -> bool:
        """Whether this is the leg of the agent who makes the call, which nobody has offered."""
        return self.outgoing and self.first is None and self.legs[0].id == leg.id

    def leg_of(self, leg_id: str) -> Leg | None:
        return next((leg for leg in self.legs if leg.id == leg_id), None)

    def last_answered(self) -> Leg | None:
        """The leg a survey would rate now: whoever talked with the customer last; of two in a conference from
        which he was taken, the one who came later."""
        answered = [leg for leg in self.legs if leg.answered_at is not None]
        if not answered:
            return None
        last = max(answered, key=_talked_until)
        if last.ended_at is None:
            return last
        let_go = [leg for leg in answered if leg.released_by is not Side.AGENT]
        at_once = [leg for leg in let_go if last.ended_at - (leg.ended_at or 0) < _AT_ONCE]
        return max([last, *at_once], key=lambda leg: leg.answered_at or 0)


def _talked_until(leg: Leg) -> tuple[bool, Instant, Instant]:
    return leg.talking, leg.ended_at or 0, leg.answered_at or 0
