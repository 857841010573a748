"""Take up, after a start, what the ledger knows of the present: open calls, agents, phones, raised hands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from core import facts as f
from core.clock import SECOND, Duration, Instant
from core.facts import Numbered
from telephony.recall import recall_agent, recall_call
from telephony.switchboard import Switchboard

LOOK_BACK: Duration = 12 * 3600 * SECOND
"""No call and no shift is longer."""
_STANDING = (
    "CallArrived",
    "CallEnded",
    "OutgoingStarted",
    "OutgoingEnded",
    "AgentStateChanged",
    "AgentOffered",
    "AgentAnswered",
    "SummarySaved",
    "HelpRaised",
    "HelpEnded",
    "DeviceContactChanged",
)
_PAGE = 5_000


class Pages(Protocol):
    """The ledger, to be read."""

    async def read(
        self,
        after: int,
        limit: int = ...,
        *,
        kinds: Collection[str] | None = None,
        call: str | None = None,
    ) -> list[Numbered]: ...
    async def before(self, at: Instant) -> int: ...


class Book(Pages, Protocol):
    """What telephony needs of the ledger."""

    def append(self, facts: Sequence[f.Fact]) -> int: ...
    def listen(self, listener: Callable[[Sequence[Numbered]], None]) -> Callable[[], None]: ...


async def take_up(book: Pages, board: Switchboard, now: Instant) -> int:
    """Fill the switchboard; how many calls were open."""
    open_calls: dict[str, None] = {}
    after = await book.before(now - LOOK_BACK)
    while page := await book.read(after, _PAGE, kinds=_STANDING):
        for numbered in page:
            _stand(board, open_calls, numbered.fact)
        after = page[-1].seq
    for call_id in open_calls:
        call = recall_call([numbered.fact for numbered in await book.read(0, call=call_id)])
        if call is not None:
            board.remember_call(call)
    return len(open_calls)


def _stand(board: Switchboard, open_calls: dict[str, None], fact: f.Fact) -> None:
    match fact:
        case f.CallArrived():
            open_calls[fact.call] = None
        case f.OutgoingStarted():
            open_calls[fact.call] = None
            board.remember_agent(recall_agent(board.agent(fact.agent), fact))
        case f.CallEnded() | f.OutgoingEnded():
            open_calls.pop(fact.call, None)
            board.remember_past(fact.call)
        case f.AgentStateChanged() | f.AgentOffered() | f.AgentAnswered() | f.SummarySaved():
            board.remember_agent(recall_agent(board.agent(fact.agent), fact))
        case f.HelpRaised():
            board.helps[fact.agent] = fact.at
        case f.HelpEnded():
            board.helps.pop(fact.agent, None)
        case f.DeviceContactChanged():
            board.reachable[fact.device] = fact.reachable
        case _:
            pass
