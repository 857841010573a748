"""Who may ask a server that says nothing, and when."""

from __future__ import annotations

import pytest

from storage.errors import DatabaseDown
from storage.silence import Silence


def refused(silence: Silence) -> bool:
    """Whether one more who asks is told at once."""
    try:
        with silence.asking():
            return False
    except DatabaseDown as error:
        assert str(error) == "it says nothing"
        return True


async def test_as_long_as_it_answers_everybody_may_ask() -> None:
    silence = Silence(3600)
    with silence.asking():
        assert not refused(silence)


async def test_right_after_a_vain_question_nobody_asks() -> None:
    silence = Silence(3600)
    silence.met("it says nothing")
    assert refused(silence)


async def test_after_the_pause_one_asks_and_the_others_are_told_at_once() -> None:
    silence = Silence(0)
    silence.met("it says nothing")
    with silence.asking():
        assert refused(silence)
    assert not refused(silence)
    with silence.asking():
        assert not refused(silence)  # it has answered: nobody is held back any more


async def test_who_asks_in_vain_leaves_the_question_to_the_next() -> None:
    silence = Silence(0)
    silence.met("it says nothing")
    for _ in range(2):
        with pytest.raises(RuntimeError), silence.asking():
            assert refused(silence)
            raise RuntimeError("in vain")
    assert not refused(silence)
