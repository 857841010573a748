"""docs/calls.md and its drawings, made from the recordings: each path with its ladder diagram and figures.

`HOTLINE_RECORD=1 ./run test scenarios` writes them anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from core import facts as f
from core.clock import MILLISECOND, Duration
from core.facts import Numbered
from ledger.call_folding import fold_call
from ledger.call_record import CallOutcome, CallRecord, LegRecord
from ledger.ladder import ladder
from ledger.story import tell
from tests.scenarios.captures_read import names, read
from tests.scenarios.replay import replay

DOCS = Path(__file__).parents[2] / "docs"
PAGE, DRAWINGS = DOCS / "calls.md", DOCS / "calls"
_E2E = Path(__file__).parents[1] / "e2e"
_TOLD_IN = (*sorted((_E2E / "dialplan").glob("test_*.py")), _E2E / "journey" / "test_page_paths.py")
_HEAD = """# The paths of a call

Every path below was recorded on a real Asterisk 22 by `tests/e2e/dialplan`, those of a telephone in a page
by `tests/e2e/journey/test_page_paths.py`, and is replayed by every run of the tests (`tests/scenarios`): the
figures are what the ledger makes of it. Made from the recordings by `HOTLINE_RECORD=1 ./run test scenarios`;
of a call in your own ledger `hotline call show` draws the same.
Bars: yellow waits, blue rings, green talks, red on hold, violet in the survey. Times in seconds.
"""
_COLUMNS = ("agent", "queue", "waited", "rang", "talked", "of it on hold", "ended by", "survey")


def written() -> dict[Path, str]:
    """Each file and what should stand in it."""
    told = dict(_descriptions())
    files: dict[Path, str] = {}
    parts = [_HEAD]
    for name in names():
        for number, facts in enumerate(_calls(name), 1):
            drawing = DRAWINGS / f"{name}{'' if number == 1 else f'-{number}'}.svg"
            story, record = tell(facts), fold_call(None, facts)
            assert story is not None
            assert record is not None
            files[drawing] = ladder(story, "en")
            head = f"## {name.replace('_', ' ').capitalize()}" if number == 1 else "### The next call"
            parts += [head, "", *([told[name], ""] if number == 1 and name in told else [])]
            parts += [*_figures(record), "", f"![{name}](calls/{drawing.name})", ""]
    return {PAGE: "\n".join(parts), **files}


def _calls(name: str) -> Iterator[list[Numbered]]:
    """The facts of each call of a recording."""
    numbered = [Numbered(seq, fact) for seq, fact in enumerate(replay(read(name)), 1)]
    for call in dict.fromkeys(getattr(one.fact, "call", "") for one in numbered):
        mine = [one for one in numbered if getattr(one.fact, "call", "") == call]
        mine = [one for one in mine if isinstance(one.fact, f.CallFact)] if call else []
        if mine and isinstance(mine[0].fact, f.CallArrived | f.OutgoingStarted):
            yield mine


def _figures(record: CallRecord) -> Iterator[str]:
    lost = sum((wait.waited or 0) for wait in record.waits if wait.reason != "answered")
    why = f": {record.outgoing}" if record.outcome is CallOutcome.NOT_REACHED else ""
    yield f"Ends as **{(record.outcome + why).replace('_', ' ')}** after {_s(record.lasted)}" + (
        f"; waited {_s(lost)} without an answer." if lost else "."
    )
    if record.legs:
        yield ""
        yield f"| {' | '.join(_COLUMNS)} |"
        yield f"|{'---|' * len(_COLUMNS)}"
        for leg in record.legs:
            yield f"| {' | '.join(_leg(leg))} |"


def _leg(leg: LegRecord) -> tuple[str, ...]:
    held = sum(hold.held or 0 for hold in leg.holds)
    rated = f"{leg.survey}" if leg.survey else ""
    if leg.satisfaction is not None:
        rated += f": {leg.satisfaction}"
    ended = "telephone lost" if leg.telephone_lost else (leg.outcome or leg.released_by or "")
    if leg.transferred_to:
        ended = f"transfer to {leg.transferred_to}"
    return (
        leg.agent,
        leg.queue,
        _s(leg.waited),
        _s(leg.rang),
        _s(leg.talked),
        _s(held) if leg.holds else "",
        str(ended).replace("_", " "),
        rated.replace("_", " "),
    )


def _s(duration: Duration | None) -> str:
    return "" if duration is None else f"{duration / (1_000 * MILLISECOND):.1f}"


def _descriptions() -> Iterator[tuple[str, str]]:
    """What the test that made a recording says of it."""
    for file in _TOLD_IN:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
                yield node.name.removeprefix("test_"), " ".join(text.split())
