"""Every recorded path of a call, told again as facts: exactly, with events twice, and out of order.

The facts stand beside each recording as a table, to be read by people. After recording anew:

    HOTLINE_RECORD=1 .venv/bin/python -m pytest tests/scenarios && git diff tests/scenarios/captures
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise

import pytest

from core import facts as f
from core.clock import MILLISECOND
from tests.scenarios.captures_read import FOLDER, Capture, Recorded, names, read
from tests.scenarios.replay import replay, table, timeless

NEAR = 20 * MILLISECOND
every_capture = pytest.mark.parametrize("name", names())


@every_capture
def test_a_recording_tells_these_facts(name: str) -> None:
    told = table(replay(read(name)))
    path = FOLDER / f"{name}.facts"
    if os.environ.get("HOTLINE_RECORD"):
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8"), f"{path.name} does not tell what is heard now"


@every_capture
def test_events_that_come_twice_add_nothing(name: str) -> None:
    """Each one at once again, and each one once more some events later, up to the next start of Asterisk."""
    capture = read(name)
    expected = table(replay(capture))
    twice = [event for event in capture.heard for _ in range(1 if event.name == "FullyBooted" else 2)]
    assert table(replay(capture, twice)) == expected
    for index, event in enumerate(capture.heard):
        if event.name == "FullyBooted":
            continue
        for later in (2, 5, 40):
            told = _again(capture.heard, index, later)
            assert table(replay(capture, told)) == expected, f"{event.own} at +{event.ms} {later} later"


def _again(heard: tuple[Recorded, ...], index: int, later: int) -> list[Recorded]:
    rest = list(heard[index + 1 :])
    booted = next((n for n, event in enumerate(rest) if event.name == "FullyBooted"), len(rest))
    place = min(later, booted)
    return [*heard[: index + 1], *rest[:place], heard[index], *rest[place:]]


@every_capture
def test_events_of_different_channels_that_change_places_tell_the_same(name: str) -> None:
    """Neighbours within 20 ms, pair by pair: the same facts, their times at most 20 ms off."""
    capture = read(name)
    straight = replay(capture)
    for swapped, label in _swaps(capture):
        told = replay(capture, swapped)
        assert timeless(told) == timeless(straight), label
        for kind in {type(fact) for fact in straight}:
            mine, theirs = ([x.at for x in facts if type(x) is kind] for facts in (told, straight))
            assert all(abs(a - b) <= NEAR for a, b in zip(mine, theirs, strict=True)), label


def _swaps(capture: Capture) -> Iterator[tuple[list[Recorded], str]]:
    heard = list(capture.heard)
    for index, (one, other) in enumerate(pairwise(heard)):
        apart = one.channels and other.channels and not one.channels & other.channels
        if apart and other.at - one.at <= NEAR:
            order = [*heard[:index], other, one, *heard[index + 2 :]]
            yield order, f"{capture.name} +{one.ms}: {other.own} before {one.own}"


def test_there_is_something_to_swap() -> None:
    assert sum(1 for name in names() for _ in _swaps(read(name))) >= 20


@every_capture
def test_each_call_has_one_beginning_and_one_end(name: str) -> None:
    facts = replay(read(name))
    arrived = [fact.call for fact in facts if isinstance(fact, f.CallArrived | f.OutgoingStarted)]
    ended = [fact.call for fact in facts if isinstance(fact, f.CallEnded | f.OutgoingEnded)]
    assert sorted(arrived) == sorted(ended) == sorted(set(arrived))
