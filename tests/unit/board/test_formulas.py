"""Every figure is published, and the published text is what the table says. Pure."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from board.drill import openable
from board.figures import CallFigures, QueueFigures
from board.formulas import AGENT_FORMULAS, CALL_FORMULAS, QUEUE_FORMULAS, markdown

DOCS = Path(__file__).parents[3] / "docs"


def test_every_figure_has_its_formula_and_no_other_has() -> None:
    assert [each.figure for each in QUEUE_FORMULAS] == [
        each.name for each in fields(QueueFigures) if each.name != "queue"
    ]
    assert [each.figure for each in CALL_FORMULAS] == [each.name for each in fields(CallFigures)]
    for formulas in (QUEUE_FORMULAS, CALL_FORMULAS, AGENT_FORMULAS):
        for each in formulas:
            assert each.name_zh and each.name_en and each.formula


def test_every_figure_that_opens_is_published() -> None:
    assert openable() <= {each.figure for each in (*QUEUE_FORMULAS, *CALL_FORMULAS)}


def test_the_published_page_is_up_to_date() -> None:
    page = (DOCS / "formulas.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: python -m board.formulas > docs/formulas.md"
