"""Pure: which queues a compiled flow leads callers to, and at which menu."""

from __future__ import annotations

from ivr.compile import compile_flow, render_file, versions_in
from ivr.named import queues_named, told_gone
from tests.unit.ivr.flows import BUSINESSES, LANGUAGES, hotline, small

SMALL = compile_flow(small())


def test_each_queue_is_told_with_its_menu_in_each_language_that_can_be_chosen() -> None:
    assert queues_named(SMALL) == {
        "loss-cmn": "top",
        "loss-en": "top",
        "operator-cmn": "top",
        "operator-en": "top",
        "card-cmn": "notice",
        "card-en": "notice",
    }


def test_what_is_read_back_from_a_nodes_file_names_the_same() -> None:
    ships = compile_flow(hotline())
    read_back = versions_in(render_file(SMALL, [ships]))
    assert [queues_named(one) for one in read_back] == [queues_named(one) for one in (SMALL, ships)]


def test_the_flow_that_ships_leads_to_every_queue() -> None:
    every = {f"{business}-{language}" for business in BUSINESSES for language in LANGUAGES}
    assert queues_named(compile_flow(hotline())).keys() == every


def test_only_what_is_gone_is_told() -> None:
    there = {"loss-cmn", "loss-en", "operator-cmn", "operator-en", "card-cmn"}
    assert told_gone(SMALL, there) == "card-en (at notice), which the directory does not have"
    assert told_gone(SMALL, {*there, "card-en"}) == ""
