"""What a compiled flow leads callers to: queues that have to be there as long as it is published. Pure."""

from __future__ import annotations

import re
from collections.abc import Container

from ivr.compile import QUEUE_CONTEXT, Compiled

_CONTEXT = re.compile(r"^\[(\S+)\]$", re.MULTILINE)
_QUEUE = re.compile(rf"Goto\({QUEUE_CONTEXT},([^,$]+)-\$\{{CALL_LANG\}},1\)")
_LANGUAGE = re.compile(r"MSet\(__CALL_LANG=(\w+),")


def queues_named(version: Compiled) -> dict[str, str]:
    """Queue → the first menu that leads there, for each language that a caller may have chosen by then."""
    languages = dict.fromkeys([version.language, *_LANGUAGE.findall(version.text)])
    named: dict[str, str] = {}
    _, *pieces = _CONTEXT.split(version.text)
    for context, lines in zip(pieces[::2], pieces[1::2], strict=True):
        menu = re.sub(r"-\d+$", "", context.removeprefix(f"ivr-{version.flow}-{version.version}-"))
        for business in _QUEUE.findall(lines):
            for language in languages:
                named.setdefault(f"{business}-{language}", menu)
    return named


def told_gone(version: Compiled, queues: Container[str]) -> str:
    """The queues it names that are not there, for people: `card-cmn (at main), which …`; "" if all are."""
    gone = [f"{queue} (at {menu})" for queue, menu in queues_named(version).items() if queue not in queues]
    return f"{', '.join(gone)}, which the directory does not have" if gone else ""
