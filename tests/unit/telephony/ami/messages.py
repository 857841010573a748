"""Small makers of AMI text for these tests."""

from __future__ import annotations

from telephony.ami.wire import Message, parse

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def frame(*lines: str) -> bytes:
    """One message on the wire, its blank line included."""
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def message(*lines: str) -> Message:
    """One message, parsed."""
    parsed = parse("\r\n".join(lines).encode())
    assert parsed is not None
    return parsed
