"""/api/directory/live/customers: how far each node's Asterisk is with the customers who are served apart."""

from __future__ import annotations

from datetime import datetime

from core.clock import moment
from customers.api import CHANGE
from hotline.customer_files import CustomerFiles
from web.route import ApiRequest, Out, Route


class CustomersStandingOut(Out):
    """One node. `numbers`: so many are served first or in a language of theirs, with the service dead too."""

    node: str
    numbers: int
    since: datetime | None
    waiting: str


class CustomersLiveOut(Out):
    """All nodes."""

    nodes: list[CustomersStandingOut]


class CustomerFilesApi:
    """The handler."""

    def __init__(self, files: CustomerFiles) -> None:
        self._files = files

    def routes(self) -> list[Route]:
        """The route of this module."""
        return [
            Route(
                method="GET",
                path="/api/directory/live/customers",
                handler=self._live,
                right=CHANGE,
                returns=CustomersLiveOut,
                summary="Since when each node serves customers as their records say",
                tag="customers",
            )
        ]

    async def _live(self, _request: ApiRequest) -> CustomersLiveOut:
        return CustomersLiveOut(
            nodes=[
                CustomersStandingOut(
                    node=one.node,
                    numbers=one.numbers,
                    since=None if one.since is None else moment(one.since),
                    waiting=one.waiting,
                )
                for one in self._files.published.values()
            ]
        )
