"""The flow that ships, and what it may refer to."""

from __future__ import annotations

from pathlib import Path

from ivr.load import load_flow, read_flow
from ivr.model import Flow, Surroundings
from ivr.prompts import Catalogue, read_catalogue

ROOT = Path(__file__).parents[3]
FLOW_FILE = ROOT / "ivr" / "flows" / "95559.yaml"
LANGUAGES = frozenset({"cmn", "nan", "en"})
BUSINESSES = ("personal", "card", "corporate", "complaints", "loss", "operator")

SMALL = """\
flow: "777"
title: A small flow
language: cmn
start: top
defaults:
  timeout_s: 5
  attempts: 2
  no_input: no-input
  wrong_input: wrong-key
  give_up: queue operator
nodes:
  top:
    say: menu-main
    keys:
      "1": {label: Cards, to: notice}
      "2": queue loss
      "3": {label: English, language: en, to: top}
      "9": repeat
      "#": hangup
  notice:
    title: A word first
    say: [welcome]
    then: queue card
"""


def catalogue() -> Catalogue:
    return read_catalogue(ROOT / "dialplans" / "prompts" / "catalogue.yaml")


def around() -> Surroundings:
    queues = frozenset(f"{business}-{language}" for business in BUSINESSES for language in LANGUAGES)
    return Surroundings(prompts=catalogue().names, queues=queues, languages=LANGUAGES)


def hotline() -> Flow:
    return read_flow(FLOW_FILE, around())


def small(source: str = SMALL) -> Flow:
    return load_flow(source, "777.yaml", around())
