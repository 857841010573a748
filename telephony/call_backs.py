"""Customers who asked to be called back are called when it is their turn: an agent is held, the call made.

    who is free ─► kept.choose ─► reserved ─► the record's lease (`CallBack`) ─► call_out ─► kept.hear

Between any two of these steps the program may die: an agent held for nothing is given back, and what the
record has written down keeps a second call from being made by itself (`ticketing.outgoing`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import structlog

from core import facts as f
from core.clock import SECOND, Clock, Duration, Instant
from core.errors import HotlineError
from core.facts import AgentState, Numbered
from core.names import asked_callback
from directory.model import Membership
from telephony import agents as a
from telephony import commands as c
from telephony.agents import Agent
from telephony.kept import FILED, LATER, KeptPlaces, Place
from telephony.outgoing import PhoneInUse
from telephony.switchboard import Outcome, Switchboard
from telephony.takeup import Pages
from telephony.waiting import Waiting

Lines = Mapping[str, Sequence[Waiting]]

_log = structlog.get_logger(__name__)
_TOLD = ("CallbackRequested", "CallbackPlaceEnded", "OutgoingStarted")
_PAGE = 5_000
_SETTLES_WITHIN_S = 5.0
_IDLE: Duration = 2 * SECOND
"""Who has been ready for so long is not being rung by app_queue just now."""


def at_any_time(_now: Instant) -> bool:
    """Where nobody has set hours for calls."""
    return True


class CallBack(Protocol):
    """Makes the call of a kept place: `ticketing`, which keeps book of it.

    True: it is being made, by `Telephony.call_out`. False: it never will be by the program, since the
    customer was or may have been dialled, the call-back is done, or its number may not be dialled.
    `HotlineError`: not now.
    """

    async def __call__(self, *, call: str, agent: str, asked_in: str) -> bool: ...


class CallBacks:
    """`memberships`: of one agent. `away`: whether another program may lead. `carry_out`: for what comes of a
    call later than it was ordered. Nobody is called before `make` is set, nor while `hours` says no: an agent
    held for a call that may not be made would be paused and freed again, place after place, all night."""

    def __init__(
        self,
        board: Switchboard,
        kept: KeptPlaces,
        *,
        memberships: Callable[[str], Sequence[Membership]],
        nodes: Collection[str],
        away: Callable[[], bool],
        carry_out: Callable[[Outcome], None],
        clock: Clock,
    ) -> None:
        self.make: CallBack | None = None
        self.hours: Callable[[Instant], bool] = at_any_time
        self._board = board
        self._kept = kept
        self._memberships = memberships
        self._nodes = nodes
        self._away = away
        self._carry_out = carry_out
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()

    async def take_up(self, book: Pages, after: int) -> list[f.CallbackPlaceEnded]:
        """Take up the places of the ledger from number `after` on; ends that it does not know of yet."""
        told: list[Numbered] = []
        while page := await book.read(after, _PAGE, kinds=_TOLD):
            told += page
            after = page[-1].seq
        asked = {one.fact.call for one in told if isinstance(one.fact, f.CallbackRequested)}
        over = {one.fact.call for one in told if isinstance(one.fact, f.CallbackPlaceEnded)}
        records = {asked_callback(call) for call in asked - over}
        made = [one.fact for one in told if isinstance(one.fact, f.OutgoingStarted)]
        for call in [*(asked - over), *(fact.call for fact in made if fact.record in records)]:
            told += await book.read(0, call=call)
        once = {one.seq: one.fact for one in told}
        return self._kept.hear(once[seq] for seq in sorted(once))

    def hear(self, outcome: Outcome) -> None:
        """What these facts mean for the places comes right after them."""
        answered = [fact for fact in outcome.facts if isinstance(fact, f.AgentAnswered)]
        outcome.facts += self._kept.hear(outcome.facts)
        for fact in answered if self._kept.any else ():
            call = self._board.call(fact.call)
            if call is not None and call.caller:
                outcome.facts += self._kept.spoken_with(call.caller, fact)

    def give(self, agent: Agent, at: Instant, outcome: Outcome, lines: Lines | None = None) -> bool:
        """Hold an agent who takes calls for the customer whose turn it is; False if it is nobody's. `lines`:
        who waits, if that is known already."""
        if self.make is None or not self._kept.any or self._away() or not self.hours(at):
            return False
        queues = [place.queue for place in self._memberships(agent.number)]
        waiting = self._board.lines(at) if lines is None else lines
        place = self._kept.choose(agent.number, queues, waiting, at)
        if place is None:
            return False
        freed = [c.SetPause(node, agent.device, False, "") for node in self._nodes]
        outcome.commands = [command for command in outcome.commands if command not in freed]
        call = str(uuid.uuid4())
        outcome.add(self._board.wish(agent.number, a.Reserve(at, call)))
        self._kept.take(place)
        task = asyncio.get_running_loop().create_task(self._call(self.make, place.call, agent.number, call))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return True

    def place(self, record: str) -> Place | None:
        """The place that is kept on account of this record."""
        return self._kept.of(record)

    def plan(self, now: Instant) -> Outcome:
        """What time alone brings about: places that have run out, and agents who have nothing else to do."""
        if not self._kept.any:
            return Outcome()
        within_hours = self.hours(now)
        outcome = Outcome(list(self._kept.run_out(now, within_hours=within_hours)))
        if self._kept.any and within_hours:
            idle = [
                agent
                for agent in self._board.agents.values()
                if agent.state is AgentState.READY and now - agent.since >= _IDLE
            ]
            lines = self._board.lines(now)
            for agent in sorted(idle, key=lambda agent: agent.since):
                self.give(agent, now, outcome, lines)
        return outcome

    async def settled(self) -> None:
        """Returns when what was begun has been told to telephony, or is not going to be in time."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_SETTLES_WITHIN_S)

    async def _call(self, make: CallBack, asked_in: str, agent: str, call: str) -> None:
        try:
            begun = await make(call=call, agent=agent, asked_in=asked_in)
        except PhoneInUse as problem:
            _log.info("telephony.call_back_by_another", call=asked_in, agent=agent, why=str(problem))
            self._kept.spare(agent, self._clock() + LATER)
            self._kept.put_back(asked_in, self._clock() + FILED)
        except HotlineError as problem:
            _log.info("telephony.call_back_later", call=asked_in, agent=agent, why=str(problem))
            self._kept.put_back(asked_in, self._clock() + LATER)
        except Exception:  # noqa: BLE001  our mistake about one call must not hold its place for ever
            _log.exception("telephony.call_back_failed", call=asked_in, agent=agent)
            self._kept.put_back(asked_in, self._clock() + LATER)
        else:
            if begun:
                return
            self._carry_out(Outcome(list(self._kept.withdraw(asked_in, self._clock()))))
        self._carry_out(self._board.wish(agent, a.Release(self._clock(), call)))
