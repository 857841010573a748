"""Who may have the figures: which addresses are this host's own, and what makes a token."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import BadInput
from hotline.metrics_api import is_this_host, read_token


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_this_host(address: str) -> None:
    assert is_this_host(address)


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.7", "", None, "localhost"]
)
def test_nothing_else_is(address: str | None) -> None:
    assert not is_this_host(address)


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "token"
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return file


def test_a_token_is_read_without_the_end_of_its_line(tmp_path: Path) -> None:
    assert read_token(written(tmp_path, "0123456789abcdef\n", 0o640)) == "0123456789abcdef"
    assert read_token(None) == ""


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("0123456789abcde", 0o600, "16 to 200"),
        ("", 0o600, "16 to 200"),
        ("0123456789 abcdef", 0o600, "no spaces"),
        ("0123456789abcdef\n0123", 0o600, "no spaces"),
        ("令牌令牌令牌令牌令牌令牌", 0o600, "cannot be read"),
        ("0123456789abcdef", 0o644, "chmod 640"),
    ],
)
def test_a_file_without_a_usable_token_is_refused(tmp_path: Path, text: str, mode: int, says: str) -> None:
    with pytest.raises(BadInput, match=says) as refused:
        read_token(written(tmp_path, text, mode))
    assert refused.value.where == "metrics.token_file"
    assert not text or text not in str(refused.value)
