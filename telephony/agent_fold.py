"""The fold of one agent: wishes and facts of calls in; the agent as it becomes, facts and commands out. Pure.

`decide` takes a wish of the agent or of a timer, `follow` takes a fact of a call. Wrap-up lasts until the
summary is saved or the queue's limit has passed (SUMMARY-01); its pause is sent when the agent is bridged,
because after AgentComplete it races with the next offer.
"""

from __future__ import annotations

from msgspec.structs import replace

from core import facts as f
from core.clock import Instant
from core.errors import Conflict
from core.facts import AgentState
from telephony import commands as c
from telephony.agents import (
    LOGIN_REASON,
    NO_ANSWER_REASON,
    PHONE_LOST_REASON,
    RESERVED_REASON,
    Adopt,
    Agent,
    BeNotReady,
    BeReady,
    Dismiss,
    Duties,
    LogIn,
    LogOut,
    PhoneLost,
    Release,
    Reserve,
    Rest,
    SummaryDone,
    Wish,
    WrapUpOver,
)

UNANSWERED_LIMIT = 2

_IN_CALL = (AgentState.RESERVED, AgentState.RINGING, AgentState.TALKING, AgentState.CONSULTING)
_HELD = (AgentState.RESERVED, AgentState.RINGING)
_NOT_TAKEN = (
    f.OfferOutcome.NO_ANSWER,
    f.OfferOutcome.REJECTED,
    f.OfferOutcome.BUSY,
    f.OfferOutcome.UNREACHABLE,
)

Step = tuple[Agent, tuple[f.Fact, ...], tuple[c.Command, ...]]


def decide(agent: Agent, wish: Wish, duties: Duties) -> Step:
    """Carry out a wish; `Conflict` says why not, and what the agent can do."""
    turn = _Turn(agent, wish.at, duties)
    match wish:
        case LogIn(device=device):
            turn.log_in(device)
        case LogOut(why=why):
            turn.log_out(why)
        case BeReady():
            turn.be_ready()
        case BeNotReady(reason=reason):
            turn.be_not_ready(reason)
        case SummaryDone(leg=leg):
            turn.summary_done(leg)
        case WrapUpOver(leg=leg, why=why):
            turn.wrap_up_over(leg, why)
        case Reserve(call=call):
            turn.reserve(call)
        case Release(call=call):
            turn.release(call)
        case PhoneLost():
            turn.phone_lost()
        case Dismiss():
            turn.dismiss()
        case Adopt(state=state, reason=reason, device=device):
            turn.adopt(state, reason, device)
    return turn.agent, tuple(turn.facts), tuple(turn.commands)


def follow(agent: Agent, fact: f.Fact, duties: Duties) -> Step:
    """Follow a fact of a call that concerns this agent."""
    turn = _Turn(agent, fact.at, duties)
    match fact:
        case f.AgentOffered():
            turn.offered(fact)
        case f.OfferEnded():
            turn.offer_ended(fact)
        case f.AgentAnswered():
            turn.answered(fact)
        case f.TalkEnded():
            turn.talk_ended(fact)
        case f.ConsultStarted():
            turn.asked(fact)
        case f.ConsultEnded():
            turn.asked_no_longer(fact)
        case f.OutgoingStarted():
            turn.calls_out(fact)
        case f.OutgoingEnded():
            turn.called_out(fact)
        case _:
            pass
    return turn.agent, tuple(turn.facts), tuple(turn.commands)


