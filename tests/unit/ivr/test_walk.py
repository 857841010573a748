"""Every way through the menus leads where the bank says it leads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput
from ivr.model import KEYS
from ivr.walk import Told, walk
from tests.unit.ivr.flows import hotline, small

HOTLINE = hotline()


@pytest.mark.parametrize(
    ("keys", "end"),
    [
        ("5", "loss-cmn"),
        ("111", "personal-cmn"),
        ("112", "personal-cmn"),
        ("113", "personal-cmn"),
        ("114", "personal-cmn"),
        ("110", "personal-cmn"),
        ("121", "card-cmn"),
        ("122", "card-cmn"),
        ("123", "card-cmn"),
        ("125", "loss-cmn"),
        ("120", "card-cmn"),
        ("131", "corporate-cmn"),
        ("132", "corporate-cmn"),
        ("130", "corporate-cmn"),
        ("14", "complaints-cmn"),
        ("15", "loss-cmn"),
        ("10", "operator-cmn"),
        ("24", "complaints-nan"),
        ("35", "loss-en"),
        ("311", "personal-en"),
        ("1*24", "complaints-nan"),
        ("11*21", "card-cmn"),
        ("19#0", "operator-cmn"),
    ],
)
def test_keys_lead_to_the_queue(keys: str, end: str) -> None:
    assert walk(HOTLINE, keys).end == end


@pytest.mark.rule("CALL-12")
def test_a_language_is_kept_to_the_queue_and_told() -> None:
    way = walk(HOTLINE, "30")
    assert way.told == (
        Told("LanguageChosen", {"Language": "en"}),
        Told("MenuChosen", {"Menu": "main", "Key": "0", "Target": "queue:operator"}),
    )
    assert [step.language for step in way.steps] == ["cmn", "en"]
    assert way.end == "operator-en"


def test_silence_leads_to_the_operator_in_mandarin() -> None:
    way = walk(HOTLINE, "_____")
    assert way.end == "operator-cmn"
    assert [(step.node, step.attempt, step.prompts) for step in way.steps] == [
        ("language", 1, ("welcome", "menu-language")),
        ("language", 2, ("no-input", "menu-language")),
        ("main", 1, ("menu-main",)),
        ("main", 2, ("no-input", "menu-main")),
        ("main", 3, ("no-input", "menu-main")),
    ]
    assert way.told[-1] == Told("MenuFailed", {"Menu": "main", "Cause": "no_input", "Attempt": "3"})


def test_wrong_keys_are_told_without_the_key() -> None:
    way = walk(HOTLINE, "17_8")
    assert way.end == "operator-cmn"
    assert [dict(told.headers) for told in way.told[1:]] == [
        {"Menu": "main", "Cause": "wrong_input", "Attempt": "1"},
        {"Menu": "main", "Cause": "no_input", "Attempt": "2"},
        {"Menu": "main", "Cause": "wrong_input", "Attempt": "3"},
    ]
    assert [step.prompts for step in way.steps[2:]] == [("wrong-key", "menu-main"), ("no-input", "menu-main")]


def test_a_choice_begins_the_count_anew() -> None:
    assert walk(HOTLINE, "1779").steps[-1].attempt == 1


def test_a_caller_without_more_keys_is_still_there() -> None:
    way = walk(HOTLINE, "11")
    assert (way.end, way.steps[-1].node, way.steps[-1].key) == ("", "personal", "")


def test_messages_ask_for_no_key_and_a_hang_up_ends() -> None:
    assert walk(small(), "1").end == "card-cmn"
    assert walk(small(), "3#").end == "hangup"


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(BadInput, match="key 2: 'x' is no key"):
        walk(HOTLINE, "1x")


@settings(deadline=None)
@given(st.text(alphabet=KEYS + "_", max_size=40))
def test_nobody_is_lost_whatever_is_pressed(keys: str) -> None:
    way = walk(HOTLINE, keys)
    assert way.end or way.steps[-1].node in HOTLINE.nodes
    assert walk(HOTLINE, keys + "_" * 5).end, "silence always ends at a person"
