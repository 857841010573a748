"""The address of loopback from which a telephone in a page speaks to Asterisk: each has one of its own.

The service joins a page to Asterisk from the address of its seat, and Asterisk takes that seat's messages
from there alone (`dialplans/pjsip.conf.j2`). So it is Asterisk, by its own reading of each message, that sees
to it that a page which has learnt another one's secret is nobody but itself.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from core.names import check

SEATS = IPv4Network("127.128.0.0/9")
"""Of loopback, which has sixteen million addresses, the half that nobody else uses here."""
_OF_A_LETTER = 200_000


def seat_address(device: str) -> str:
    """The address of this device, no other's; `BadInput` if it is none."""
    name = check("device", device, "device")
    # The 1 before the digits tells d001 from d0001.
    number = (ord(name[0]) - ord("a")) * _OF_A_LETTER + int(f"1{name[1:]}")
    return str(IPv4Address(int(SEATS.network_address) + number))
