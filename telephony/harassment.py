"""恶意骚扰 (CALL-09): the agent ends the call after a warning, and the leaders are told.

    HarassmentReported ─► the customer hears why, the call ends, nobody is rated
          └─► consumer `telephony.harassment` ─► a notice to each leader whose rights reach the agent

The fact comes first, so the report stands and reaches its readers whatever happens to the call or to us.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from core import facts as f
from core.clock import Clock
from core.errors import Conflict
from core.facts import AgentState, Numbered
from core.masking import mask_text
from directory.lookup import Directory
from storage.notices.model import Notice
from storage.notices.outbox import Notices
from telephony import commands as c
from telephony.awaited import Awaited
from telephony.leaders import HEARD_WITHIN_S, UNHEARD, must_be_done
from telephony.service import Telephony

CONSUMER = "telephony.harassment"
KINDS = frozenset({"HarassmentReported"})
_LEADS = "agents.command"


class Harassment:
    """Use case of the agent; `follow` is the handler of the ledger consumer CONSUMER."""

    def __init__(
        self,
        telephony: Telephony,
        *,
        awaited: Awaited,
        notices: Notices,
        directory: Callable[[], Directory],
        clock: Clock,
    ) -> None:
        self._telephony = telephony
        self._awaited = awaited
        self._notices = notices
        self._directory = directory
        self._clock = clock

    async def report(self, agent: str, note: str) -> tuple[str, tuple[str, ...]]:
        """End the call this agent has; its leg, and who is told. `Conflict` says why it goes on."""
        board = self._telephony.switchboard
        mine = board.agent(agent)
        call = board.call(mine.call)
        if mine.state is not AgentState.TALKING or call is None or not call.channel:
            raise Conflict(f"agent {agent} has no customer on the line: nothing to be ended")
        told_to = leaders_of(self._directory(), agent)
        about = {"call": call.id, "leg": mine.leg, "agent": agent, "queue": mine.queue}
        with self._awaited.watch(lambda fact: isinstance(fact, f.TalkEnded) and fact.leg == mine.leg) as told:
            self._telephony.write_down(
                f.HarassmentReported(at=self._clock(), node=call.node, note=mask_text(note), **about)
            )
            reply = await self._telephony.order(c.EndCall(call.node, call.channel, harassment=True))
            must_be_done(reply, "the report stands, the call goes on")
            if await told.next(HEARD_WITHIN_S) is None:
                raise Conflict(UNHEARD)
        return mine.leg, told_to

    async def follow(self, connection: AsyncConnection, batch: Sequence[Numbered]) -> None:
        """Each leader is told once, on the page and by the ways switched on."""
        for numbered in batch:
            fact = numbered.fact
            if isinstance(fact, f.HarassmentReported):
                for leader in leaders_of(self._directory(), fact.agent):
                    await self._notices.put(connection, _notice(fact, leader))


def leaders_of(directory: Directory, agent: str) -> tuple[str, ...]:
    """Whoever may command this agent, by number: shift leaders and site supervisors (CALL-09)."""
    found = []
    for person in directory.staff.values():
        scope = directory.rights(person.number).get(_LEADS)
        reaches = scope is not None and agent in directory.within(person.number, scope)
        if reaches and person.active and person.number != agent:
            found.append(str(person.number))
    return tuple(sorted(found))


def _notice(fact: f.HarassmentReported, leader: str) -> Notice:
    said = f":{fact.note}" if fact.note else "。"
    return Notice(
        person=leader,
        subject=f"坐席{fact.agent}报告恶意骚扰",
        text=f"坐席{fact.agent}警告后结束了电话{fact.call}(话路{fact.leg}){said}",
        key=f"harassment:{fact.leg}",
        cause=f"call:{fact.call}",
        urgent=True,
    )
