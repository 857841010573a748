"""`hotline prompts` with the real voice: what is missing is named, what is made is complete."""

from pathlib import Path

import pytest

from hotline.__main__ import main


def test_missing_prompts_are_named_and_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(tmp_path / "data"))
    into = str(tmp_path / "prompts")
    assert main(["prompts", into, "--check"]) == 1
    assert "cmn/welcome: missing" in capsys.readouterr().err
    assert main(["prompts", into]) == 0
    assert " made, 0 from before, 0 unchanged" in capsys.readouterr().out
    assert main(["prompts", into, "--check"]) == 0
    assert main(["prompts", into]) == 0
    assert capsys.readouterr().out.startswith("0 made, 0 from before, ")
