"""Which numbers may be dialled: patterns of digits, the same for the program and for the dialplan. Pure.

A pattern is written as Asterisk writes them: digits, `X` for any digit, `[2-8]` for one of a few. It matches
numbers of its own length alone, so that nothing can be appended to what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import BadInput

_PATTERN = re.compile(r"(?:[0-9X]|\[[0-9](?:-?[0-9])*\]){3,20}")
_SEPARATORS = re.compile(r"[\s()-]+")
_COUNTRY = re.compile(r"(?:\+|00)86")
_MOBILE = re.compile(r"1[3-9]\d{9}")
DOMESTIC = (
    "1[3-9]XXXXXXXXX",
    "010[2-8]XXXXXXX",
    "02X[2-8]XXXXXXX",
    "0[3-9]XX[2-8]XXXXXX",
    "0[3-9]XX[2-8]XXXXXXX",
)
"""Mobiles, and landlines with their area code. None abroad, and none of the paid services: their numbers
begin with 1 or 9 behind the area code."""


def check_pattern(pattern: str, where: str) -> str:
    """`pattern` itself; `BadInput` if it is none."""
    if not _PATTERN.fullmatch(pattern):
        raise BadInput(
            where, f"{pattern[:40]!r} is no pattern: digits, X for any, [2-8] for some; 3 to 20 places"
        )
    return pattern


def plain(number: str) -> str:
    """The number as it is dialled within the country: without blanks, hyphens, brackets and +86.

    `BadInput` for what is no telephone number at all, such as an empty one or an address.
    """
    bare = _SEPARATORS.sub("", number)
    country = _COUNTRY.match(bare)
    if country is not None:
        rest = bare[country.end() :]
        bare = rest if _MOBILE.fullmatch(rest) or rest.startswith("0") else f"0{rest}"
    if not re.fullmatch(r"[0-9]{3,20}", bare):
        raise BadInput("number", "this is no number that can be dialled: correct it in the record")
    return bare


def is_allowed(number: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns matches the whole number."""
    return any(re.fullmatch(pattern.replace("X", "[0-9]"), number) for pattern in patterns)
