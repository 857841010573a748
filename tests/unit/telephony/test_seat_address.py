"""Each telephone in a page has an address of loopback that is no other's."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from core.errors import BadInput
from telephony.seat_address import SEATS, seat_address

NAMES = [
    f"{letter}{number:0{width}}"
    for letter in "abcyz"
    for width in (3, 4, 5)
    for number in (0, 1, 10, 999, 10**width - 1)
]


def test_no_two_devices_have_the_same_one() -> None:
    names = set(NAMES)
    addresses = {seat_address(name) for name in names}
    assert len(addresses) == len(names)
    assert all(IPv4Address(address) in SEATS for address in addresses)
    assert SEATS.broadcast_address not in {IPv4Address(address) for address in addresses}


@pytest.mark.parametrize("name", ["", "d1", "d000001", "1001", "d001\n"])
def test_what_is_no_device_has_none(name: str) -> None:
    with pytest.raises(BadInput):
        seat_address(name)
