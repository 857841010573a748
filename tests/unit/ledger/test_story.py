"""A call told in order, said in words and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from core import facts as f
from core.clock import MINUTE, SECOND
from core.facts import Fact, Numbered
from ledger import story_words
from ledger.call_record import CALL_KINDS
from ledger.ladder import ladder
from ledger.story import _WAYS, Story, tell
from ledger.story_words import lane_name, seconds, sentence
from tests.unit.ledger.samples import QUEUE, T0, abandoned, normal
from tests.unit.ledger.samples import Story as Sample


def told(facts: Sequence[Fact]) -> Story:
    story = tell(Numbered(seq, fact) for seq, fact in enumerate(facts, 1))
    assert story is not None
    return story


def test_every_fact_of_a_call_has_its_way_and_its_words() -> None:
    assert {kind.__name__ for kind in _WAYS} == set(story_words._SENTENCES) == set(CALL_KINDS)


def test_every_end_of_a_kept_place_is_said_in_chinese() -> None:
    assert {outcome.value for outcome in f.PlaceOutcome} <= set(story_words._VALUES)


def test_a_call_that_goes_well_is_told_from_lane_to_lane() -> None:
    story = told(normal().facts)
    assert story.lanes == ("customer", "hotline", f"queue:{QUEUE}", "agent:1001")
    ways = {line.kind: (line.source, line.target) for line in story.lines}
    assert ways["CallerQueued"] == ("customer", f"queue:{QUEUE}")
    assert ways["AgentOffered"] == (f"queue:{QUEUE}", "agent:1001")
    assert ways["TalkEnded"] == ("agent:1001", "customer")
    talk = next(line for line in story.lines if line.kind == "TalkEnded")
    assert (talk.took, talk.since) == (30 * SECOND, talk.at - T0)
    assert sentence(talk, "zh") == "通话结束，坐席先挂机，30.0 s"
    assert sentence(talk, "en") == "talk ends, released by agent, 30.0 s"


def test_the_callers_number_is_masked_in_all_it_says() -> None:
    story = told(normal().facts)
    assert "13800000001" not in repr(story) + ladder(story)
    assert "138****0001" in sentence(story.lines[0], "zh")


def test_the_number_of_a_customer_whom_we_call_is_masked_too() -> None:
    started = f.OutgoingStarted(
        at=T0,
        call="c",
        leg="l",
        agent="1001",
        queue="",
        device="d001",
        number="13800000001",
        shown="95559",
        about="callback",
        record="7",
    )
    story = told([started])
    assert "13800000001" not in repr(story) + ladder(story)
    assert "138****0001" in sentence(story.lines[0], "zh")


def test_a_customer_who_is_called_first_is_told_before_his_agent() -> None:
    customer = {"call": "c", "leg": "l1", "agent": "1001", "queue": ""}
    agent = customer | {"leg": "l2"}
    to = {"device": "d001", "number": "13800000001", "shown": "95559", "about": "callback", "record": "7"}
    story = told(
        [
            f.OutgoingStarted(at=T0, first=f.Side.CUSTOMER, **to, **customer),
            f.CustomerDialled(at=T0, customer="l1", **customer),
            f.CustomerAnswered(at=T0 + SECOND, call="c", rang=SECOND),
            f.AgentOffered(at=T0 + SECOND, device="d001", by_service=True, **agent),
            f.OfferEnded(at=T0 + 5 * SECOND, outcome=f.OfferOutcome.NO_ANSWER, rang=4 * SECOND, **agent),
        ]
    )
    assert [(line.source, line.target) for line in story.lines] == [
        ("hotline", "agent:1001"),
        ("hotline", "customer"),
        ("customer", "hotline"),
        ("hotline", "agent:1001"),
        ("agent:1001", "hotline"),
    ]
    assert sentence(story.lines[0], "zh") == "外呼 138****0001，先呼客户，坐席话机 d001"
    assert "first to the customer" in sentence(story.lines[0], "en")


def test_a_number_outside_has_a_lane_of_its_own() -> None:
    sample = Sample().menu().join().offer().answer()
    sample.leg(f.OutsideDialled, 5, 1, "1001", number="110")
    line = told(sample.facts).lines[-1]
    assert (line.source, line.target) == ("agent:1001", "outside:110")
    assert (lane_name(line.target, "zh"), sentence(line, "zh")) == ("外部 110", "拨叫外部号码 110")


def test_what_was_found_out_later_is_told_where_it_happened() -> None:
    facts = abandoned().facts
    assert told([*facts[2:], *facts[:2]]).lines == told(facts).lines


def test_a_transfer_goes_from_agent_to_agent() -> None:
    sample = Sample().menu().join().offer().answer()
    sample.leg(f.CallTransferred, 5, 1, "1001", to="1002").talk(0, f.Side.SYSTEM)
    sample.leg(f.AgentOffered, 0, 2, "1002", device="d002", from_leg=sample.facts[-1].leg)  # type: ignore[attr-defined]
    offered = told(sample.facts).lines[-1]
    assert (offered.source, offered.target) == ("agent:1001", "agent:1002")


def test_nothing_is_told_of_no_call() -> None:
    assert tell([]) is None
    assert tell([Numbered(1, f.NodeLost(at=T0, cause="x"))]) is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_drawing_is_whole_and_has_every_line(language: story_words.Language) -> None:
    story = told(normal().facts)
    drawing = ElementTree.fromstring(ladder(story, language))  # noqa: S314 - our own
    texts = ["".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    for line in story.lines:
        assert sentence(line, language) in texts
    assert [lane_name(lane, language) for lane in story.lanes] == texts[: len(story.lanes)]
    colours = [bar.get("fill") for bar in drawing.iter("{http://www.w3.org/2000/svg}rect")]
    assert colours.count("#57a773") == colours.count("#f2c14e") == colours.count("#b39ddb") == 1


def test_what_came_from_outside_cannot_leave_its_place_in_the_drawing() -> None:
    sample = Sample().menu().join().offer().answer()
    sample.leg(f.CallTransferred, 5, 1, "1001", to='"><script>x</script>')
    drawing = ladder(told(sample.facts))
    assert "<script>" not in drawing
    ElementTree.fromstring(drawing)  # noqa: S314 - our own


def test_times_are_for_people() -> None:
    assert [seconds(x) for x in (0, 1_250_000, 99 * SECOND, 100 * SECOND, 61 * MINUTE)] == [
        "0.0 s",
        "1.2 s",
        "99.0 s",
        "1:40 min",
        "61:00 min",
    ]
