"""Scenarios are well-formed, SIPp's own counts are read right, keys become the packets of RFC 4733."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotline.simulation.rtp_keys import key_packets, write_keys
from hotline.simulation.scripts import (
    Customer,
    Dtmf,
    Key,
    Pause,
    Phone,
    customer,
    injection,
    keys,
    phone,
    registration,
)
from hotline.simulation.sipp import Counts, Load, Place, arguments, parse_statistics

PLACE = Place(remote="127.0.0.1:5060", ip="127.0.0.3", port=6000, media=26000, media_last=26008)


@pytest.mark.parametrize(
    "text",
    [
        customer(Customer("hangs-up", steps=(Pause(10), Key("1")), hang_up=True)),
        customer(Customer("waits", voice=Path("/srv/a.alaw"))),
        customer(Customer("dials", caller="d001", secret="secret", number="*11")),
        phone(Phone("answers")),
        phone(Phone("rings", answer_ms=None)),
        phone(Phone("refuses", refuse=486)),
        phone(Phone("refers", transfer_to="survey")),
        phone(Phone("holds", hold=(500, 500))),
        registration(),
    ],
)
def test_a_scenario_is_well_formed(text: str) -> None:
    scenario = ElementTree.fromstring(text)  # noqa: S314 - our own text
    labels = {step.get("id") for step in scenario.iter("label")}
    for step in scenario:
        for jump in (step.get("next"), step.get("ontimeout")):
            assert jump is None or jump in labels


def test_keys_go_with_rising_numbers_and_the_end_comes_after_them() -> None:
    text = customer(Customer("c", steps=keys("12"), hang_up=True))
    assert [text.index(part) for part in ("CSeq: 2 INFO", "CSeq: 3 INFO", "CSeq: 4 BYE")] == sorted(
        text.index(part) for part in ("CSeq: 2 INFO", "CSeq: 3 INFO", "CSeq: 4 BYE")
    )


def test_keys_by_rtp_need_their_packets(tmp_path: Path) -> None:
    script = Customer("c", steps=keys("1#"), dtmf=Dtmf.RTP)
    with pytest.raises(ValueError, match="dtmf_pcaps"):
        customer(script)
    text = customer(script, dtmf_pcaps=write_keys(script, tmp_path))
    for file in ("key-0-1.pcap", "key-1-pound.pcap"):
        assert (tmp_path / file).is_file()
        assert str(tmp_path / file) in text


def test_a_key_is_one_event_with_three_ends() -> None:
    file = key_packets("#", ordinal=2)
    at, ends, stamps = 24, 0, set()
    while at < len(file):
        (length,) = struct.unpack_from("<8xI", file, at)
        rtp = file[at + 16 + 14 + 20 + 8 : at + 16 + length]
        _, payload, _, stamp, _ = struct.unpack_from("!BBHII", rtp)
        event, end, lasted = struct.unpack_from("!BBH", rtp, 12)
        assert (payload & 0x7F, event) == (101, 11)
        assert lasted <= 160 * 8
        ends += end >> 7
        stamps.add(stamp)
        at += 16 + length
    assert ends == 3
    assert stamps == {8_000 + 2 * 16_000}
    assert stamps.isdisjoint({8_000, 24_000}), "each key of a call has a time of its own"


@pytest.mark.parametrize("cell", ["a;b", "a\nb"])
def test_injected_cells_cannot_break_out(cell: str) -> None:
    with pytest.raises(ValueError, match="semicolon"):
        injection([(cell,)])


def test_statistics_are_those_of_the_last_whole_line() -> None:
    head = "StartTime;TotalCallCreated;CurrentCall;SuccessfulCall(C);FailedCall(C);\n"
    assert parse_statistics("") == Counts()
    assert parse_statistics(head) == Counts()
    text = f"{head}t;3;1;1;1;\nt;9;2;6;1;\nt;10;2;7"
    assert parse_statistics(text) == Counts(created=9, succeeded=6, failed=1, current=2)


def test_a_slow_rate_is_spread_over_time(tmp_path: Path) -> None:
    words = arguments(PLACE, tmp_path / "s.xml", tmp_path / "s.stat", Load(calls=None, rate=0.25))
    assert words[words.index("-rp") + 1] == "4000"
    assert "-m" not in words
