"""`hotline init`: what is typed is checked as the settings are, and nothing unusable is written."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from hotline.__main__ import main
from hotline.configuration import load
from hotline.settings import Settings
from hotline.settings_nodes import NodeSettings, TrunkSettings


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_every_default_is_a_hotline_on_loopback() -> None:
    assert main(["init", "--yes"]) == 0
    node = NodeSettings(
        name="node1", accounts=Path("var/data/node1-accounts.json"), directory=Path("var/data/node1")
    )
    assert load(environment={}) == Settings(nodes=(node,))


def test_an_answer_that_cannot_be_used_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typing(
        monkeypatch,
        *("/srv/hotline", "Asia/Nowhere", "", "", "http", "99999", "9560", "https://desk.example"),
        *("redis:6379", "redis://127.0.0.1:6379"),
        *("192.0.2.20", "5060", "5038", "20000-x", "20000-20999", "192.0.2.300", "192.0.2.10", "sip", "info"),
    )
    assert main(["init", "own.toml"]) == 0
    said = capsys.readouterr().err
    assert said.splitlines() == [
        "  'Asia/Nowhere' cannot be used: name a zone of the IANA list, such as Asia/Shanghai",
        "  'http' cannot be used: write a whole number",
        "  99999 cannot be used: input should be less than or equal to 65535",
        "  this URL cannot be used: what it holds is not the URL of a Redis: write "
        "redis://:password@host:6379, rediss://… for TLS, or unix:///path/to/socket",
        "  '20000-x' cannot be used: write two whole numbers with a dash between, such as 10000-19999",
        "  '192.0.2.300' cannot be used: write an IP address or a network, such as 192.0.2.10 or "
        "192.0.2.0/28",
        "  'sip' cannot be used: input should be 'rfc4733', 'info' or 'auto_info'",
    ]
    settings = load(Path("own.toml"), environment={})
    (node,) = settings.nodes
    assert (settings.data_dir, settings.web.port) == (Path("/srv/hotline"), 9560)
    assert (settings.web.origins, settings.web.secure_cookie) == (("https://desk.example",), True)
    assert settings.redis.url == "redis://127.0.0.1:6379"
    assert (node.sip_address, node.rtp_first, node.rtp_last) == ("192.0.2.20", 20000, 20999)
    assert node.trunks == (TrunkSettings(name="carrier", addresses=("192.0.2.10/32",), dtmf="info"),)
    assert list(Path().iterdir()) == [Path("own.toml")]


def test_a_file_that_is_there_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("hotline.toml").write_text("# mine\n", "utf-8")
    assert main(["init", "--yes"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert Path("hotline.toml").read_text("utf-8") == "# mine\n"


def test_answers_that_end_early_write_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typing(monkeypatch, "", "")
    assert main(["init"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not Path("hotline.toml").exists()
