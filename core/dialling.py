"""How a telephone number is written, and which may be dialled; the same for program and dialplan. Pure.

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
LANDLINES = ("10XXXXXXXX", "2XXXXXXXXX", "[3-9]XXXXXXXXX", "[3-9]XXXXXXXXXX")
"""Behind the country's code: there a landline lacks the 0 that it is dialled with within the country."""
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


def known(written: str) -> str:
    """A number as records keep it and as it is looked for, however a trunk or a person writes it.

    `+86 138-0000-1111`, `0086 13800001111` → `13800001111`; `+86 595 8888 0001` → `059588880001`; `00 44 20
    7946 0000` → `+442079460000`. What is no number comes out as none, too.
    """
    number = _within(written)
    return f"+{number[2:]}" if number.startswith("00") else number


def spellings(number: str) -> frozenset[str]:
    """A known number in every way in which a carrier may write it: what stands with a call is found by them.

    `059588880001` → itself, `+86` or `0086` with it, and with its 0 left out; `+4420…` → itself, `004420…`.
    """
    if number.startswith("+"):
        return frozenset({number, f"00{number[1:]}"})
    behind = {number, number.removeprefix("0")}
    return frozenset({number, *(f"{country}{one}" for country in ("+86", "0086") for one in behind)})


def plain(number: str) -> str:
    """The number as it is dialled within the country: without blanks, hyphens, brackets and +86.

    `BadInput` for what is no telephone number at all, such as an empty one or an address.
    """
    bare = _within(number)
    if not re.fullmatch(r"[0-9]{3,20}", bare):
        raise BadInput("number", "this is no number that can be dialled: correct it in the record")
    return bare


def is_allowed(number: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns matches the whole number."""
    return any(re.fullmatch(pattern.replace("X", "[0-9]"), number) for pattern in patterns)


def _within(written: str) -> str:
    bare = _SEPARATORS.sub("", written)
    country = _COUNTRY.match(bare)
    if country is None:
        return bare
    rest = bare[country.end() :]
    return f"0{rest}" if is_allowed(rest, LANDLINES) else rest
