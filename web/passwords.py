"""Passwords: argon2id, never compared or kept in any other way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_AT_ONCE = 2
T = TypeVar("T")


class Passwords:
    """Hashing and checking. `cheap` is for tests: the same algorithm with next to no work.

    A check takes tens of milliseconds and 64 MiB on purpose: it runs in a thread, two at a time, so that a
    burst of sign-ins costs neither the event loop nor the memory of the calls that are running.
    """

    def __init__(self, *, cheap: bool = False) -> None:
        self._hasher = (
            PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
            if cheap
            else PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        )
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The hash that is kept."""
        return self._hasher.hash(password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether it is the password behind the hash. With None it takes as long, and is False."""
        return await self.aside(lambda: self._check(password, kept))

    async def aside(self, work: Callable[[], T]) -> T:
        """Do what costs as much as a check where and when checks are done."""
        async with self._turn:
            return await asyncio.to_thread(work)

    def _check(self, password: str, kept: str | None) -> bool:
        try:
            self._hasher.verify(kept or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None
