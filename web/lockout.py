"""When failed sign-ins lock a staff number out. Pure.

An attempt is counted before the password is looked at and taken back if it was right, so that a hundred
attempts at the same moment are a hundred attempts.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import MINUTE, Duration, Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutRule:
    """`failures` wrong passwords, each within `locked_for` of the one before, lock for `locked_for`."""

    failures: int = 5
    locked_for: Duration = 15 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What is remembered of one staff number. `locked_until` is 0 while it never was locked."""

    failures: int = 0
    last_at: Instant = 0
    locked_until: Instant = 0


def remaining(attempts: Attempts, now: Instant) -> Duration:
    """How long the number stays locked; 0 if it is not."""
    return max(0, attempts.locked_until - now)


def counted(attempts: Attempts, rule: LockoutRule, now: Instant) -> Attempts:
    """With one more attempt, taken for wrong."""
    recent = attempts.failures if now - attempts.last_at < rule.locked_for else 0
    if recent + 1 >= rule.failures:
        return Attempts(failures=0, last_at=now, locked_until=now + rule.locked_for)
    return Attempts(failures=recent + 1, last_at=now, locked_until=0)


def forgotten(attempts: Attempts, rule: LockoutRule, now: Instant) -> bool:
    """Whether nothing of it matters any more."""
    return now - attempts.last_at >= rule.locked_for and not remaining(attempts, now)
