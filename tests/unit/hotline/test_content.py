"""The commands that work on content: what ships is in order, and what is not is said with its place."""

import io
from pathlib import Path

import pytest

from hotline.__main__ import main


def test_what_ships_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["content"]) == 0
    assert "flows: 95559: all in order" in capsys.readouterr().out


def test_a_wrong_seed_is_refused_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.yaml").write_text("staff: 1\nqueue: []\n", "utf-8")
    monkeypatch.setenv("HOTLINE_SEED", str(tmp_path / "own.yaml"))
    assert main(["content"]) == 2
    assert "own.yaml:1 staff" in capsys.readouterr().err


def test_keys_are_followed_without_a_telephone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "try", "--keys", "320"]) == 0
    told = capsys.readouterr().out
    assert "main (en): For personal banking, press 1." in told
    assert told.endswith("  presses 0\nends: card-en\n")


def test_an_unknown_flow_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "try", "12345", "--keys", "1"]) == 2
    assert "there are 95559" in capsys.readouterr().err


def test_a_flow_is_drawn_and_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flow", "draw"]) == 0
    assert capsys.readouterr().out.startswith("<svg")
    assert main(["flow", "dialplan"]) == 0
    assert "[ivr-95559-" in capsys.readouterr().out


def test_a_flow_is_walked_at_the_keyboard(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("3\n\nx\n2\n0\n"))
    assert main(["flow", "try"]) == 0
    # What is typed at a terminal ends its line; here it does not show.
    told = capsys.readouterr().out.replace("hang up): ", "hang up): \n")
    nodes = [line.partition(":")[0] for line in told.splitlines() if line[0] != " "]
    assert nodes == ["language (cmn)", "main (en)", "main (en)", "card (en)", "ends"]
    assert "We did not receive a key press." in told  # Enter alone is silence
    assert "'x' is no key" in told
    assert told.endswith("ends: card-en\n")


def test_a_caller_at_the_keyboard_may_hang_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for typed in ("q\n", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert main(["flow", "try"]) == 0
        assert capsys.readouterr().out.endswith("ends: the caller hangs up\n")
