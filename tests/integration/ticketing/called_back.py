"""A program that calls a customer back and is killed on the way.

`python -m … FOLDER MAIN LEDGER STEP NOW WHOM`; WHOM: who is called first, `agent` or `customer`.
Real: the record and its lease, the ledger, the switchboard, `CallBacks`. In place of Asterisk a file has one
line for each order to dial.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from core import facts as f
from core.clock import MINUTE, SECOND, Instant
from directory.model import Membership
from ledger.consumer import Consumer
from telephony import agents as a
from telephony import commands as c
from telephony.call_backs import CallBacks
from telephony.called_first import CustomerLines
from telephony.kept import KeptPlaces
from telephony.outgoing import Order
from telephony.switchboard import Outcome, Switchboard
from tests.integration.ticketing.conftest import CALL, HOURS, Desk, desk_in, running
from ticketing import callbacks, outgoing
from ticketing.outgoing import OutgoingCalls

STEPS = ("held", "asked", "written", "told", "ordered", "stored")
"""After each of these the program is killed: agent held, record looked at next, lease written, first fact
told, order given, first fact stored."""
AGENT = "1001"
QUEUE = "card-cmn"


class Program:
    """The service, as far as call-backs go. `step`: after which it dies; none: it lives. `first`: whom it
    calls first."""

    def __init__(self, desk: Desk, folder: Path, step: str, first: str) -> None:
        self.desk = desk
        self.step = step
        self.lines = CustomerLines(trunks={"node1": "trunk"}, rings_s=40) if first == "customer" else None
        self.dialled = folder / "dialled"
        duties = a.Duties(memberships=_serves, wrapup_limit=lambda queue: MINUTE, nodes=("node1",))
        self.board = Switchboard(duties)
        self.back = CallBacks(
            self.board,
            KeptPlaces(keeps=30 * MINUTE, bound=lambda queue: MINUTE),
            memberships=_serves,
            nodes=duties.nodes,
            away=lambda: False,
            carry_out=self.carry_out,
            clock=lambda: desk.now,
        )
        self.calls = OutgoingCalls(
            database=desk.main,
            callbacks=desk.callbacks,
            dial=self.dial,
            rules=HOURS,
            calendar=lambda: desk.directory.calendar,
            clock=lambda: desk.now,
        )
        self.back.make = self.make
        self.back.hours = self.calls.within_hours

    def reached(self, step: str) -> None:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)

    async def make(self, *, call: str, agent: str, asked_in: str) -> bool:
        self.reached("asked")
        return await self.calls.call_back(call=call, agent=agent, asked_in=asked_in)

    async def dial(
        self, *, call: str, agent: str, number: str, about: str, record: str, held: bool = False
    ) -> None:
        self.reached("written")
        order = Order(call=call, agent=agent, number=number, about=about, record=record, held=held)
        place, way = self.back.place(record), None
        if self.lines is not None and place is not None:
            way = self.lines.way("node1", queue=place.queue, language=place.language)
        self.carry_out(self.board.dial(order, node="node1", shown="95559", at=self.desk.now, way=way))

    def carry_out(self, outcome: Outcome) -> None:
        """As `Telephony` does it: facts first, then orders."""
        self.back.hear(outcome)
        self.desk.ledger.append(outcome.facts)
        states = {fact.state for fact in outcome.facts if isinstance(fact, f.AgentStateChanged)}
        if f.AgentState.RESERVED in states:
            self.reached("held")
        for command in outcome.commands:
            if isinstance(command, c.CallCustomer | c.CallCustomerFirst):
                self.reached("told")
                asked = command.number if isinstance(command, c.CallCustomer) else command.calling.number
                with self.dialled.open("a", encoding="ascii") as line:
                    line.write(f"{type(command).__name__} {asked}\n")
                self.reached("ordered")

    async def run(self) -> None:
        """Take up what the ledger has, then give the one agent who is there what is to be done."""
        desk = self.desk
        self.carry_out(Outcome(list(await self.back.take_up(desk.ledger, 0))))
        for wish in (a.LogIn(desk.now - MINUTE, "d001"), a.BeReady(desk.now - MINUTE)):
            self.carry_out(self.board.wish(AGENT, wish))
        self.carry_out(self.back.plan(desk.now))
        await self.back.settled()
        await desk.ledger.readable(desk.ledger.last)
        self.reached("stored")


def _serves(agent: str) -> tuple[Membership, ...]:
    return (Membership(queue=QUEUE, penalty=0),) if agent == AGENT else ()  # type: ignore[arg-type]


async def work(folder: Path, urls: tuple[str, str], step: str, now: Instant, first: str = "agent") -> None:
    """One life of the program; the first one finds that a customer has asked to be called back."""
    async with desk_in(folder, *urls) as desk:
        desk.now = now
        program = Program(desk, folder, step, first)
        follows = (
            (callbacks.CONSUMER, desk.callbacks.follow, callbacks.KINDS),
            (outgoing.CONSUMER, program.calls.follow, outgoing.KINDS),
        )
        if desk.ledger.last == 0:
            at = now - MINUTE
            about = {"node": "node1", "call": CALL, "queue": QUEUE, "number": "13812345678"}
            asked = f.CallbackRequested(at=at, joined_at=at - 50 * SECOND, **about)  # type: ignore[arg-type]
            desk.ledger.append([asked])
        consumers = [
            Consumer(name=name, ledger=desk.ledger, database=desk.main, handle=handle, kinds=kinds)
            for name, handle, kinds in follows
        ]
        async with running(consumers[0].run()), running(consumers[1].run()):
            for consumer in consumers:
                await asyncio.wait_for(consumer.caught_up(desk.ledger.last), 30)
            await program.run()


if __name__ == "__main__":
    where, main, ledger, dies_after, when, whom = sys.argv[1:]
    asyncio.run(work(Path(where), (main, ledger), dies_after, int(when), whom))
