"""Follow a caller's keys through a flow without a telephone. Pure; step by step as the dialplan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import BadInput
from ivr.model import KEYS, Choice, Flow, HangUp, Menu, Message, Target, ToNode

SILENCE = "_"
"""Written among keys: the caller presses nothing until the menu's time is up."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the dialplan tells the service: the event's name and its headers, without `Call`."""

    event: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One stop: the prompts heard there in `language`, the key that ended it, what was told.

    `key` is "" where none was asked for (a message) or none is left (the caller hangs up here).
    """

    node: str
    attempt: int
    language: str
    prompts: tuple[str, ...]
    key: str = ""
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """`end`: the queue reached (`card-en`), `hangup` (ours), or "": the caller is still in the last step."""

    steps: tuple[Step, ...]
    end: str

    @property
    def told(self) -> tuple[Told, ...]:
        return tuple(step.told for step in self.steps if step.told)


def walk(flow: Flow, keys: str) -> Walk:
    """The way of a caller who presses `keys` one by one; `BadInput` if one is no telephone key.

    Keys left over when the flow ends belong to whatever follows it and are not looked at.
    """
    for position, key in enumerate(keys, start=1):
        if key not in KEYS + SILENCE:
            raise BadInput(f"key {position}", f"{key!r} is no key; press {KEYS}, or {SILENCE} for silence")
    steps: list[Step] = []
    language, at, attempt, cause, left = flow.language, flow.start, 1, "", list(keys)
    while True:
        node = flow.nodes[at]
        if isinstance(node, Message):
            steps.append(Step(at, 1, language, node.say))
            target, attempt, cause = node.then, 1, ""
        else:
            heard = _heard(node, cause)
            if not left:
                return Walk((*steps, Step(at, attempt, language, heard)), "")
            key = left.pop(0)
            choice = next((choice for choice in node.keys if choice.key == key), None)
            told = _chosen(node, choice) if choice else _failed(node, key, attempt)
            steps.append(Step(at, attempt, language, heard, key, told))
            if choice is None and attempt < node.attempts:
                attempt, cause = attempt + 1, told.headers["Cause"]
                continue
            language = choice.language or language if choice else language
            target, attempt, cause = choice.to if choice else node.give_up, 1, ""
        if not isinstance(target, ToNode):
            return Walk(tuple(steps), _end(target, language))
        at = target.node


def _heard(menu: Menu, cause: str) -> tuple[str, ...]:
    if not cause:
        return menu.say
    return (menu.no_input if cause == "no_input" else menu.wrong_input, *menu.again)


def _end(target: Target, language: str) -> str:
    if isinstance(target, HangUp | ToNode):
        return str(target)
    return f"{target.business}-{language}"


def _chosen(menu: Menu, choice: Choice) -> Told:
    if choice.language is not None:
        return Told("LanguageChosen", {"Language": choice.language})
    return Told("MenuChosen", {"Menu": menu.name, "Key": choice.key, "Target": str(choice.to)})


def _failed(menu: Menu, key: str, attempt: int) -> Told:
    cause = "no_input" if key == SILENCE else "wrong_input"
    return Told("MenuFailed", {"Menu": menu.name, "Cause": cause, "Attempt": str(attempt)})
