"""The fold: one fact of the ledger in, the board's state moved on by it. Pure but for the state itself.

Every number is folded once: what is not newer than `state.last` is ignored, so facts may be replayed over
facts. A fact that contradicts what is known (its beginning fell into a gap) is counted as far as it goes and
never guessed at: without a joining there is no wait, without a talk's beginning its end still has a length.
"""

from __future__ import annotations

from collections.abc import Iterable

from board import fold_agents, fold_legs, fold_waits
from board.state import BoardState, Rules
from core.facts import Numbered

_RULES: Rules = {**fold_waits.RULES, **fold_legs.RULES, **fold_agents.RULES}


def reduce(state: BoardState, numbered: Numbered) -> BoardState:
    """`state` moved on by one fact; unchanged if its number is not newer than `state.last`."""
    if numbered.seq <= state.last:
        return state
    state.last = numbered.seq
    rule = _RULES.get(type(numbered.fact))
    if rule is not None:
        rule(state, numbered.fact)
    return state


def fold(facts: Iterable[Numbered], state: BoardState | None = None) -> BoardState:
    """The state after all `facts`, in order, starting from an empty one unless `state` is given."""
    state = BoardState() if state is None else state
    for numbered in facts:
        reduce(state, numbered)
    return state