class _Turn:
    """One step in the making."""

    def __init__(self, agent: Agent, at: Instant, duties: Duties) -> None:
        self.agent = agent
        self.at = at
        self.duties = duties
        self.facts: list[f.Fact] = []
        self.commands: list[c.Command] = []

    # -------------------------------------------------------------- small tools

    def become(self, state: AgentState, reason: str = "", *, say: str = "", **changes: object) -> None:
        """`say`: the reason given in the fact, where it differs from the one kept."""
        before = self.agent
        held = before.held and state in _HELD
        self.agent = replace(
            before,
            state=state,
            reason=reason,
            since=self.at,
            **{"held": held, **changes},
        )
        self.facts.append(
            f.AgentStateChanged(
                at=self.at,
                node=self.agent.node,
                agent=self.agent.number,
                before=before.state,
                state=state,
                reason=say or reason,
                device=self.agent.device or before.device,
                call=self.agent.call,
                leg=self.agent.leg,
            )
        )

    def pause(self, reason: str) -> None:
        """Pause for a reason, or release with ""."""
        for node in self.duties.nodes:
            self.commands.append(c.SetPause(node, self.agent.device, bool(reason), reason))

    def back_to_rest(self, say: str = "") -> None:
        rest = self.agent.rest
        if rest.state is AgentState.LOGGED_OUT:
            self.leave_queues()
            self.leave()
            return
        self.pause(rest.reason)
        self.become(
            rest.state, rest.reason, say=say, call="", leg="", queue="", summarised=False, rest=Rest()
        )

    def leave_queues(self) -> None:
        for node in self.duties.nodes:
            for membership in self.duties.memberships(self.agent.number):
                self.commands.append(c.RemoveMember(node, membership.queue, self.agent.device))

    def rest_after_call(self, rest: Rest) -> None:
        if self.agent.rest.state is AgentState.LOGGED_OUT:
            return  # dismissed: nothing that comes later changes that
        self.agent = replace(self.agent, rest=rest)

    def must_be_here(self) -> None:
        if self.agent.state is AgentState.LOGGED_OUT:
            raise Conflict(f"agent {self.agent.number} is not logged in: log in at a phone first")

    # -------------------------------------------------------------- wishes

    def log_in(self, device: str) -> None:
        if self.agent.state is not AgentState.LOGGED_OUT:
            raise Conflict(
                f"agent {self.agent.number} is already logged in at {self.agent.device}: log out there first"
            )
        for node in self.duties.nodes:
            for membership in self.duties.memberships(self.agent.number):
                self.commands.append(
                    c.AddMember(
                        node,
                        membership.queue,
                        device,
                        self.agent.number,
                        membership.penalty,
                        LOGIN_REASON,
                    )
                )
        self.become(AgentState.NOT_READY, LOGIN_REASON, device=device, unanswered=0, rest=Rest())

    def log_out(self, why: str) -> None:
        self.must_be_here()
        if self.agent.state in _IN_CALL:
            raise Conflict(f"agent {self.agent.number} has a call: finish it, then log out")
        self.leave_queues()
        self.leave(why)

    def leave(self, why: str = "") -> None:
        self.become(
            AgentState.LOGGED_OUT,
            say=why,
            device="",
            call="",
            leg="",
            queue="",
            summarised=False,
            rest=Rest(),
        )

    def dismiss(self) -> None:
        """His queues are left already: he has none. A wrap-up is a call on hand, too."""
        if self.agent.state in (*_IN_CALL, AgentState.WRAP_UP):
            self.rest_after_call(Rest(AgentState.LOGGED_OUT))
        elif self.agent.state is not AgentState.LOGGED_OUT:
            self.leave()

    def be_ready(self) -> None:
        self.must_be_here()
        if self.agent.state is AgentState.WRAP_UP:
            raise Conflict(f"agent {self.agent.number}: save the summary of this call, then you are ready")
        if self.agent.state in _IN_CALL:
            self.rest_after_call(Rest())
            return
        if self.agent.unanswered:
            self.begin_anew()
        self.pause("")
        self.become(AgentState.READY, unanswered=0)

    def begin_anew(self) -> None:
        """Whoever let calls ring was put behind the others; being ready again ends that."""
        for node in self.duties.nodes:
            for place in self.duties.memberships(self.agent.number):
                self.commands.append(c.SetPenalty(node, place.queue, self.agent.device, place.penalty))

    def be_not_ready(self, reason: str) -> None:
        self.must_be_here()
        if self.agent.state in _IN_CALL:
            self.rest_after_call(Rest(AgentState.NOT_READY, reason))
            return
        self.pause(reason)
        self.become(AgentState.NOT_READY, reason, call="", leg="", queue="", summarised=False)

    def summary_done(self, leg: str) -> None:
        if self.agent.leg != leg:
            return  # of an earlier call: the owed list has noted it
        if self.agent.state is AgentState.WRAP_UP:
            self.back_to_rest("summary")
        elif self.agent.state is AgentState.TALKING:
            self.agent = replace(self.agent, summarised=True)

    def wrap_up_over(self, leg: str, why: str) -> None:
        if self.agent.state is AgentState.WRAP_UP and self.agent.leg == leg:
            self.back_to_rest(why)

    def release(self, call: str) -> None:
        held_or_asked = self.agent.state in (AgentState.RESERVED, AgentState.CONSULTING)
        if held_or_asked and self.agent.call == call:
            self.back_to_rest()

    def reserve(self, call: str) -> None:
        if self.agent.state is not AgentState.READY:
            raise Conflict(f"agent {self.agent.number} is {self.agent.state.value}, not ready")
        self.pause(RESERVED_REASON)
        self.become(AgentState.RESERVED, call=call, held=True)

    def phone_lost(self) -> None:
        if self.agent.state in (AgentState.READY, AgentState.RINGING, AgentState.NOT_READY):
            self.pause(PHONE_LOST_REASON)
            self.become(AgentState.NOT_READY, PHONE_LOST_REASON, call="", leg="", queue="")
        elif self.agent.state is not AgentState.LOGGED_OUT:
            self.rest_after_call(Rest(AgentState.NOT_READY, PHONE_LOST_REASON))

    def adopt(self, state: AgentState, reason: str, device: str) -> None:
        if state is AgentState.LOGGED_OUT:
            self.become(state, reason, device="", call="", leg="", queue="", summarised=False)
            return
        if self.agent.device not in ("", device):
            self.leave_queues()  # where he sat before: the dialplan does not know of a log-in at the service
        if self.agent.state in _IN_CALL:
            self.rest_after_call(Rest(state, reason))
            return
        self.agent = replace(self.agent, device=device)
        self.become(state, reason, call="", leg="", queue="", summarised=False, unanswered=0)

    # -------------------------------------------------------------- facts of calls

    def offered(self, fact: f.AgentOffered) -> None:
        agent = self.agent
        if agent.state in (AgentState.TALKING, AgentState.CONSULTING):
            return  # the phone refuses a second call; its OfferEnded follows. Or he is answering already
        if agent.state in (AgentState.READY, AgentState.NOT_READY):
            self.rest_after_call(Rest(agent.state, agent.reason))
        self.take(AgentState.RINGING, fact)

    def offer_ended(self, fact: f.OfferEnded) -> None:
        if self.agent.state is not AgentState.RINGING or self.agent.leg != fact.leg:
            return
        if fact.outcome not in _NOT_TAKEN:
            self.become_rest_silently()
            return
        if self.let_ring():
            self.back_to_rest()
        else:
            self.become_rest_silently()

    def let_ring(self) -> bool:
        """He did not take what he was rung for. True: once too often, he will not be ready after it."""
        self.agent = replace(self.agent, unanswered=self.agent.unanswered + 1)
        if self.agent.unanswered < UNANSWERED_LIMIT:
            return False
        self.rest_after_call(Rest(AgentState.NOT_READY, NO_ANSWER_REASON))
        return True

    def become_rest_silently(self) -> None:
        """Back to where the offer found the agent: Asterisk knows that already, unless we were told else."""
        rest = self.agent.rest
        if rest.state is AgentState.READY and not self.agent.held:
            self.become(rest.state, rest.reason, call="", leg="", queue="", rest=Rest())
        else:
            self.back_to_rest()

    def answered(self, fact: f.AgentAnswered) -> None:
        if self.agent.state is AgentState.TALKING and self.agent.leg == fact.leg:
            return
        held = self.agent.held
        self.agent = replace(self.agent, unanswered=0)
        self.take(AgentState.TALKING, fact)
        if self.duties.wrapup_limit(fact.queue) > 0:
            self.pause(c.WRAP_UP)
        elif held:
            self.pause("")

    def asked(self, fact: f.ConsultStarted) -> None:
        """A colleague calls. Whoever is at work on a call of his own goes on being so."""
        if self.agent.state in (AgentState.READY, AgentState.NOT_READY):
            self.rest_after_call(Rest(self.agent.state, self.agent.reason))
            about = {"call": fact.call, "leg": fact.to_leg, "queue": fact.queue}
            self.become(AgentState.CONSULTING, **about)

    def asked_no_longer(self, fact: f.ConsultEnded) -> None:
        """Back to where the question found him, unless the customer is his now."""
        mine = self.agent.state is AgentState.CONSULTING and self.agent.leg == fact.to_leg
        if mine and fact.outcome is not f.ConsultOutcome.JOINED:
            self.become_rest_silently()

    def take(self, state: AgentState, fact: f.AgentOffered | f.AgentAnswered) -> None:
        """The call of this fact is the agent's now."""
        self.become(
            state,
            call=fact.call,
            leg=fact.leg,
            queue=fact.queue,
            device=fact.device,
            node=fact.node,
            summarised=False,
        )

    def calls_out(self, fact: f.OutgoingStarted) -> None:
        """His telephone rings for a call of his own: nobody else's may ring there meanwhile.

        Where the customer is called first it does not ring yet: he is held for it already.
        """
        if fact.first is f.Side.CUSTOMER:
            return
        given = self.agent.state is AgentState.RESERVED
        if not given:
            self.rest_after_call(Rest(self.agent.state, self.agent.reason))
        self.pause(RESERVED_REASON)
        self.become(
            AgentState.RINGING,
            call=fact.call,
            leg=fact.leg,
            queue="",
            node=fact.node,
            summarised=False,
            held=True,
            given=given,
        )

    def called_out(self, fact: f.OutgoingEnded) -> None:
        """Not reached: back to what he was doing. After a talk the wrap-up has begun already.

        A call-back that was his turn is an offer as any other: an empty chair must not have them all.
        """
        if self.agent.state is AgentState.RESERVED and self.agent.call == fact.call:
            self.back_to_rest()  # the customer was called first, and his own telephone never
            return
        if self.agent.state is not AgentState.RINGING or self.agent.leg != fact.leg:
            return
        if self.agent.given and fact.outcome is f.OutgoingOutcome.AGENT_AWAY:
            self.let_ring()
        self.back_to_rest()

    def talk_ended(self, fact: f.TalkEnded) -> None:
        if self.agent.state is not AgentState.TALKING or self.agent.leg != fact.leg:
            return
        if self.duties.wrapup_limit(fact.queue) <= 0 and self.agent.rest.state is AgentState.READY:
            self.become(AgentState.READY, call="", leg="", queue="", summarised=False)
        elif self.duties.wrapup_limit(fact.queue) <= 0 or self.agent.summarised:
            self.back_to_rest("summary" if self.agent.summarised else "")
        else:
            self.become(AgentState.WRAP_UP)
