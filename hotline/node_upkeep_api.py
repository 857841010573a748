"""/api/directory/live: how far each node's Asterisk is with what the directory says."""

from __future__ import annotations

from datetime import datetime

from core.clock import moment
from directory.rights import READ
from hotline.node_upkeep import NodeUpkeep
from web.route import ApiRequest, Out, Route


class StandingOut(Out):
    """One node. `since` is null for what was live when the service started."""

    node: str
    change: int
    since: datetime | None
    waiting: str


class LiveOut(Out):
    """All nodes."""

    nodes: list[StandingOut]


class NodeUpkeepApi:
    """The handler."""

    def __init__(self, upkeep: NodeUpkeep) -> None:
        self._upkeep = upkeep

    def routes(self) -> list[Route]:
        """The route of this module."""
        return [
            Route(
                method="GET",
                path="/api/directory/live",
                handler=self._live,
                right=READ,
                unscoped="how far the nodes are is about nobody",
                returns=LiveOut,
                summary="Which change of the directory is live on each node, and since when",
                tag="directory",
            )
        ]

    async def _live(self, _request: ApiRequest) -> LiveOut:
        return LiveOut(
            nodes=[
                StandingOut(
                    node=one.node,
                    change=one.change,
                    since=None if one.since is None else moment(one.since),
                    waiting=one.waiting,
                )
                for one in self._upkeep.published.values()
            ]
        )
