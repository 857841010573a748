"""`Flow` → dialplan text. Pure; the same flow gives the same text, to the byte.

One version of a flow lives in contexts of its own, `ivr-<flow>-<version>-<node>`, so that calls in progress
finish on the version they began with. The version is made from the text itself: another compiler, another
version. `ivr-<flow>,s,1` leads into the active one.

Attempts are unrolled: attempt 2 of `main` is the context `…-main-2`, which includes the keys of `…-main`
and has its own `t` (silence) and `i` (wrong key). So a call needs no counter, and what the caller presses is
only ever matched as an extension; it never stands in an expression or in the name of anything.

Expected of the caller's channel: answered, `CALL_ID` set; `CALL_PREFERS`, if the customer's record names a
language: the flow begins in it, and the caller may choose another as ever. Expected globals: `HOTLINE_DIR`.
Left behind: `CALL_LANG` and `CHANNEL(language)`; then `hotline-queue,<business>-<language>,1`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ivr.model import Choice, Flow, HangUp, Menu, Message, Node, Target, ToNode

QUEUE_CONTEXT = "hotline-queue"
_VERSION_DIGITS = 8
_PLACEHOLDER = "\0"  # stands for the version while its hash is being made; no YAML text can hold it
_MARK = re.compile(
    r"^; ==== flow (\S+) version ([0-9a-f]{8})(?: language (\w+) start (\S+))? ====$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One version of one flow. `text`: its contexts. `start`: the context in which a call begins."""

    flow: str
    version: str
    language: str
    start: str
    text: str


def compile_flow(flow: Flow) -> Compiled:
    """The flow as dialplan; it has to have passed `load`."""
    body = "\n".join(line for node in flow.nodes.values() for line in _node(flow, node))
    stem = f"{flow.name} {flow.language} {flow.start}\n{body}"
    version = hashlib.sha256(stem.encode()).hexdigest()[:_VERSION_DIGITS]
    return Compiled(
        flow=flow.name,
        version=version,
        language=flow.language,
        start=_context(flow.name, flow.start).replace(_PLACEHOLDER, version),
        text=body.replace(_PLACEHOLDER, version),
    )


def version_global(flow: str) -> str:
    """The global variable that holds the active version of `flow`."""
    return f"IVR_{flow.upper()}_VERSION"


def render_file(active: Compiled, earlier: Sequence[Compiled] = ()) -> str:
    """A whole dialplan file: the way in, the active version, then earlier ones for calls in progress.

    To be included after a `[globals]` section, which it extends.
    """
    kept = [version for version in earlier if version.version != active.version]
    lines = [
        f"; Compiled from the flow {active.flow}. Change the flow, not this file.",
        "[globals](+)",
        f"{version_global(active.flow)}={active.version}",
        "",
        f"[ivr-{active.flow}]",
        f"exten => s,1,{_set_language(active.language)}",
        f" same => n,{_PREFERRED}",
        f" same => n,Goto({active.start},s,1)",
        "",
    ]
    for version in (active, *kept):
        lines += [_mark(version), version.text.rstrip("\n"), ""]
    return "\n".join(lines)


def versions_in(rendered: str) -> tuple[Compiled, ...]:
    """The versions that a file of `render_file` holds, the active one first, then as they were active.

    An earlier program wrote no `language` and `start` down: then those of the active version stand for them.
    """
    entry = re.search(r"MSet\(__CALL_LANG=(\w+),", rendered)
    start = re.search(r"^ same => n,Goto\((ivr-[^,]+),s,1\)$", rendered, re.MULTILINE)
    if entry is None or start is None:
        return ()
    pieces = _MARK.split(rendered)[1:]
    return tuple(
        Compiled(
            flow=flow,
            version=version,
            language=language or entry[1],
            start=begins or start[1],
            text=text.strip("\n") + "\n",
        )
        for flow, version, language, begins, text in zip(*(pieces[at::5] for at in range(5)), strict=True)
    )


def contexts_of(version: Compiled) -> tuple[str, ...]:
    """The names of its contexts, in the order of the text."""
    return tuple(re.findall(r"^\[(\S+)\]$", version.text, re.MULTILINE))


