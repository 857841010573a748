"""Replays a recording through translation and folds, as the service would hear it, and writes the facts down.

Agents are those the recording adds to queues; what the service would tell Asterisk goes nowhere. A second
start of Asterisk closes the calls of the first one, as the service does when it is connected again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import count

from msgspec.structs import fields

from core import facts as f
from core.clock import MILLISECOND, MINUTE, SECOND, Instant
from core.facts import AgentState
from core.names import asked_callback
from telephony.agents import Agent, Duties, Reserve
from telephony.called_first import Way
from telephony.outgoing import Order
from telephony.switchboard import Switchboard
from telephony.translate import translate
from tests.scenarios.captures_read import Capture, Ordered, Recorded

NODE = "node1"
_NOT_ASTERISKS = frozenset({"at", "node", "answer_within"})
"""Not shown: what stands in every line already, and what the directory says."""
_KINDS = {"customer": "leg"}
_DURATIONS = frozenset({"held", "consulted", "waited", "rang", "talked", "lasted"})


def replay(capture: Capture, events: Iterable[Recorded] | None = None) -> list[f.Fact]:
    """The facts `capture` tells; `events`: the same in another order, or some twice."""
    board = Switchboard(Duties(memberships=lambda _: (), wrapup_limit=lambda _: MINUTE, nodes=(NODE,)))
    for member in capture.all("QueueMemberAdded"):
        number, interface = member.get("MemberName") or "", member.get("Interface") or ""
        board.remember_agent(Agent(number, AgentState.READY, device=interface.partition("/")[2], node=NODE))
    facts: list[f.Fact] = []
    starts, orders = 0, list(capture.orders)
    for event in capture.heard if events is None else events:
        while orders and orders[0].ms <= event.ms:
            facts += _ordered(board, orders.pop(0))
        if event.name == "FullyBooted":
            starts += 1
            if starts > 1:
                facts += board.lose_node(NODE, event.at, event.at).facts
            continue
        signal = translate(event, NODE, event.at)
        if signal is not None:
            facts += board.hear(signal).facts
    assert not board.calls, f"{capture.name}: a call is left open"
    return facts


def _ordered(board: Switchboard, given: Ordered) -> list[f.Fact]:
    """An agent is held for a customer, who is called first under the id that the recording has."""
    order = Order(
        call=given.call,
        agent=given.agent,
        number=given.number,
        about="callback",
        record=asked_callback("before"),
        held=True,
    )
    way = Way(trunk="trunk", rings_s=40, queue="card-cmn", language="cmn")
    second = int(given.leg.rpartition("-")[2].partition(".")[0]) * SECOND  # the test's clock is not the tap's
    at = min(max(given.at, second), second + SECOND - 1)
    facts = board.wish(given.agent, Reserve(at, given.call)).facts
    facts += board.dial(order, node=NODE, shown="95559", at=at, way=way).facts
    assert board.calls[given.call].anchor == given.leg, "the id that was ordered is not the one that is made"
    return facts


class _Names:
    """Ids that differ from one recording to the next, by the order in which they turn up."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._numbers: dict[str, Callable[[], int]] = {}

    def of(self, kind: str, value: str) -> str:
        if value and value not in self._known:
            self._known[value] = f"{kind}{self._numbers.setdefault(kind, count(1).__next__)()}"
        return self._known.get(value, '""')


def table(facts: Sequence[f.Fact]) -> str:
    """One line for each fact: ms since the first call began, kind, fields; durations in ms."""
    start = next(fact.at for fact in facts if isinstance(fact, f.CallArrived | f.OutgoingStarted))
    names = _Names()
    lines = []
    for fact in facts:
        told = " ".join(
            f"{field.name}={_cell(names, start, field.name, getattr(fact, field.name))}"
            for field in fields(fact)
            if field.name not in _NOT_ASTERISKS
        )
        lines.append(f"{_ms(fact.at - start):>6}  {type(fact).__name__:<20} {told}")
    return "\n".join(lines) + "\n"


def _cell(names: _Names, start: Instant, name: str, value: object) -> str:
    match name:
        case "call" | "leg" | "version" | "from_leg" | "to_leg" | "by_leg" | "customer":
            return names.of(_KINDS.get(name, name.rpartition("_")[2]), str(value))
        case "file":
            call, _, leg = str(value).partition("_")
            return f"{names.of('call', call)}_{names.of('leg', leg)}"
        case "joined_at":
            return f"{_ms(int(str(value)) - start)}"
        case _ if name in _DURATIONS:
            return f"{_ms(int(str(value)))}"
    if isinstance(value, StrEnum):
        return value.value
    return str(value) or '""'


def _ms(duration: int) -> int:
    return round(duration / MILLISECOND)


def timeless(facts: Sequence[f.Fact]) -> list[tuple[object, ...]]:
    """The facts without the times that depend on which of two events within 20 ms came first, sorted."""
    measured = _DURATIONS | {"at", "joined_at"}
    rows = [
        (type(fact).__name__, *(getattr(fact, x.name) for x in fields(fact) if x.name not in measured))
        for fact in facts
    ]
    return sorted(rows, key=repr)
