"""What a flow is: menus and messages that lead a caller by single keys to a queue (CALL-12).

A flow is data. `load` makes one from YAML and refuses whatever could strand a caller; `compile` turns it
into dialplan; `walk` follows keys through it; `draw` draws it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KEYS = "1234567890*#"
"""The keys of a telephone, in the order in which people look for them."""


@dataclass(frozen=True, slots=True)
class ToNode:
    """Go on at another node of the same flow."""

    node: str

    def __str__(self) -> str:
        return self.node


@dataclass(frozen=True, slots=True)
class ToQueue:
    """Leave the flow and wait for an agent of this business, in the caller's language."""

    business: str

    def __str__(self) -> str:
        return f"queue:{self.business}"


@dataclass(frozen=True, slots=True)
class HangUp:
    """Leave the flow and release the call."""

    def __str__(self) -> str:
        return "hangup"


Target = ToNode | ToQueue | HangUp
"""Where a step leads; `str(target)` is how facts name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One key of a menu. `language`, if set, becomes the call's language."""

    key: str
    label: str
    to: Target
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Prompts, then one key. Keys may be pressed while the prompts play.

    After `timeout_s` seconds of silence, or a key that is not in `keys`, the matching apology and `again`
    are heard; the failure number `attempts` leads to `give_up` instead.
    """

    name: str
    title: str
    say: tuple[str, ...]
    again: tuple[str, ...]
    keys: tuple[Choice, ...]
    timeout_s: int
    attempts: int
    no_input: str
    wrong_input: str
    give_up: Target

    @property
    def exits(self) -> tuple[Target, ...]:
        return (*(choice.to for choice in self.keys), self.give_up)

    @property
    def prompts(self) -> tuple[str, ...]:
        return (*self.say, *self.again, self.no_input, self.wrong_input)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Prompts that are heard to their end, then onwards."""

    name: str
    title: str
    say: tuple[str, ...]
    then: Target

    @property
    def exits(self) -> tuple[Target, ...]:
        return (self.then,)

    @property
    def prompts(self) -> tuple[str, ...]:
        return self.say


Node = Menu | Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A whole flow. `name` is the number that is dialled; `language` holds until the caller chooses one."""

    name: str
    title: str
    language: str
    start: str
    nodes: dict[str, Node] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a flow may refer to: prompts of the catalogue, queues and languages of the directory."""

    prompts: frozenset[str]
    queues: frozenset[str]
    languages: frozenset[str]

    @property
    def businesses(self) -> frozenset[str]:
        return frozenset(queue.rpartition("-")[0] for queue in self.queues)
