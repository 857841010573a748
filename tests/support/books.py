"""What a ledger says of its calls and agents once everything is over: nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from core import facts as f
from tests.support.floor import Floor

_ONCE = ("CallArrived", "LanguageChosen", "CallerQueued", "CallerLeftQueue", "CallEnded")


async def book_of(hotline: Floor) -> list[f.Fact]:
    """Every fact of the ledger."""
    ledger = hotline.hotline.ledger
    await ledger.stored(ledger.last)
    return [numbered.fact for numbered in await ledger.read(0, 100_000)]


def require_once(book: Sequence[f.Fact], calls: Iterable[str], *, menus: int) -> None:
    """Each of the calls, which waited once each after so many menus, has every step once."""
    for call in calls:
        kinds = Counter(type(x).__name__ for x in book if isinstance(x, f.CallFact) and x.call == call)
        assert [kind for kind in _ONCE if kinds[kind] != 1] == [], (call, kinds)
        assert kinds["MenuChosen"] == menus, (call, kinds)
    legs = Counter((type(x).__name__, x.leg) for x in book if isinstance(x, f.LegFact))
    assert [key for key, count in legs.items() if count > 1] == []


def require_unbroken(book: Sequence[f.Fact], agent: str) -> None:
    """Each state of the agent begins where the one before it has ended."""
    states = [x for x in book if isinstance(x, f.AgentStateChanged) and x.agent == agent]
    assert states, f"no state of {agent} is in the ledger"
    assert [(a.state, b.before) for a, b in pairwise(states) if a.state is not b.before] == []
