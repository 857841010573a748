"""Which Asterisk is taken, and what is said when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from telephony.instance import AsteriskInstance, AsteriskProblem, Programs, in_root, version_of, wide_enough


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1\n", (22, 10, 1)),
        ("Asterisk certified-20.7.2-cert1", (20, 7, 2)),
        ("Asterisk 16.28.0~dfsg-0+deb11u3", (16, 28, 0)),
        ("command not found", None),
    ],
)
def test_the_version_is_read(said: str, version: tuple[int, int, int] | None) -> None:
    assert version_of(said) == version


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        ((22, 10, 0), False),
        ((22, 10, 1), True),
        ((22, 11, 0), True),
        ((23, 0, 0), False),
        ((20, 15, 2), False),
    ],
)
def test_only_22_from_10_1_on_is_taken(version: tuple[int, int, int], taken: bool) -> None:
    assert wide_enough(version) is taken


def test_an_empty_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(AsteriskProblem, match="ld-linux"):
        in_root(tmp_path)


async def test_a_directory_that_was_not_rendered_is_not_started(tmp_path: Path) -> None:
    programs = Programs(asterisk=("false",), sipp=("false",), modules=tmp_path, data=tmp_path, root=None)
    with pytest.raises(AsteriskProblem, match="`hotline prepare` makes it"):
        await AsteriskInstance(tmp_path, programs).start()


async def test_an_asterisk_that_ends_at_once_is_reported(tmp_path: Path) -> None:
    for folder in ("etc", "log", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "etc" / "asterisk.conf").touch()
    programs = Programs(asterisk=("false",), sipp=("false",), modules=tmp_path, data=tmp_path, root=None)
    with pytest.raises(AsteriskProblem, match="ended with status 1"):
        await AsteriskInstance(tmp_path, programs).start()
