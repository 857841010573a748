"""Finds in a rendered dialplan, before Asterisk does, what would drop a caller. Pure.

Checked: every jump leads to a priority that exists; every prompt is in the catalogue; what comes from outside
(the caller's number, keys read) is filtered and stands in expressions only within quotes (guarantee 6).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

_CONTEXT = re.compile(r"\[([\w-]+)\](\(\+\))?")
_EXTEN = re.compile(r"exten => ([^,]+),(\d+)(?:\((\w+)\))?,(.*)")
_SAME = re.compile(r"\s*same => n(?:\((\w+)\))?,(.*)")
_INCLUDE = re.compile(r"include => ([\w-]+)")
_PROMPT = re.compile(r"(?:/prompts/\$\{CALL_LANG\}|\$\{VOICES\})/([a-z0-9-]+(?:\$\{\w+\})?)")
_OUTSIDE = re.compile(r"\$\{CALLERID\(")
_READ = re.compile(r"^Read\((\w+),")
_GUARDED = re.compile(r"FILTER\([^,()]+,$")
_NOT_DIALPLAN = frozenset({"general", "globals"})


@dataclass(slots=True)
class _Step:
    where: str
    label: str
    app: str


@dataclass(slots=True)
class _Plan:
    """context → extension → steps; context → included contexts."""

    extens: dict[str, dict[str, list[_Step]]] = field(default_factory=dict)
    includes: dict[str, list[str]] = field(default_factory=dict)


def lint(files: Mapping[str, str], prompts: Collection[str]) -> list[str]:
    """One sentence for each fault, with file and line; none if all is well. `files`: name → rendered text."""
    faults: list[str] = []
    plan = _read(files, faults)
    names = frozenset(prompts)
    for context, extens in plan.extens.items():
        for exten, steps in extens.items():
            read: set[str] = set()
            for step in steps:
                faults += _jumps(plan, context, exten, step)
                faults += _prompts(step, names)
                if match := _READ.match(step.app):
                    read.add(match[1])
                faults += _outside(step, read)
    return faults


# ------------------------------------------------------------------ reading


def _read(files: Mapping[str, str], faults: list[str]) -> _Plan:
    plan = _Plan()
    for file, text in files.items():
        context, exten = "", ""
        for number, line in enumerate(text.splitlines(), start=1):
            where = f"{file}:{number}"
            if match := _CONTEXT.match(line):
                context, exten = match[1], ""
                plan.extens.setdefault(context, {})
            elif context in _NOT_DIALPLAN or not line.strip() or line.startswith((";", "#include")):
                continue
            elif match := _INCLUDE.match(line):
                plan.includes.setdefault(context, []).append(match[1])
            elif match := _EXTEN.match(line):
                exten = match[1]
                plan.extens[context].setdefault(exten, []).append(_Step(where, match[3] or "", match[4]))
            elif (match := _SAME.match(line)) and exten:
                plan.extens[context][exten].append(_Step(where, match[1] or "", match[2]))
            else:
                faults.append(f"{where}: {line.strip()[:60]!r} is no line of a dialplan")
    for context, included in plan.includes.items():
        faults += [
            f"[{context}] includes {name}, which does not exist"
            for name in included
            if name not in plan.extens
        ]
    return plan


# ------------------------------------------------------------------ jumps


def split(text: str, separator: str) -> list[str]:
    """`text` cut at `separator` where it stands outside of brackets and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for position, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == separator and depth == 0 and not quoted:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _targets(app: str) -> Iterator[str]:
    """Every place this application may lead to, as `context,exten,priority` or less."""
    name, _, rest = app.partition("(")
    arguments = rest.removesuffix(")")
    if name in ("Goto", "Gosub"):
        yield arguments
    elif name == "ChannelRedirect":
        yield arguments.partition(",")[2]
    elif name in ("GotoIf", "GosubIf"):
        yield from (branch for branch in split(split(arguments, "?")[-1], ":") if branch)
    elif name == "ExecIf":
        for branch in split(
            split(
                arguments,
                "?",
            )[-1],
            ":",
        ):
            yield from _targets(branch)
    elif name == "Set" and arguments.startswith("CHANNEL(hangup_handler_push)="):
        yield arguments.partition("=")[2]
    elif name in ("Queue", "Dial"):
        yield from (match.replace("^", ",") for match in re.findall(r"b\(([^)]+)\)", arguments))
        yield from (f"{match},s,1" for match in re.findall(r"U\(([^)]+)\)", arguments))
        fields = split(arguments, ",")
        if name == "Queue" and len(fields) > 6 and fields[6]:
            yield f"{fields[6]},s,1"


def _jumps(plan: _Plan, context: str, exten: str, step: _Step) -> Iterator[str]:
    for target in _targets(step.app):
        # Arguments of a subroutine follow its priority: s,1(a,b).
        fields = [
            part.partition("(")[0] if index == 2 else part for index, part in enumerate(split(target, ","))
        ]
        to_context, to_exten, priority = [context, exten, ""][: 3 - len(fields)] + fields
        if "${" in to_context:
            continue
        if to_context not in plan.extens:
            yield f"{step.where}: leads to [{to_context}], which does not exist"
            continue
        if "${" in to_exten:
            continue
        steps = _find(plan, to_context, to_exten)
        if steps is None:
            yield f"{step.where}: leads to {to_exten} in [{to_context}], which does not exist"
        elif not _has(steps, priority):
            place = f"priority {priority} of {to_exten} in [{to_context}]"
            yield f"{step.where}: leads to {place}, which does not exist"


def _find(plan: _Plan, context: str, exten: str) -> list[_Step] | None:
    here = plan.extens.get(context, {})
    if exten in here:
        return here[exten]
    for pattern, steps in here.items():
        if pattern.startswith("_") and _pattern(pattern).fullmatch(exten):
            return steps
    for included in plan.includes.get(context, []):
        if (found := _find(plan, included, exten)) is not None:
            return found
    return None


def _pattern(text: str) -> re.Pattern[str]:
    classes = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*"}
    pieces = re.findall(r"\[[^\]]+\]|.", text[1:])
    return re.compile(
        "".join(classes.get(piece, piece if piece[0] == "[" else re.escape(piece)) for piece in pieces)
    )


def _has(steps: list[_Step], priority: str) -> bool:
    if "${" in priority:
        return True
    return 1 <= int(priority) <= len(steps) if priority.isdigit() else any(s.label == priority for s in steps)


# ------------------------------------------------------------------ prompts and what comes from outside


def _prompts(step: _Step, names: frozenset[str]) -> Iterator[str]:
    for name in _PROMPT.findall(step.app):
        stem, made, _ = name.partition("${")
        known = any(other.startswith(stem) for other in names) if made else name in names
        if not known:
            yield f"{step.where}: the prompt {name} is not in the catalogue"


def _outside(step: _Step, read: Collection[str]) -> Iterator[str]:
    for match in _OUTSIDE.finditer(step.app):
        if not _GUARDED.search(step.app[: match.start()]):
            yield f"{step.where}: the caller's number is used without FILTER"
    for variable in sorted(read):
        for match in re.finditer(r"\$\{" + variable + r"\}", step.app):
            before = step.app[: match.start()]
            expression = before.rpartition("$[")[2] if "$[" in before else ""
            inside = "$[" in before and expression.count("[") >= expression.count("]")
            if inside and expression.count('"') % 2 == 0:
                yield f"{step.where}: {variable}, keyed in by a person, stands unquoted in an expression"
