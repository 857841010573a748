"""`Flow` → a drawing: Mermaid text for documents, SVG for pages and browsers. Pure."""

from __future__ import annotations

from collections import defaultdict
from html import escape

from ivr.model import Flow, Menu, Node, Target, ToNode

_COLUMN, _ROW, _BOX, _HEAD, _LINE = 330, 24, 220, 30, 18


def mermaid(flow: Flow) -> str:
    """A flowchart; keys stand on the arrows, queues are round."""
    lines = ["flowchart LR"]
    for node in flow.nodes.values():
        lines.append(f'  {_id(node.name)}["{_plain(node.title)}"]')
    ends = {str(target): target for node in flow.nodes.values() for target in node.exits if _leaves(target)}
    lines += [f'  {_id(end)}(["{end}"])' for end in ends]
    for node in flow.nodes.values():
        arrows: dict[str, list[str]] = defaultdict(list)
        for text, target in _ways(node):
            arrows[_id(str(target))].append(text)
        lines += [
            f'  {_id(node.name)} -->|"{_plain(" / ".join(texts))}"| {end}' for end, texts in arrows.items()
        ]
    return "\n".join(lines) + "\n"


def svg(flow: Flow) -> str:
    """Boxes in columns by distance from the start, a line per key; ways back are written, not drawn."""
    columns = _columns(flow)
    places: dict[str, tuple[int, int]] = {}
    boxes: list[str] = []
    paths: list[str] = []
    height = 0
    for number, column in enumerate(columns):
        y = _ROW
        for name in column:
            places[name] = (_ROW + number * _COLUMN, y)
            box, tall = _box(flow, name, *places[name])
            boxes.append(box)
            y += tall + _ROW
        height = max(height, y)
    for name, node in flow.nodes.items():
        for row, (_, target) in enumerate(_ways(node)):
            (x, y), (to_x, to_y) = places[name], places[str(target)]
            if to_x > x:
                start, end = (x + _BOX, y + _HEAD + row * _LINE + _LINE // 2), (to_x, to_y + _HEAD // 2)
                bend = (start[0] + end[0]) // 2
                path = f"M{start[0]} {start[1]} C{bend} {start[1]} {bend} {end[1]} {end[0]} {end[1]}"
                paths.append(f'<path d="{path}" fill="none" stroke="#7a8aa0"/>')
    width = _ROW + len(columns) * _COLUMN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
    font = 'font-family="sans-serif" font-size="13">'
    title = f"<title>{escape(flow.title)}</title>"
    return "\n".join([f'{head}height="{height}" {font}', title, *paths, *boxes, "</svg>\n"])


def _box(flow: Flow, name: str, x: int, y: int) -> tuple[str, int]:
    node = flow.nodes.get(name)
    ways = _ways(node) if node else []
    tall = _HEAD + len(ways) * _LINE + (6 if ways else 0)
    fill, title = ("#eef3fa", node.title) if node else ("#fdf1dc", name)
    rows = [
        f'<rect x="{x}" y="{y}" width="{_BOX}" height="{tall}" rx="6" fill="{fill}" stroke="#33415c"/>',
        f'<text x="{x + 10}" y="{y + 20}" font-weight="bold">{escape(title)}</text>',
    ]
    for row, (text, target) in enumerate(ways):
        words = escape(f"{text} → {flow.nodes[target.node].title if isinstance(target, ToNode) else target}")
        rows.append(f'<text x="{x + 10}" y="{y + _HEAD + row * _LINE + 13}">{words}</text>')
    return "\n".join(rows), tall


def _columns(flow: Flow) -> list[list[str]]:
    depth, ahead = {flow.start: 0}, [flow.start]
    for name in ahead:
        for target in flow.nodes[name].exits:
            if isinstance(target, ToNode) and target.node not in depth:
                depth[target.node] = depth[name] + 1
                ahead.append(target.node)
    columns: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name, column in depth.items():
        columns[column].append(name)
    ends = dict.fromkeys(
        str(target) for name in depth for target in flow.nodes[name].exits if _leaves(target)
    )
    return [*columns, list(ends)]


def _ways(node: Node) -> list[tuple[str, Target]]:
    if not isinstance(node, Menu):
        return [("…", node.then)]
    return [*((f"{choice.key} {choice.label}", choice.to) for choice in node.keys), ("✕", node.give_up)]


def _leaves(target: Target) -> bool:
    return not isinstance(target, ToNode)


def _id(name: str) -> str:
    return f"n_{name.replace(':', '_')}"  # words like `end` mean something else to Mermaid


def _plain(text: str) -> str:
    return "".join("#35;" if sign == "#" else "'" if sign == '"' else sign for sign in text)
