"""Under which tokens a data folder's programs have led, and that a copy of the folder is another one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hotline.tokens import FILE, Tokens


def test_tokens_are_kept_over_a_restart_and_replaced_as_a_whole(tmp_path: Path) -> None:
    assert Tokens(tmp_path).read() == frozenset()
    Tokens(tmp_path).write({"a", "b"})
    assert Tokens(tmp_path).read() == {"a", "b"}
    Tokens(tmp_path).write({"c"})
    assert Tokens(tmp_path).read() == {"c"}


def test_a_copied_folder_has_led_under_none(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    Tokens(tmp_path / "here").write({"a"})
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    assert Tokens(tmp_path / "there").read() == frozenset()


@pytest.mark.parametrize("content", ["", "{", '{"file": "x"}'])
def test_a_damaged_file_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    assert Tokens(tmp_path).read() == frozenset()
