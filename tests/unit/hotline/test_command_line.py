"""The front door: which commands there are, and how it ends when one is refused."""

import importlib

import pytest

from hotline.__main__ import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: hotline {name}" in capsys.readouterr().out
    assert callable(importlib.import_module(COMMANDS[name][0]).run)


def test_help_lists_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["telephone"])
    assert ended.value.code == 2
    assert "invalid choice: 'telephone'" in capsys.readouterr().err
