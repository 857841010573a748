"""What `/ready` looks at: whether facts are stored, whether it leads, and which nodes are connected.

Every node says for itself how it stands. One of several that is lost is told and no more: agents and leaders
need the service for the others. When all are lost nothing can be distributed and no figure moves: 503.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.clock import iso
from core.errors import HotlineError
from ledger.ledger import Ledger
from storage.leadership import Leadership
from telephony.ami.session import State
from telephony.service import Telephony
from telephony.standing import NodeStanding
from web.errors import Impaired
from web.health import Check
from web.relay import Relay, RelayOut


class NotReady(HotlineError):
    """A part that a request would need is not working just now."""


_WELL = frozenset({State.UP, State.IDLE})


def ready_checks(
    ledger: Ledger, telephony: Telephony, relay: RelayOut | None, leadership: Leadership | None = None
) -> Mapping[str, Check]:
    """The checks by name: `ledger`, `lease` where there is one, `node <name>` for each, `live feed` where
    there are web processes."""

    async def ledger_stores() -> None:
        if ledger.health.problem:
            raise NotReady(f"the ledger does not reach its database: {ledger.health.problem}")

    async def leads() -> None:
        if leadership is not None:
            await leadership.drives()

    lease = {} if leadership is None else {"lease": leads}
    nodes = {f"node {one.node}": _node_check(telephony, one.node) for one in telephony.standings()}
    feed = {} if relay is None else {"live feed": feed_check(relay)}
    return {"ledger": ledger_stores, **lease, **nodes, **feed}


def feed_check(relay: Relay) -> Check:
    """`Impaired` while there is no line to Redis: screens of web processes show what they have, grown old."""

    async def joined() -> None:
        if relay.problem:
            raise Impaired(f"screens of web processes grow old: {relay.problem}")

    return joined


def _node_check(telephony: Telephony, name: str) -> Check:
    async def connected() -> None:
        judge(name, telephony.standings())

    return connected


def judge(name: str, standings: list[NodeStanding]) -> None:
    """`Impaired` or `NotReady` unless all is well with the node `name`."""
    mine = next(one for one in standings if one.node == name)
    if not mine.connected:
        word = "not connected yet" if mine.lost_since is None else f"lost since {iso(mine.lost_since)}"
        raise (Impaired if any(one.connected for one in standings) else NotReady)(word)
    down = [f"{role} {state}" for role, state in mine.sessions.items() if state not in _WELL]
    if down:
        raise Impaired(f"connected, but of its sessions {', '.join(down)}")
