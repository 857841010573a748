"""How we stand with a node, for those who watch over the program: a picture, taken when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.clock import Duration, Instant
from telephony.ami.accounts import Role
from telephony.ami.link import NodeLink
from telephony.ami.pending import Outcome
from telephony.ami.session import State
from telephony.commands import Command
from telephony.hands import NodeHands

_KINDS = tuple(sorted(kind.__name__ for kind in Command.__subclasses__()))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStanding:
    """`connected`: the node is fully booted and tells us its events; `lost_since`: when that ended, None for
    one that is connected or never was.

    `heard_at`: when it last sent anything. `event_age`: of its latest event, from its making to its arrival.
    `unread`: items that came in and were not read yet. `outcomes`: how often commands of a kind ended so,
    with a 0 for what has not happened yet: who watches a count has to see it begin.
    """

    node: str
    connected: bool
    lost_since: Instant | None
    sessions: Mapping[Role, State]
    heard_at: Instant | None
    event_age: Duration
    round_trip: Duration | None
    unread: int
    outcomes: Mapping[tuple[str, Outcome], int]


def standing_of(node: str, link: NodeLink, hands: NodeHands) -> NodeStanding:
    """The node as it stands now."""
    events = link.session(Role.EVENTS)
    return NodeStanding(
        node=node,
        connected=link.connected,
        lost_since=link.lost_since,
        sessions={role: link.session(role).state for role in Role},
        heard_at=events.heard_at,
        event_age=events.lag.event_age,
        round_trip=events.lag.round_trip,
        unread=link.waiting,
        outcomes={(kind, outcome): hands.outcomes[kind, outcome] for kind in _KINDS for outcome in Outcome},
    )
