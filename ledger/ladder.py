"""A story as a ladder diagram, as telephone people draw calls: a lane each, time downwards. SVG; pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ledger.story import CUSTOMER, Line, Story
from ledger.story_words import Language, lane_name, seconds, sentence

_TIME, _LANE, _ROW, _HEAD, _BOX = 90, 190, 30, 64, 150
_INK, _PALE = "#33415c", "#b8c4d6"
_SPANS = {
    # kind that begins it: (kinds that end it, colour)
    "CallerQueued": (("CallerLeftQueue",), "#f2c14e"),
    "AgentOffered": (("AgentAnswered", "OfferEnded"), "#9fc5e8"),
    "AgentAnswered": (("TalkEnded",), "#57a773"),
    "HoldStarted": (("HoldEnded",), "#e4572e"),
    "SurveyStarted": (("SurveyEnded",), "#b39ddb"),
}
"""What lasts is a bar in its lane: waiting, ringing, talk, hold, survey."""


def ladder(story: Story, language: Language = "zh") -> str:
    """The drawing."""
    columns = {lane: _TIME + number * _LANE + _LANE // 2 for number, lane in enumerate(story.lanes)}
    width = _TIME + len(columns) * _LANE + 20
    height = _HEAD + len(story.lines) * _ROW + 20
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12" role="img">'
    )
    marker = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" fill="{_INK}"/></marker></defs>'
    )
    return "\n".join(
        [
            head,
            f"<title>{escape(story.call)}</title>",
            marker,
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *_lanes(columns, height, language),
            *_bars(story, columns),
            *(part for row, line in enumerate(story.lines) for part in _step(line, row, columns, language)),
            "</svg>\n",
        ]
    )


def _lanes(columns: dict[str, int], height: int, language: Language) -> Iterator[str]:
    for lane, x in columns.items():
        yield f'<line x1="{x}" y1="46" x2="{x}" y2="{height - 10}" stroke="{_PALE}" stroke-dasharray="3 3"/>'
        yield (
            f'<rect x="{x - _BOX // 2}" y="14" width="{_BOX}" height="32" rx="6" fill="#eef3fa" '
            f'stroke="{_INK}"/>'
        )
        yield (
            f'<text x="{x}" y="35" text-anchor="middle" font-weight="bold">'
            f"{escape(lane_name(lane, language))}</text>"
        )


def _bars(story: Story, columns: dict[str, int]) -> Iterator[str]:
    """From the line that begins it to the one that ends it, or to the last line where none does."""
    for row, line in enumerate(story.lines):
        if line.kind not in _SPANS:
            continue
        ends, colour = _SPANS[line.kind]
        later = enumerate(story.lines[row + 1 :], row + 1)
        last = next(
            (n for n, other in later if other.kind in ends and _same(line, other)), len(story.lines) - 1
        )
        lane = _bar_lane(line)
        narrow = 10 if line.kind == "HoldStarted" else 6
        yield (
            f'<rect x="{columns[lane] - narrow // 2}" y="{_y(row)}" width="{narrow}" '
            f'height="{max(4, _y(last) - _y(row))}" rx="2" fill="{colour}"/>'
        )


def _same(line: Line, other: Line) -> bool:
    return other.leg == line.leg if line.leg else other.source == line.target


def _bar_lane(line: Line) -> str:
    match line.kind:
        case "CallerQueued" | "AgentOffered":
            return line.target
        case "SurveyStarted":
            return CUSTOMER
        case _:
            return line.source


def _step(line: Line, row: int, columns: dict[str, int], language: Language) -> Iterator[str]:
    y = _y(row)
    start, end = columns[line.source], columns[line.target]
    words = escape(sentence(line, language))
    yield f'<text x="8" y="{y + 4}" fill="#5b6b84">+{escape(seconds(line.since))}</text>'
    if start == end:
        yield f'<circle cx="{start}" cy="{y}" r="3" fill="{_INK}"/>'
        yield f'<text x="{start + 10}" y="{y + 4}">{words}</text>'
        return
    yield (
        f'<line x1="{start}" y1="{y}" x2="{end}" y2="{y}" stroke="{_INK}" marker-end="url(#tip)">'
        f"<title>{escape(line.kind)}</title></line>"
    )
    yield f'<text x="{(start + end) // 2}" y="{y - 5}" text-anchor="middle">{words}</text>'


def _y(row: int) -> int:
    return _HEAD + row * _ROW + _ROW // 2
