"""What a hotline begins with: the seed at its first start, and a calendar where none has been kept yet."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from directory import store
from directory.entries import Body, Entries, Key, calendar_lacking, entries_of
from directory.lookup import Directory

SEED_REASON = "taken in from the seed file"
AGAIN_REASON = "taken in again from the history"


def lacking(entries: Entries, seed: Directory) -> Mapping[Key, Body]:
    """Of the seed: all of it as long as nothing is stored, then its calendar if there is none."""
    return calendar_lacking(entries, seed) if entries else entries_of(seed)


async def to_be_taken_in(connection: AsyncConnection, seed: Directory) -> tuple[Mapping[Key, Body], str]:
    """What is lacking in what is stored, and the reason to be written down with it.

    After a program from before, which knew no such entries, the history has what the seed has not.
    """
    found = lacking((await store.present(connection)).entries, seed)
    known = await store.last_words(connection, {section for section, _ in found})
    return (known, AGAIN_REASON) if known else (found, SEED_REASON)
