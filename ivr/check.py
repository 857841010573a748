"""What makes a flow safe: every name exists, every node is reached, no caller is caught. Pure.

`lines` gives the line of each place: `(node,)`, `(node, field)`, `(node, "keys", key)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ivr.lines import Report
from ivr.model import Flow, Menu, Message, Node, Surroundings, Target, ToNode, ToQueue

Lines = Mapping[tuple[str, ...], int]


def check_flow(flow: Flow, around: Surroundings, report: Report, lines: Lines) -> None:
    """Report everything in `flow` that could fail a caller."""
    if flow.language and flow.language not in around.languages:
        report.add(lines[("", "language")], "", _unknown("language", flow.language, around.languages))
    for node in flow.nodes.values():
        _check_names(flow, node, around, report, lines)
    if flow.start and flow.start not in flow.nodes:
        report.add(lines[("", "start")], "", _unknown("start node", flow.start, flow.nodes))
        return
    if flow.start:
        _check_reached(flow, report, lines)
        _check_way_out(flow, report, lines)
    _check_loops(flow, report, lines)


def _check_names(flow: Flow, node: Node, around: Surroundings, report: Report, lines: Lines) -> None:
    for field, prompt in _prompts(node):
        if prompt and prompt not in around.prompts:
            text = (
                f"prompt {prompt!r} is not in the catalogue (dialplans/prompts/catalogue.yaml): add it there"
            )
            report.add(lines[(node.name, field)], node.name, text)
    for place, target in _exits(node):
        line = lines.get(place, lines[(node.name,)])
        if isinstance(target, ToNode) and target.node not in flow.nodes:
            report.add(line, node.name, _unknown("target", target.node, flow.nodes))
        if isinstance(target, ToQueue) and target.business not in around.businesses:
            report.add(line, node.name, _unknown("queue business", target.business, around.businesses))
        elif isinstance(target, ToQueue):
            for language in sorted(languages_of(flow) & around.languages):
                if (queue := f"{target.business}-{language}") not in around.queues:
                    text = f"there is no queue {queue!r} for a caller whose language is {language}: add it"
                    report.add(line, node.name, text)
    for choice in node.keys if isinstance(node, Menu) else ():
        if choice.language is not None and choice.language not in around.languages:
            line = lines[(node.name, "keys", choice.key)]
            report.add(line, node.name, _unknown("language", choice.language, around.languages))


def _check_reached(flow: Flow, report: Report, lines: Lines) -> None:
    reached, ahead = set(), [flow.start]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in flow.nodes:
            continue
        reached.add(name)
        ahead += _next(flow.nodes[name])
    for name in flow.nodes:
        if name not in reached:
            text = f"unreachable: nothing leads here from {flow.start!r}; lead a key here or remove it"
            report.add(lines[(name,)], name, text)


def _check_way_out(flow: Flow, report: Report, lines: Lines) -> None:
    """A node has a way out if some choice ends, however far on, in a queue or a hang-up."""
    saved = {name for name, node in flow.nodes.items() if any(not isinstance(t, ToNode) for t in node.exits)}
    grown = True
    while grown:
        more = {n for n, node in flow.nodes.items() if n not in saved and saved & set(_next(node))}
        grown = bool(more)
        saved |= more
    for name in flow.nodes:
        if name not in saved:
            text = "no way out: from here no choice ever leads to a queue or a hang-up"
            report.add(lines[(name,)], name, text)


def _check_loops(flow: Flow, report: Report, lines: Lines) -> None:
    """Round and round without the caller's doing: through messages, or menus whose callers stay silent."""
    told: set[str] = set()
    for start in flow.nodes:
        path: list[str] = []
        name = start
        while name in flow.nodes and name not in path:
            path.append(name)
            onward = _unasked(flow.nodes[name])
            name = onward.node if isinstance(onward, ToNode) else ""
        loop = path[path.index(name) :] if name in path else []
        if loop and not told & set(loop):
            told.update(loop)
            text = f"a silent caller goes round for ever: {' → '.join([*loop, loop[0]])}; end it in a queue"
            report.add(lines[(loop[0],)], loop[0], text)


def languages_of(flow: Flow) -> frozenset[str]:
    """Every language a caller can be in."""
    menus = (node for node in flow.nodes.values() if isinstance(node, Menu))
    chosen = {choice.language for menu in menus for choice in menu.keys if choice.language}
    return frozenset({flow.language, *chosen})


def _unasked(node: Node) -> Target:
    return node.then if isinstance(node, Message) else node.give_up


def _next(node: Node) -> list[str]:
    return [target.node for target in node.exits if isinstance(target, ToNode)]


def _prompts(node: Node) -> Iterator[tuple[str, str]]:
    yield from (("say", prompt) for prompt in node.say)
    if isinstance(node, Menu):
        yield from (("again", prompt) for prompt in node.again if prompt not in node.say)
        yield from (("no_input", node.no_input), ("wrong_input", node.wrong_input))


def _exits(node: Node) -> Iterator[tuple[tuple[str, ...], Target]]:
    if isinstance(node, Menu):
        yield from (((node.name, "keys", choice.key), choice.to) for choice in node.keys)
        yield (node.name, "give_up"), node.give_up
    else:
        yield (node.name, "then"), node.then


def _unknown(what: str, name: str, known: object) -> str:
    names = ", ".join(sorted(str(each) for each in known)) if isinstance(known, (frozenset, dict)) else ""
    return f"unknown {what} {name!r}; there are: {names or 'none'}"
