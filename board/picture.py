"""What the screens show at present, and what has to be told them to bring it up to date. No I/O.

The picture is kept as plain JSON-like values. `update` works out only what may have changed and returns the
fields that did, in the same shape as the whole; a screen lays them over what it has:

    {"total": {figure: value}, "calls": {…}, "queues": {queue: {figure: value}}, "waiting": {queue: […]},
     "agents": {agent: {field: value}}, "nodes": […], "gaps": […], "alarms": […]}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from board.reading import Reading

Values = dict[str, Any]


class Picture:
    """Empty at first; the first update should name all queues and agents."""

    def __init__(self) -> None:
        self.total: Values = {}
        self.calls: Values = {}
        self.queues: dict[str, Values] = {}
        self.waiting: dict[str, list[Values]] = {}
        self.agents: dict[str, Values] = {}
        self.rest: dict[str, list[Values]] = {"nodes": [], "gaps": [], "alarms": []}

    def whole(self) -> Values:
        """All of it."""
        return {
            "total": self.total,
            "calls": self.calls,
            "queues": self.queues,
            "waiting": self.waiting,
            "agents": self.agents,
            **self.rest,
        }

    def update(
        self, reading: Reading, queues: Collection[str], agents: Collection[str], *, rest: bool
    ) -> Values:
        """Take over `queues` and `agents` (and, with `rest`, all else) as they now are; what has changed."""
        changes: Values = {}
        if queues or agents:
            _put(changes, "total", _lay(self.total, _plain(reading.total())))
        _put(changes, "queues", self._queues(reading, queues))
        _put(changes, "waiting", self._waiting(reading, queues))
        _put(changes, "agents", self._agents(reading, agents))
        _put(changes, "calls", _lay(self.calls, _plain(reading.calls())) if rest or queues else {})
        if rest:
            self._rest(reading, changes)
        return changes

    def _queues(self, reading: Reading, queues: Collection[str]) -> Values:
        changed = {
            name: _lay(self.queues.setdefault(name, {}), _plain(reading.queue(name))) for name in queues
        }
        return {name: fields for name, fields in changed.items() if fields}

    def _waiting(self, reading: Reading, queues: Collection[str]) -> Values:
        changed = {}
        for name in queues:
            now = _plain(reading.waiting(name))
            if now != self.waiting.get(name, []):
                self.waiting[name] = changed[name] = now
        return changed

    def _agents(self, reading: Reading, agents: Collection[str]) -> Values:
        changed = {
            name: _lay(self.agents.setdefault(name, {}), _plain(reading.agent(name))) for name in agents
        }
        return {name: fields for name, fields in changed.items() if fields}

    def _rest(self, reading: Reading, changes: Values) -> None:
        now = {"nodes": reading.nodes(), "gaps": reading.gaps(), "alarms": reading.alarms()}
        for name, entries in now.items():
            plain = _plain(entries)
            if plain != self.rest[name]:
                self.rest[name] = changes[name] = plain


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _lay(shown: Values, now: Mapping[str, Any]) -> Values:
    """Lay `now` over `shown`; the fields that differed."""
    changed = {name: value for name, value in now.items() if shown.get(name, shown) != value}
    shown.update(changed)
    return changed


def _put(changes: Values, name: str, changed: Values) -> None:
    if changed:
        changes[name] = changed
