"""Readable numbers: two letters, the bank's own date, a counter of that day. `ZJ20261122-000123`."""

from __future__ import annotations

import re
from enum import StrEnum

from core.clock import Instant, moment
from core.errors import BadInput


class Series(StrEnum):
    """What is being numbered; the value is the number's prefix."""

    SUMMARY = "ZJ"
    """电话总结编号"""
    TICKET = "GD"
    """工单编号"""


_SHAPE = re.compile(r"(?P<series>ZJ|GD)(?P<day>\d{8})-\d{6,9}")


def day_of(at: Instant) -> str:
    """The bank's local date at `at`: `20261122`."""
    return moment(at).strftime("%Y%m%d")


def write_number(series: Series, day: str, count: int) -> str:
    """The number of the `count`-th record of that day; past 999,999 it grows a digit, it never wraps."""
    if count < 1:
        raise ValueError(f"a number counts from 1, not from {count}")
    return f"{series}{day}-{count:06d}"


def check_number(series: Series, text: str, where: str) -> str:
    """`text` itself if it is a number of this series, else `BadInput` naming `where` it came from."""
    match = _SHAPE.fullmatch(text)
    if match is None or match["series"] != series:
        raise BadInput(where, f"{text[:40]!r} is not a number like {series}20261122-000123")
    return text
