"""Keys as RTP telephone events (RFC 4733), in the packet files that SIPp plays. Pure."""

from __future__ import annotations

import struct
from pathlib import Path

from hotline.simulation.scripts import Customer, Key, key_file

_EVENTS = {key: number for number, key in enumerate("0123456789*#")}
_PAYLOAD, _SOURCE, _VOLUME = 101, 0x95559, 10
_STEP_MS, _STEPS = 20, 8
_TICKS = 8  # of the 8 kHz clock in a millisecond
_PCAP_HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)


def key_packets(key: str, ordinal: int) -> bytes:
    """The pcap file of the `ordinal`-th key of a call (from 0): each has a time of its own, or the receiver
    takes it for the one before, sent again."""
    first_sequence, stamp = ordinal * 32, 8_000 + ordinal * 16_000
    file = [_PCAP_HEAD]
    for step in range(_STEPS + 3):
        over = step >= _STEPS  # the end is told three times
        lasted = min(step + 1, _STEPS) * _STEP_MS * _TICKS
        marker = 0x80 if step == 0 else 0
        rtp = struct.pack("!BBHII", 0x80, marker | _PAYLOAD, first_sequence + step, stamp, _SOURCE)
        rtp += struct.pack("!BBH", _EVENTS[key], (0x80 if over else 0) | _VOLUME, lasted)
        file.append(_frame(rtp, step * _STEP_MS))
    return b"".join(file)


def _frame(payload: bytes, at_ms: int) -> bytes:
    """One Ethernet frame with IPv4 and UDP around it; SIPp puts its own addresses in."""
    udp = struct.pack("!HHHH", 6_000, 6_000, 8 + len(payload), 0) + payload
    loopback = bytes((127, 0, 0, 1))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, loopback, loopback) + udp
    ethernet = bytes(12) + b"\x08\x00" + ip
    return (
        struct.pack("<IIII", at_ms // 1_000, at_ms % 1_000 * 1_000, len(ethernet), len(ethernet)) + ethernet
    )


def write_keys(script: Customer, folder: Path) -> Path:
    """The packet files that `customer(script, dtmf_pcaps=folder)` refers to."""
    folder.mkdir(parents=True, exist_ok=True)
    pressed = [step.key for step in script.steps if isinstance(step, Key)]
    for ordinal, key in enumerate(pressed):
        (folder / key_file(key, ordinal)).write_bytes(key_packets(key, ordinal))
    return folder
