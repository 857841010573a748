"""三方通话: an agent who asks a colleague brings him and the customer together, and hears what came of it.

    chain of accesses ─► Originate (hotline-confer) ─► ConferenceStarted | one of them was gone before

Who leaves first is theirs to choose: the other one goes on with the customer, by the dialplan alone.
"""

from __future__ import annotations

from core import facts as f
from core.errors import Conflict
from core.facts import AgentState
from telephony import commands as c
from telephony.ami.conference_actions import Gathering
from telephony.awaited import Awaited
from telephony.calls import Call, Consult, Leg
from telephony.leaders import HEARD_WITHIN_S, UNHEARD, must_be_done
from telephony.service import Telephony
from telephony.trail import Trail


class Conferences:
    """Use case of `telephony.conference_api`. `awaited`: hears the ledger."""

    def __init__(self, telephony: Telephony, *, awaited: Awaited, trail: Trail) -> None:
        self._telephony = telephony
        self._awaited = awaited
        self._trail = trail
        self._beginning: set[str] = set()

    async def start(self, agent: str) -> f.ConferenceStarted:
        """All three hear each other when this returns; `Conflict` says why they do not."""
        call, leg, asked = self._all_three(agent)
        gathering = Gathering(
            call=call.id,
            customer=call.channel,
            asking=leg.channel,
            leg=leg.id,
            asked=asked.channel,
            asked_leg=asked.id,
        )
        self._beginning.add(call.id)
        try:
            # Before anything is awaited: one of them may hang up while the link is written.
            with self._awaited.watch(lambda fact: _tells(fact, leg, asked)) as told:
                await self._trail.note(agent, "conference", f"call:{call.id}", f"{leg.id} with {asked.agent}")
                reply = await self._telephony.order(c.Confer(call.node, gathering))
                must_be_done(reply, "you are still asking")
                fact = await told.next(HEARD_WITHIN_S)
        finally:
            self._beginning.discard(call.id)
        if isinstance(fact, f.ConferenceStarted):
            return fact
        raise Conflict("one of you had hung up before you were together" if fact else UNHEARD)

    def _all_three(self, agent: str) -> tuple[Call, Leg, Consult]:
        board = self._telephony.switchboard
        mine = board.agent(agent)
        call = board.call(mine.call)
        leg = None if call is None else call.leg_of(mine.leg)
        if mine.state is not AgentState.TALKING or call is None or leg is None or not leg.talking:
            raise Conflict(f"agent {agent} has no customer on the line: there is nobody to bring together")
        if call.outgoing:
            raise Conflict("we have called this customer: a colleague cannot be brought into such a call")
        if call.id in self._beginning:  # a second order would take the colleague out of it again
            raise Conflict("you are being brought together already")
        if call.conference is not None and call.conference.lasting:
            raise Conflict(f"{call.conference.to} is in the conference already: three is as many as can be")
        asked = next((one for one in call.asking if one.asking == leg.id and one.answered_at), None)
        if asked is None:
            raise Conflict(f"agent {agent} asks nobody: call a colleague first, and wait until he answers")
        if not (call.channel and leg.channel and asked.channel):
            raise Conflict("what goes on in this call is being looked up: try again in a moment")
        return call, leg, asked


def _tells(fact: f.Fact, leg: Leg, asked: Consult) -> bool:
    match fact:
        case f.ConferenceStarted():
            return fact.to_leg == asked.id
        case f.ConsultEnded():
            return fact.to_leg == asked.id and fact.outcome is not f.ConsultOutcome.JOINED
        case f.TalkEnded():
            return fact.leg == leg.id
        case _:
            return False
