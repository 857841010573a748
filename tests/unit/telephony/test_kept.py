"""Places kept for callers who are to be called back: whose turn it is, how each ends, nobody starves."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from core import facts as f
from core.clock import HOUR, MINUTE, SECOND, Instant
from core.facts import OutgoingOutcome, PlaceOutcome
from core.names import asked_callback
from telephony.calls import Call, Wait
from telephony.kept import ABSENT_FOR, FILED, LATER, PROMISING, KeptPlaces, Place
from telephony.waiting import Waiting
from tests.unit.telephony.story import NODE, START

QUEUE, OTHER = "card-cmn", "loss-cmn"
BOUND = MINUTE
AGENT = "1001"
pytestmark = pytest.mark.rule("CALL-13")


def kept() -> KeptPlaces:
    return KeptPlaces(keeps=30 * MINUTE, bound=lambda queue: BOUND)


def asked(
    call: str, joined: Instant, at: Instant, queue: str = QUEUE, number: str = ""
) -> f.CallbackRequested:
    """Each call is another customer's, unless a `number` is given."""
    number = number or f"138{zlib.crc32(call.encode()) % 10**8:08}"
    return f.CallbackRequested(at=at, node=NODE, call=call, queue=queue, joined_at=joined, number=number)


def _about(call: str) -> dict[str, str]:
    return {"node": NODE, "call": call, "leg": "node1-1.9", "agent": AGENT, "queue": ""}


def started(asked_in: str, at: Instant, call: str = "out") -> f.OutgoingStarted:
    return f.OutgoingStarted(
        at=at,
        device="d001",
        number="13812345678",
        shown="95559",
        about="callback",
        record=asked_callback(asked_in),
        **_about(call),
    )


def ended(outcome: OutgoingOutcome, at: Instant, call: str = "out") -> f.OutgoingEnded:
    return f.OutgoingEnded(at=at, outcome=outcome, lasted=SECOND, **_about(call))


def answered(at: Instant, call: str = "out") -> f.AgentAnswered:
    return f.AgentAnswered(at=at, device="d001", waited=0, rang=0, **_about(call))


def waiting(call: str, joined: Instant, queue: str = QUEUE) -> Waiting:
    wait = Wait(queue, joined, 1, 0)
    return Waiting(Call(call, NODE, call, f"PJSIP/trunk-{call}", joined, wait=wait), wait, 1)


def chosen(
    places: KeptPlaces,
    at: Instant,
    *lines: Waiting,
    queues: Sequence[str] = (QUEUE, OTHER),
    agent: str = AGENT,
) -> Place | None:
    by_queue: dict[str, list[Waiting]] = {}
    for one in lines:
        by_queue.setdefault(one.wait.queue, []).append(one)
    return places.choose(agent, queues, by_queue, at)


LATE = START + BOUND + 30 * SECOND


def test_a_place_counts_from_joining_behind_whoever_came_before_and_ahead_of_whoever_came_after() -> None:
    places = kept()
    places.hear([asked("a", START, START + 45 * SECOND)])
    before, after = waiting("b", START - 1), waiting("c", START + 1)
    assert chosen(places, LATE, before) is None
    assert chosen(places, LATE, after, waiting("z", START + 1, OTHER)) is not None
    assert chosen(places, LATE, waiting("z", START - 1, OTHER)) is None, "overdue longer, in another queue"
    assert chosen(places, LATE, after, queues=(OTHER,)) is None, "an agent who does not serve the queue"
    assert chosen(places, START + 45 * SECOND + PROMISING - 1) is None, "he is still being promised it"
    over = START + 48 * SECOND
    places.hear([f.CallEnded(at=over, call="a", reason=f.EndReason.SYSTEM, phase=f.Phase.MENU, lasted=0)])
    assert chosen(places, over + FILED - 1) is None
    assert chosen(places, over + FILED, after) is None, "until the bound app_queue weighs who is next"
    assert chosen(places, over + FILED) is not None, "nobody else waits"


def test_a_place_is_for_one_agent_at_a_time_and_one_who_was_absent_is_not_rung_again_at_once() -> None:
    places = kept()
    places.hear([asked("a", START, START + 45 * SECOND)])
    place = chosen(places, LATE)
    assert place is not None
    places.take(place)
    assert chosen(places, LATE, agent="1002") is None
    assert places.hear([started("a", LATE), ended(OutgoingOutcome.AGENT_AWAY, LATE + 1)]) == []
    soon = LATE + 1 + FILED
    assert chosen(places, soon - 1, agent="1002") is None, "the record does not have it yet"
    assert chosen(places, soon, agent="1002") == place
    assert chosen(places, soon) is None
    assert chosen(places, LATE + 1 + ABSENT_FOR) == place
    places.put_back("a", soon + LATER)
    assert chosen(places, soon + LATER - 1, agent="1002") is None


