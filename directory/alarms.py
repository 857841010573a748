"""The alarms there are, and the unit of each threshold: the seed sets them, `board` raises them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """`falls`: raised when the value falls below the threshold, else when it reaches it.

    `windowed`: looks at the last so many events.
    """

    unit: str
    falls: bool
    windowed: bool


ALARMS: Final[Mapping[str, AlarmKind]] = MappingProxyType(
    {
        "service_level_low": AlarmKind("percent", falls=True, windowed=True),
        "caller_near_limit": AlarmKind("seconds", falls=False, windowed=False),
        "nobody_ready": AlarmKind("callers", falls=False, windowed=False),
        "offers_unanswered": AlarmKind("offers", falls=False, windowed=False),
        "not_ready_too_long": AlarmKind("seconds", falls=False, windowed=False),
        "phone_lost": AlarmKind("seconds", falls=False, windowed=False),
        "node_lost": AlarmKind("seconds", falls=False, windowed=False),
        "session_lost": AlarmKind("seconds", falls=False, windowed=False),
        "database_down": AlarmKind("seconds", falls=False, windowed=False),
    }
)
SEVERITIES: Final = ("info", "warning", "critical")
