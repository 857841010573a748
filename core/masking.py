"""Personal data, made unreadable before it reaches a log, a fact or a screen (guarantee 7)."""

from __future__ import annotations

import re

# Anything of 12 to 19 digits may be a card or account number, 17 digits and a digit or X an identity
# number. Groups may be set apart by spaces or hyphens, as people type them.
_LONG_NUMBER = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}[xX]?(?!\d)")
_KEEP_END = 4


def mask_number(text: str) -> str:
    """A telephone number with its middle hidden: `13812345678` → `138****5678`; short ones stay whole."""
    if len(text) < 7:  # an extension or a service number names no person
        return text
    head = 3 if len(text) >= 11 else 2  # mobile numbers keep their network prefix
    return f"{text[:head]}****{text[-_KEEP_END:]}"


def mask_mail(address: str) -> str:
    """A mail address with its owner hidden: `zhang.san@bank.example` → `z***@bank.example`."""
    owner, at, domain = address.rpartition("@")
    return f"{owner[:1]}***{at}{domain}"


def mask_text(text: str) -> str:
    """Free text with every card, account or identity number reduced to its last four characters."""

    def hide(match: re.Match[str]) -> str:
        return "*" * (len(match[0]) - _KEEP_END) + match[0][-_KEEP_END:]

    return _LONG_NUMBER.sub(hide, text)
