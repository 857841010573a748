"""A floor on which anything legal happens: customers call, wait, talk, are held, sent on and cut off.

Each thing that happens is told in the signals in which a node tells it (see tests/scenarios/captures), in
their order and a millisecond apart. The world knows what is true; the folds have only the signals.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.clock import MILLISECOND, SECOND, Instant
from core.facts import AgentState
from telephony import signals as s
from telephony.agents import BeReady, LogIn, SummaryDone, Wish
from telephony.switchboard import Switchboard
from tests.unit.telephony.story import NODE, START
from tests.unit.telephony.test_agents import DUTIES

QUEUES = ("card-cmn", "personal-cmn")
AGENTS = ("1001", "1002", "1003")
Step = s.Signal | tuple[str, Wish]
_FREE = (AgentState.READY,)


@dataclass(slots=True)
class Talk:
    """An agent's leg that rings or talks."""

    leg: str
    agent: str
    queue: str
    began: Instant = 0
    held_at: Instant | None = None
    held: int = 0
    sent: bool = False
    conference: str = ""
    """The bridge of the conference it was in, and still is."""
    asked: bool = False
    """Of a colleague who was brought in: app_queue knows nothing of him."""

    @property
    def bridge(self) -> str:
        return self.conference or f"b-{self.leg}"


@dataclass(slots=True)
class Customer:
    """One call, as it truly is. `rated`: leg → the questions' answers."""

    call: str
    leg: str
    came: Instant
    queue: str = ""
    joined: Instant = 0
    ringing: Talk | None = None
    talking: Talk | None = None
    third: Talk | None = None
    """The colleague who was brought in and talks, too."""
    survey: str = ""
    asked: int = 0
    last: str = ""
    conferred: bool = False
    gone: Instant = 0
    scores: dict[str, list[int]] = field(default_factory=dict)
    talked: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)


