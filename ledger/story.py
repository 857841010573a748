"""One call told in order: who did what to whom, from its facts. Pure.

A story has a line for each fact. Each line goes from one lane to another (or stays in one): the customer, the
hotline itself, a queue, an agent. `ladder.py` draws it; `story_words.py` has the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from core import facts as f
from core.clock import Duration, Instant
from core.facts import Numbered
from core.masking import mask_number

CUSTOMER, HOTLINE = "customer", "hotline"
Words = dict[str, str]
"""What the words of a line speak of, by name; durations are lines' own."""


class Line(Struct, frozen=True, gc=False, kw_only=True):
    """`kind`: the fact's. `since`: µs from the story's beginning. `took`: how long what ends here has lasted.
    `source` and `target`: lanes (`queue:<name>`, `agent:<number>`, `outside:<number>`), the same where nobody
    else is concerned.
    """

    at: Instant
    since: Duration
    kind: str
    source: str
    target: str
    leg: str = ""
    took: Duration | None = None
    about: Words


class Story(Struct, frozen=True, gc=False, kw_only=True):
    """`lanes`: in the order in which they come up, the customer's and the hotline's first."""

    call: str
    began_at: Instant
    lanes: tuple[str, ...]
    lines: tuple[Line, ...]


def tell(facts: Iterable[Numbered]) -> Story | None:
    """The story of one call's facts; None without any. What happened first is told first: facts that were
    found out later, after a gap, have later numbers."""
    told = sorted(facts, key=lambda numbered: (numbered.fact.at, numbered.seq))
    mine = [numbered.fact for numbered in told if isinstance(numbered.fact, f.CallFact)]
    if not mine:
        return None
    agents = {fact.leg: fact.agent for fact in mine if isinstance(fact, f.LegFact)}
    began = mine[0].at
    lines = tuple(_line(fact, began, agents) for fact in mine)
    lanes = dict.fromkeys((CUSTOMER, HOTLINE, *_lanes(lines)))
    return Story(call=mine[0].call, began_at=began, lanes=tuple(lanes), lines=lines)


def agent_lane(number: str) -> str:
    """The lane of an agent."""
    return f"agent:{number}"


def outside_lane(number: str) -> str:
    """The lane of a number outside."""
    return f"outside:{number}"


def queue_lane(name: str) -> str:
    """The lane of a queue."""
    return f"queue:{name}"


