"""A sign of life as long as nobody else may lead, and what is said when that changes; real files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from telephony.presence import Presence, Turn


@dataclass(frozen=True)
class Beside:
    """What of a node counts here."""

    name: str
    directory: Path


@dataclass
class Lease:
    """What this program knows of who leads."""

    away: bool = False

    def __call__(self) -> bool:
        return self.away


@pytest.fixture
def lease() -> Lease:
    return Lease()


@pytest.fixture
def presence(lease: Lease, tmp_path: Path) -> Presence:
    for name in ("node1", "node2"):
        (tmp_path / name).mkdir()
    return Presence([Beside(name, tmp_path / name) for name in ("node1", "node2")], lease)


def test_each_node_gets_a_sign_until_another_may_lead(
    presence: Presence, lease: Lease, tmp_path: Path
) -> None:
    assert presence.last() == {}
    assert presence.beat() is None
    assert set(presence.last()) == {"node1", "node2"}
    lease.away = True
    (tmp_path / "node1/heartbeat").unlink()
    assert presence.beat() is Turn.WENT
    assert presence.beat() is None
    assert set(presence.last()) == {"node2"}
    lease.away = False
    assert presence.beat() is Turn.CAME
    assert presence.beat() is None
    assert set(presence.last()) == {"node1", "node2"}


def test_what_was_refused_between_two_beats_is_made_up_for(presence: Presence, lease: Lease) -> None:
    presence.beat()
    lease.away = True
    assert presence.away()
    lease.away = False
    assert not presence.away()
    assert presence.beat() is Turn.CAME


def test_leaving_is_written_down(presence: Presence) -> None:
    presence.beat()
    presence.leave(7)
    assert presence.last() == {"node1": 7, "node2": 7}