class World:
    """`steps`: everything told so far; `board`: a switchboard that has heard it straight."""

    def __init__(self) -> None:
        self.at = START
        self.steps: list[Step] = []
        self.board = Switchboard(DUTIES)
        self.customers: list[Customer] = []
        self._number = 0
        for number in AGENTS:
            self._wish(number, LogIn(self.at, f"d{number[1:]}"))
            self._wish(number, BeReady(self.at))

    # ------------------------------------------------------------------ what can happen

    def calls(self) -> Customer:
        """A customer calls and goes through the menu."""
        self._number += 1
        customer = Customer(f"call-{self._number}", self._channel(), self.at)
        self.customers.append(customer)
        channel = f"PJSIP/trunk-{self._number:08}"
        self._say(
            s.Arrived(
                self.at,
                NODE,
                customer.call,
                customer.leg,
                channel,
                "13800001111",
                "95559",
                False,
                "95559",
                "v1",
            )
        )
        self._say(s.MenuPicked(self.at, NODE, customer.call, customer.leg, "main", "2", "card"))
        return customer

    def queues(self, customer: Customer, queue: str, priority: int = 0) -> None:
        """Lets the customer wait in a queue."""
        customer.queue, customer.joined = queue, self.at
        who = (customer.call, customer.leg)
        self._say(s.Entering(self.at, NODE, *who, queue, customer.joined, 1, priority, "cmn"))
        self._say(s.Joined(self.at, NODE, customer.leg, queue, 1))

    def rings(self, customer: Customer, agent: str, *, by_transfer: bool = False) -> None:
        """A free agent's telephone rings for the customer."""
        talk = customer.ringing = Talk(self._channel(), agent, customer.queue)
        about = self._about(customer, talk)
        self._say(s.Offered(self.at, NODE, *about, f"PJSIP/d-{talk.leg}", False, by_transfer))
        self._say(s.Rang(self.at, NODE, talk.leg))

    def free_agents(self) -> list[str]:
        """Those whom app_queue would ring."""
        return [number for number in AGENTS if self.board.agent(number).state in _FREE]

    def answers(self, customer: Customer) -> None:
        """The ringing telephone is picked up."""
        talk, waiting = customer.ringing, customer.joined > 0
        assert talk is not None
        customer.ringing, customer.talking, customer.last, customer.joined = None, talk, talk.leg, 0
        if waiting:
            self._say(s.Connected(self.at, NODE, *self._about(customer, talk), f"PJSIP/d-{talk.leg}"))
        self._say(s.Bridged(self.at, NODE, talk.leg, f"b-{talk.leg}"))
        self._say(s.Bridged(self.at, NODE, customer.leg, f"b-{talk.leg}"))
        # Answered is when both are known to be in the bridge, whatever told it.
        talk.began = self.at - MILLISECOND

    def refuses(self, customer: Customer) -> None:
        """The telephone rings out; the customer waits on, or comes back from a transfer."""
        talk, waiting = customer.ringing, customer.joined > 0
        assert talk is not None
        customer.ringing = None
        if waiting:
            self._say(s.OfferFailed(self.at, NODE, *self._about(customer, talk)))
        self._say(s.Gone(self.at, NODE, talk.leg, 0))
        if not waiting:
            self.queues(customer, customer.queue, 1000)

    def holds(self, customer: Customer) -> None:
        """On hold, or back."""
        talk = customer.talking
        assert talk is not None
        if talk.held_at is None:
            talk.held_at = self.at
            self._say(s.Held(self.at, NODE, talk.leg))
        else:
            talk.held += self.at - talk.held_at
            talk.held_at = None
            self._say(s.Unheld(self.at, NODE, talk.leg))

    def agent_hangs_up(self, customer: Customer) -> None:
        """And the customer goes on to the survey."""
        talk = self._part(customer, "agent", asked=16)
        who = (customer.call, customer.leg)
        self._say(s.Returned(self.at, NODE, *who, talk.queue, 1, "CONTINUE"))
        self._say(s.SurveyBegan(self.at, NODE, *who, False))
        customer.survey, customer.asked = talk.leg, 0

    def telephone_dies(self, customer: Customer) -> None:
        """The customer waits again, ahead of all others."""
        talk = self._part(customer, "agent", cause=44, died=True)
        self._say(s.Returned(self.at, NODE, customer.call, customer.leg, talk.queue, 1, "CONTINUE"))
        self.queues(customer, talk.queue, 1000)

    def sends_on(self, customer: Customer, to: str) -> None:
        """A blind transfer to a queue or to a colleague who is free."""
        talk = customer.talking
        assert talk is not None
        self._say(s.Transferred(self.at, NODE, talk.leg, to))
        self._note_end(customer, talk, at=self.at - MILLISECOND)
        self._part(customer, "transfer", ended=True)
        if to in QUEUES:
            self.queues(customer, to)
        else:
            self.rings(customer, to, by_transfer=True)

    def confers(self, customer: Customer, colleague: str) -> None:
        """The agent asks a colleague and brings him and the customer together."""
        talk, third = customer.talking, Talk(self._channel(), colleague, "", asked=True)
        assert talk is not None
        by, bridge, asked = self._channel(), f"c-{talk.leg}", f"b-{third.leg}"
        about = (by, colleague, f"d{colleague[1:]}", f"PJSIP/d-{third.leg}")
        third.queue = talk.queue
        self._say(s.ConsultCalled(self.at, NODE, customer.call, third.leg, talk.leg, *about))
        self._say(s.Bridged(self.at, NODE, third.leg, asked))
        self._say(s.Bridged(self.at, NODE, by, asked))
        self.at += SECOND
        self._say(s.ConferenceCalled(self.at, NODE, customer.call, talk.leg, third.leg))
        self._say(s.Unbridged(self.at, NODE, third.leg, asked))
        self._say(s.Bridged(self.at, NODE, third.leg, bridge))
        self._say(s.Unbridged(self.at, NODE, talk.leg, talk.bridge))
        self._say(s.Bridged(self.at, NODE, talk.leg, bridge))
        self._say(s.Unbridged(self.at, NODE, customer.leg, talk.bridge))
        self._say(s.Bridged(self.at, NODE, customer.leg, bridge))
        third.began = self.at - MILLISECOND
        talk.conference = third.conference = bridge
        self._say(s.Gone(self.at, NODE, by, 16))
        customer.third, customer.conferred = third, True

    def leaves_conference(self, customer: Customer, *, colleague: bool) -> None:
        """One of the two agents hangs up; the other one goes on with the customer."""
        talk, third = customer.talking, customer.third
        assert talk is not None
        assert third is not None
        leaver = third if colleague else talk
        customer.talking, customer.third = (talk if colleague else third), None
        self._say(s.HangupAsked(self.at, NODE, leaver.leg, 16))
        self._note_end(customer, leaver, at=self.at)
        if not leaver.asked:
            self._say(s.Completed(self.at, NODE, *self._about(customer, leaver), "agent"))
        self._is_out(leaver)

    def rates(self, customer: Customer, answer: int) -> None:
        """One key in the survey; after the second it is over and the call ends."""
        question = ("satisfaction", "solved")[customer.asked]
        answer = answer if customer.asked == 0 else 1 + answer % 2
        customer.asked += 1
        customer.scores.setdefault(customer.survey, []).append(answer)
        who = (customer.call, customer.leg)
        self._say(s.SurveyKeyed(self.at, NODE, *who, question, answer))
        if customer.asked == 2:
            self._say(s.SurveyOver(self.at, NODE, *who, "completed"))
            self._leaves(customer)

    def customer_hangs_up(self, customer: Customer) -> None:
        """Wherever they are."""
        self._say(s.HangupAsked(self.at, NODE, customer.leg, 16))
        if customer.ringing is not None:
            self._say(s.Gone(self.at, NODE, customer.ringing.leg, 0))
            customer.ringing = None
        if customer.third is not None:
            self._note_end(customer, customer.third, at=self.at)
            self._is_out(customer.third)
            customer.third = None
        if customer.talking is not None:
            self._part(customer, "caller")
        self._leaves(customer)

    def sums_up(self, agent: str) -> None:
        """The agent saves the summary that is owed."""
        self._wish(agent, SummaryDone(self.at, self.board.agent(agent).leg))

    # ------------------------------------------------------------------ inside

    def _part(
        self,
        customer: Customer,
        reason: str,
        *,
        asked: int = 0,
        cause: int = 16,
        died: bool = False,
        ended: bool = False,
    ) -> Talk:
        """Customer and agent are apart, by what app_queue calls `reason`."""
        talk = customer.talking
        assert talk is not None
        customer.talking, customer.queue, customer.joined = None, talk.queue, 0
        if asked:
            self._say(s.HangupAsked(self.at, NODE, talk.leg, asked))
        if died:
            self._say(s.DeviceFailed(self.at, NODE, talk.leg))
        if not ended:
            self._note_end(customer, talk, at=self.at)
        if not talk.asked:
            self._say(s.Completed(self.at, NODE, *self._about(customer, talk), reason))
        self._say(s.Unbridged(self.at, NODE, talk.leg, talk.bridge))
        self._say(s.Unbridged(self.at, NODE, customer.leg, talk.bridge))
        self._say(s.Gone(self.at, NODE, talk.leg, cause))
        return talk

    def _is_out(self, talk: Talk) -> None:
        self._say(s.Unbridged(self.at, NODE, talk.leg, talk.bridge))
        self._say(s.Gone(self.at, NODE, talk.leg, 16))

    def _note_end(self, customer: Customer, talk: Talk, *, at: Instant) -> None:
        if talk.held_at is not None:
            talk.held += at - talk.held_at
        customer.talked[talk.leg], customer.held[talk.leg] = at - talk.began, talk.held

    def _leaves(self, customer: Customer) -> None:
        customer.gone = self.at
        self._say(s.Gone(self.at, NODE, customer.leg, 16))

    def _about(self, customer: Customer, talk: Talk) -> tuple[str, str, str, str, str]:
        return customer.leg, talk.leg, talk.queue, talk.agent, f"d{talk.agent[1:]}"

    def _channel(self) -> str:
        self._number += 1
        return f"node1-{START // SECOND}.{self._number}"

    def _say(self, signal: s.Signal) -> None:
        self.steps.append(signal)
        self.board.hear(signal)
        self.at += MILLISECOND

    def _wish(self, number: str, wish: Wish) -> None:
        self.steps.append((number, wish))
        self.board.wish(number, wish)
