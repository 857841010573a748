"""A fact in its stored form: one tuple in the order of the columns of `facts`."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from core import facts
from core.facts import Fact, Numbered
from ledger.errors import LedgerDamaged

_AT_LIMIT = 1 << 62  # what fits a database's 64 bits with room for sums


class Entry(NamedTuple):
    """`origin`: the key of the outbox row a fact came from, else empty. `body`: JSON."""

    seq: int
    at: int
    node: str
    kind: str
    call: str
    agent: str
    origin: str
    body: str


def written(seq: int, fact: Fact, origin: str = "") -> Entry:
    """The stored form of `fact` as number `seq`. ValueError for what no database would take."""
    kind, body = facts.encode(fact)
    if not -_AT_LIMIT < fact.at < _AT_LIMIT:
        raise ValueError(f"{kind}.at: {fact.at} µs is no time a clock could show")
    call: str = getattr(fact, "call", "")
    agent: str = getattr(fact, "agent", "")
    return Entry(seq, fact.at, fact.node, kind, call, agent, origin, body.decode())


def fact_of(seq: int, kind: str, body: str) -> Numbered:
    """The fact again. `LedgerDamaged` for a kind or body this program does not know."""
    try:
        return Numbered(seq, facts.decode(kind, body))
    except (KeyError, msgspec.MsgspecError) as error:
        raise LedgerDamaged(
            f"fact {seq} ({kind}) cannot be read: {error}; was it written by a newer program?"
        ) from error
