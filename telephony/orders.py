"""What a leader orders of a running call: he takes it over, or it is ended, or who waits waits elsewhere.

Each with its outcome, on record.

    right ─► chain of accesses ─► CallOrdered ─► Redirect of the customer ─► what became of it

The order is a fact before it is given, so that an end nobody saw can be put down to whoever wanted it.
"""

from __future__ import annotations

from functools import partial

from core import facts as f
from core.clock import Clock
from core.errors import Conflict
from core.facts import AgentState
from core.masking import mask_text
from telephony import commands as c
from telephony.awaited import Awaited, Told
from telephony.calls import Call, Leg
from telephony.leaders import BUSY, HEARD_WITHIN_S, UNHEARD, must_be_done, reached
from telephony.service import Telephony
from telephony.trail import Trail
from web.route import Principal

COMMAND = "calls.command"
_RINGS_S = 15.0
"""As the dialplan rings a leader who takes over."""


class Orders:
    """Use cases of `telephony.order_api`. `awaited`: hears the ledger."""

    def __init__(self, telephony: Telephony, *, awaited: Awaited, trail: Trail, clock: Clock) -> None:
        self._telephony = telephony
        self._awaited = awaited
        self._trail = trail
        self._clock = clock

    async def end(self, person: Principal, call_id: str, reason: str) -> None:
        """The customer hears goodbye, the agent is released; returns once they are apart."""
        call, leg = self._talking(person, call_id)
        with self._awaited.watch(lambda fact: _is_over(fact, call, leg)) as told:
            await self._order(person, call, leg, "end", reason)
            reply = await self._telephony.order(c.EndCall(call.node, call.channel))
            must_be_done(reply, "the call goes on")
            if await told.next(HEARD_WITHIN_S) is None:
                raise Conflict(UNHEARD)

    async def take_over(self, person: Principal, call_id: str, reason: str) -> str:
        """The customer is sent to the telephone at which the leader is logged in; the leader's own leg.

        `Conflict`: he is not logged in, is busy, or did not take it (the customer then waits, first of all).
        """
        call, leg = self._talking(person, call_id)
        mine = self._telephony.switchboard.agent(person.staff)
        if leg.agent == person.staff:
            raise Conflict(f"call {call.id} is your own")
        if mine.state is AgentState.LOGGED_OUT or mine.state in BUSY:
            raise Conflict(
                f"{person.staff} is {mine.state.value}: log in at a telephone, and have no call there"
            )
        with self._awaited.watch(lambda fact: _of_taking(fact, call, person.staff)) as told:
            await self._order(person, call, leg, "take_over", reason)
            await self._be_alone(person.staff)
            reply = await self._telephony.order(c.TakeOver(call.node, call.channel, person.staff))
            must_be_done(reply, f"agent {leg.agent} still has the customer")
            return await _taken(told)

    async def move(self, person: Principal, call_id: str, queue: str) -> None:
        """Let a waiting caller wait in `queue` from now on, as one who joined when they joined; `Conflict`
        says why not. A caller who waits is nobody's yet: the right has no scope."""
        await self._trail.note(person.staff, "move", f"call:{call_id[:60]}", queue)
        on_duty = await self._telephony.on_duty(queue)
        call = self._telephony.switchboard.calls.get(call_id)
        if call is None or not call.waiting or call.wait is None or not call.channel:
            raise Conflict(f"call {call_id[:40]} does not wait: there is nobody to be moved")
        if call.wait.queue == queue:
            raise Conflict(f"call {call_id} waits in {queue} already")
        if not on_duty:
            raise Conflict(f"nobody is on duty for {queue}: the caller would be turned away there")
        reply = await self._telephony.order(c.Requeue(call.node, call.channel, queue))
        must_be_done(reply, "the caller waits where they were")
        about = {"node": call.node, "call": call.id, "queue": queue, "by": person.staff}
        self._telephony.write_down(f.CallerMoved(at=self._clock(), **about))

    # ------------------------------------------------------------------ inside

    def _talking(self, person: Principal, call_id: str) -> tuple[Call, Leg]:
        call, leg = reached(self._telephony.switchboard, person, COMMAND, call_id)
        if not leg.talking or not call.channel:
            raise Conflict(f"agent {leg.agent} does not talk in call {call.id} any more")
        return call, leg

    async def _order(self, person: Principal, call: Call, leg: Leg, order: str, reason: str) -> None:
        """On record before anything is done."""
        reason = mask_text(reason)
        await self._trail.note(person.staff, order, f"call:{call.id}", f"{leg.id} of {leg.agent}: {reason}")
        about = {"call": call.id, "leg": leg.id, "agent": leg.agent, "queue": leg.queue}
        fact = f.CallOrdered(
            at=self._clock(), node=call.node, order=order, by=person.staff, reason=reason, **about
        )
        self._telephony.write_down(fact)

    async def _be_alone(self, staff: str) -> None:
        """Whoever listens in puts that down before the customer comes to the same telephone."""
        for call in list(self._telephony.switchboard.calls.values()):
            for one in call.leaders:
                if one.leader == staff and not one.left:
                    with self._awaited.watch(partial(_has_left, one.id)) as told:
                        await self._telephony.order(c.Leave(call.node, one.id))
                        await told.next(HEARD_WITHIN_S)


def _is_over(fact: f.Fact, call: Call, leg: Leg) -> bool:
    match fact:
        case f.TalkEnded():
            return fact.leg == leg.id
        case f.CallEnded():
            return fact.call == call.id
        case _:
            return False


def _of_taking(fact: f.Fact, call: Call, staff: str) -> bool:
    match fact:
        case f.AgentAnswered() | f.OfferEnded():
            return fact.call == call.id and fact.agent == staff
        case f.CallerQueued() | f.CallEnded():
            return fact.call == call.id
        case _:
            return False


def _has_left(presence: str, fact: f.Fact) -> bool:
    return isinstance(fact, f.LeaderLeft) and fact.presence == presence


async def _taken(told: Told) -> str:
    fact = await told.next(_RINGS_S + HEARD_WITHIN_S)
    match fact:
        case f.AgentAnswered():
            return fact.leg
        case f.OfferEnded() | f.CallerQueued():
            raise Conflict("your telephone did not take the customer: he waits again, ahead of all others")
        case f.CallEnded():
            raise Conflict("the customer has hung up meanwhile")
        case _:
            raise Conflict(UNHEARD)
