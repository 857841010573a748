"""One agent's state, and what agents may wish: frozen, and changed only by `agent_fold`.

The state belongs to us; queue membership and pause in Asterisk are its projection.

    logged_out ─log in─► not_ready ⇄ ready ─offer─► ringing ─answer─► talking ─talk ended─► wrap_up ─► ready
                        └─reserve─► reserved ─┘        └─ not answered: back, the second time not_ready

A colleague's question takes whoever is ready or not_ready to consulting, and back again, or to talking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from core.clock import Duration, Instant
from core.facts import USUAL_ANSWER_WITHIN, AgentState
from directory.model import Membership

LOGIN_REASON = "logged_in"
"""Right after log-in: the agent is there, and says so by going ready (CALL-19)."""
NO_ANSWER_REASON = "no_answer"
RESERVED_REASON = "reserved"
PHONE_LOST_REASON = "phone_lost"
PAGE_GONE_REASON = "page_gone"
"""Logged out: the page with the telephone has been away for so long that its seat is given back."""


class Rest(Struct, frozen=True, gc=False):
    """What the agent returns to when no call is on hand: ready, or not ready for a reason."""

    state: AgentState = AgentState.READY
    reason: str = ""


class Agent(Struct, frozen=True, gc=False):
    """`unanswered`: offers in a row not taken. `rest`: where the agent goes when the call is done."""

    number: str
    state: AgentState = AgentState.LOGGED_OUT
    reason: str = ""
    since: Instant = 0
    device: str = ""
    node: str = ""
    call: str = ""
    leg: str = ""
    queue: str = ""
    rest: Rest = Rest()
    unanswered: int = 0
    summarised: bool = False
    """The summary of `leg` is saved."""
    held: bool = False
    """Paused in every queue for a call of our own choice: `call`."""
    given: bool = False
    """Of a call that we make and the agent is rung for: he did not ask for it, it was his turn."""


def usual_answer_within(_queue: str) -> Duration:
    """For every queue the same."""
    return USUAL_ANSWER_WITHIN


@dataclass(frozen=True, slots=True)
class Duties:
    """What the directory says of agents and queues, as far as the state machine asks."""

    memberships: Callable[[str], Sequence[Membership]]
    wrapup_limit: Callable[[str], Duration]
    nodes: Sequence[str]
    answer_within: Callable[[str], Duration] = usual_answer_within
    """A queue's service level."""


# ------------------------------------------------------------------ wishes


@dataclass(frozen=True, slots=True)
class Wish:
    """`at`: when it was made."""

    at: Instant


@dataclass(frozen=True, slots=True)
class LogIn(Wish):
    """Take a seat at a device."""

    device: str


@dataclass(frozen=True, slots=True)
class LogOut(Wish):
    """Leave the seat; `why` if it is not the agent's own wish, nor a leader's."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class BeReady(Wish):
    """Take calls."""


@dataclass(frozen=True, slots=True)
class BeNotReady(Wish):
    """Take no calls, for a reason of the list (CALL-21)."""

    reason: str


@dataclass(frozen=True, slots=True)
class SummaryDone(Wish):
    """The summary of a leg is saved."""

    leg: str


@dataclass(frozen=True, slots=True)
class WrapUpOver(Wish):
    """The after-call work for a leg is over; `why`: its limit has passed, or a leader has said so."""

    leg: str
    why: str = "limit"


@dataclass(frozen=True, slots=True)
class Reserve(Wish):
    """Hold the agent for one call; refused unless ready (one fold, one owner: atomic)."""

    call: str


@dataclass(frozen=True, slots=True)
class Release(Wish):
    """Give an agent back who is still reserved for this call, or still asked about it."""

    call: str


@dataclass(frozen=True, slots=True)
class PhoneLost(Wish):
    """The agent's phone is no longer registered."""


@dataclass(frozen=True, slots=True)
class Dismiss(Wish):
    """The directory has no queue for the agent any more: logged out, after the call that is on hand."""


@dataclass(frozen=True, slots=True)
class Adopt(Wish):
    """Asterisk's word goes: a star code has already been carried out, or we come back and find it so."""

    state: AgentState
    reason: str
    device: str
