"""Whether this program is there for its nodes: a sign of life to each, as long as none other may lead.

The dialplan goes on alone without one. Who cannot tell any more whether it leads gives none, and tells the
nodes nothing; it goes on hearing them. Once it knows again, it has to look at them: much may have happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

import structlog

from core.clock import Instant
from telephony.heartbeat import Heartbeat

_log = structlog.get_logger(__name__)
Away = Callable[[], bool]
"""Whether another program may lead by now, for all that this one can tell."""


class Beside(Protocol):
    """A node, by its name and the folder that we share with it."""

    @property
    def name(self) -> str: ...

    @property
    def directory(self) -> Path: ...


def never_away() -> bool:
    """Where no other program can lead."""
    return False


class Turn(Enum):
    """What has changed since the last beat."""

    WENT = auto()
    CAME = auto()


class Presence:
    """At all of `nodes`."""

    def __init__(self, nodes: Iterable[Beside], away: Away) -> None:
        self._hearts: Mapping[str, Heartbeat] = {node.name: Heartbeat(node.directory) for node in nodes}
        self._asked = away
        self._was_away = False

    def away(self) -> bool:
        """Whether it is; the next beat says so, however short it was."""
        away = self._asked()
        self._was_away |= away
        return away

    def beat(self) -> Turn | None:
        """A sign of life, unless it is away; what has changed."""
        was, away = self._was_away, self._asked()
        self._was_away = away
        if away:
            if was:
                return None
            _log.critical("telephony.left_alone", why="another program may lead by now: nothing is told")
            return Turn.WENT
        for heart in self._hearts.values():
            heart.beat()
        if was:
            _log.warning("telephony.taken_up_again", why="this program still leads: it looks how all stands")
            return Turn.CAME
        return None

    def last(self) -> dict[str, Instant]:
        """When a service last lived beside each node, of those beside which one has."""
        found = {name: heart.last() for name, heart in self._hearts.items()}
        return {name: at for name, at in found.items() if at is not None}

    def leave(self, at: Instant) -> None:
        """In order: from now on the dialplan need not wait for a sign."""
        for heart in self._hearts.values():
            heart.leave(at)