def test_an_agent_whose_telephone_is_in_use_is_spared_for_a_while_for_every_place() -> None:
    places = kept()
    places.hear([asked("a", START, START), asked("b", START + 1, START)])
    places.spare(AGENT, LATE + LATER)
    assert chosen(places, LATE + LATER - 1) is None
    assert chosen(places, LATE, agent="1002") is not None
    assert chosen(places, LATE + LATER) is not None


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ([answered(LATE + 9 * SECOND)], PlaceOutcome.REACHED),
        ([ended(OutgoingOutcome.BUSY, LATE + 9 * SECOND)], PlaceOutcome.NOT_REACHED),
        ([ended(OutgoingOutcome.UNKNOWN, LATE + 9 * SECOND)], PlaceOutcome.NOT_REACHED),
    ],
)
def test_a_place_ends_once_with_the_one_call_that_was_made_for_it(
    facts: list[f.Fact], outcome: PlaceOutcome
) -> None:
    places = kept()
    request = asked("a", START, START + 45 * SECOND)
    (over,) = places.hear([request, started("a", LATE), *facts])
    assert (over.call, over.outcome, over.waited) == ("a", outcome, LATE + 9 * SECOND - START)
    assert not places.any
    assert places.hear([ended(OutgoingOutcome.REACHED, LATE + MINUTE)]) == []
    # Told again from the ledger: what it knows of is over, and what it does not know of follows once more.
    assert kept().hear([request, started("a", LATE), *facts, over]) == []
    assert kept().hear([request, started("a", LATE), *facts]) == [over]


def test_a_place_does_not_outlast_its_time_unless_its_customer_is_just_being_called() -> None:
    places = kept()
    places.hear([asked("a", START, START), asked("b", START + 1, START), started("b", START + SECOND)])
    assert places.run_out(START + 30 * MINUTE - 1) == []
    (over,) = places.run_out(START + 30 * MINUTE)
    assert (over.call, over.outcome) == ("a", PlaceOutcome.EXPIRED)
    assert places.run_out(START + 30 * MINUTE) == []
    assert places.any
    assert places.withdraw("b", LATE)[0].outcome is PlaceOutcome.WITHDRAWN
    assert places.withdraw("b", LATE) == []


def test_who_asks_once_more_is_called_for_the_later_call_alone() -> None:
    places = kept()
    first = asked("a", START, START + 45 * SECOND, number="13812345678")
    again = asked("b", START + MINUTE, START + 2 * MINUTE, number="13812345678")
    (over,) = places.hear([first, asked("z", START, START), again])
    assert (over.call, over.outcome, over.at) == ("a", PlaceOutcome.WITHDRAWN, again.at)
    later = again.at + HOUR
    assert {one.call for one in places.run_out(later)} == {"b", "z"}
    assert kept().hear([first, again, over]) == []


def test_who_calls_again_and_is_answered_is_not_called_however_his_number_is_written() -> None:
    places = kept()
    places.hear([asked("a", START, START, number="13812345678"), asked("z", START + 1, START)])
    assert places.spoken_with("13812345679", answered(LATE, "again")) == []
    (over,) = places.spoken_with("+8613812345678", answered(LATE, "again"))
    assert (over.call, over.outcome) == ("a", PlaceOutcome.WITHDRAWN)
    assert (over.at, over.spoken_in, over.spoken_by) == (LATE, "again", AGENT)
    place = chosen(places, LATE)
    assert place is not None
    assert place.call == "z"


def test_who_is_reached_for_the_older_call_is_not_called_for_the_later_one() -> None:
    """He asked again while his telephone was about to ring."""
    places = kept()
    first = asked("a", START, START, number="13812345678")
    again = asked("b", START + 1, LATE + SECOND, number="13812345678")
    over = places.hear([first, started("a", LATE), again, answered(LATE + 2 * SECOND)])
    assert [(one.call, one.outcome, one.spoken_in) for one in over] == [
        ("a", PlaceOutcome.WITHDRAWN, ""),
        ("b", PlaceOutcome.WITHDRAWN, "out"),
    ]
    assert places.hear([ended(OutgoingOutcome.REACHED, LATE + MINUTE)]) == []


def test_where_no_place_is_kept_none_is() -> None:
    places = KeptPlaces(keeps=0, bound=lambda queue: BOUND)
    places.hear([asked("a", START, START)])
    assert not places.any


@settings(max_examples=80, deadline=None)
@given(
    joins=st.lists(
        st.tuples(st.integers(0, 600), st.booleans()), min_size=1, max_size=20, unique_by=lambda x: x[0]
    ),
    frees=st.lists(st.integers(1, 40), min_size=60, max_size=60),
)
def test_nobody_starves_those_overdue_are_served_in_the_order_of_their_joining(
    joins: list[tuple[int, bool]], frees: list[int]
) -> None:
    """One queue, an agent free now and then: a place gets its turn, or the longest wait is answered."""
    places = kept()
    line = [waiting(f"w{at}", START + at * SECOND) for at, holds in joins if holds]
    for at, holds in joins:
        if not holds:
            places.hear([asked(f"p{at}", START + at * SECOND, START + (at + 45) * SECOND)])
    now, served = START + 600 * SECOND + BOUND + PROMISING, []
    for pause in frees:
        now += pause * SECOND
        place = places.choose(AGENT, [QUEUE], {QUEUE: line}, now)
        if place is not None:
            places.hear([started(place.call, now, f"out-{place.call}"), answered(now, f"out-{place.call}")])
            served.append(place.joined_at)
        elif line:
            line.sort(key=lambda one: one.wait.joined_at)
            served.append(line.pop(0).wait.joined_at)
    assert served == sorted(START + at * SECOND for at, _ in joins)


def test_a_place_is_found_by_its_record_as_long_as_it_is_kept_and_knows_the_callers_language() -> None:
    places = kept()
    places.hear([structs.replace(asked("a", START, START + MINUTE), language="en")])
    place = places.of(asked_callback("a"))
    assert place is not None
    assert (place.call, place.queue, place.language) == ("a", QUEUE, "en")
    assert places.of(asked_callback("b")) is None
    places.withdraw("a", START + 2 * MINUTE)
    assert places.of(asked_callback("a")) is None