def _lanes(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        yield line.source
        yield line.target


def _line(fact: f.CallFact, began: Instant, agents: dict[str, str]) -> Line:
    source, target = _WAYS[type(fact)](fact, agents)
    took = next((getattr(fact, name) for name in _LASTED if hasattr(fact, name)), None)
    return Line(
        at=fact.at,
        since=fact.at - began,
        kind=type(fact).__name__,
        source=source,
        target=target,
        leg=getattr(fact, "leg", ""),
        took=took,
        about=_about(fact),
    )


_LASTED = ("talked", "consulted", "held", "waited", "rang", "lasted", "length")
"""The first of these that a fact has is how long what it tells of has lasted."""
_LEFT_OUT = frozenset(
    {
        "at",
        "node",
        "call",
        "leg",
        "from_leg",
        "file",
        "sha256",
        "joined_at",
        "presence",
        "to_leg",
        "by_leg",
        *_LASTED,
    }
)


_NUMBERS: dict[type[f.CallFact], str] = {
    f.CallArrived: "caller",
    f.CallbackRequested: "number",
    f.OutgoingStarted: "number",
}
"""Where a customer's telephone number stands."""


def _about(fact: f.CallFact) -> Words:
    values = {name: getattr(fact, name) for name in fact.__struct_fields__ if name not in _LEFT_OUT}
    if (number := _NUMBERS.get(type(fact))) is not None:
        values[number] = mask_number(values[number])
    return {name: str(value) for name, value in values.items()}


Way = tuple[str, str]


def _to_hotline(_fact: Any, _agents: dict[str, str]) -> Way:
    return HOTLINE, HOTLINE


def _from_customer(_fact: Any, _agents: dict[str, str]) -> Way:
    return CUSTOMER, HOTLINE


def _to_customer(_fact: Any, _agents: dict[str, str]) -> Way:
    return HOTLINE, CUSTOMER


def _to_queue(fact: Any, _agents: dict[str, str]) -> Way:
    return CUSTOMER, queue_lane(fact.queue)


def _from_queue(fact: Any, _agents: dict[str, str]) -> Way:
    return queue_lane(fact.queue), CUSTOMER


def _offered(fact: f.AgentOffered, agents: dict[str, str]) -> Way:
    sender = agents.get(fact.from_leg)
    return agent_lane(sender) if sender else _place(fact), agent_lane(fact.agent)


def _not_taken(fact: f.OfferEnded, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.agent), _place(fact)


def _place(fact: f.LegFact) -> str:
    """Whence an agent is offered a customer: whom we have called has waited in no queue."""
    return queue_lane(fact.queue) if fact.queue else HOTLINE


def _agent_to_customer(fact: Any, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.agent), CUSTOMER


def _dialled(fact: f.CustomerDialled, _agents: dict[str, str]) -> Way:
    return (HOTLINE if fact.leg == fact.customer else agent_lane(fact.agent)), CUSTOMER


def _talk_ended(fact: f.TalkEnded, _agents: dict[str, str]) -> Way:
    agent = agent_lane(fact.agent)
    ways = {f.Side.AGENT: (agent, CUSTOMER), f.Side.CUSTOMER: (CUSTOMER, agent)}
    return ways.get(fact.released_by, (HOTLINE, agent))


def _asks(fact: f.ConsultFact | f.ConferenceFact, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.agent), agent_lane(fact.to)


def _is_asked(fact: f.ConsultFact, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.to), agent_lane(fact.agent)


def _sent_outside(fact: f.OutsideFact, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.agent), outside_lane(fact.number)


def _outside_to_customer(fact: f.OutsideFact, _agents: dict[str, str]) -> Way:
    return outside_lane(fact.number), CUSTOMER


def _to_agent(fact: Any, _agents: dict[str, str]) -> Way:
    return HOTLINE, agent_lane(fact.agent)


def _leader_to_agent(fact: Any, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.leader), agent_lane(fact.agent)


def _ordered(fact: f.CallOrdered, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.by), agent_lane(fact.agent)


def _of_agent(fact: Any, _agents: dict[str, str]) -> Way:
    return agent_lane(fact.agent), agent_lane(fact.agent)


def _ended(fact: f.CallEnded, _agents: dict[str, str]) -> Way:
    return (CUSTOMER, HOTLINE) if fact.reason is f.EndReason.CUSTOMER else (HOTLINE, CUSTOMER)


_WAYS: dict[type[f.CallFact], Callable[[Any, dict[str, str]], Way]] = {
    f.CallArrived: _from_customer,
    f.LanguageChosen: _from_customer,
    f.MenuChosen: _from_customer,
    f.MenuFailed: _from_customer,
    f.NobodyOnDuty: _to_customer,
    f.CustomerIdentified: _to_hotline,
    f.CallerQueued: _to_queue,
    f.CallerLeftQueue: _from_queue,
    f.CallerMoved: _to_queue,
    f.CallbackRequested: _from_customer,
    f.CallbackPlaceEnded: _from_queue,
    f.AgentOffered: _offered,
    f.OfferEnded: _not_taken,
    f.AgentAnswered: _agent_to_customer,
    f.HoldStarted: _agent_to_customer,
    f.HoldExplained: _agent_to_customer,
    f.HoldEnded: _agent_to_customer,
    f.ConsultStarted: _asks,
    f.ConsultAnswered: _is_asked,
    f.ConsultEnded: _asks,
    f.ConferenceStarted: _asks,
    f.ConferenceEnded: _asks,
    f.CallTransferred: _agent_to_customer,
    f.OutsideDialled: _sent_outside,
    f.OutsideAnswered: _outside_to_customer,
    f.OutsideEnded: _outside_to_customer,
    f.TelephoneLost: _agent_to_customer,
    f.LeaderJoined: _leader_to_agent,
    f.LeaderModeChanged: _leader_to_agent,
    f.LeaderLeft: _leader_to_agent,
    f.LeaderMissed: _leader_to_agent,
    f.CallOrdered: _ordered,
    f.HarassmentReported: _agent_to_customer,
    f.TalkEnded: _talk_ended,
    f.OutgoingStarted: _to_agent,
    f.CustomerDialled: _dialled,
    f.CustomerAnswered: _from_customer,
    f.OutgoingEnded: _to_agent,
    f.RecordingStarted: _of_agent,
    f.RecordingEnded: _of_agent,
    f.RecordingFiled: _of_agent,
    f.SurveyStarted: _to_customer,
    f.SurveyAnswered: _from_customer,
    f.SurveyEnded: _to_customer,
    f.SummarySaved: _of_agent,
    f.TicketOpened: _of_agent,
    f.CallEnded: _ended,
}
"""Every fact of a call has its way here (a test says so)."""