def _mark(version: Compiled) -> str:
    named = f"flow {version.flow} version {version.version}"
    return f"; ==== {named} language {version.language} start {version.start} ===="


# ------------------------------------------------------------------ one node


def _context(flow: str, node: str, attempt: int = 1) -> str:
    return f"ivr-{flow}-{_PLACEHOLDER}-{node}" + (f"-{attempt}" if attempt > 1 else "")


def _node(flow: Flow, node: Node) -> Iterator[str]:
    if isinstance(node, Message):
        yield f"[{_context(flow.name, node.name)}]"
        yield f"exten => s,1,Playback({_prompts(*node.say)},noanswer)"
        yield f" same => n,{_go(flow, node.then)}"
        yield ""
        return
    for attempt in range(1, node.attempts + 1):
        yield from _attempt(flow, node, attempt)


def _attempt(flow: Flow, menu: Menu, attempt: int) -> Iterator[str]:
    yield f"[{_context(flow.name, menu.name, attempt)}]"
    if attempt == 1:
        yield f"exten => s,1,Background({_prompts(*menu.say)})"
        yield f" same => n,WaitExten({menu.timeout_s})"
        for choice in menu.keys:
            yield from _choice(flow, menu, choice)
    else:
        yield f"include => {_context(flow.name, menu.name)}"
        # Each in an extension of its own: WaitExten leads to `t` only where no priority follows it.
        for cause, apology in (("no_input", menu.no_input), ("wrong_input", menu.wrong_input)):
            yield f"exten => {cause},1,Background({_prompts(apology, *menu.again)})"
            yield f" same => n,WaitExten({menu.timeout_s})"
    for extension, cause in (("t", "no_input"), ("i", "wrong_input")):
        first, second = _told("MenuFailed", Menu=menu.name, Cause=cause, Attempt=str(attempt))
        yield f"exten => {extension},1,{first}"
        yield f" same => n,{second}"
        if attempt == menu.attempts:
            yield f" same => n,{_go(flow, menu.give_up)}"
        else:
            yield f" same => n,Goto({_context(flow.name, menu.name, attempt + 1)},{cause},1)"
    yield ""


def _choice(flow: Flow, menu: Menu, choice: Choice) -> Iterator[str]:
    if choice.language is None:
        steps = list(_told("MenuChosen", Menu=menu.name, Key=choice.key, Target=str(choice.to)))
    else:
        steps = [_set_language(choice.language), *_told("LanguageChosen", Language=choice.language)]
    first, *more = [*steps, _go(flow, choice.to)]
    yield f"exten => {choice.key},1,{first}"
    yield from (f" same => n,{step}" for step in more)


def _go(flow: Flow, target: Target) -> str:
    if isinstance(target, ToNode):
        return f"Goto({_context(flow.name, target.node)},s,1)"
    if isinstance(target, HangUp):
        return "Hangup()"
    return f"Goto({QUEUE_CONTEXT},{target.business}-${{CALL_LANG}},1)"


def _told(event: str, **headers: str) -> tuple[str, str]:
    """The same fact twice: live for the service, and into the CEL file from which it can be read back."""
    live = "".join(f",{name}: {value}" for name, value in headers.items())
    kept = "".join(f"&{name}={value}" for name, value in headers.items())
    return (
        f"UserEvent({event},Call: ${{CALL_ID}}{live})",
        f"CELGenUserEvent({event},Call=${{CALL_ID}}{kept})",
    )


_PREFERRED = (
    "ExecIf(${LEN(${CALL_PREFERS})}?MSet(__CALL_LANG=${CALL_PREFERS},CHANNEL(language)=${CALL_PREFERS}))"
)
"""The language of the customer's record."""


def _set_language(language: str) -> str:
    return f"MSet(__CALL_LANG={language},CHANNEL(language)={language})"


def _prompts(*names: str) -> str:
    return "&".join(f"${{HOTLINE_DIR}}/prompts/${{CALL_LANG}}/{name}" for name in names)
