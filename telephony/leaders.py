"""A leader in a running call: rung at his telephone, let into an agent's leg, in one way or another, and out.

    right, telephone ─► chain of accesses ─► Originate ─► LeaderJoined | LeaderMissed | the talk is over

Whoever asks hears how it ended; nothing is tried twice. That the leader is in is what the dialplan says, and
a fact; without a link in the chain of accesses no telephone rings (SEC-11).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from core import facts as f
from core.errors import BadInput, Conflict, NotFound
from core.facts import AgentState
from core.names import fits
from directory.lookup import Directory
from telephony import commands as c
from telephony.ami.leader_actions import RINGS_S, Joining
from telephony.ami.pending import Outcome, Reply
from telephony.awaited import Awaited
from telephony.calls import Call, Leg, Presence
from telephony.service import Telephony
from telephony.switchboard import Switchboard
from telephony.trail import Trail
from web.route import Principal

JOIN = "calls.join"
HEARD_WITHIN_S = 5.0
"""Between what the node was told and what it tells of it."""
_OF_LEADERS = (f.LeaderJoined, f.LeaderModeChanged, f.LeaderMissed, f.LeaderLeft)
BUSY = frozenset({AgentState.RESERVED, AgentState.RINGING, AgentState.TALKING})
_MISSED = {
    "no_answer": "rang and was not answered",
    "not_taken": "did not take the call: it is busy, refused, or not registered",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinWish:
    """`leg` "": the one that talks; `device` "": where the leader is logged in. `purpose`: a code, for the
    chain of accesses, as is `reason`."""

    mode: str
    leg: str = ""
    device: str = ""
    purpose: str = ""
    reason: str = ""


class Leaders:
    """Use cases of `telephony.leader_api`. `awaited`: hears the ledger."""

    def __init__(
        self,
        telephony: Telephony,
        *,
        awaited: Awaited,
        directory: Callable[[], Directory],
        trail: Trail,
    ) -> None:
        self._telephony = telephony
        self._awaited = awaited
        self._directory = directory
        self._trail = trail
        self._coming: set[str] = set()

    async def join(self, person: Principal, call_id: str, wish: JoinWish) -> Presence:
        """Ring the leader and let him in; returns once he is. `NotFound`: no such call goes on. `Conflict`:
        what kept him out."""
        call, leg = self._reached(person, call_id, wish.leg)
        if not leg.talking or not leg.channel:
            raise Conflict(f"agent {leg.agent} does not talk in call {call.id}: there is nothing to join")
        self._must_be_free(person.staff)
        device = self._device(person.staff, wish.device)
        presence = f"leader-{uuid4().hex}"
        joining = Joining(
            device=device,
            leader=person.staff,
            presence=presence,
            call=call.id,
            leg=leg.id,
            channel=leg.channel,
            mode=wish.mode,
        )
        self._coming.add(person.staff)
        try:
            # Before anything is awaited: the talk may end while the link is written.
            with self._awaited.watch(lambda fact: _of(presence, fact) or _ends(leg.id, fact)) as told:
                await self._note(person, call, leg, wish)
                reply = await self._telephony.order(c.Join(call.node, joining))
                must_be_done(reply, f"{device} was not rung")
                fact = await told.next(RINGS_S + HEARD_WITHIN_S)
                if not isinstance(fact, f.LeaderJoined):
                    await self._telephony.order(c.Leave(call.node, presence))
                    raise Conflict(_why_not(fact, device))
        finally:
            self._coming.discard(person.staff)
        return Presence(presence, person.staff, leg.id, wish.mode, fact.at)

    async def change(self, person: Principal, call_id: str, wish: JoinWish) -> Presence:
        """Go on in another mode. `Conflict` if he is not in the call, or is no more."""
        call, leg, presence = self._mine(person, call_id)
        if presence.mode == wish.mode:
            return presence
        await self._note(person, call, leg, wish)
        with self._awaited.watch(lambda fact: _of(presence.id, fact)) as told:
            reply = await self._telephony.order(c.ChangeMode(call.node, presence.id, wish.mode))
            must_be_done(reply, f"the mode is still {presence.mode}")
            fact = await told.next(HEARD_WITHIN_S)
        if not isinstance(fact, f.LeaderModeChanged):
            raise Conflict("the call is over, or you are out of it" if fact else UNHEARD)
        return Presence(presence.id, presence.leader, presence.leg, fact.mode, fact.at)

    async def leave(self, person: Principal, call_id: str) -> None:
        """Out of it; the call goes on. `Conflict` if he is not in the call."""
        call, _, presence = self._mine(person, call_id)
        with self._awaited.watch(lambda fact: _of(presence.id, fact)) as told:
            reply = await self._telephony.order(c.Leave(call.node, presence.id))
            must_be_done(reply, "you are still in the call")
            if await told.next(HEARD_WITHIN_S) is None:
                raise Conflict(UNHEARD)

    # ------------------------------------------------------------------ inside

    def _reached(self, person: Principal, call_id: str, leg_id: str = "") -> tuple[Call, Leg]:
        call, leg = reached(self._telephony.switchboard, person, JOIN, call_id, leg_id)
        if leg.agent == person.staff:
            raise Conflict(f"call {call.id} is your own")
        return call, leg

    def _mine(self, person: Principal, call_id: str) -> tuple[Call, Leg, Presence]:
        """The call, the leg he is in, and how."""
        call, _ = self._reached(person, call_id)
        for one in call.leaders:
            leg = call.leg_of(one.leg)
            if one.leader == person.staff and not one.left and leg is not None:
                return call, leg, one
        raise Conflict(f"you are not in call {call.id}: join it first")

    def _must_be_free(self, staff: str) -> None:
        board = self._telephony.switchboard
        if board.agent(staff).state in BUSY:
            raise Conflict(f"{staff} has a call: finish it, then join another")
        if staff in self._coming:
            raise Conflict(f"{staff} is being rung already: take the call, or let it ring out")
        for call in board.calls.values():
            if any(one.leader == staff and not one.left for one in call.leaders):
                raise Conflict(
                    f"{staff} is in call {call.id} already: leave that one first, or change the mode"
                )

    def _device(self, staff: str, wanted: str) -> str:
        """Where the leader is rung: never where somebody else sits, who would hear what is not his."""
        board = self._telephony.switchboard
        device = wanted or board.agent(staff).device
        if not device:
            raise BadInput("body.device", f"{staff} is logged in at no telephone: say at which one to ring")
        if device not in self._directory().devices:
            raise BadInput("body.device", f"there is no device {device}: look at the label on the phone")
        sitting = board.agent_at(device)
        if sitting is not None and sitting.number != staff:
            raise Conflict(f"agent {sitting.number} sits at {device}: choose another telephone")
        self._telephony.require_phone(device)
        return device

    async def _note(self, person: Principal, call: Call, leg: Leg, wish: JoinWish) -> None:
        """Who, in what way, in whose talk, and what for."""
        about = f"{leg.id} of {leg.agent}"
        reason = f"{about}: {wish.reason}" if wish.reason else about
        await self._trail.note(person.staff, wish.mode, f"call:{call.id}", reason, purpose=wish.purpose)


def reached(
    board: Switchboard, person: Principal, right: str, call_id: str, leg_id: str = ""
) -> tuple[Call, Leg]:
    """An open call and the leg meant, the last that talked if none is named.

    `NotFound`: there is none. `Forbidden`: `right` does not reach its agent.
    """
    call = board.calls.get(call_id) if fits("call", call_id) else None
    if call is None or call.ended_at is not None:
        raise NotFound(f"no call {call_id[:40]!r} goes on: it is over, or was never there")
    leg = call.leg_of(leg_id) if leg_id else call.last_answered()
    if leg is None:
        raise NotFound(f"call {call.id} has no leg {leg_id[:40]!r}" if leg_id else _NOBODY.format(call.id))
    person.require_of(right, leg.agent)
    return call, leg


_NOBODY = "nobody has talked with the customer of call {} yet"
UNHEARD = "nothing was heard of it in time: what became of it is not known; look at the call, then try again"


def _of(presence: str, fact: f.Fact) -> bool:
    return isinstance(fact, _OF_LEADERS) and fact.presence == presence


def _ends(leg: str, fact: f.Fact) -> bool:
    return isinstance(fact, f.TalkEnded) and fact.leg == leg


def must_be_done(reply: Reply, otherwise: str) -> None:
    """`Conflict` unless the node did it; `otherwise`: how things then still are."""
    if not reply.done:
        certain = otherwise if reply.outcome is Outcome.REFUSED else f"perhaps {otherwise}"
        raise Conflict(f"{certain}: {reply.outcome.value}, {reply.why}")


def _why_not(fact: f.Fact | None, device: str) -> str:
    match fact:
        case f.LeaderMissed():
            return f"the telephone at {device} {_MISSED[fact.cause]}"
        case f.TalkEnded():
            return "the talk has ended before you were in it"
        case None:
            return UNHEARD
        case _:
            return "you were out of the call as soon as you were in it"
